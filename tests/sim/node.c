/* A queen's process: it starts from its disk, works through its replica, and ends without warning. What its threads do beside the
 * consensus thread is in writer.c and snapshotter.c. */
#include <assert.h>

#include "hive/memory.h"
#include "sim/checks.h"
#include "sim/faults.h"
#include "sim/members.h"
#include "sim/network.h"
#include "sim/trace.h"

int64_t node_now_ms(const struct node *node)
{
    return sim_clock_ms(&node->clock, node->world->now_us);
}

int64_t node_unix_ms(const struct node *node)
{
    return node_now_ms(node) + node->clock.unix_ms;
}

/* ---- what the replica asks of its host, but for the disk and the network ---- */

static void on_applied(void *context, const struct raft_entry *entry, const struct machine_result *result)
{
    checks_applied(context, entry, result);
}

static void on_installed(void *context, const struct raft_snapshot *snapshot, struct machine *old)
{
    struct node *node = context;
    node->world->coverage.counts[COVER_INSTALLS]++;
    machine_destroy(old);
    checks_installed(node, snapshot);
    trace_event(node->world, node, "installs the snapshot at %llu", (unsigned long long)snapshot->index);
}

static void on_transition(void *context, const struct raft_transition *transition)
{
    trace_transition(context, transition);
}

static void on_configuration(void *context, const struct raft_configuration *configuration)
{
    checks_configuration(context, configuration);
}

static void send(void *context, const struct raft_message *message)
{
    network_send(context, message);
}

static void reply(void *context, enum queen_outcome outcome, const struct raft_message *message, void *rpc)
{
    network_reply(context, outcome, message, rpc);
}

const struct replica_host node_host = {
    .persist = writer_persist,
    .send = send,
    .reply = reply,
    .applied = on_applied,
    .installed = on_installed,
    .transition = on_transition,
    .configuration = on_configuration,
    .snapshot_begin = snapshotter_begin,
    .snapshot_piece = snapshotter_piece,
    .snapshot_end = snapshotter_end,
    .drop_before = snapshotter_drop_before,
};

/* ---- time ---- */

static void tick(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    (void)argument;
    struct node *node = &world->nodes[number];
    if (world->now_us < node->tick_us)
        return; /* a later one took its place */
    node->tick_us = INT64_MAX;
    int64_t now_ms = node_now_ms(node);
    if (now_ms >= replica_deadline_ms(node->replica))
        replica_tick(node->replica, now_ms);
    node_after_step(node);
}

/* A tick that is under way for an earlier time stays: it will see that it is early. */
static void await_deadline(struct node *node)
{
    struct world *world = node->world;
    int64_t due_us = sim_clock_world_us(&node->clock, replica_deadline_ms(node->replica));
    due_us = due_us > world->now_us ? due_us : world->now_us + 1;
    if (node->tick_us <= due_us)
        return;
    node->tick_us = due_us;
    struct sim_event event = {.at_us = due_us, .run = tick, .life = node->life, .node = node->number};
    sim_events_add(&world->events, &event);
}

void node_after_step(struct node *node)
{
    if (node->state != NODE_UP)
        return;
    if (node->disk->is_dead) {
        node->world->coverage.counts[COVER_CRASHES_IN_DISK]++;
        faults_crashed(node, node->disk_crash);
        return;
    }
    checks_step(node);
    trace_step(node);
    await_deadline(node);
}

/* ---- life ---- */

static struct replica *make_replica(struct node *node, const struct store_recovery *recovery)
{
    const struct world_config *config = &node->world->config;
    struct replica_config made = {
        .raft = config->raft,
        .host = &node_host,
        .context = node,
        .request_timeout_ms = config->request_timeout_ms,
        .rpc_timeout_ms = config->rpc_timeout_ms,
        .snapshot_entries = config->snapshot_entries,
        .snapshot_bytes = config->snapshot_bytes,
        .trailing_entries = config->trailing_entries,
        .seed = sim_random_next(&node->world->node_random),
    };
    made.raft.id = recovery->id;
    struct raft_recovered recovered = {
        .term = recovery->term,
        .voted_for = recovery->voted_for,
        .founding = recovery->founding,
        .snapshot = recovery->snapshot,
        .entries = recovery->entries,
        .entry_count = recovery->entry_count,
    };
    raft_index index = recovery->snapshot ? recovery->snapshot->index : 0;
    struct machine *machine = index ? snapshotter_load(node, recovery->snapshot) : machine_create();
    if (machine && index && recovery->snapshot->index != index)
        world_fail(node->world, "%s: the newest snapshot is not the one that was recovered", node->address);
    return machine ? replica_create(&made, &recovered, machine, node_now_ms(node)) : NULL;
}

