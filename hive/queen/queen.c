/* A queen's life: recovery, the start of its threads in the order in which they need each other, and the way
 * back. */
#include "queen/queen.h"

#include "hive/log.h"
#include "hive/memory.h"
#include "queen/runtime.h"

static void start_reconciler(struct queen *queen)
{
    struct reconciler_config reconciler = {
        .queen = queen,
        .token = queen->config.token,
        .address = queen->config.address,
        .faults = queen->config.faults,
        .heartbeat_ms = queen->config.drone_heartbeat_ms,
        .suspect_ms = queen->config.drone_suspect_ms,
        .lost_ms = queen->config.drone_lost_ms,
    };
    queen->reconciler = reconciler_start(&reconciler);
}

static void start_transport(struct queen *queen)
{
    struct transport_config transport = {
        .id = queen->id,
        .address = queen->config.address,
        .token = queen->config.token,
        .heartbeat_timeout_ms = queen->config.election_timeout.max_ms,
        .timeout_ms = QUEEN_RPC_TIMEOUT_MS,
        .faults = queen->config.faults,
        .inbox = queen->inbox,
        .snapshotter = queen->snapshotter,
    };
    queen->transport = transport_start(&transport);
}

static void create_founding(struct queen *queen, const struct queen_config *config)
{
    struct founding_config founding = {
        .queen = queen,
        .id = queen->id,
        .address = queen->config.address,
        .queens = config->queens,
        .join = config->join,
        .standby = config->standby,
        .joined = queen->joined,
        .token = config->token,
        .faults = config->faults,
    };
    queen->founding = founding_create(&founding);
}

static void start_threads(struct queen *queen)
{
    const struct raft *raft = replica_raft(queen->replica);
    queen->watch_hub = watch_hub_create(replica_applied(queen->replica));
    queen->writer = writer_start(queen->store, queen->inbox);
    queen->snapshotter = snapshotter_start(queen->store, queen->inbox);
    start_transport(queen);
    transport_set_members(queen->transport, raft_configuration(raft));
    queen_status_set_members(queen, raft_configuration(raft));
    struct raft_transition follower = {
        .role = RAFT_FOLLOWER, .term = raft_current_term(raft), .reason = "started"};
    queen_status_add_transition(queen, &follower);
    if (!queen->config.read_lease)
        queen->lifeline = lifeline_start(queen, queen->id, queen->config.faults);
    queen_status_publish(queen);
    start_reconciler(queen);
    pthread_create(&queen->thread, NULL, queen_consensus_run, queen);
    pthread_setname_np(queen->thread, "consensus");
}

static struct queen *create(const struct queen_config *config)
{
    struct queen *queen = hive_calloc(1, sizeof *queen);
    queen->config = *config;
    queen->config.queens = queen->config.join = NULL; /* the caller's */
    queen->unsynced_since_ms = queen->leaderless_since_ms = -1;
    TAILQ_INIT(&queen->backups);
    pthread_mutex_init(&queen->status_mutex, NULL);
    pthread_mutex_init(&queen->end_mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queen->end_moved, &attributes);
    pthread_condattr_destroy(&attributes);
    queen->inbox = inbox_create();
    return queen;
}

int queen_start(const struct queen_config *config, struct queen **started, struct hive_error *error)
{
    struct queen *queen = create(config);
    int code = queen_recover(queen, error);
    if (code) {
        if (queen->store)
            store_close(queen->store);
        queen_destroy(queen);
        return code;
    }
    create_founding(queen, config);
    start_threads(queen);
    founding_start(queen->founding);
    *started = queen;
    return 0;
}

void queen_stop(struct queen *queen)
{
    founding_stop(queen->founding);
    queen_hand_over(queen);
    /* The reconciler before the consensus thread: it waits for answers of that. */
    reconciler_stop(queen->reconciler);
    lifeline_stop(queen->lifeline);
    inbox_close(queen->inbox);
    pthread_join(queen->thread, NULL);
    snapshotter_stop(queen->snapshotter);
    transport_stop(queen->transport);
    writer_stop(queen->writer);
    store_close(queen->store);
    queen->store = NULL;
}

void queen_destroy(struct queen *queen)
{
    if (!queen)
        return;
    reconciler_destroy(queen->reconciler);
    founding_destroy(queen->founding);
    lifeline_destroy(queen->lifeline);
    snapshotter_destroy(queen->snapshotter);
    replica_destroy(queen->replica);
    if (queen->watch_hub)
        watch_hub_destroy(queen->watch_hub);
    inbox_destroy(queen->inbox);
    pthread_mutex_destroy(&queen->status_mutex);
    pthread_cond_destroy(&queen->end_moved);
    pthread_mutex_destroy(&queen->end_mutex);
    free(queen);
}
