/* A queen at run time: the threads around the pure core. Requests come in through here, from any thread;
 * answers go out through callbacks on the consensus thread, which must not block.
 *
 *     HTTP threads ── queen_propose, queen_read, queen_rpc, … ──► inbox ──► consensus thread: the replica (replica.h)
 *         consensus thread ──► writer thread: the log
 *                          ──► transport thread: messages and snapshots to peers
 *                          ──► snapshot thread: dumps, files, loading
 *                          ──► answers through callbacks; changes of keys to those who watch (watch.h)
 *
 * The reconciler (reconciler.h) is one more client of it, for the drones and the tasks. */
#ifndef QUEEN_QUEEN_H
#define QUEEN_QUEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/limits.h"
#include "hive/options.h"
#include "machine/machine.h"
#include "queen/answer.h"
#include "queen/digests.h"
#include "queen/message.h"
#include "raft/raft.h"

struct faults;
struct queen;

struct queen_config {
    char address[HIVE_ADDRESS_BYTES]; /* own, as the others call it */
    /* How a queen whose disk is new becomes one of a group; one that has been in a group before goes on in it, whatever these say. */
    const struct hive_strings *queens; /* those that found it together with this one (founding.h) */
    const struct hive_strings *join;   /* not empty: queens of a group that is to take this one in */
    bool standby;                      /* waits until somebody adds it to a group */
    const char *data_directory;
    const char *token; /* of the cluster, or NULL; must outlive the queen */
    struct hive_range_ms election_timeout;
    int64_t heartbeat_ms;
    int64_t request_timeout_ms;
    int64_t snapshot_entries, snapshot_bytes; /* of the log, after which a snapshot is taken; see replica.h */
    bool read_lease;                          /* see raft.h */
    int clock_drift_percent;
    int64_t drone_heartbeat_ms, drone_suspect_ms, drone_lost_ms;
    struct faults *faults; /* or NULL; must outlive the queen */
};

/* Recovers the log and starts the threads. */
int queen_start(const struct queen_config *config, struct queen **queen, struct hive_error *error);

/* Answers everything that waits, ends the threads and closes the log. Later proposals, reads and RPCs are
 * answered STOPPING at once. */
void queen_stop(struct queen *queen);

/* Frees a stopped queen; no call may be under way. NULL is fine. */
void queen_destroy(struct queen *queen);

/* Replicates a machine command, stamped with the time of now. What it points to is copied before this returns. */
void queen_propose(struct queen *queen, const struct machine_command *command, queen_done *done,
                   void *context);

/* Calls back when the machine may be read: linearizably (on the leader only), or at once where `stale` will
 * do. */
void queen_read(struct queen *queen, bool stale, queen_done *done, void *context);

/* A peer's request; takes the message (queen_message_free). Calls back with the answer, when it may leave (DONE); or without
 * one: DISCARDED (the message makes no sense to this queen), UNKNOWN (the disk took too long), STOPPING. */
typedef void queen_rpc_done(enum queen_outcome outcome, const struct raft_message *reply, void *context);
void queen_rpc(struct queen *queen, struct raft_message *message, queen_rpc_done *done, void *context);

/* Changes the members, or hands the leadership over (`to` 0: to the best). See raft.h. */
void queen_change(struct queen *queen, const struct raft_change *change, queen_done *done, void *context);
void queen_transfer(struct queen *queen, raft_id to, queen_done *done, void *context);

/* The members, copied from what the consensus thread last published; `founding` may be NULL, its count is 0 where it is not known. Any
 * thread. */
void queen_members(struct queen *queen, struct raft_configuration *members,
                   struct raft_configuration *founding);

/* For founding.c: these found the group. Durable before this returns; then the replica is told. Any thread. */
int queen_found(struct queen *queen, const struct raft_configuration *founding, struct hive_error *error);

/* For founding.c, on its thread: the group took this queen in by entry `index`, durably so before this returns; and: the group's queens
 * say that it has removed her since. */