static void count_recovery(struct node *node, const struct store_recovery *recovery)
{
    struct coverage *coverage = &node->world->coverage;
    if (recovery->entry_count > 0 || recovery->snapshot)
        coverage->counts[COVER_RECOVERIES]++;
    if (recovery->snapshot)
        coverage->counts[COVER_SNAPSHOTS_LOADED]++;
    if (recovery->truncated_bytes > 0)
        coverage->counts[COVER_TORN_TAILS]++;
}

/* The disk failed, or ended the process, while it started. */
static void start_failed(struct node *node, const char *reason)
{
    if (!node->disk->is_dead && node->disk->failures == node->seen_failures)
        world_fail(node->world, "%s cannot start: %s", node->address, reason);
    if (node->disk->is_dead)
        node->world->coverage.counts[COVER_CRASHES_IN_DISK]++;
    faults_crashed(node, node->disk->is_dead ? node->disk_crash : CRASH_PROCESS);
}

void node_start(struct node *node)
{
    struct world *world = node->world;
    struct store_config config = {
        .directory = "/queen",
        .segment_bytes = world->config.segment_bytes,
        .disk = &node->disk->disk,
    };
    struct store_recovery recovery;
    struct hive_error error = {0};
    assert(node->state != NODE_UP);
    node->state = NODE_UP;
    node->life = ++world->lives;
    node->tick_us = INT64_MAX;
    node->incoming_leader_term = 0;
    node->seen_failures = node->disk->failures;
    trace_event(world, node, "starts");
    if (store_open(&config, &node->store, &recovery, &error) < 0) {
        start_failed(node, error.message);
        return;
    }
    world_identify(node, recovery.id);
    count_recovery(node, &recovery);
    checks_recovery(node, &recovery);
    node->has_founding = recovery.founding != NULL;
    node->replica = make_replica(node, &recovery);
    store_recovery_finish(&recovery);
    if (!node->replica) {
        start_failed(node, "the snapshot cannot be loaded");
        return;
    }
    checks_start(node);
    members_watch(node);
    node_after_step(node);
}

void node_crash(struct node *node, enum crash_kind kind)
{
    struct world *world = node->world;
    if (node->state != NODE_UP)
        return;
    trace_event(world, node, kind == CRASH_POWER ? "loses power" : "ends");
    world->coverage.counts[COVER_CRASHES]++;
    node->is_crashing = true;
    if (node->is_paused)
        node_pause(node, false);
    writer_crash(node);
    snapshotter_crash(node);
    sim_disk_kill(node->disk);
    if (node->replica) {
        replica_stop(node->replica);
        if (!LIST_EMPTY(&node->rpcs))
            world_fail(world, "%s did not answer a request of a peer when it ended", node->address);
        replica_destroy(node->replica);
    }
    node->replica = NULL;
    calls_crash(node);
    network_crash(node, kind == CRASH_PROCESS);
    store_close(node->store);
    node->store = NULL;
    sim_disk_revive(node->disk);
    if (kind == CRASH_POWER) {
        world->coverage.counts[COVER_POWER_LOSSES]++;
        uint64_t lost = node->disk->lost_sectors;
        sim_disk_kill(node->disk);
        sim_disk_lose_power(node->disk);
        sim_disk_revive(node->disk);
        world->coverage.counts[COVER_LOST_SECTORS] += node->disk->lost_sectors - lost;
    }
    node->is_crashing = false;
    node->state = NODE_DOWN;
    trace_step(node);
}

void node_wipe(struct node *node)
{
    assert(node->state != NODE_UP);
    trace_event(node->world, node, "gets an empty disk");
    node->world->coverage.counts[COVER_WIPES]++;
    world_forget_identity(node);
    sim_disk_destroy(node->disk);
    node->disk = sim_disk_create(sim_random_stream(sim_random_next(&node->world->disk_random), node->number));
    node->has_founding = false;
}

void node_pause(struct node *node, bool is_paused)
{
    if (node->is_paused == is_paused)
        return;
    node->is_paused = is_paused;
    if (is_paused)
        return;
    /* What it missed comes now, in the order in which it came. */
    for (size_t i = 0; i < node->deferred.count; i++) {
        struct sim_event event = node->deferred.events[i];
        event.at_us = node->world->now_us;
        sim_events_add(&node->world->events, &event);
    }
    node->deferred.count = 0;
}
