/* The logs of a cluster as one: its files, put in order by time. */
#ifndef LAUNCHER_LOG_SET_H
#define LAUNCHER_LOG_SET_H

#include "hive/ledger.h"
#include "hive/options.h"
#include "log_file.h"

struct log_set {
    char *directory;                   /* owned: DIRECTORY/logs */
    const struct hive_strings *wanted; /* nodes; none: all that have a log, and the launcher */
    struct log_file *files;            /* owned */
    size_t count;
};

void log_set_init(struct log_set *set, const struct hive_ledger *ledger, const struct hive_strings *wanted);
void log_set_finish(struct log_set *set);

/* Opens what is there by now and closes what is gone and was read to its end. */
void log_set_look(struct log_set *set);

/* The last `lines` lines of all together are next. */
void log_set_seek_end(struct log_set *set, size_t lines);

/* The file with the oldest line of those that are there; NULL: there is none now. */
struct log_file *log_set_next(struct log_set *set, bool is_final);

/* The longest name of a file; in characters. */
size_t log_set_width(const struct log_set *set);

#endif
