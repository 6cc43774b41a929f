/* When a snapshot of the machine is taken, and its way out: begun here, given to the host piece by piece as fast as the host
 * can take it, while commands go on being applied; once it is durable, the core lets go of the log that it stands for. */
#include <assert.h>

#include "queen/replica_internal.h"

/* After one that failed: the next is tried so much later, and twice as much each time. */
#define FIRST_PAUSE_MS 1000
#define LAST_PAUSE_MS  64000

/* What an entry takes in a log beside its command. */
#define ENTRY_BYTES 32

void replica_snapshot_applied(struct replica *replica, const struct raft_entry *entry)
{
    replica->snapshot.entries++;
    replica->snapshot.bytes += entry->bytes + ENTRY_BYTES;
}

static void postpone(struct replica *replica)
{
    int64_t pause_ms = replica->snapshot.pause_ms;
    pause_ms = pause_ms == 0 ? FIRST_PAUSE_MS : pause_ms < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
    replica->snapshot.pause_ms = pause_ms;
    replica->snapshot.retry_ms = replica->now_ms + pause_ms;
}

static void begin(struct replica *replica)
{
    struct raft_snapshot *current = &replica->snapshot.current;
    if (!raft_snapshot_at(replica->raft, replica->applied, current))
        return;
    if (!replica->host->snapshot_begin(replica->context, current)) {
        postpone(replica);
        return;
    }
    machine_dump_begin(replica->machine);
    replica->snapshot.state = REPLICA_DUMPING;
    replica->snapshot.entries_begun = replica->snapshot.entries;
    replica->snapshot.bytes_begun = replica->snapshot.bytes;
    replica->snapshot.current_bytes = 0;
}

static bool can_begin(const struct replica *replica)
{
    return replica->snapshot.state == REPLICA_NO_SNAPSHOT &&
           replica->applied > replica->snapshot.durable_index;
}

void replica_snapshot_consider(struct replica *replica)
{
    uint64_t entries = replica->snapshot.entries - replica->snapshot.entries_before;
    uint64_t bytes = replica->snapshot.bytes - replica->snapshot.bytes_before;
    bool is_long = replica->config.snapshot_entries > 0 && entries >= replica->config.snapshot_entries;
    bool is_large = replica->config.snapshot_bytes > 0 && bytes >= replica->config.snapshot_bytes;
    if ((!is_long && !is_large) || bytes < replica->snapshot.last_bytes / 4)
        return;
    if (can_begin(replica) && replica->now_ms >= replica->snapshot.retry_ms)
        begin(replica);
}

void replica_snapshot(struct replica *replica, int64_t now_ms)
{
    replica->now_ms = now_ms;
    if (can_begin(replica))
        begin(replica);
}

bool replica_snapshot_more(struct replica *replica, int64_t now_ms, size_t bytes)
{
    if (replica->snapshot.state != REPLICA_DUMPING)
        return false;
    replica->now_ms = now_ms;
    struct hive_buffer *piece = &replica->snapshot.piece;
    hive_buffer_clear(piece);
    bool has_more = machine_dump_next(replica->machine, piece, bytes);
    replica->snapshot.current_bytes += piece->size;
    if (piece->size > 0)
        replica->host->snapshot_piece(replica->context, piece->data, piece->size);
    if (!has_more) {
        hive_buffer_finish(piece);
        replica->snapshot.state = REPLICA_WRITING;
        replica->host->snapshot_end(replica->context, true);
    }
    return has_more;
}

void replica_snapshot_durable(struct replica *replica, int64_t now_ms)
{
    assert(replica->snapshot.state == REPLICA_WRITING);
    replica->now_ms = now_ms;
    replica->snapshot.state = REPLICA_NO_SNAPSHOT;
    replica->snapshot.pause_ms = replica->snapshot.retry_ms = 0;
    const struct raft_snapshot *snapshot = &replica->snapshot.current;
    if (snapshot->index <= replica->snapshot.durable_index)
        return; /* one that was installed meanwhile is newer */
    replica->snapshot.durable_index = snapshot->index;
    replica->snapshot.entries_before = replica->snapshot.entries_begun;
    replica->snapshot.bytes_before = replica->snapshot.bytes_begun;
    replica->snapshot.last_bytes = replica->snapshot.current_bytes;
    struct raft_event event = {.type = RAFT_EVENT_SNAPSHOT};
    event.compact.snapshot = snapshot;
    uint64_t trailing = replica->config.trailing_entries;
    event.compact.keep_from = snapshot->index > trailing ? snapshot->index - trailing + 1 : 1;
    struct raft_update update;
    replica_step(replica, &event, NULL, &update);
    replica_snapshot_consider(replica);
}

void replica_snapshot_failed(struct replica *replica, int64_t now_ms)
{
    if (replica->snapshot.state == REPLICA_NO_SNAPSHOT)
        return;
    replica->now_ms = now_ms;
    if (replica->snapshot.state == REPLICA_DUMPING)
        machine_dump_abort(replica->machine);
    replica->snapshot.state = REPLICA_NO_SNAPSHOT;
    postpone(replica);
}

/* The machine is being replaced: what is dumped of it is of no use any more. One that is dumped already may finish. */
void replica_snapshot_give_up(struct replica *replica)
{
    if (replica->snapshot.state != REPLICA_DUMPING)
        return;
    machine_dump_abort(replica->machine);
    hive_buffer_finish(&replica->snapshot.piece);
    replica->snapshot.state = REPLICA_NO_SNAPSHOT;
    replica->host->snapshot_end(replica->context, false);
}

void replica_snapshot_installed(struct replica *replica, raft_index index)
{
    replica->snapshot.durable_index = index;
    replica->snapshot.entries_before = replica->snapshot.entries;
    replica->snapshot.bytes_before = replica->snapshot.bytes;
}

void replica_snapshot_stop(struct replica *replica)
{
    replica_snapshot_give_up(replica);
    replica->snapshot.state = REPLICA_NO_SNAPSHOT;
}

raft_index replica_snapshot_index(const struct replica *replica)
{
    return replica->snapshot.durable_index;
}
