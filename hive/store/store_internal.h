/* The store from the inside: what its files share. */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "store/disk.h"
#include "store/segment.h"
#include "store/store.h"
#include "store/wal.h"

/* A snapshot on disk, from when it has its name until nobody reads it any more. */
struct shelved {
    raft_index index;
    raft_term term;
    char *path;
    atomic_int users; /* readers, and the shelf itself */
    int file;         /* once its name is gone: the last user gives the space back; else -1 */
};

struct store {
    const struct disk *disk;
    char *directory;
    raft_id id;
    size_t segment_bytes;
    int lock;
    bool has_founding;

    /* Of the writing thread. */
    struct segment active;
    size_t offset; /* of the next frame in it */
    uint64_t write_number;
    struct wal_state state; /* after the last frame */
    int failure;            /* the error that ended it all; 0: none */
    struct hive_error reason;

    /* The next segment. While `is_preparing` it belongs to the task `preparer`, and joining gets it back. */
    struct segment spare;
    void *preparer;
    bool is_preparing;

    /* What the writing thread and that of the snapshots share, under the mutex. */
    pthread_mutex_t mutex;
    uint64_t first_sequence; /* of the segments on disk */
    raft_index *closed;      /* of each but the one in use, in order: see recovery.h */
    size_t closed_count, closed_capacity;
    bool has_failed_to_drop;                   /* a segment: the thread of the snapshots' own */
    struct shelved *shelf[HIVE_SNAPSHOTS + 1]; /* newest first */
    size_t shelf_count;

    bool has_writer, has_incoming; /* of the snapshots' thread */
    bool is_incoming_own; /* the same; what is there of an incoming file was written by this process */
};

/* ---- the snapshots that there are: shelf.c ---- */

/* True where there is one for that index and term. */
bool shelf_has(struct store *store, raft_index index, raft_term term);

/* Puts a file that is complete and synced under its name, durably, and removes those that are too many. Where the same snapshot
 * is there already, the file goes. */
int shelf_put(struct store *store, const char *path, raft_index index, raft_term term,
              struct hive_error *error);

/* Adds one that recovery found. */
void shelf_add(struct store *store, raft_index index, raft_term term);

/* The log is needed from there on, to go with the oldest snapshot; 0: all of it. Under the mutex. */
raft_index shelf_floor(struct store *store);

void shelf_finish(struct store *store);

/* ---- a large file that is written beside the log ---- */

struct paced {
    const struct disk *disk;
    char *path; /* owned */
    int file;
    uint64_t offset;   /* where the next bytes go */
    uint64_t unsynced; /* bytes since the last sync */
};

/* Opens the file with those flags. */
int paced_open(const struct disk *disk, char *path, int flags, struct paced *paced, struct hive_error *error);
/* Writes behind what is there; syncs where enough has come together. */
int paced_write(struct paced *paced, struct iovec *parts, int count, struct hive_error *error);
int paced_sync(struct paced *paced, struct hive_error *error);
/* Closes it; `remove`: and takes it away. */
void paced_finish(struct paced *paced, bool remove);

#endif
