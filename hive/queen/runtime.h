/* The inside of struct queen, shared by the files of this folder. Each part names the thread or lock that
 * owns it. */
#ifndef QUEEN_RUNTIME_H
#define QUEEN_RUNTIME_H

#include <pthread.h>
#include <sys/queue.h>

#include "queen/disk.h"
#include "queen/inbox.h"
#include "queen/pending.h"
#include "queen/queen.h"
#include "queen/reconciler.h"
#include "queen/transport.h"
#include "store/store.h"

/* How long an RPC may take where it waits for the peer's disk: a large batch on a slow one takes its time. The caller gives
 * it up then, and so does the callee. */
#define QUEEN_RPC_TIMEOUT_MS 2000

/* A read that waits for its quorum round; its place in memory is its context in the core, so it stays until the core
 * answers. */
struct queen_waiting_read {
    TAILQ_ENTRY(queen_waiting_read) link;
    int64_t deadline_ms; /* monotonic */
    queen_done *done;    /* NULL once it was answered "unconfirmed" */
    void *context;
};

/* A message that must not leave before a write is durable: to a peer, or the answer to a peer's request. */
struct queen_held_message {
    uint64_t after_write;
    int64_t expires_ms;           /* an answer: nobody waits for it after that */
    struct raft_message *message; /* owned */
    queen_rpc_done *rpc_done;     /* NULL: send it to its peer */
    void *context;
};

struct queen {
    /* Set at the start, never changed. */
    struct queen_config config;
    raft_id id;
    struct transport_peer members[HIVE_QUEENS]; /* itself first; addresses are owned */
    size_t member_count;
    struct inbox *inbox; /* locks itself, like the next ones */
    struct store *store;
    struct disk *disk;
    struct transport *transport;
    struct reconciler *reconciler;
    pthread_t thread;

    /* The consensus thread's own. */
    struct raft *raft;
    struct machine *machine;
    uint64_t durable_write;
    uint64_t random_state;
    int64_t raft_deadline_ms;
    raft_index applied; /* no-ops included */
    struct pending pending;
    TAILQ_HEAD(, queen_waiting_read) reads; /* oldest first */
    struct queen_held_message *held;
    size_t held_count, held_capacity;

    pthread_mutex_t status_mutex; /* guards the published copy; held for a memcpy only */
    struct queen_status status;
};

/* consensus.c: the thread's main function; its argument is the queen. */
void *queen_consensus_run(void *queen);

/* status.c: publishes what /healthz shows, and records role changes. Consensus thread. */
void queen_status_publish(struct queen *queen);
void queen_status_add_transition(struct queen *queen, const struct raft_transition *transition);

#endif
