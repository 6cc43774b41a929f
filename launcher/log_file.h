/* A log file that is read line by line while others write, truncate, replace or remove it. */
#ifndef LAUNCHER_LOG_FILE_H
#define LAUNCHER_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hive/buffer.h"
#include "hive/limits.h"
#include "log_line.h"

struct log_file {
    char name[HIVE_NAME_BYTES]; /* of the node */
    char *path;                 /* owned */
    int descriptor;             /* -1: it is not there, or cannot be read */
    ino_t inode;
    int64_t offset;           /* bytes that were read */
    struct hive_buffer bytes; /* read, and not taken yet */
    struct hive_buffer taken; /* the line that was taken last */
    size_t searched;          /* of these, how many hold no end of a line */
    size_t line_bytes;        /* of the next line with its end; 0: none is there */
    struct log_line line;     /* what that tells; a line without a time has that of the one before it */
    int64_t time_ms;
};

void log_file_open(struct log_file *file, const char *name, const char *path);
void log_file_finish(struct log_file *file);

/* Notes whether it was truncated or replaced since, and reads on from where it makes sense. False: it is gone. */
bool log_file_look(struct log_file *file);

/* Goes to where its last `lines` lines begin; how many there are. */
size_t log_file_seek_end(struct log_file *file, size_t lines);

/* True where a line is there: file->line tells of it. `is_final`: one without an end counts, too. */
bool log_file_peek(struct log_file *file, bool is_final);

/* Takes that line, without its end, as text; valid until the next call. */
char *log_file_take(struct log_file *file);

#endif
