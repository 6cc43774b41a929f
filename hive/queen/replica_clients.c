/* Clients of a replica: proposals and changes wait for their log index to be decided, reads for their quorum round, and
 * everybody for no longer than the request timeout. What can no longer be known is answered UNKNOWN, never "failed". */
#include <assert.h>

#include "hive/memory.h"
#include "queen/replica_internal.h"

static void refuse(const struct replica *replica, queen_done *done, void *context, enum queen_outcome outcome,
                   enum raft_status refusal)
{
    struct queen_answer answer = {
        .outcome = outcome,
        .leader = replica_leader_address(replica),
        .refusal = refusal,
    };
    done(&answer, context);
}

/* ---- proposals ---- */

static void answer_pending(const struct replica *replica, const struct pending_proposal *proposal,
                           enum queen_outcome outcome, const struct machine_result *result)
{
    struct queen_answer answer = {
        .outcome = outcome,
        .leader = replica_leader_address(replica),
        .index = proposal->index,
        .result = result,
    };
    if (proposal->done)
        proposal->done(&answer, proposal->context);
}

/* Entries from `from` on are gone from this log. Others may still have and commit them: nobody can know from here. */
void replica_clients_give_up_from(struct replica *replica, raft_index from)
{
    const struct pending_proposal *proposal;
    while ((proposal = pending_newest(&replica->pending)) && proposal->index >= from) {
        struct pending_proposal taken = *proposal;
        pending_pop_newest(&replica->pending);
        answer_pending(replica, &taken, QUEEN_UNKNOWN, NULL);
    }
}

/* A snapshot covers what is up to `to`: decided, but what became of each is not known here. */
void replica_clients_give_up_to(struct replica *replica, raft_index to)
{
    const struct pending_proposal *proposal;
    while ((proposal = pending_oldest(&replica->pending)) && proposal->index <= to) {
        struct pending_proposal taken = *proposal;
        pending_pop_oldest(&replica->pending);
        answer_pending(replica, &taken, QUEEN_UNKNOWN, NULL);
    }
}

void replica_clients_applied(struct replica *replica, const struct raft_entry *entry,
                             const struct machine_result *result)
{
    const struct pending_proposal *proposal = pending_oldest(&replica->pending);
    if (!proposal || proposal->index != entry->index)
        return;
    struct pending_proposal taken = *proposal;
    pending_pop_oldest(&replica->pending);
    /* Another leader's entry can be here only where this one was cut off, and then nobody waits for it any more. */
    assert(taken.term == entry->term);
    answer_pending(replica, &taken, QUEEN_DONE, result);
}

static void wait_for(struct replica *replica, raft_index index, raft_term term, int64_t deadline_ms,
                     const struct replica_proposal *proposal)
{
    pending_push(&replica->pending, &(struct pending_proposal){
                                        .index = index,
                                        .term = term,
                                        .bytes = proposal->bytes,
                                        .deadline_ms = deadline_ms,
                                        .done = proposal->done,
                                        .context = proposal->context,
                                    });
}

static void keep_waiting(struct replica *replica, int64_t deadline_ms,
                         const struct replica_proposal *proposal)
{
    struct replica_waiting waiting = {
        .deadline_ms = deadline_ms, .done = proposal->done, .context = proposal->context};
    hive_buffer_append(&waiting.command, proposal->command, proposal->bytes);
    replica_transfer_wait(replica, &waiting);
}

/* One batch for the core. `deadlines_ms` has one for each. */
static void propose(struct replica *replica, const struct replica_proposal *proposals,
                    const int64_t *deadlines_ms, size_t count)
{
    struct raft_command *commands = hive_calloc(count, sizeof *commands);
    for (size_t i = 0; i < count; i++)
        commands[i] = (struct raft_command){.data = proposals[i].command, .bytes = proposals[i].bytes};
    struct raft_event event = {.type = RAFT_EVENT_PROPOSE};
    event.propose.commands = commands;
    event.propose.count = count;
    struct raft_update update;
    replica_step(replica, &event, NULL, &update);
    free(commands);
    for (size_t i = 0; i < count; i++) {
        if (update.status == RAFT_OK)
            wait_for(replica, update.proposed_first + i, update.term, deadlines_ms[i], &proposals[i]);
        else if (replica_transfer_is_on(replica))
            keep_waiting(replica, deadlines_ms[i], &proposals[i]);
        else
            refuse(replica, proposals[i].done, proposals[i].context, QUEEN_NOT_LEADER, update.status);
    }
}

