/* Handing the leadership over (§3.10). Meanwhile the leader appends nothing, so what clients ask for waits here: until the
 * transfer has failed, and goes to the core after all, or until the new leader is heard of, and its clients are sent there. A
 * client thus sees a short wait and no error. */
#include "hive/memory.h"
#include "queen/replica_internal.h"

bool replica_transfer_is_on(const struct replica *replica)
{
    return raft_is_transferring(replica->raft) || replica->successor_deadline_ms > 0;
}

void replica_transfer_wait(struct replica *replica, const struct replica_waiting *waiting)
{
    struct replica_waiting *copy = hive_malloc(sizeof *copy);
    *copy = *waiting;
    TAILQ_INSERT_TAIL(&replica->waiting, copy, link);
    replica->waiting_bytes += copy->command.size;
}

static void release(struct replica *replica, struct replica_waiting *waiting)
{
    replica->waiting_bytes -= waiting->command.size;
    hive_buffer_finish(&waiting->command);
    free(waiting);
}

static void answer_waiting(struct replica *replica, struct replica_waiting *waiting,
                           enum queen_outcome outcome)
{
    struct queen_answer answer = {.outcome = outcome, .leader = replica_leader_address(replica)};
    waiting->done(&answer, waiting->context);
    release(replica, waiting);
}

static void answer_transfer(struct replica *replica, enum queen_outcome outcome, enum raft_status refusal)
{
    queen_done *done = replica->transfer_done;
    replica->transfer_done = NULL;
    struct queen_answer answer = {
        .outcome = outcome,
        .leader = replica_leader_address(replica),
        .refusal = refusal,
    };
    if (done)
        done(&answer, replica->transfer_context);
}

void replica_transfer(struct replica *replica, int64_t now_ms, raft_id to, queen_done *done, void *context)
{
    replica->now_ms = now_ms;
    struct raft_event event = {.type = RAFT_EVENT_TRANSFER, .peer = to};
    struct raft_update update;
    replica_step(replica, &event, NULL, &update);
    if (update.status != RAFT_OK) {
        struct queen_answer answer = {
            .outcome = update.status == RAFT_NOT_LEADER ? QUEEN_NOT_LEADER : QUEEN_REFUSED,
            .leader = replica_leader_address(replica),
            .refusal = update.status,
        };
        done(&answer, context);
        return;
    }
    answer_transfer(replica, QUEEN_UNKNOWN, RAFT_OK); /* of an earlier one, which this one replaces */
    replica->transfer_done = done;
    replica->transfer_context = context;
}

void replica_transfer_ended(struct replica *replica, enum raft_status status)
{
    if (status == RAFT_OK || status == RAFT_NOT_LEADER) /* as planned, or otherwise: another one is to lead */
        replica->successor_deadline_ms = replica->now_ms + replica->config.raft.election_timeout_max_ms;
    else
        answer_transfer(replica, QUEEN_REFUSED, status);
}

/* Another one leads, or was to lead and was not heard of in time, or the leadership stays here. */
static bool is_settled(const struct replica *replica)
{
    return raft_leader(replica->raft) != 0 || replica->now_ms >= replica->successor_deadline_ms;
}

/* The core takes proposals again: all that waited, in order, the proposals as one batch. */
static void resume(struct replica *replica, struct replica_queue *queue, size_t count)
{
    struct replica_waiting **proposals = hive_calloc(count, sizeof(struct replica_waiting *)), *waiting;
    size_t proposal_count = 0;
    while ((waiting = TAILQ_FIRST(queue))) {
        TAILQ_REMOVE(queue, waiting, link);
        if (!waiting->is_read) {
            proposals[proposal_count++] = waiting;
            continue;
        }
        replica_clients_ask(replica, waiting->deadline_ms, waiting->done, waiting->context);
        release(replica, waiting);
    }
    if (proposal_count > 0)
        replica_clients_propose_waiting(replica, proposals, proposal_count);
    for (size_t i = 0; i < proposal_count; i++)
        release(replica, proposals[i]);
    free(proposals);
}

void replica_transfer_settle(struct replica *replica)
{
    if (replica->successor_deadline_ms > 0 && is_settled(replica)) {
        bool is_known = raft_leader(replica->raft) != 0;
        replica->successor_deadline_ms = 0;
        answer_transfer(replica, is_known ? QUEEN_DONE : QUEEN_UNKNOWN, RAFT_OK);
    }
    if (TAILQ_EMPTY(&replica->waiting) || replica_transfer_is_on(replica))
        return;
    struct replica_queue queue = TAILQ_HEAD_INITIALIZER(queue);
    TAILQ_CONCAT(&queue, &replica->waiting, link);
    struct replica_waiting *waiting;
    size_t count = 0;
    TAILQ_FOREACH(waiting, &queue, link)
    count++;
    if (raft_role(replica->raft) == RAFT_LEADER) {
        resume(replica, &queue, count);
        return;
    }
    while ((waiting = TAILQ_FIRST(&queue))) {
        TAILQ_REMOVE(&queue, waiting, link);
        answer_waiting(replica, waiting, QUEEN_NOT_LEADER);
    }
}

void replica_transfer_expire(struct replica *replica)
{
    struct replica_waiting *waiting, *next;
    for (waiting = TAILQ_FIRST(&replica->waiting); waiting; waiting = next) {
        next = TAILQ_NEXT(waiting, link);
        if (replica->now_ms < waiting->deadline_ms)
            continue;
        TAILQ_REMOVE(&replica->waiting, waiting, link);
        /* It was never in the log: certainly not applied. */
        answer_waiting(replica, waiting, waiting->is_read ? QUEEN_UNCONFIRMED : QUEEN_BUSY);
    }
}

int64_t replica_transfer_deadline_ms(const struct replica *replica)
{
    int64_t earliest = replica->successor_deadline_ms > 0 ? replica->successor_deadline_ms : INT64_MAX;
    const struct replica_waiting *waiting;
    TAILQ_FOREACH(waiting, &replica->waiting, link)
    {
        if (waiting->deadline_ms < earliest)
            earliest = waiting->deadline_ms;
    }
    return earliest;
}

void replica_transfer_stop(struct replica *replica)
{
    struct replica_waiting *waiting;
    while ((waiting = TAILQ_FIRST(&replica->waiting))) {
        TAILQ_REMOVE(&replica->waiting, waiting, link);
        answer_waiting(replica, waiting, QUEEN_STOPPING);
    }
    answer_transfer(replica, QUEEN_UNKNOWN, RAFT_OK);
}
