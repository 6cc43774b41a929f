/* The consensus thread: takes what is in the inbox and hands it to the replica, which it alone touches, so that neither the
 * core nor the machine needs a lock. Between two rounds of work it lets the replica dump a piece of its machine, where a
 * snapshot is being taken. */
#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/runtime.h"

/* Of a dump, between two looks into the inbox: far below a millisecond. */
#define DUMP_PIECE_BYTES ((size_t)128 * 1024)

/* All proposals of one round of work are one batch: one write, one AppendEntries a peer. */
static void propose(struct queen *queen, struct inbox_event *events, size_t event_count, int64_t now_ms)
{
    struct replica_proposal *proposals = hive_calloc(event_count, sizeof *proposals);
    size_t count = 0;
    for (size_t i = 0; i < event_count; i++)
        if (events[i].type == INBOX_PROPOSE)
            proposals[count++] = (struct replica_proposal){
                .command = events[i].command.data,
                .bytes = events[i].command.size,
                .done = events[i].done,
                .context = events[i].context,
            };
    if (count > 0)
        replica_propose(queen->replica, now_ms, proposals, count);
    free(proposals);
}

static struct queen_rpc_call *rpc_call(const struct inbox_event *event)
{
    struct queen_rpc_call *call = hive_malloc(sizeof *call);
    *call = (struct queen_rpc_call){.done = event->rpc_done, .context = event->context};
    return call;
}

static void install(struct queen *queen, struct inbox_event *event, int64_t now_ms)
{
    const struct raft_snapshot *snapshot = event->message->install_snapshot.snapshot;
    const struct raft *raft = replica_raft(queen->replica);
    bool is_late =
        snapshot->index <= raft_commit_index(raft) || event->message->term < raft_current_term(raft);
    if (event->machine && is_late) {
        /* It, or who sent it, was overtaken while it was loaded. Freeing it takes its time. */
        snapshotter_free_machine(queen->snapshotter, event->machine);
        event->machine = NULL;
    }
    replica_install(queen->replica, now_ms, event->message, event->machine, rpc_call(event));
    event->machine = NULL; /* the replica's */
}

/* ---- snapshots for backups ---- */

static void answer_backups(struct queen *queen, raft_index up_to, const char *failure)
{
    struct queen_backup *backup, *next;
    for (backup = TAILQ_FIRST(&queen->backups); backup; backup = next) {
        next = TAILQ_NEXT(backup, link);
        if (backup->needed > up_to)
            continue;
        TAILQ_REMOVE(&queen->backups, backup, link);
        if (failure)
            backup->done(QUEEN_UNKNOWN, NULL, failure, backup->context);
        else
            snapshotter_open(queen->snapshotter, backup->done, backup->context);
        free(backup);
    }
}

/* One that was begun before somebody asked does not cover everything; then another one follows it. */
static void take_backups(struct queen *queen, int64_t now_ms)
{
    if (TAILQ_EMPTY(&queen->backups))
        return;
    answer_backups(queen, replica_snapshot_index(queen->replica), NULL);
    if (!TAILQ_EMPTY(&queen->backups) && !queen->is_snapshot_under_way)
        replica_snapshot(queen->replica, now_ms);
}

static void want_backup(struct queen *queen, const struct inbox_event *event)
{
    struct queen_backup *backup = hive_malloc(sizeof *backup);
    *backup = (struct queen_backup){
        .needed = replica_applied(queen->replica),
        .done = event->snapshot_done,
        .context = event->context,
    };
    TAILQ_INSERT_TAIL(&queen->backups, backup, link);
}

static void end_snapshot(struct queen *queen, const struct inbox_event *event, int64_t now_ms)
{
    if (event->serial != queen->dump_serial || !queen->is_snapshot_under_way)
        return; /* it was given up meanwhile */
    queen->is_snapshot_under_way = queen->is_dumping = false;
    if (event->code == 0) {
        replica_snapshot_durable(queen->replica, now_ms);
        hive_log_info("snapshot taken", LOG_N("index", replica_snapshot_index(queen->replica)));
    } else {
        replica_snapshot_failed(queen->replica, now_ms);
        answer_backups(queen, UINT64_MAX, "the snapshot could not be written; the log of the queen says why");
    }
}

/* ---- the loop ---- */

