/* A queen at run time: the threads around the pure core. Requests come in through here, from any thread;
 * answers go out through callbacks on the consensus thread, which must not block.
 *
 *     HTTP threads ── queen_propose, queen_read, queen_rpc ──► inbox ──► consensus thread
 *         consensus thread ──► disk thread
 *                          ──► transport thread
 *                          ──► apply to the machine, call back
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
#include "raft/raft.h"

struct queen;

struct queen_config {
    char address[HIVE_ADDRESS_BYTES];  /* own, as the others call it */
    const struct hive_strings *queens; /* the other members of the group */
    const char *data_directory;
    const char *token; /* of the cluster, or NULL; must outlive the queen */
    struct hive_range_ms election_timeout;
    int64_t heartbeat_ms;
    int64_t request_timeout_ms;
    int64_t drone_heartbeat_ms, drone_suspect_ms, drone_lost_ms;
};

/* Recovers the log and starts the threads. */
int queen_start(const struct queen_config *config, struct queen **queen, struct hive_error *error);

/* Answers everything that waits, ends the threads and closes the log. Later proposals, reads and RPCs are
 * answered STOPPING at once. */
void queen_stop(struct queen *queen);

/* Frees a stopped queen; no call may be under way. NULL is fine. */
void queen_destroy(struct queen *queen);

enum queen_outcome {
    QUEEN_DONE,        /* applied or read: result / machine are set */
    QUEEN_NOT_LEADER,  /* refused, nothing happened; `leader` says who may know better */
    QUEEN_DISCARDED,   /* another leader's entry took its place: certainly not applied */
    QUEEN_UNKNOWN,     /* no answer in time, or leadership was lost: may or may not be applied */
    QUEEN_UNCONFIRMED, /* a read: no quorum confirmed in time that this queen still leads */
    QUEEN_BUSY,        /* too much is waiting: nothing happened */
    QUEEN_STOPPING,    /* this queen is ending: nothing happened */
};

struct queen_answer {
    enum queen_outcome outcome;
    const char *leader;                  /* address, or NULL where none is known */
    uint64_t index;                      /* of the log entry; of the last applied one for reads */
    const struct machine_result *result; /* proposals */
    const struct machine *machine;       /* reads: valid during the callback */
};

/* Called exactly once, on the consensus thread (or, where the queue is full, on the caller's). */
typedef void queen_done(const struct queen_answer *answer, void *context);

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

/* A message on the heap, its entries and their data included. */
struct raft_message *queen_message_copy(const struct raft_message *message);
void queen_message_free(struct raft_message *message);

/* What /healthz shows: a copy of what the consensus thread last published. Never waits for consensus or disk.
 */
struct queen_peer {
    raft_id id;
    const char *address; /* the queen's */
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
    const char *leader, *voted_for; /* addresses, or NULL */
    int64_t last_heartbeat_ms;      /* unix; 0: never */
    raft_index first, last, commit, applied;
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

/* The address of a member, or NULL. Any thread. */
const char *queen_address_of(const struct queen *queen, raft_id id);
raft_id queen_id(const struct queen *queen);

#endif