void replica_propose(struct replica *replica, int64_t now_ms, const struct replica_proposal *proposals,
                     size_t count)
{
    replica->now_ms = now_ms;
    int64_t *deadlines_ms = hive_calloc(count, sizeof *deadlines_ms);
    struct replica_proposal *taken = hive_calloc(count, sizeof *taken);
    size_t taken_count = 0, bytes = replica->pending.bytes + replica->waiting_bytes;
    for (size_t i = 0; i < count; i++) {
        if (bytes + proposals[i].bytes > HIVE_PENDING_BYTES) {
            refuse(replica, proposals[i].done, proposals[i].context, QUEEN_BUSY, RAFT_OK);
            continue;
        }
        bytes += proposals[i].bytes;
        deadlines_ms[taken_count] = now_ms + replica->config.request_timeout_ms;
        taken[taken_count++] = proposals[i];
    }
    if (replica_transfer_is_on(replica))
        for (size_t i = 0; i < taken_count; i++)
            keep_waiting(replica, deadlines_ms[i], &taken[i]);
    else if (taken_count > 0)
        propose(replica, taken, deadlines_ms, taken_count);
    free(taken);
    free(deadlines_ms);
}

void replica_clients_propose_waiting(struct replica *replica, struct replica_waiting *const *waiting,
                                     size_t count)
{
    int64_t *deadlines_ms = hive_calloc(count, sizeof *deadlines_ms);
    struct replica_proposal *proposals = hive_calloc(count, sizeof *proposals);
    for (size_t i = 0; i < count; i++) {
        deadlines_ms[i] = waiting[i]->deadline_ms;
        proposals[i] = (struct replica_proposal){
            .command = waiting[i]->command.data,
            .bytes = waiting[i]->command.size,
            .done = waiting[i]->done,
            .context = waiting[i]->context,
        };
    }
    propose(replica, proposals, deadlines_ms, count);
    free(proposals);
    free(deadlines_ms);
}

void replica_change(struct replica *replica, int64_t now_ms, const struct raft_change *change,
                    queen_done *done, void *context)
{
    replica->now_ms = now_ms;
    struct raft_event event = {.type = RAFT_EVENT_CHANGE, .change = change};
    struct raft_update update;
    replica_step(replica, &event, NULL, &update);
    struct replica_proposal proposal = {.done = done, .context = context};
    if (update.status == RAFT_OK)
        wait_for(replica, update.proposed_first, update.term, now_ms + replica->config.request_timeout_ms,
                 &proposal);
    else
        refuse(replica, done, context, update.status == RAFT_NOT_LEADER ? QUEEN_NOT_LEADER : QUEEN_REFUSED,
               update.status);
}

/* ---- reads ---- */

static void finish_read(struct replica *replica, struct replica_asked_read *read,
                        const struct queen_answer *answer)
{
    if (read->done)
        read->done(answer, read->context);
    TAILQ_REMOVE(&replica->reads, read, link);
    free(read);
}

static struct replica_asked_read *find_read(struct replica *replica, uint64_t id)
{
    struct replica_asked_read *read;
    TAILQ_FOREACH(read, &replica->reads, link)
    {
        if (read->id == id)
            break;
    }
    return read;
}

static void keep_read_waiting(struct replica *replica, struct replica_asked_read *read)
{
    struct replica_waiting waiting = {
        .is_read = true, .deadline_ms = read->deadline_ms, .done = read->done, .context = read->context};
    read->done = NULL;
    replica_transfer_wait(replica, &waiting);
}

