/* raft_step and the state that all rooms of the core share. Reading order: raft.h, state.h, this file,
 * election.c, replication.c (leader), follower.c, progress.c, read_index.c, freshness.c; who counts:
 * configuration.c, history.c, group.c, membership.c; then transfer.c, snapshot.c, log.c, messages.c,
 * quorum.c, invariants.c, status.c. */
#include "raft/raft.h"

#include <assert.h>
#include <stdlib.h>

#include "hive/memory.h"
#include "raft/configuration.h"
#include "raft/election.h"
#include "raft/freshness.h"
#include "raft/group.h"
#include "raft/invariants.h"
#include "raft/membership.h"
#include "raft/messages.h"
#include "raft/read_index.h"
#include "raft/replication.h"
#include "raft/snapshot.h"
#include "raft/state.h"
#include "raft/transfer.h"

/* Compacted entries whose memory one step releases. */
enum { SWEEP_ENTRIES = 1000 };

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
    raft->transitions[raft->transition_count++] =
        (struct raft_transition){.role = role, .term = raft->term, .reason = reason};
}

void raft_become_follower(struct raft *raft, raft_term term, raft_id leader, const char *reason)
{
    assert(term >= raft->term);
    bool has_changed = raft->role != RAFT_FOLLOWER || term > raft->term;
    bool was_follower = raft->role == RAFT_FOLLOWER;
    if (raft->role == RAFT_LEADER)
        raft_freshness_on_end(raft);
    raft_transfer_end(raft, term > raft->term ? RAFT_OK : RAFT_NOT_LEADER);
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

void raft_follow(struct raft *raft, const struct raft_message *message)
{
    if (message->term > raft->term || raft->role != RAFT_FOLLOWER)
        raft_become_follower(raft, message->term, message->from, "a leader of this term spoke");
    raft->leader = message->from;
    raft->leader_contact_ms = raft->now_ms;
    raft->told_removed = false;
    raft->hurry = 0;
    raft_election_restart_timer(raft);
}

void raft_append(struct raft *raft, raft_term term, enum raft_entry_type type, const void *data, size_t bytes)
{
    raft_log_append(&raft->log, term, type, data, bytes, raft_this_write(raft));
    raft_index index = raft_log_last(&raft->log);
    if (raft->appended_from == 0)
        raft->appended_from = index;
    if (type == RAFT_ENTRY_CONFIGURATION) {
        struct raft_configuration configuration;
        bool is_one = raft_configuration_decode(data, bytes, index, &configuration);
        assert(is_one);
        raft_group_appended(raft, &configuration);
    }
}

void raft_truncate(struct raft *raft, raft_index from)
{
    assert(from > raft->commit && raft->appended_from == 0);
    raft_log_truncate(&raft->log, from);
    raft_group_truncated(raft, from);
    raft->truncated_from = from;
}

bool raft_disk_is_stalled(const struct raft *raft)
{
    return raft->config.disk_stall_ms > 0 && raft->last_write > raft->durable_write &&
           raft->now_ms - raft->disk_waiting_since_ms >= raft->config.disk_stall_ms;
}

bool raft_knows_commit(const struct raft *raft)
{
    return raft_log_matches(&raft->log, raft->commit, raft->term);
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
    case RAFT_INSTALL_SNAPSHOT:
        raft_snapshot_on_request(raft, message);
        break;
    case RAFT_INSTALL_SNAPSHOT_REPLY:
        raft_snapshot_on_reply(raft, message);
        break;
    case RAFT_TIMEOUT_NOW:
        raft_transfer_on_request(raft, message);
        break;
    case RAFT_TIMEOUT_NOW_REPLY:
        raft_transfer_on_reply(raft, message);
        break;
    }
}

