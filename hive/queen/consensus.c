/* The consensus thread: feeds what is in the inbox to the core, and does with each update what raft.h's
 * ordering contract asks for: records to the disk thread, messages to the transport once their write is
 * durable, committed commands to the machine, answers to whoever waits. It alone touches the core and the
 * machine, so neither needs a lock. */
#include <assert.h>

#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/runtime.h"

static const char *const role_names[] = {"FOLLOWER", "CANDIDATE", "LEADER"};

static uint64_t next_random(struct queen *queen)
{
    /* splitmix64, seeded from the kernel at the start: a system call for every step would be waste. */
    uint64_t z = queen->random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static const char *leader_address(const struct queen *queen)
{
    return queen_address_of(queen, raft_leader(queen->raft));
}

/* ---- what an update asks for ---- */

static void persist(struct queen *queen, const struct raft_update *update)
{
    if (update->write == 0)
        return;
    struct hive_buffer *batch = disk_begin(queen->disk);
    if (update->truncate_from > 0)
        store_encode_truncate(batch, update->truncate_from);
    for (size_t i = 0; i < update->entry_count; i++)
        store_encode_entry(batch, &update->entries[i]);
    if (update->hard_state_changed)
        store_encode_hard_state(batch, update->term, update->voted_for);
    disk_end(queen->disk, update->write);
}

static void let_go(struct queen *queen, const struct queen_held_message *held)
{
    if (held->rpc_done) {
        held->rpc_done(QUEEN_DONE, held->message, held->context);
        queen_message_free(held->message);
    } else {
        transport_send(queen->transport, held->message);
    }
}

static void hold(struct queen *queen, const struct queen_held_message *held)
{
    if (queen->held_count == queen->held_capacity) {
        queen->held_capacity = queen->held_capacity ? queen->held_capacity * 2 : 16;
        queen->held = hive_realloc(queen->held, queen->held_capacity, sizeof *queen->held);
    }
    queen->held[queen->held_count++] = *held;
}

static void release_held(struct queen *queen)
{
    size_t kept = 0;
    for (size_t i = 0; i < queen->held_count; i++) {
        if (queen->held[i].after_write <= queen->durable_write)
            let_go(queen, &queen->held[i]);
        else
            queen->held[kept++] = queen->held[i];
    }
    queen->held_count = kept;
}

/* `request`: the peer's request that this step worked on, or NULL. */
static void send(struct queen *queen, const struct raft_update *update, const struct inbox_event *request)
{
    bool is_answered = false;
    for (size_t i = 0; i < update->message_count; i++) {
        const struct raft_message *message = &update->messages[i];
        bool is_reply =
            message->type == RAFT_REQUEST_VOTE_REPLY || message->type == RAFT_APPEND_ENTRIES_REPLY;
        assert(!is_reply || request);
        struct queen_held_message held = {
            .after_write = message->after_write,
            .expires_ms = hive_clock_monotonic_ms() + QUEEN_RPC_TIMEOUT_MS,
            .message = queen_message_copy(message),
            .rpc_done = is_reply ? request->rpc_done : NULL,
            .context = is_reply ? request->context : NULL,
        };
        is_answered = is_answered || is_reply;
        if (held.after_write <= queen->durable_write)
            let_go(queen, &held);
        else
            hold(queen, &held);
    }
    if (request && !is_answered)
        request->rpc_done(QUEEN_DISCARDED, NULL, request->context);
}

static void answer_proposal(const struct pending_proposal *proposal, enum queen_outcome outcome,
                            const char *leader, const struct machine_result *result)
{
    struct queen_answer answer = {
        .outcome = outcome,
        .leader = leader,
        .index = proposal->index,
        .result = result,
    };
    if (proposal->done)
        proposal->done(&answer, proposal->context);
}

/* Entries behind `from` are gone from this log. Others may still have and commit them: nobody can know from
 * here. */
static void give_up_from(struct queen *queen, raft_index from)
{
    const struct pending_proposal *proposal;
    while ((proposal = pending_newest(&queen->pending)) && proposal->index >= from) {
        struct pending_proposal taken = *proposal;
        pending_pop_newest(&queen->pending);
        answer_proposal(&taken, QUEEN_UNKNOWN, leader_address(queen), NULL);
    }
}

static void answer_applied(struct queen *queen, const struct raft_entry *entry,
                           const struct machine_result *result)
{
    const struct pending_proposal *proposal = pending_oldest(&queen->pending);
    if (!proposal || proposal->index != entry->index)
        return;
    struct pending_proposal taken = *proposal;
    pending_pop_oldest(&queen->pending);
    bool is_own = taken.term == entry->term;
    answer_proposal(&taken, is_own ? QUEEN_DONE : QUEEN_DISCARDED, leader_address(queen), result);
}

static void apply(struct queen *queen, const struct raft_update *update)
{
    bool concerns_reconciler = false;
    while (queen->applied < update->commit_index) {
        const struct raft_entry *entry = raft_entry_at(queen->raft, ++queen->applied);
        struct machine_result result = {0};
        if (entry->type == RAFT_ENTRY_COMMAND)
            machine_apply(queen->machine, entry->index, entry->data, entry->bytes, &result);
        concerns_reconciler = concerns_reconciler || result.type >= MACHINE_DRONE_REGISTER;
        answer_applied(queen, entry, &result);
    }
    if (concerns_reconciler)
        reconciler_notify(queen->reconciler);
}

static void finish_read(struct queen *queen, struct queen_waiting_read *read,
                        const struct queen_answer *answer)
{
    if (read->done)
        read->done(answer, read->context);
    TAILQ_REMOVE(&queen->reads, read, link);
    free(read);
}

static void answer_reads(struct queen *queen, const struct raft_update *update)
{
    for (size_t i = 0; i < update->read_count; i++) {
        struct queen_waiting_read *read = (void *)(uintptr_t)update->reads[i].context;
        bool is_ok = update->reads[i].status == RAFT_OK;
        assert(!is_ok || update->reads[i].index <= queen->applied);
        struct queen_answer answer = {
            .outcome = is_ok ? QUEEN_DONE : QUEEN_NOT_LEADER,
            .leader = leader_address(queen),
            .index = queen->applied,
            .machine = is_ok ? queen->machine : NULL,
        };
        finish_read(queen, read, &answer);
    }
}

static void note_transitions(struct queen *queen, const struct raft_update *update)
{
    for (size_t i = 0; i < update->transition_count; i++) {
        const struct raft_transition *transition = &update->transitions[i];
        bool is_last = i + 1 == update->transition_count;
        hive_log_info("raft state changed", LOG_S("state", role_names[transition->role]),
                      LOG_N("term", transition->term),
                      LOG_S("reason", is_last ? update->reason : "on the way"));
        queen_status_add_transition(queen, transition);
    }
    if (update->transition_count > 0)
        reconciler_notify(queen->reconciler);
}

static void step(struct queen *queen, struct raft_event *event, const struct inbox_event *request,
                 struct raft_update *update)
{
    event->now_ms = hive_clock_monotonic_ms();
    event->random = next_random(queen);
    raft_step(queen->raft, event, update);
    queen->raft_deadline_ms = update->deadline_ms;
    persist(queen, update);
    send(queen, update, request);
    if (update->truncate_from > 0)
        give_up_from(queen, update->truncate_from);
    apply(queen, update);
    answer_reads(queen, update);
    note_transitions(queen, update);
}

/* ---- what the inbox brings ---- */

static void refuse_proposal(struct inbox_event *event, enum queen_outcome outcome, const char *leader)
{
    struct queen_answer answer = {.outcome = outcome, .leader = leader};
    event->done(&answer, event->context);
    hive_buffer_finish(&event->command);
}

/* Gathers the proposals among the events, in order, as far as there is room for them; the rest is refused. */
static size_t gather_proposals(struct queen *queen, struct inbox_event *events, size_t count,
                               struct inbox_event **proposals)
{
    size_t taken = 0, bytes = queen->pending.bytes;
    for (size_t i = 0; i < count; i++) {
        if (events[i].type != INBOX_PROPOSE)
            continue;
        if (bytes + events[i].command.size > HIVE_PENDING_BYTES) {
            refuse_proposal(&events[i], QUEEN_BUSY, NULL);
            continue;
        }
        bytes += events[i].command.size;
        proposals[taken++] = &events[i];
    }
    return taken;
}

/* All proposals of one round of work go to the core as one batch: one write, one AppendEntries a peer. */
static void propose(struct queen *queen, struct inbox_event *events, size_t event_count)
{
    struct inbox_event **proposals = hive_calloc(event_count, sizeof(struct inbox_event *));
    struct raft_command *commands = hive_calloc(event_count, sizeof *commands);
    size_t count = gather_proposals(queen, events, event_count, proposals);
    for (size_t i = 0; i < count; i++)
        commands[i] =
            (struct raft_command){.data = proposals[i]->command.data, .bytes = proposals[i]->command.size};
    struct raft_update update = {0};
    struct raft_event event = {.type = RAFT_EVENT_PROPOSE};
    event.propose.commands = commands;
    event.propose.count = count;
    if (count > 0)
        step(queen, &event, NULL, &update);
    int64_t deadline_ms = hive_clock_monotonic_ms() + queen->config.request_timeout_ms;
    for (size_t i = 0; i < count; i++) {
        if (update.status != RAFT_OK) {
            refuse_proposal(proposals[i], QUEEN_NOT_LEADER, leader_address(queen));
            continue;
        }
        pending_push(&queen->pending, &(struct pending_proposal){
                                          .index = update.proposed_first + i,
                                          .term = update.term,
                                          .bytes = proposals[i]->command.size,
                                          .deadline_ms = deadline_ms,
                                          .done = proposals[i]->done,
                                          .context = proposals[i]->context,
                                      });
        hive_buffer_finish(&proposals[i]->command);
    }
    free(proposals);
    free(commands);
}

static void read_machine(struct queen *queen, const struct inbox_event *event)
{
    if (event->stale) {
        struct queen_answer answer = {
            .outcome = QUEEN_DONE,
            .leader = leader_address(queen),
            .index = queen->applied,
            .machine = queen->machine,
        };
        event->done(&answer, event->context);
        return;
    }
    struct queen_waiting_read *read = hive_malloc(sizeof *read);
    *read = (struct queen_waiting_read){
        .deadline_ms = hive_clock_monotonic_ms() + queen->config.request_timeout_ms,
        .done = event->done,
        .context = event->context,
    };
    TAILQ_INSERT_TAIL(&queen->reads, read, link);
    struct raft_update update;
    struct raft_event ask = {.type = RAFT_EVENT_READ, .read_context = (uint64_t)(uintptr_t)read};
    step(queen, &ask, NULL, &update);
}

static void take_message(struct queen *queen, const struct inbox_event *event)
{
    struct raft_update update;
    struct raft_event arrival = {.type = RAFT_EVENT_MESSAGE, .message = event->message};
    step(queen, &arrival, event->type == INBOX_RPC ? event : NULL, &update);
    queen_message_free(event->message);
}

static void work(struct queen *queen, struct inbox_event *events, size_t count, uint64_t durable_write)
{
    struct raft_update update;
    if (durable_write > queen->durable_write) {
        queen->durable_write = durable_write;
        release_held(queen);
        struct raft_event durable = {.type = RAFT_EVENT_DURABLE, .write = durable_write};
        step(queen, &durable, NULL, &update);
    }
    for (size_t i = 0; i < count; i++) {
        if (events[i].type == INBOX_RPC || events[i].type == INBOX_REPLY) {
            take_message(queen, &events[i]);
        } else if (events[i].type == INBOX_READ) {
            read_machine(queen, &events[i]);
        } else if (events[i].type == INBOX_UNREACHABLE) {
            struct raft_event lost = {.type = RAFT_EVENT_UNREACHABLE, .peer = events[i].peer};
            step(queen, &lost, NULL, &update);
        }
    }
    propose(queen, events, count);
    if (hive_clock_monotonic_ms() >= queen->raft_deadline_ms) {
        struct raft_event tick = {.type = RAFT_EVENT_TICK};
        step(queen, &tick, NULL, &update);
    }
}

/* A peer that waited so long for its answer has given up; its connection must not be held for ever. */
static void drop_late_answers(struct queen *queen, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < queen->held_count; i++) {
        struct queen_held_message *held = &queen->held[i];
        if (!held->rpc_done || now_ms < held->expires_ms) {
            queen->held[kept++] = *held;
            continue;
        }
        held->rpc_done(QUEEN_UNKNOWN, NULL, held->context);
        queen_message_free(held->message);
    }
    queen->held_count = kept;
}

