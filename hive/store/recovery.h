/* What a queen's directory says about its past. Called once, at the start, by store_open. */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/catalog.h"
#include "store/disk.h"
#include "store/store.h"
#include "store/wal.h"

/* Where the log begins and goes on. Zeroed for no log. */
struct recovery_end {
    struct wal_state state;
    raft_index first;        /* of the entries that are there, or would be: 1 where the log's begin is */
    uint64_t write_number;   /* of the last frame; 0: none */
    uint64_t first_sequence; /* of the segments that are there */
    uint64_t sequence;       /* of the segment in use; 0: there is none yet */
    size_t offset;           /* where the next frame goes in it */
    bool has_spare;          /* the segment after it is there, prepared and empty */
    raft_index *closed; /* of each segment before the one in use: the log's last index at its end, or 0 where
                                nothing in it counts any more; owned */
    bool is_replaced;   /* the snapshot is to be installed: the log did not reach it, or contradicted it */
    uint64_t good[2];   /* index and term of the snapshot that was chosen, as in its file's name; 0: none */
};
void recovery_end_finish(struct recovery_end *end);

/* Reads the log of queen `id` and the snapshot that goes with it, cuts a torn tail, and makes durable what was in
 * the log. Errors as store_open's; id and founding are not looked for. */
int recovery_run(const struct disk *disk, const char *directory, raft_id id, const struct catalog *catalog,
                 struct store_recovery *recovery, struct recovery_end *end, struct hive_error *error);

/* Removes the entries from that index on. */
void recovery_drop_from(struct store_recovery *recovery, raft_index from);

#endif
