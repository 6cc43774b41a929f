/* What is in a queen's directory, by the names of the files. */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/error.h"
#include "raft/raft.h"
#include "store/disk.h"

enum catalog_kind {
    CATALOG_LOCK,
    CATALOG_IDENTITY,
    CATALOG_FOUNDING,
    CATALOG_JOINED,
    CATALOG_RESTORING, /* a backup is being put back here */
    CATALOG_SEGMENT,   /* numbers: sequence */
    CATALOG_SNAPSHOT,  /* index, term */
    CATALOG_INCOMING,  /* index, term, bytes of the file */
    CATALOG_TEMPORARY, /* half made: NAME.tmp */
    CATALOG_OTHER,     /* not the store's */
};

#define CATALOG_LOCK_NAME      "lock"
#define CATALOG_IDENTITY_NAME  "identity"
#define CATALOG_FOUNDING_NAME  "founding"
#define CATALOG_JOINED_NAME    "joined"
#define CATALOG_RESTORING_NAME "restoring"
#define CATALOG_SEGMENT_NAME   "segment-%010" PRIu64
#define CATALOG_SNAPSHOT_NAME  "snapshot-%020" PRIu64 "-%020" PRIu64
#define CATALOG_INCOMING_NAME  "incoming-%020" PRIu64 "-%020" PRIu64 "-%020" PRIu64

struct catalog_file {
    enum catalog_kind kind;
    uint64_t numbers[3]; /* those in its name */
    char *name;
};

struct catalog {
    struct catalog_file *files; /* by kind, then by numbers */
    size_t count, capacity;
};

/* Reads the directory. A zeroed struct is fine to finish. */
int catalog_read(const struct disk *disk, const char *directory, struct catalog *catalog,
                 struct hive_error *error);
void catalog_finish(struct catalog *catalog);

/* The files of one kind, in order, and how many there are. */
const struct catalog_file *catalog_find(const struct catalog *catalog, enum catalog_kind kind, size_t *count);

/* Removes all files of that kind, as far as they can be. */
void catalog_remove(const struct catalog *catalog, const struct disk *disk, const char *directory,
                    enum catalog_kind kind);

#endif
