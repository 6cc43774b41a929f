/* The inside of struct queen, shared by the files of this folder. Each part names the thread or lock that
 * owns it. */
#ifndef QUEEN_RUNTIME_H
#define QUEEN_RUNTIME_H

#include <pthread.h>
#include <sys/queue.h>

#include "queen/founding.h"
#include "queen/inbox.h"
#include "queen/lifeline.h"
#include "queen/queen.h"
#include "queen/reconciler.h"
#include "queen/replica.h"
#include "queen/snapshotter.h"
#include "queen/transport.h"
#include "queen/watch.h"
#include "queen/writer.h"
#include "store/store.h"

/* How long an RPC may take where it waits for the peer's disk: a large batch on a slow one takes its time. The caller gives
 * it up then, and so does the callee. */
#define QUEEN_RPC_TIMEOUT_MS 2000

/* A leader whose disk finishes nothing for so long gives way: well above the hiccups of a shared disk. */
#define QUEEN_DISK_STALL_MS 1500

/* Somebody who wants a snapshot that covers `needed`. */
struct queen_backup {
    TAILQ_ENTRY(queen_backup) link;
    raft_index needed;
    queen_snapshot_done *done;
    void *context;
};

struct queen {
    /* Set at the start, never changed. */
    struct queen_config config; /* without the lists */
    raft_id id;
    raft_index joined;   /* see store.h: when she started */
    struct inbox *inbox; /* locks itself, like the next ones */
    struct store *store;
    struct writer *writer;
    struct snapshotter *snapshotter;
    struct transport *transport;
    struct reconciler *reconciler;
    struct watch_hub *watch_hub;
    struct founding *founding;
    struct lifeline *lifeline; /* NULL with read leases */
    pthread_t thread;

    /* The consensus thread's own. */
    struct replica *replica;
    bool is_reconciler_concerned; /* in this round of work */
    bool is_dumping;              /* the replica has pieces of a dump to give */
    bool is_snapshot_under_way;   /* … or what it gave is not durable yet */
    uint64_t dump_serial;
    TAILQ_HEAD(, queen_backup) backups;
    uint64_t last_write, durable_write;
    int64_t unsynced_since_ms;   /* monotonic: the disk finishes nothing since; -1: it has nothing to do */
    int64_t leaderless_since_ms; /* monotonic; -1: there is a leader */
    const char *last_reason;     /* of the last role change */
    raft_id lifeline_leader;     /* whom the lifeline was told */
    char lifeline_address[HIVE_ADDRESS_BYTES];
    bool is_drain_asked;

    pthread_mutex_t status_mutex; /* guards the published copies; held for a memcpy only */
    struct queen_status status;
    struct raft_configuration members, founders;

    pthread_mutex_t end_mutex; /* guards what follows: the hand-over at the end */
    pthread_cond_t end_moved;
    bool is_handed_over, has_successor, is_drained;
};

/* consensus.c: the thread's main function; its argument is the queen. */
void *queen_consensus_run(void *queen);

/* host.c: what the replica asks for; its context is the queen. */
extern const struct replica_host queen_host;

/* A peer's request on its way through the replica. */
struct queen_rpc_call {
    queen_rpc_done *done;
    void *context;
};

/* recovery.c: opens the store and makes the replica of what is there. */
int queen_recover(struct queen *queen, struct hive_error *error);

/* hand_over.c: gives the leadership away, where this queen has it, and waits for that; then until nobody waits for an answer any
 * more. Both take no longer than two election timeouts. */
void queen_hand_over(struct queen *queen);

/* status.c: publishes what /healthz shows, and records role changes. Consensus thread. */
void queen_status_publish(struct queen *queen);
void queen_status_add_transition(struct queen *queen, const struct raft_transition *transition);
void queen_status_set_members(struct queen *queen, const struct raft_configuration *members);

#endif