static void on_propose(struct raft *raft, const struct raft_command *commands, size_t count)
{
    if (raft->role != RAFT_LEADER || raft->transfer.to) {
        raft->update->status = raft->role != RAFT_LEADER ? RAFT_NOT_LEADER : RAFT_TRANSFERRING;
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
    if (raft->role == RAFT_CANDIDATE && !raft->pre_voting && raft->hard_state_write > raft->durable_write &&
        raft->hard_state_write <= write)
        raft_election_requests_leave(raft);
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
    case RAFT_EVENT_BOOTSTRAP:
        raft_membership_bootstrap(raft, event->bootstrap);
        break;
    case RAFT_EVENT_CHANGE:
        raft_membership_change(raft, event->change);
        break;
    case RAFT_EVENT_TRANSFER:
        raft_transfer_begin(raft, event->peer);
        break;
    case RAFT_EVENT_SNAPSHOT:
        raft_snapshot_on_taken(raft, event->compact.snapshot, event->compact.keep_from);
        break;
    case RAFT_EVENT_LEADER_GONE:
        raft_election_leader_gone(raft, event->peer);
        break;
    case RAFT_EVENT_REMOVED:
        raft_membership_told_removed(raft);
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
    if (raft->role != RAFT_LEADER)
        return raft->election_deadline_ms;
    bool ends_first = raft->transfer.to && raft->transfer.deadline_ms < raft->heartbeat_due_ms;
    return ends_first ? raft->transfer.deadline_ms : raft->heartbeat_due_ms;
}

static void begin(struct raft *raft, const struct raft_event *event, struct raft_update *update)
{
    *update = (struct raft_update){.status = RAFT_OK};
    raft->update = update;
    raft->now_ms = event->now_ms;
    raft->random = event->random;
    raft->hard_state_dirty = false;
    raft->truncated_from = raft->appended_from = 0;
    raft->installed = raft->install_keeps_log = raft->configuration_changed = false;
    raft->message_count = raft->answer_count = raft->transition_count = 0;
}

static void finish_write(struct raft *raft, struct raft_update *update)
{
    if (!raft->installed && !raft->hard_state_dirty && raft->truncated_from == 0 && raft->appended_from == 0)
        return;
    if (raft->last_write == raft->durable_write)
        raft->disk_waiting_since_ms = raft->now_ms;
    update->write = ++raft->last_write;
    update->install = raft->installed ? &raft->snapshot : NULL;
    update->install_keeps_log = raft->install_keeps_log;
    update->truncate_from = raft->truncated_from;
    if (raft->appended_from > 0) {
        update->entries = raft_log_at(&raft->log, raft->appended_from);
        update->entry_count = (size_t)(raft_log_last(&raft->log) - raft->appended_from + 1);
    }
    update->hard_state_changed = raft->hard_state_dirty;
}

static void finish(struct raft *raft, struct raft_update *update)
{
    finish_write(raft, update);
    /* Not before the disk has what stands for them, in the order that it was told. */
    if (raft->log.boundary_write <= raft->durable_write)
        raft->log_first = raft->log.first;
    update->log_first = raft->log_first;
    update->configuration = raft->configuration_changed ? raft_configuration(raft) : NULL;
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
    raft_freshness_on_commit(raft);
    raft_membership_settle(raft, commit);
    if (raft->role == RAFT_LEADER) {
        raft_transfer_tick(raft);
        raft_replication_send(raft);
    }
    finish(raft, update);
    raft_log_sweep(&raft->log, SWEEP_ENTRIES);
    raft_invariants_check(raft, term, commit);
}

/* ---- life ---- */

static void recover(struct raft *raft, const struct raft_recovered *recovered)
{
    if (recovered->snapshot)
        raft->snapshot = *recovered->snapshot;
    raft->commit = raft->snapshot.index;
    raft_index before = recovered->entry_count > 0 ? recovered->entries[0].index - 1 : raft->snapshot.index;
    raft_log_init(&raft->log, before, before == raft->snapshot.index ? raft->snapshot.term : 0);
    raft_group_init(raft, recovered->snapshot ? &raft->snapshot.configuration : recovered->founding);
    raft->was_member = recovered->founding && raft_configuration_find(recovered->founding, raft->config.id);
    for (size_t i = 0; i < recovered->entry_count; i++) {
        const struct raft_entry *entry = &recovered->entries[i];
        raft_log_append(&raft->log, entry->term, entry->type, entry->data, entry->bytes, 0);
        struct raft_configuration configuration;
        if (entry->type == RAFT_ENTRY_CONFIGURATION && entry->index > raft->snapshot.index &&
            raft_configuration_decode(entry->data, entry->bytes, entry->index, &configuration))
            raft_group_appended(raft, &configuration);
    }
    assert(raft->log.first <= raft->snapshot.index + 1 && raft_log_last(&raft->log) >= raft->snapshot.index);
    /* A write can have reached the disk in part: entries, and not the term that they came with. That term
     * was not acted upon then, so no vote in it was given. */
    bool has_term = recovered->term >= raft_log_last_term(&raft->log);
    raft->term = has_term ? recovered->term : raft_log_last_term(&raft->log);
    raft->voted_for = has_term ? recovered->voted_for : 0;
}

struct raft *raft_create(const struct raft_config *config, const struct raft_recovered *recovered,
                         int64_t now_ms, uint64_t random)
{
    struct raft *raft = hive_calloc(1, sizeof *raft);
    assert(config->id != 0);
    raft->config = *config;
    raft->leader_contact_ms = raft->fresh_ms = -1;
    raft->now_ms = now_ms;
    raft->random = random;
    recover(raft, recovered ? recovered : &(struct raft_recovered){0});
    raft->log_first = raft->log.first;
    /* Before it ended it may have acknowledged what a leader counts on as a lease. */
    raft->quiet_until_ms = config->read_lease ? now_ms + config->election_timeout_min_ms : now_ms;
    raft_election_restart_timer(raft);
    return raft;
}

void raft_destroy(struct raft *raft)
{
    if (!raft)
        return;
    raft_log_finish(&raft->log);
    raft_group_finish(raft);
    free(raft->reads);
    free(raft->messages);
    free(raft->answers);
    free(raft->transitions);
    free(raft);
}
