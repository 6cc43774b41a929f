/* The thread that writes the log, as queen/writer.c has it: whatever was gathered while the last write ran goes into the next one. The
 * bytes reach the store when the write is over; where the process ends before, a part of them may have. */
#include "sim/checks.h"
#include "sim/faults.h"
#include "sim/trace.h"

static void done(struct world *world, unsigned number, uint64_t write, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    if (world->now_us < node->stalled_until_us) {
        struct sim_event event = {.at_us = node->stalled_until_us,
                                  .run = done,
                                  .number = write,
                                  .life = node->life,
                                  .node = number};
        sim_events_add(&world->events, &event);
        return;
    }
    if (store_write(node->store, node->writing.data, node->writing.size, NULL) < 0) {
        /* A write that failed is never tried again: the process ends itself (raft.h, 7). */
        bool was_killed = node->disk->is_dead;
        world->coverage.counts[was_killed ? COVER_CRASHES_IN_DISK : COVER_DISK_ERRORS]++;
        node->writing_write = 0; /* what it left on the disk is there */
        faults_crashed(node, was_killed ? node->disk_crash : CRASH_PROCESS);
        return;
    }
    node->writing_write = 0;
    hive_buffer_clear(&node->writing);
    checks_durable(node, write);
    writer_begin(node);
    replica_durable(node->replica, node_now_ms(node), write);
    node_after_step(node);
}

void writer_begin(struct node *node)
{
    struct world *world = node->world;
    if (node->writing_write || !node->gathered_write)
        return;
    struct hive_buffer batch = node->gathered;
    node->gathered = node->writing;
    node->writing = batch;
    node->writing_write = node->gathered_write;
    node->gathered_write = 0;
    struct sim_event event = {
        .at_us = world->now_us + snapshotter_delay_us(node),
        .run = done,
        .number = node->writing_write,
        .life = node->life,
        .node = node->number,
    };
    sim_events_add(&world->events, &event);
}

void writer_persist(void *context, const struct raft_update *update)
{
    struct node *node = context;
    struct hive_buffer *batch = &node->gathered;
    checks_persist(node, update);
    if (update->install &&
        !update->install_keeps_log) /* where the log agrees with it, the file says it all */
        store_encode_install(batch, update->install->index, update->install->term);
    if (update->truncate_from > 0)
        store_encode_truncate(batch, update->truncate_from);
    for (size_t i = 0; i < update->entry_count; i++)
        store_encode_entry(batch, &update->entries[i]);
    if (update->hard_state_changed)
        store_encode_hard_state(batch, update->term, update->voted_for);
    node->gathered_write = update->write;
    writer_begin(node);
}

void writer_crash(struct node *node)
{
    struct world *world = node->world;
    if (node->writing_write && !node->disk->is_dead && node->store &&
        sim_random_chance(&world->disk_random, 700)) {
        /* The write was somewhere on its way. */
        sim_disk_crash_after(node->disk, 1 + sim_random_below(&world->disk_random, 4));
        store_write(node->store, node->writing.data, node->writing.size, NULL);
        world->coverage.counts[COVER_CRASHES_IN_DISK]++;
    }
    node->writing_write = node->gathered_write = 0;
    hive_buffer_clear(&node->writing);
    hive_buffer_clear(&node->gathered);
}
