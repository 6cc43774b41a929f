/* Consensus on disk: one queen's identity, its write-ahead log (entries, truncations, term and vote in one sequence, so that one
 * sync covers a whole step) and its snapshots. The byte-exact formats open wal.c and snapshot.c.
 *
 * Threads: store_open and store_close by the thread that owns the node; the encoders are pure and may run anywhere;
 * store_write by one thread (the disk thread) at a time; all that is about snapshots, and store_drop_before, by one other thread at a
 * time, beside store_write. A failed write or sync of the log poisons the store: every later store_write fails too, and the node must
 * stop (a sync that failed once cannot be repeated: the kernel may have dropped the pages). A snapshot that cannot be written is
 * given up, and harms nothing. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "raft/raft.h"

struct store;
struct disk;

struct store_config {
    const char *directory; /* created where missing */
    size_t
        segment_bytes; /* of one preallocated segment; 0: the default. Tests take small ones. A batch that is larger
                             than a segment gets a segment of its own size */
    const struct disk *disk; /* NULL: the system's. Must outlive the store */
};

/* What was found. Release with store_recovery_finish. Consistent: where there is a snapshot, the entries begin at its index + 1 or
 * before, and the one at its index has its term; a log that did not reach it, or contradicts it, was replaced by it. */
struct store_recovery {
    raft_id id;  /* of this queen: 48 random bits, drawn when the directory was made */
    bool is_new; /* nothing was ever written but the id: it has neither voted nor acknowledged anything */
    raft_index
        joined; /* a group took this queen in by this entry, or named it later in this one; 0: none did */
    struct raft_configuration *founding; /* owned, like all pointers here; NULL: not known */
    raft_term term;
    raft_id voted_for;
    struct raft_snapshot *snapshot; /* the newest good one, NULL: none */
    struct raft_entry *entries;
    size_t entry_count;
    uint64_t truncated_bytes; /* of a torn tail that was cut; 0: the log ended cleanly */
};
void store_recovery_finish(struct store_recovery *recovery);

/* Locks the directory, recovers, cuts a torn tail (durably), removes half-made files and makes ready to write. -EWOULDBLOCK:
 * another process has it (its pid is in the message); -EBADMSG: a bad record with good ones after it, a missing segment, or no good
 * snapshot for a log that does not begin at 1: the message names file and offset and says what to do; or the errno of what failed. */
int store_open(const struct store_config *config, struct store **store, struct store_recovery *recovery,
               struct hive_error *error);

/* Releases the lock. Does not sync: everything that was acknowledged already is. */
void store_close(struct store *store);

/* Remembers, durably, what the group was founded with. Once, on a directory without a founding and without a snapshot. */
int store_set_founding(struct store *store, const struct raft_configuration *founding,
                       struct hive_error *error);

/* Remembers, durably, that a group took this queen in, by entry `index` (> 0). For one thread at a time; others may write meanwhile. */
int store_set_joined(struct store *store, raft_index index, struct hive_error *error);

/* One step's records, appended to `batch` in the order of raft.h's contract: install, truncation, entries, hard state. Batches of
 * several steps may be put behind each other and written at once (group commit). */
/* The log is now empty and goes on behind this index. Only when the snapshot was committed (store_snapshot_commit). */
void store_encode_install(struct hive_buffer *batch, raft_index index, raft_term term);
void store_encode_truncate(struct hive_buffer *batch, raft_index from);
void store_encode_entry(struct hive_buffer *batch, const struct raft_entry *entry);
void store_encode_hard_state(struct hive_buffer *batch, raft_term term, raft_id voted_for);

/* Writes the records and syncs; 0 means durable. */
int store_write(struct store *store, const void *batch, size_t bytes, struct hive_error *error);

/* Removes segments that hold nothing but entries before `first` (a snapshot on disk stands for them); the rest stays. */
int store_drop_before(struct store *store, raft_index first, struct hive_error *error);

/* ---- snapshots ---- */

/* A snapshot being written: of the own machine (the bytes of its dump), under a temporary name. Written and synced in small pieces, so
 * that the log's syncs beside it are not held up. At most one at a time. */
struct store_snapshot_writer;
int store_snapshot_begin(struct store *store, const struct raft_snapshot *snapshot,
                         struct store_snapshot_writer **writer, struct hive_error *error);
int store_snapshot_append(struct store_snapshot_writer *writer, const void *data, size_t bytes,
                          struct hive_error *error);
/* Durable and under its name; the oldest beyond HIVE_SNAPSHOTS go. Frees the writer, also on failure. */
int store_snapshot_commit(struct store_snapshot_writer *writer, struct hive_error *error);
void store_snapshot_abort(struct store_snapshot_writer *writer); /* NULL is fine */

/* Reading the newest one. What is open stays readable when the file is removed meanwhile. */
struct store_snapshot_reader;
int store_snapshot_open(struct store *store, struct store_snapshot_reader **reader,
                        struct hive_error *error); /* -ENOENT: none */
const struct raft_snapshot *store_snapshot_meta(const struct store_snapshot_reader *reader);
uint64_t store_snapshot_file_bytes(const struct store_snapshot_reader *reader);
/* Bytes of the file as it is, for a peer or a backup: how many were read (0 at its end), or a negative errno. */
ssize_t store_snapshot_read_file(struct store_snapshot_reader *reader, uint64_t offset, void *bytes,
                                 size_t size, struct hive_error *error);
/* The machine's bytes in order, checked on the way: how many (0 at the end), or -EBADMSG. */
ssize_t store_snapshot_read(struct store_snapshot_reader *reader, void *bytes, size_t size,
                            struct hive_error *error);
void store_snapshot_close(struct store_snapshot_reader *reader); /* NULL is fine */

/* A snapshot that arrives from a peer, in order, and may go on after an interruption, also in another process's life: the file's bytes
 * are kept under a temporary name that holds index, term and size. One at a time; another one's remains are removed. */
struct store_incoming;
int store_incoming_begin(struct store *store, raft_index index, raft_term term, uint64_t file_bytes,
                         struct store_incoming **incoming, uint64_t *offset, struct hive_error *error);
int store_incoming_append(struct store_incoming *incoming, const void *data, size_t bytes,
                          struct hive_error *error);
/* All bytes are there: checks them all, makes them durable under their name, and tells what it stands for. -EBADMSG: they are
 * damaged, and were removed. Frees `incoming`, also on failure. */
int store_incoming_commit(struct store_incoming *incoming, struct raft_snapshot *snapshot,
                          struct hive_error *error);
void store_incoming_suspend(struct store_incoming *incoming); /* frees it and keeps the bytes; NULL is fine */

/* ---- backups ---- */

/* Checks a snapshot file as a whole and tells what it stands for. */
int store_snapshot_verify(const char *path, struct raft_snapshot *snapshot, struct hive_error *error);

/* Makes a new directory of a backup: a queen with a new id, alone in its group, at `address`, with the state of `path`, and
 * a log whose indexes no group has used that may have been lost. -EEXIST: there is something in it already. */
int store_restore(const char *directory, const char *path, const char *address, struct hive_error *error);

#endif
