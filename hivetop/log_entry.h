/* One line of a node's log, as the dashboard shows it: when, how bad, and what. Pure. */
#ifndef HIVETOP_LOG_ENTRY_H
#define HIVETOP_LOG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_TEXT_BYTES 4096 /* what is kept of a line; the rest is only counted */

struct log_source;

struct log_entry {
    struct log_source *file; /* not owned: where it comes from */
    int64_t serial;          /* its place among the file's lines; never used twice */
    int64_t time_ms;         /* unix; 0: the line tells none */
    int64_t order_ms;        /* the time it is merged by: never goes back within a file */
    int level;               /* enum hive_log_level; -1: the line tells none */
    unsigned judged;         /* by which pattern `is_match` was found out */
    bool is_match;
    char text[]; /* behind time and level; no control character in it */
};

/* Reads the line (without its end), of which `bytes` are here and `more` others were left out. The caller owns it. */
struct log_entry *log_entry_make(const char *data, size_t bytes, uint64_t more);

/* The order in which the lines of all files are read: by time, then by file, then as they were written. */
int log_entry_compare(const struct log_entry *a, const struct log_entry *b);

#endif