/* A client is told "unknown", never "failed", while its entry may still be committed. */
static void expire(struct queen *queen, int64_t now_ms)
{
    const struct pending_proposal *proposal;
    while ((proposal = pending_untold(&queen->pending)) && now_ms >= proposal->deadline_ms) {
        struct pending_proposal late = *proposal;
        pending_set_told(&queen->pending); /* it stays, and counts, until its entry is applied or cut off */
        answer_proposal(&late, QUEEN_UNKNOWN, leader_address(queen), NULL);
    }
    struct queen_waiting_read *read;
    TAILQ_FOREACH(read, &queen->reads, link)
    {
        if (now_ms < read->deadline_ms)
            break;
        struct queen_answer answer = {.outcome = QUEEN_UNCONFIRMED};
        if (read->done)
            read->done(&answer, read->context);
        read->done = NULL; /* the core still knows it by its place */
    }
    drop_late_answers(queen, now_ms);
}

/* ---- the end ---- */

static void refuse(struct inbox_event *event)
{
    struct queen_answer answer = {.outcome = QUEEN_STOPPING};
    if (event->type == INBOX_PROPOSE || event->type == INBOX_READ)
        event->done(&answer, event->context);
    if (event->type == INBOX_RPC)
        event->rpc_done(QUEEN_STOPPING, NULL, event->context);
    hive_buffer_finish(&event->command);
    queen_message_free(event->message);
}

