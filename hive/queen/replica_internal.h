/* The inside of struct replica, shared by the replica_*.c files. */
#ifndef QUEEN_REPLICA_INTERNAL_H
#define QUEEN_REPLICA_INTERNAL_H

#include <sys/queue.h>

#include "hive/buffer.h"
#include "queen/digests.h"
#include "queen/pending.h"
#include "queen/replica.h"

/* A read that waits for its quorum round. */
struct replica_asked_read {
    TAILQ_ENTRY(replica_asked_read) link;
    uint64_t id; /* its context in the core */
    int64_t deadline_ms;
    queen_done *done; /* NULL once it was answered "unconfirmed"; the core still answers it */
    void *context;
};

/* A proposal or read that waits for the end of a transfer: it is not in the core's hands. */
struct replica_waiting {
    TAILQ_ENTRY(replica_waiting) link;
    bool is_read;
    struct hive_buffer command;
    int64_t deadline_ms;
    queen_done *done;
    void *context;
};

/* A message that must not leave before a write is durable. */
struct replica_held {
    uint64_t after_write;
    int64_t expires_ms;           /* an answer: nobody waits for it after that */
    struct raft_message *message; /* owned */
    bool is_reply;
    void *rpc;
};

/* The request of a peer that a step works on. */
struct replica_request {
    void *rpc;
    bool is_answered;
};

enum replica_snapshot_state { REPLICA_NO_SNAPSHOT, REPLICA_DUMPING, REPLICA_WRITING };

struct replica {
    struct replica_config config;
    const struct replica_host *host;
    void *context; /* the host's */
    struct raft *raft;
    struct machine *machine;
    int64_t now_ms, raft_deadline_ms;
    uint64_t random_state, durable_write;
    raft_index applied; /* no-ops and configurations included */
    raft_index dropped_before;
    struct digests digests;  /* of late; the chain itself is the machine's */
    struct machine *arrived; /* during a step: loaded from the snapshot that it is about */

    /* Who waits for what. */
    struct pending pending;
    TAILQ_HEAD(, replica_asked_read) reads; /* oldest first */
    uint64_t last_read;
    TAILQ_HEAD(replica_queue, replica_waiting) waiting; /* likewise */
    size_t waiting_bytes;
    queen_done *transfer_done; /* NULL: nobody waits for the transfer, or there is none */
    void *transfer_context;
    int64_t
        successor_deadline_ms; /* 0, or: a transfer has succeeded, and until then who leads now is to be heard of */

    struct replica_held *held;
    size_t held_count, held_capacity;

    struct {
        enum replica_snapshot_state state;
        struct raft_snapshot current; /* the one under way */
        raft_index durable_index;
        uint64_t entries, bytes;               /* applied since the start, for ever rising */
        uint64_t entries_before, bytes_before; /* of them, those that the durable one covers */
        uint64_t entries_begun, bytes_begun;   /* … and those that the one under way does */
        uint64_t current_bytes, last_bytes;    /* of the dumps */
        int64_t retry_ms, pause_ms;            /* after one that failed */
        struct hive_buffer piece;
    } snapshot;
};

/* replica.c: one step of the core, and everything that its update asks for. `request` may be NULL. */
void replica_step(struct replica *replica, struct raft_event *event, struct replica_request *request,
                  struct raft_update *update);
const char *replica_leader_address(const struct replica *replica); /* NULL: none is known */

/* replica_messages.c */
void replica_messages_send(struct replica *replica, const struct raft_update *update,
                           struct replica_request *request);
void replica_messages_release(struct replica *replica); /* durable_write has risen */
void replica_messages_expire(struct replica *replica);
int64_t replica_messages_deadline_ms(const struct replica *replica);
void replica_messages_stop(struct replica *replica);

/* replica_clients.c */
void replica_clients_give_up_from(struct replica *replica, raft_index from);
void replica_clients_give_up_to(struct replica *replica, raft_index to);
void replica_clients_applied(struct replica *replica, const struct raft_entry *entry,
                             const struct machine_result *result);
void replica_clients_reads(struct replica *replica, const struct raft_update *update);
void replica_clients_expire(struct replica *replica);
int64_t replica_clients_deadline_ms(const struct replica *replica);
void replica_clients_stop(struct replica *replica);

/* replica_transfer.c */
bool replica_transfer_is_on(const struct replica *replica); /* proposals and reads wait */
void replica_transfer_wait(struct replica *replica, const struct replica_waiting *waiting);
void replica_transfer_ended(struct replica *replica, enum raft_status status);
void replica_transfer_settle(struct replica *replica); /* outside of a step */
void replica_transfer_expire(struct replica *replica);
int64_t replica_transfer_deadline_ms(const struct replica *replica);
void replica_transfer_stop(struct replica *replica);
/* … and back in replica_clients.c: with the deadlines that they have already. */
void replica_clients_propose_waiting(struct replica *replica, struct replica_waiting *const *waiting,
                                     size_t count);
void replica_clients_ask(struct replica *replica, int64_t deadline_ms, queen_done *done, void *context);

/* replica_snapshot.c */
void replica_snapshot_applied(struct replica *replica, const struct raft_entry *entry);
void replica_snapshot_consider(struct replica *replica); /* outside of a step */
void replica_snapshot_installed(struct replica *replica, raft_index index);
void replica_snapshot_give_up(struct replica *replica);
void replica_snapshot_stop(struct replica *replica);

#endif
