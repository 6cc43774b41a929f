/* raft_step and the state that all rooms of the core share. Reading order: raft.h, state.h, this file,
 * election.c, replication.c (leader), follower.c, progress.c, read_index.c, log.c, messages.c, quorum.c,
 * invariants.c. */
#include "raft/raft.h"

#include <assert.h>

#include "hive/memory.h"
#include "raft/election.h"
#include "raft/invariants.h"
#include "raft/messages.h"
#include "raft/read_index.h"
#include "raft/replication.h"
#include "raft/state.h"

/* ---- state changes that all rooms need ---- */

uint64_t raft_this_write(const struct raft *raft)
{
    return raft->last_write + 1;
}

void raft_set_hard_state(struct raft *raft, raft_term term, raft_id voted_for)
{
    raft->term = term;
    raft->voted_for = voted_for;
    raft->hard_state_dirty = true;
    raft->hard_state_write = raft_this_write(raft);
}

void raft_set_role(struct raft *raft, enum raft_role role, const char *reason)
{
    if (raft->transition_count == raft->transition_capacity) {
        raft->transition_capacity = raft->transition_capacity ? raft->transition_capacity * 2 : 4;
        raft->transitions =
            hive_realloc(raft->transitions, raft->transition_capacity, sizeof *raft->transitions);
    }
    raft->role = role;
    raft->transitions[raft->transition_count++] = (struct raft_transition){.role = role, .term = raft->term};
    raft->update->reason = reason;
}

void raft_become_follower(struct raft *raft, raft_term term, raft_id leader, const char *reason)
{
    assert(term >= raft->term);
    bool has_changed = raft->role != RAFT_FOLLOWER || term > raft->term;
    bool was_follower = raft->role == RAFT_FOLLOWER;
    if (term > raft->term)
        raft_set_hard_state(raft, term, 0); /* stepping down within a term keeps the vote */
    raft->leader = leader;
    raft->pre_voting = false;
    if (has_changed)
        raft_set_role(raft, RAFT_FOLLOWER, reason);
    if (!was_follower) {
        raft_read_index_abandon(raft);
        raft_election_restart_timer(raft);
    }
}

void raft_append(struct raft *raft, raft_term term, enum raft_entry_type type, const void *data, size_t bytes)
{
    raft_log_append(&raft->log, term, type, data, bytes, raft_this_write(raft));
    if (raft->appended_from == 0)
        raft->appended_from = raft_log_last(&raft->log);
}

void raft_truncate(struct raft *raft, raft_index from)
{
    assert(from > raft->commit && raft->appended_from == 0);
    raft_log_truncate(&raft->log, from);
    raft->truncated_from = from;
}

size_t raft_voter(const struct raft *raft, raft_id id)
{
    size_t i = 0;
    while (i < raft->voter_count && raft->voters[i] != id)
        i++;
    return i;
}

bool raft_disk_is_stalled(const struct raft *raft)
{
    return raft->config.disk_stall_ms > 0 && raft->last_write > raft->durable_write &&
           raft->now_ms - raft->disk_waiting_since_ms >= raft->config.disk_stall_ms;
}

/* ---- one step ---- */

static void on_message(struct raft *raft, const struct raft_message *message)
{
    if (!raft_message_is_valid(raft, message)) {
        raft->dropped_messages++;
        return;
    }
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        raft_election_on_request(raft, message);
        break;
    case RAFT_REQUEST_VOTE_REPLY:
        raft_election_on_reply(raft, message);
        break;
    case RAFT_APPEND_ENTRIES:
        raft_replication_on_append(raft, message);
        break;
    case RAFT_APPEND_ENTRIES_REPLY:
        raft_replication_on_reply(raft, message);
        break;
    }
}

static void on_propose(struct raft *raft, const struct raft_command *commands, size_t count)
{
    if (raft->role != RAFT_LEADER) {
        raft->update->status = RAFT_NOT_LEADER;
        return;
    }
    raft->update->proposed_first = raft_log_last(&raft->log) + 1;
    for (size_t i = 0; i < count; i++)
        raft_append(raft, raft->term, RAFT_ENTRY_COMMAND, commands[i].data, commands[i].bytes);
}

static void on_durable(struct raft *raft, uint64_t write)
{
    assert(write <= raft->last_write);
    if (write <= raft->durable_write)
        return;
    /* A candidate's requests leave now; the time for their answers begins here. */
    if (raft->role == RAFT_CANDIDATE && !raft->pre_voting && raft->hard_state_write > raft->durable_write &&
        raft->hard_state_write <= write)
        raft_election_restart_timer(raft);
    raft->durable_write = write;
    raft->disk_waiting_since_ms = raft->now_ms; /* it moves */
    raft_log_set_durable(&raft->log, write);
    if (raft->role == RAFT_LEADER)
        raft_replication_commit(raft);
    else
        raft_election_count(raft);
}

static void on_event(struct raft *raft, const struct raft_event *event)
{
    switch (event->type) {
    case RAFT_EVENT_TICK:
        break; /* every event carries the time */
    case RAFT_EVENT_MESSAGE:
        on_message(raft, event->message);
        break;
    case RAFT_EVENT_PROPOSE:
        on_propose(raft, event->propose.commands, event->propose.count);
        break;
    case RAFT_EVENT_READ:
        raft_read_index_ask(raft, event->read_context);
        break;
    case RAFT_EVENT_DURABLE:
        on_durable(raft, event->write);
        break;
    case RAFT_EVENT_UNREACHABLE:
        raft_replication_on_unreachable(raft, event->peer);
        break;
    }
}

static void on_time(struct raft *raft)
{
    if (raft->role == RAFT_LEADER)
        raft_replication_tick(raft);
    else if (raft->now_ms >= raft->election_deadline_ms)
        raft_election_timeout(raft);
}

