/* Consensus on disk: the write-ahead log of one queen, with entries, truncations, term and vote in one sequence, so that
 * one sync covers a whole step. The byte-exact format opens wal.c.
 *
 * Threads: store_open and store_close by the thread that owns the node; the encoders are pure and may run anywhere;
 * store_write by one thread (the disk thread) at a time. A failed write or sync poisons the store: every later store_write
 * fails too, and the node must stop (a sync that failed once cannot be repeated: the kernel may have dropped the pages). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "raft/raft.h"

struct store;

struct store_config {
    const char *directory; /* created where missing */
    raft_id id;            /* of this queen; a directory written under another id is refused */
    size_t
        segment_bytes; /* size of one preallocated segment; 0: the default. Tests take small ones. A batch that is larger
                              than a segment gets a segment of its own size */
};

/* What was found. Release with store_recovery_finish. */
struct store_recovery {
    raft_term term;
    raft_id voted_for;
    struct raft_entry *entries; /* owned, as is their data; from index 1 without gaps */
    size_t entry_count;
    uint64_t truncated_bytes; /* of a torn tail that was cut; 0: the log ended cleanly */
};
void store_recovery_finish(struct store_recovery *recovery);

/* Locks the directory, recovers the log, cuts a torn tail (durably) and makes ready to write. -EWOULDBLOCK: another process
 * has it (its pid is in the message); -EBADMSG: a bad record with good ones after it, or a missing segment: the message
 * names file and offset and says what to do; -EINVAL: another queen's directory; or the errno of what failed. */
int store_open(const struct store_config *config, struct store **store, struct store_recovery *recovery,
               struct hive_error *error);

/* Releases the lock. Does not sync: everything that was acknowledged already is. */
void store_close(struct store *store);

/* One step's records, appended to `batch` in the order of raft.h's contract: truncation, entries, hard state. Batches of
 * several steps may be put behind each other and written at once (group commit). */
void store_encode_truncate(struct hive_buffer *batch, raft_index from);
void store_encode_entry(struct hive_buffer *batch, const struct raft_entry *entry);
void store_encode_hard_state(struct hive_buffer *batch, raft_term term, raft_id voted_for);

/* Writes the records and syncs; 0 means durable. */
int store_write(struct store *store, const void *batch, size_t bytes, struct hive_error *error);

#endif
