/* One file of the log: created full of zeros, then overwritten once. Not thread-safe per segment. */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "hive/error.h"
#include "raft/raft.h"
#include "store/disk.h"

struct segment {
    int file;
    uint64_t sequence;
    uint64_t salt;
    size_t bytes; /* size of the file */
};

#define SEGMENT_NONE ((struct segment){.file = -1})

/* The file's path; the caller owns it. */
char *segment_path(const char *directory, uint64_t sequence);

/* Makes a segment of that size, durable in name and content before it returns; replaces one that was prepared
 * under the same number. */
int segment_create(const struct disk *disk, const char *directory, raft_id id, uint64_t sequence,
                   size_t bytes, struct segment *segment, struct hive_error *error);

/* Opens one that recovery has read, for writing. */
int segment_open(const struct disk *disk, const char *directory, uint64_t sequence, struct segment *segment,
                 struct hive_error *error);

/* Closes the file; fine for SEGMENT_NONE, and leaves that. */
void segment_close(const struct disk *disk, struct segment *segment);

#endif