static void take(struct queen *queen, struct inbox_event *event, int64_t now_ms)
{
    struct replica *replica = queen->replica;
    switch (event->type) {
    case INBOX_PROPOSE: /* in one batch, see above */
        break;
    case INBOX_READ:
        replica_read(replica, now_ms, event->stale, event->done, event->context);
        break;
    case INBOX_CHANGE:
        replica_change(replica, now_ms, event->change, event->done, event->context);
        break;
    case INBOX_TRANSFER:
        replica_transfer(replica, now_ms, event->peer, event->done, event->context);
        break;
    case INBOX_BACKUP:
        want_backup(queen, event);
        break;
    case INBOX_RPC:
        replica_message(replica, now_ms, event->message, rpc_call(event));
        break;
    case INBOX_INSTALL:
        install(queen, event, now_ms);
        break;
    case INBOX_REPLY:
        replica_message(replica, now_ms, event->message, NULL);
        break;
    case INBOX_UNREACHABLE:
        replica_unreachable(replica, now_ms, event->peer);
        break;
    case INBOX_FOUND:
        replica_bootstrap(replica, now_ms, event->founding);
        break;
    case INBOX_LEADER_GONE:
        replica_leader_gone(replica, now_ms, event->peer);
        break;
    case INBOX_REMOVED:
        replica_removed(replica, now_ms);
        break;
    case INBOX_SNAPSHOT_ROOM: /* it was to wake this thread up, and has */
        break;
    case INBOX_SNAPSHOT_RESULT:
        end_snapshot(queen, event, now_ms);
        break;
    case INBOX_DRAIN:
        queen->is_drain_asked = true;
        break;
    }
}

static void work(struct queen *queen, struct inbox_event *events, size_t count, uint64_t durable_write)
{
    queen->is_reconciler_concerned = false;
    if (durable_write > queen->durable_write) {
        queen->durable_write = durable_write;
        queen->unsynced_since_ms = durable_write < queen->last_write ? hive_clock_monotonic_ms() : -1;
        replica_durable(queen->replica, hive_clock_monotonic_ms(), durable_write);
    }
    for (size_t i = 0; i < count; i++)
        take(queen, &events[i], hive_clock_monotonic_ms());
    propose(queen, events, count, hive_clock_monotonic_ms());
    for (size_t i = 0; i < count; i++)
        inbox_event_finish(&events[i]);
    int64_t now_ms = hive_clock_monotonic_ms();
    replica_tick(queen->replica, now_ms);
    take_backups(queen, now_ms);
    if (queen->is_reconciler_concerned)
        reconciler_notify(queen->reconciler);
    watch_hub_advance(queen->watch_hub, replica_applied(queen->replica));
}

/* Who still waits for an answer is told before the queen ends. */
static void tell_drained(struct queen *queen)
{
    if (!queen->is_drain_asked || replica_has_clients(queen->replica))
        return;
    pthread_mutex_lock(&queen->end_mutex);
    queen->is_drained = true;
    pthread_cond_signal(&queen->end_moved);
    pthread_mutex_unlock(&queen->end_mutex);
}

/* When the thread is to be awake again; at once, where there is more to dump. */
static int64_t dump_a_piece(struct queen *queen)
{
    if (queen->is_dumping && snapshotter_has_room(queen->snapshotter))
        replica_snapshot_more(queen->replica, hive_clock_monotonic_ms(), DUMP_PIECE_BYTES);
    if (queen->is_dumping && snapshotter_has_room(queen->snapshotter))
        return 0;
    return replica_deadline_ms(queen->replica);
}

/* An event that came too late. */
static void refuse(struct inbox_event *event)
{
    struct queen_answer answer = {.outcome = QUEEN_STOPPING};
    if (event->type == INBOX_BACKUP)
        event->snapshot_done(QUEEN_STOPPING, NULL, "this queen is stopping", event->context);
    else if (event->type < INBOX_BACKUP)
        event->done(&answer, event->context);
    else if (event->type == INBOX_RPC || event->type == INBOX_INSTALL)
        event->rpc_done(QUEEN_STOPPING, NULL, event->context);
    inbox_event_finish(event);
}

void *queen_consensus_run(void *argument)
{
    struct queen *queen = argument;
    struct inbox_event *events;
    size_t count;
    uint64_t durable_write;
    int64_t deadline_ms = replica_deadline_ms(queen->replica);
    while (inbox_take(queen->inbox, deadline_ms, &events, &count, &durable_write)) {
        work(queen, events, count, durable_write);
        tell_drained(queen);
        deadline_ms = dump_a_piece(queen);
        queen_status_publish(queen);
    }
    for (size_t i = 0; i < count; i++)
        refuse(&events[i]);
    struct queen_backup *backup;
    while ((backup = TAILQ_FIRST(&queen->backups))) {
        TAILQ_REMOVE(&queen->backups, backup, link);
        backup->done(QUEEN_STOPPING, NULL, "this queen is stopping", backup->context);
        free(backup);
    }
    replica_stop(queen->replica);
    return NULL;
}