int queen_joined(struct queen *queen, raft_index index, struct hive_error *error);
void queen_removed(struct queen *queen);

/* For lifeline.c. Any thread. */
void queen_leader_gone(struct queen *queen, raft_id leader);

/* A piece of a snapshot from the leader. Takes nothing; calls back with the answer to send: how far the file is here
 * (`next_offset`), and with the last piece, once the snapshot is installed and durable, the reply. */
struct queen_snapshot_piece {
    raft_id from, to;
    raft_term term;
    raft_index last_included_index;
    raft_term last_included_term;
    uint64_t file_bytes, offset;
    const void *data;
    size_t bytes;
};
typedef void queen_piece_done(enum queen_outcome outcome, raft_term term, uint64_t next_offset,
                              raft_index match_index, void *context);
void queen_install_snapshot(struct queen *queen, const struct queen_snapshot_piece *piece,
                            queen_piece_done *done, void *context);

/* Calls back, on a thread of the queen's, with a snapshot of everything that was applied before this was called (on a leader, ask
 * queen_read first for everything that was acknowledged). The callee owns the reader; NULL with an outcome and a message where it failed. */
struct store_snapshot_reader;
typedef void queen_snapshot_done(enum queen_outcome outcome, struct store_snapshot_reader *reader,
                                 const char *message, void *context);
void queen_snapshot(struct queen *queen, queen_snapshot_done *done, void *context);

/* Where changes of keys are told (watch.h). */
struct watch_hub;
struct watch_hub *queen_watch_hub(struct queen *queen);

/* What /healthz shows: a copy of what the consensus thread last published. Never waits for consensus or disk.
 */
struct queen_peer {
    raft_id id;
    char address[HIVE_ADDRESS_BYTES];
    enum raft_member_kind kind;
    raft_index match, next;
    enum raft_progress_state state;
    int64_t last_ack_ms; /* unix; 0: never in this term */
};
struct queen_transition {
    int64_t time_ms; /* unix */
    struct raft_transition transition;
};
struct queen_status {
    raft_id id;
    enum raft_role role;
    raft_term term;
    raft_term durable_term; /* a crash does not lead back behind this one */
    char leader[HIVE_ADDRESS_BYTES], voted_for[HIVE_ADDRESS_BYTES]; /* empty: none */
    int64_t last_heartbeat_ms;                                      /* unix; 0: never */
    raft_index first, last, commit, applied, snapshot;
    uint64_t group; /* as machine_chain's */
    struct digests digests;
    enum raft_standing standing;
    char reason
        [HIVE_ERROR_BYTES]; /* why there is no leader, as far as this queen knows, why it is no member, or why it has no snapshots; empty: all is well */
    struct machine_task_counts tasks;
    struct queen_transition transitions[HIVE_TRANSITIONS]; /* oldest first */
    size_t transition_count;
    struct queen_peer peers[HIVE_QUEENS];
    size_t peer_count;
};
void queen_status(struct queen *queen, struct queen_status *status);

/* The drones as this queen sees them (a follower only knows that they are registered), in byte order of the
 * addresses, until `visit` returns false. Any thread; a short lock is held meanwhile. */
struct queen_drone {
    const char *address, *name;
    bool is_suspect;
    int64_t last_seen_ms; /* unix; 0: not by this leader */
    int running;          /* tasks, by its own word */
};
void queen_each_drone(struct queen *queen, bool (*visit)(const struct queen_drone *drone, void *context),
                      void *context);

/* What this queen knows of the drone at `address` (without address and name); false where that is nothing
 * yet. */
bool queen_find_drone(struct queen *queen, const char *address, struct queen_drone *drone);

/* The address of a member; false where there is none. Any thread. */
bool queen_address_of(struct queen *queen, raft_id id, char address[HIVE_ADDRESS_BYTES]);
raft_id queen_id(const struct queen *queen);

#endif