int64_t raft_deadline_ms(const struct raft *raft)
{
    return raft->role == RAFT_LEADER ? raft->heartbeat_due_ms : raft->election_deadline_ms;
}

static void begin(struct raft *raft, const struct raft_event *event, struct raft_update *update)
{
    *update = (struct raft_update){.status = RAFT_OK};
    raft->update = update;
    raft->now_ms = event->now_ms;
    raft->random = event->random;
    raft->hard_state_dirty = false;
    raft->truncated_from = raft->appended_from = 0;
    raft->message_count = raft->answer_count = raft->transition_count = 0;
}

static void finish(struct raft *raft, struct raft_update *update)
{
    if (raft->hard_state_dirty || raft->truncated_from > 0 || raft->appended_from > 0) {
        if (raft->last_write == raft->durable_write)
            raft->disk_waiting_since_ms = raft->now_ms;
        update->write = ++raft->last_write;
        update->hard_state_changed = raft->hard_state_dirty;
        update->truncate_from = raft->truncated_from;
        if (raft->appended_from > 0) {
            update->entries = raft_log_at(&raft->log, raft->appended_from);
            update->entry_count = (size_t)(raft_log_last(&raft->log) - raft->appended_from + 1);
        }
    }
    update->term = raft->term;
    update->voted_for = raft->voted_for;
    update->messages = raft->messages;
    update->message_count = raft->message_count;
    update->commit_index = raft->commit;
    update->reads = raft->answers;
    update->read_count = raft->answer_count;
    update->transitions = raft->transitions;
    update->transition_count = raft->transition_count;
    update->deadline_ms = raft_deadline_ms(raft);
    raft->update = NULL;
}

void raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *update)
{
    raft_term term = raft->term;
    raft_index commit = raft->commit;
    begin(raft, event, update);
    on_event(raft, event);
    on_time(raft); /* after the message: what arrived in time counts, even where we were slow to look */
    if (raft->role == RAFT_LEADER)
        raft_replication_send(raft);
    finish(raft, update);
    raft_invariants_check(raft, term, commit);
}

/* ---- life and looks ---- */

struct raft *raft_create(const struct raft_config *config, const struct raft_recovered *recovered,
                         int64_t now_ms, uint64_t random)
{
    struct raft *raft = hive_calloc(1, sizeof *raft);
    raft->config = *config;
    raft->voter_count = config->voter_count;
    raft->voters = hive_calloc(raft->voter_count, sizeof *raft->voters);
    memcpy(raft->voters, config->voters, raft->voter_count * sizeof *raft->voters);
    raft->config.voters = raft->voters;
    raft->self = raft_voter(raft, config->id);
    assert(raft->voter_count >= 1 && raft->voter_count <= HIVE_QUEENS && raft->self < raft->voter_count);
    raft->ballots = hive_calloc(raft->voter_count, sizeof *raft->ballots);
    raft->progress = hive_calloc(raft->voter_count, sizeof *raft->progress);
    raft->leader_contact_ms = -1;
    raft_log_init(&raft->log);
    if (recovered) {
        for (size_t i = 0; i < recovered->entry_count; i++) {
            const struct raft_entry *entry = &recovered->entries[i];
            raft_log_append(&raft->log, entry->term, entry->type, entry->data, entry->bytes, 0);
        }
        /* A write can have reached the disk in part: entries, and not the term that they came with. That term
         * was not acted upon then, so no vote in it was given. */
        bool has_term = recovered->term >= raft_log_last_term(&raft->log);
        raft->term = has_term ? recovered->term : raft_log_last_term(&raft->log);
        raft->voted_for = has_term ? recovered->voted_for : 0;
    }
    raft->now_ms = now_ms;
    raft->random = random;
    raft_election_restart_timer(raft);
    return raft;
}

void raft_destroy(struct raft *raft)
{
    if (!raft)
        return;
    raft_log_finish(&raft->log);
    free(raft->voters);
    free(raft->ballots);
    free(raft->progress);
    free(raft->reads);
    free(raft->messages);
    free(raft->answers);
    free(raft->transitions);
    free(raft);
}

enum raft_role raft_role(const struct raft *raft)
{
    return raft->role;
}

raft_term raft_current_term(const struct raft *raft)
{
    return raft->term;
}

raft_id raft_voted_for(const struct raft *raft)
{
    return raft->voted_for;
}

raft_id raft_leader(const struct raft *raft)
{
    return raft->leader;
}

raft_index raft_commit_index(const struct raft *raft)
{
    return raft->commit;
}

raft_index raft_first_index(const struct raft *raft)
{
    return raft->log.first;
}

raft_index raft_last_index(const struct raft *raft)
{
    return raft_log_last(&raft->log);
}

raft_index raft_durable_index(const struct raft *raft)
{
    return raft->log.durable;
}

int64_t raft_last_leader_contact_ms(const struct raft *raft)
{
    return raft->role == RAFT_LEADER ? raft->now_ms : raft->leader_contact_ms;
}

uint64_t raft_dropped_messages(const struct raft *raft)
{
    return raft->dropped_messages;
}

const struct raft_entry *raft_entry_at(const struct raft *raft, raft_index index)
{
    return raft_log_at(&raft->log, index);
}

size_t raft_peers(const struct raft *raft, struct raft_peer_status *peers, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < raft->voter_count; i++) {
        if (i == raft->self)
            continue;
        const struct raft_progress *progress = &raft->progress[i];
        if (count < max)
            peers[count] = (struct raft_peer_status){
                .id = raft->voters[i],
                .match = progress->match,
                .next = progress->next,
                .state = progress->state,
                .last_ack_ms = progress->acknowledged ? progress->last_ack_ms : -1,
            };
        count++;
    }
    return count;
}
