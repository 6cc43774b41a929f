/* What a queen's directory says about its past. Called once, at the start, by store_open. */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/disk.h"
#include "store/store.h"
#include "store/wal.h"

/* Where the log goes on. */
struct recovery_end {
    struct wal_state state;
    uint64_t write_number; /* of the last frame; 0: none */
    uint64_t sequence;     /* of the segment in use; 0: there is none yet */
    size_t offset;         /* where the next frame goes in it */
    bool has_spare;        /* the segment after it is there, prepared and empty */
};

/* Reads the log of queen `id`, cuts a torn tail, and makes durable what it found. Errors as store_open's;
 * `recovery` is then empty. */
int recovery_run(const struct disk *disk, const char *directory, raft_id id, struct store_recovery *recovery,
                 struct recovery_end *end, struct hive_error *error);

#endif