static void answer_all_waiting(struct queen *queen)
{
    const struct pending_proposal *proposal;
    while ((proposal = pending_oldest(&queen->pending))) {
        struct pending_proposal taken = *proposal;
        pending_pop_oldest(&queen->pending);
        answer_proposal(&taken, QUEEN_UNKNOWN, NULL, NULL);
    }
    struct queen_answer answer = {.outcome = QUEEN_STOPPING};
    struct queen_waiting_read *read;
    while ((read = TAILQ_FIRST(&queen->reads)))
        finish_read(queen, read, &answer);
    for (size_t i = 0; i < queen->held_count; i++) {
        if (queen->held[i].rpc_done)
            queen->held[i].rpc_done(QUEEN_STOPPING, NULL, queen->held[i].context);
        queen_message_free(queen->held[i].message);
    }
    queen->held_count = 0;
}

void *queen_consensus_run(void *argument)
{
    struct queen *queen = argument;
    struct inbox_event *events;
    size_t count;
    uint64_t durable_write;
    for (;;) {
        const struct pending_proposal *oldest = pending_untold(&queen->pending);
        int64_t deadline_ms = queen->raft_deadline_ms;
        if (oldest && oldest->deadline_ms < deadline_ms)
            deadline_ms = oldest->deadline_ms;
        if (!inbox_take(queen->inbox, deadline_ms, &events, &count, &durable_write))
            break;
        work(queen, events, count, durable_write);
        expire(queen, hive_clock_monotonic_ms());
        queen_status_publish(queen);
    }
    for (size_t i = 0; i < count; i++)
        refuse(&events[i]);
    answer_all_waiting(queen);
    return NULL;
}