void replica_clients_reads(struct replica *replica, const struct raft_update *update)
{
    for (size_t i = 0; i < update->read_count; i++) {
        struct replica_asked_read *read = find_read(replica, update->reads[i].context);
        assert(read);
        bool is_ok = update->reads[i].status == RAFT_OK;
        assert(!is_ok || update->reads[i].index <= replica->applied);
        if (!is_ok && read->done && replica_transfer_is_on(replica))
            keep_read_waiting(replica, read);
        struct queen_answer answer = {
            .outcome = is_ok ? QUEEN_DONE : QUEEN_NOT_LEADER,
            .leader = replica_leader_address(replica),
            .index = replica->applied,
            .machine = is_ok ? replica->machine : NULL,
        };
        finish_read(replica, read, &answer);
    }
}

void replica_clients_ask(struct replica *replica, int64_t deadline_ms, queen_done *done, void *context)
{
    struct replica_asked_read *read = hive_malloc(sizeof *read);
    *read = (struct replica_asked_read){
        .id = ++replica->last_read, .deadline_ms = deadline_ms, .done = done, .context = context};
    TAILQ_INSERT_TAIL(&replica->reads, read, link);
    struct raft_event event = {.type = RAFT_EVENT_READ, .read_context = read->id};
    struct raft_update update;
    replica_step(replica, &event, NULL, &update);
}

/* Of what is applied here, which is all that is committed here. */
static int64_t age_ms(const struct replica *replica)
{
    int64_t fresh_ms = raft_fresh_ms(replica->raft);
    return fresh_ms < 0 ? -1 : replica->now_ms - fresh_ms;
}

void replica_read(struct replica *replica, int64_t now_ms, bool stale, queen_done *done, void *context)
{
    replica->now_ms = now_ms;
    int64_t deadline_ms = now_ms + replica->config.request_timeout_ms;
    if (stale) {
        struct queen_answer answer = {
            .outcome = QUEEN_DONE,
            .leader = replica_leader_address(replica),
            .index = replica->applied,
            .machine = replica->machine,
            .age_ms = age_ms(replica),
        };
        done(&answer, context);
    } else {
        replica_clients_ask(replica, deadline_ms, done, context);
    }
}

/* ---- time and the end ---- */

void replica_clients_expire(struct replica *replica)
{
    const struct pending_proposal *proposal;
    while ((proposal = pending_untold(&replica->pending)) && replica->now_ms >= proposal->deadline_ms) {
        struct pending_proposal late = *proposal;
        pending_set_told(&replica->pending); /* it stays, and counts, until its entry is applied or cut off */
        answer_pending(replica, &late, QUEEN_UNKNOWN, NULL);
    }
    struct replica_asked_read *read;
    TAILQ_FOREACH(read, &replica->reads, link)
    {
        if (replica->now_ms < read->deadline_ms)
            break;
        if (read->done)
            refuse(replica, read->done, read->context, QUEEN_UNCONFIRMED, RAFT_OK);
        read->done = NULL; /* the core still knows it */
    }
}

int64_t replica_clients_deadline_ms(const struct replica *replica)
{
    const struct pending_proposal *proposal = pending_untold(&replica->pending);
    int64_t deadline_ms = proposal ? proposal->deadline_ms : INT64_MAX;
    const struct replica_asked_read *read;
    TAILQ_FOREACH(read, &replica->reads, link)
    {
        if (!read->done)
            continue;
        return read->deadline_ms < deadline_ms ? read->deadline_ms : deadline_ms;
    }
    return deadline_ms;
}

void replica_clients_stop(struct replica *replica)
{
    replica_clients_give_up_from(replica, 0);
    struct queen_answer answer = {.outcome = QUEEN_STOPPING};
    struct replica_asked_read *read;
    while ((read = TAILQ_FIRST(&replica->reads)))
        finish_read(replica, read, &answer);
}
