/* What the replica asks of the world, in a queen: records go to the writer's thread, messages to the transport's, the dump and
 * everything else that takes time to the snapshot thread. All of it on the consensus thread, and none of it waits. */
#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/runtime.h"

static const char *const role_names[] = {"FOLLOWER", "CANDIDATE", "LEADER"};

static void persist(void *context, const struct raft_update *update)
{
    struct queen *queen = context;
    struct hive_buffer *batch = writer_begin(queen->writer);
    if (update->install &&
        !update->install_keeps_log) /* where it agrees with the log, the file says it all */
        store_encode_install(batch, update->install->index, update->install->term);
    if (update->truncate_from > 0)
        store_encode_truncate(batch, update->truncate_from);
    for (size_t i = 0; i < update->entry_count; i++)
        store_encode_entry(batch, &update->entries[i]);
    if (update->hard_state_changed)
        store_encode_hard_state(batch, update->term, update->voted_for);
    writer_end(queen->writer, update->write);
    queen->last_write = update->write;
    if (queen->unsynced_since_ms < 0)
        queen->unsynced_since_ms = hive_clock_monotonic_ms();
}

static void send(void *context, const struct raft_message *message)
{
    struct queen *queen = context;
    transport_send(queen->transport, queen_message_copy(message));
}

static void reply(void *context, enum queen_outcome outcome, const struct raft_message *message, void *rpc)
{
    (void)context;
    struct queen_rpc_call *call = rpc;
    call->done(outcome, message, call->context);
    free(call);
}

static void publish_change(struct queen *queen, const struct raft_entry *entry,
                           const struct machine_result *result)
{
    struct machine_command command;
    if (machine_command_decode(entry->data, entry->bytes, &command, NULL))
        return;
    bool is_put = result->type == MACHINE_KV_PUT;
    struct watch_event event = {
        .type = is_put ? WATCH_PUT : WATCH_DELETE,
        .index = entry->index,
        .key = command.key,
        .created = result->created,
    };
    if (is_put)
        event.value = command.value;
    watch_hub_publish(queen->watch_hub, &event);
}

static void applied(void *context, const struct raft_entry *entry, const struct machine_result *result)
{
    struct queen *queen = context;
    bool is_of_keys = result->type == MACHINE_KV_PUT || result->type == MACHINE_KV_DELETE;
    /* A replayed result is that of an earlier command: nothing has changed now. */
    if (is_of_keys && result->status == MACHINE_OK && !result->replayed)
        publish_change(queen, entry, result);
    if (result->type >= MACHINE_DRONE_REGISTER)
        queen->is_reconciler_concerned = true;
}

static void installed(void *context, const struct raft_snapshot *snapshot, struct machine *old)
{
    struct queen *queen = context;
    hive_log_info("snapshot installed", LOG_N("index", snapshot->index), LOG_N("term", snapshot->term));
    watch_hub_reset(queen->watch_hub, snapshot->index);
    snapshotter_free_machine(queen->snapshotter, old);
    queen->is_reconciler_concerned = true;
}

static void transition(void *context, const struct raft_transition *change)
{
    struct queen *queen = context;
    hive_log_info("raft state changed", LOG_S("state", role_names[change->role]), LOG_N("term", change->term),
                  LOG_S("reason", change->reason));
    queen->last_reason = change->reason;
    queen->is_reconciler_concerned = true;
    queen_status_add_transition(queen, change);
}

static void configuration(void *context, const struct raft_configuration *members)
{
    struct queen *queen = context;
    hive_log_info("members changed", LOG_N("index", members->index), LOG_N("members", members->count));
    queen_status_set_members(queen, members);
    transport_set_members(queen->transport, members);
}

static bool snapshot_begin(void *context, const struct raft_snapshot *snapshot)
{
    struct queen *queen = context;
    snapshotter_begin(queen->snapshotter, ++queen->dump_serial, snapshot);
    queen->is_dumping = queen->is_snapshot_under_way = true;
    return true;
}

static void snapshot_piece(void *context, const void *data, size_t bytes)
{
    struct queen *queen = context;
    snapshotter_append(queen->snapshotter, queen->dump_serial, data, bytes);
}

static void snapshot_end(void *context, bool is_complete)
{
    struct queen *queen = context;
    queen->is_dumping = false;
    queen->is_snapshot_under_way = is_complete;
    snapshotter_end(queen->snapshotter, queen->dump_serial, is_complete);
}

static void drop_before(void *context, raft_index first)
{
    struct queen *queen = context;
    snapshotter_drop_before(queen->snapshotter, first);
}

const struct replica_host queen_host = {
    .persist = persist,
    .send = send,
    .reply = reply,
    .applied = applied,
    .installed = installed,
    .transition = transition,
    .configuration = configuration,
    .snapshot_begin = snapshot_begin,
    .snapshot_piece = snapshot_piece,
    .snapshot_end = snapshot_end,
    .drop_before = drop_before,
};
