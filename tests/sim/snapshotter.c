/* The thread that writes snapshots, as queen/snapshotter.c has it: it takes a piece of the dump, writes it, and asks for the next. */
#include "sim/checks.h"
#include "sim/faults.h"
#include "sim/trace.h"

int64_t snapshotter_delay_us(struct node *node)
{
    struct world *world = node->world;
    int64_t delay_us =
        sim_random_skewed(&world->disk_random, world->config.disk_least_us, world->config.disk_most_us);
    delay_us *= node->slow_factor;
    int64_t stall_us = node->stalled_until_us - world->now_us;
    return delay_us + (stall_us > 0 ? stall_us : 0);
}

static void add_event(struct node *node, sim_run *run)
{
    struct sim_event event = {
        .at_us = node->world->now_us + snapshotter_delay_us(node),
        .run = run,
        .number = node->dump_serial,
        .life = node->life,
        .node = node->number,
    };
    sim_events_add(&node->world->events, &event);
}

/* What was begun for a dump that was given up since must not be done to the next one. */
static bool is_of_this_dump(const struct node *node, uint64_t serial)
{
    return node->is_dumping && node->dump_serial == serial;
}

static void fail(struct node *node)
{
    node->snapshot_has_failed = false;
    if (node->disk->is_dead)
        return; /* node_after_step sees that */
    node->world->coverage.counts[COVER_SNAPSHOTS_FAILED]++;
    trace_event(node->world, node, "cannot write its snapshot");
    store_snapshot_abort(node->snapshot);
    node->snapshot = NULL;
    node->is_dumping = false;
    replica_snapshot_failed(node->replica, node_now_ms(node));
}

static void commit(struct world *world, unsigned number, uint64_t serial, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    if (!is_of_this_dump(node, serial))
        return;
    int result = store_snapshot_commit(node->snapshot, NULL);
    node->snapshot = NULL;
    node->is_dumping = false;
    if (result == 0) {
        world->coverage.counts[COVER_SNAPSHOTS]++;
        checks_snapshot(node, &node->snapshot_meta);
        replica_snapshot_durable(node->replica, node_now_ms(node));
    } else {
        fail(node);
    }
    node_after_step(node);
}

static void step(struct world *world, unsigned number, uint64_t serial, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    if (!is_of_this_dump(node, serial))
        return;
    if (!node->snapshot_has_failed)
        replica_snapshot_more(node->replica, node_now_ms(node), world->config.piece_bytes);
    if (node->is_dumping && node->snapshot_has_failed)
        fail(node);
    else if (node->is_dumping)
        add_event(node, node->snapshot_is_complete ? commit : step);
    node_after_step(node);
}

bool snapshotter_begin(void *context, const struct raft_snapshot *snapshot)
{
    struct node *node = context;
    if (node->is_dumping)
        return false;
    node->is_dumping = true;
    node->dump_serial++;
    node->snapshot_is_complete = false;
    node->snapshot_meta.index = snapshot->index;
    node->snapshot_meta.term = snapshot->term;
    node->snapshot_has_failed = store_snapshot_begin(node->store, snapshot, &node->snapshot, NULL) < 0;
    if (node->snapshot_has_failed)
        node->snapshot = NULL;
    add_event(node, step);
    return true;
}

void snapshotter_piece(void *context, const void *data, size_t bytes)
{
    struct node *node = context;
    if (!node->snapshot_has_failed)
        node->snapshot_has_failed = store_snapshot_append(node->snapshot, data, bytes, NULL) < 0;
}

void snapshotter_end(void *context, bool is_complete)
{
    struct node *node = context;
    if (is_complete) {
        node->snapshot_is_complete = true;
        return;
    }
    store_snapshot_abort(node->snapshot);
    node->snapshot = NULL;
    node->is_dumping = false;
}

static void drop(struct world *world, unsigned number, uint64_t first, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    store_drop_before(node->store, first, NULL);
    node_after_step(node);
}

void snapshotter_drop_before(void *context, raft_index first)
{
    struct node *node = context;
    struct sim_event event = {
        .at_us = node->world->now_us + snapshotter_delay_us(node),
        .run = drop,
        .number = first,
        .life = node->life,
        .node = node->number,
    };
    sim_events_add(&node->world->events, &event);
}

void snapshotter_crash(struct node *node)
{
    struct world *world = node->world;
    bool is_committing = node->snapshot && node->snapshot_is_complete && !node->disk->is_dead;
    if (is_committing && sim_random_chance(&world->disk_random, 700)) {
        sim_disk_crash_after(node->disk, 1 + sim_random_below(&world->disk_random, 8));
        store_snapshot_commit(node->snapshot, NULL);
        node->snapshot = NULL;
    }
    sim_disk_kill(node->disk);
    store_snapshot_abort(node->snapshot);
    store_incoming_suspend(node->incoming);
    node->snapshot = NULL;
    node->incoming = NULL;
    node->is_dumping = node->snapshot_has_failed = false;
}

struct machine *snapshotter_load(struct node *node, struct raft_snapshot *snapshot)
{
    char piece[2048];
    ssize_t bytes;
    struct hive_error error = {0};
    struct store_snapshot_reader *reader;
    struct machine *machine = NULL;
    if (store_snapshot_open(node->store, &reader, &error) < 0)
        return NULL;
    *snapshot = *store_snapshot_meta(reader);
    struct machine_loader *loader = machine_load_begin();
    int result = 0;
    while (result == 0 && (bytes = store_snapshot_read(reader, piece, sizeof piece, &error)) != 0)
        result = bytes < 0 ? (int)bytes : machine_load_feed(loader, piece, (size_t)bytes, &error);
    store_snapshot_close(reader);
    if (result < 0)
        machine_load_abort(loader);
    else
        result = machine_load_end(loader, &machine, &error);
    if (result < 0 && !node->disk->is_dead)
        world_fail(node->world, "%s cannot load its snapshot at %llu: %s", node->address,
                   (unsigned long long)snapshot->index, error.message);
    return result < 0 ? NULL : machine;
}
