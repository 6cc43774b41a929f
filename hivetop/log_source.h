/* The end of one node's log, followed while it grows: a bounded number of lines, of which earlier ones are read
 * on demand. Survives that the file is cut, replaced, removed or not there yet. Reads regular files only, and so
 * never waits for anybody. One thread. */
#ifndef HIVETOP_LOG_SOURCE_H
#define HIVETOP_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hive/buffer.h"
#include "hive/limits.h"
#include "log_entry.h"

#define LOG_CHUNK_BYTES (256 * 1024)      /* what is read of a file first, and at least when going back */
#define LOG_BURST_BYTES (4 * 1024 * 1024) /* what grew by more since the last look is not read through */

struct log_source {
    char name[HIVE_ADDRESS_BYTES]; /* of the node */
    char *path;                    /* owned */
    int place;                     /* among the nodes: its colour, and who comes first at the same time */
    int fd;                        /* -1: not open */
    dev_t device;
    ino_t inode;
    int64_t begin, end; /* of the file, [begin, end) is read; begin 0: nothing earlier can be read */

    struct log_entry **lines; /* owned, each and all: from `first` up to `last`, as they stand in the file */
    size_t first, last, capacity;
    size_t bytes; /* that they take */
    size_t max_bytes;
    int64_t next_serial, first_serial;
    struct hive_buffer partial; /* the beginning of a line that has no end yet */
    uint64_t partial_more;      /* bytes of it that are not kept */
    bool is_partial_shown;      /* it stands among the lines, as the last of them */
    int64_t
        changed_ms; /* unix: when somebody wrote to it last; for lines before the first that tells a time */
    const char *problem; /* why there is nothing to read; NULL: there is */

    /* The reader's own: the first line that he does not know yet. */
    int64_t taken_serial;
    bool is_kept, has_grown;
};

/* What became of the lines; flags. */
enum log_change {
    LOG_SAME = 0,
    LOG_GREW = 1,    /* lines were added behind the others */
    LOG_CHANGED = 2, /* lines are gone, or were added before the others */
};

void log_source_init(struct log_source *file, const char *name, const char *path, int place,
                     size_t max_bytes);
void log_source_finish(struct log_source *file);

/* Reads what is new. With LOG_CHANGED, lines that somebody knows may be gone. */
unsigned log_source_look(struct log_source *file);

/* There is more before the first line, and room for it. */
bool log_source_has_older(const struct log_source *file);

/* Reads a piece of that. */
unsigned log_source_go_back(struct log_source *file);

#endif
