/* Log replication, the leader's side: sending, counting and committing. The follower's side is follower.c. */
#include "raft/replication.h"

#include <assert.h>

#include "raft/messages.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/read_index.h"

void raft_replication_become_leader(struct raft *raft)
{
    raft_set_role(raft, RAFT_LEADER, "votes won");
    raft->leader = raft->config.id;
    for (size_t i = 0; i < raft->voter_count; i++)
        raft_progress_reset(&raft->progress[i], raft_log_last(&raft->log) + 1, raft->now_ms);
    /* §6.4: a no-op of the own term; once it is committed, the leader knows which entries are. */
    raft_append(raft, raft->term, RAFT_ENTRY_NOOP, NULL, 0);
    raft->heartbeat_due_ms =
        raft->now_ms; /* Fig. 2: upon election, to each server, to prevent election timeouts */
}

/* §6.2: a leader steps down if an election timeout elapses without a round of heartbeats to a majority. */
static bool has_quorum_contact(const struct raft *raft)
{
    uint64_t contacts[HIVE_QUEENS];
    for (size_t i = 0; i < raft->voter_count; i++)
        contacts[i] = (uint64_t)(i == raft->self ? raft->now_ms : raft->progress[i].last_ack_ms);
    int64_t contact_ms = (int64_t)raft_quorum_value(contacts, raft->voter_count);
    return raft->now_ms - contact_ms < raft->config.election_timeout_max_ms;
}

void raft_replication_heartbeat(struct raft *raft)
{
    for (size_t i = 0; i < raft->voter_count; i++) {
        if (i == raft->self)
            continue;
        /* A heartbeat claims no more than what is known to match, so that it never fails and never says
         * anything about entries that are still under way. */
        const struct raft_progress *progress = &raft->progress[i];
        raft_index prev = progress->match;
        raft_term prev_term = 0;
        if (!raft_log_term(&raft->log, prev, &prev_term))
            prev = 0;
        raft_message_out(raft, RAFT_APPEND_ENTRIES, raft->voters[i])->append_entries =
            (struct raft_append_entries){
                .prev_log_index = prev,
                .prev_log_term = prev_term,
                .leader_commit = raft->commit,
                .round = raft->round,
            };
    }
    raft->heartbeat_due_ms = raft->now_ms + raft->config.heartbeat_ms;
}

void raft_replication_tick(struct raft *raft)
{
    if (raft->config.check_quorum && !has_quorum_contact(raft)) {
        raft_become_follower(raft, raft->term, 0, "no contact with a quorum");
        return;
    }
    if (raft_disk_is_stalled(raft)) {
        raft_become_follower(raft, raft->term, 0, "disk stalled");
        return;
    }
    /* Not with the heartbeats only: reads put these off, again and again. */
    int64_t overdue_ms = raft->now_ms - raft->config.election_timeout_min_ms;
    for (size_t i = 0; i < raft->voter_count; i++)
        if (raft_progress_is_overdue(&raft->progress[i], overdue_ms))
            raft_progress_lost(&raft->progress[i]);
    if (raft->now_ms >= raft->heartbeat_due_ms)
        raft_replication_heartbeat(raft);
}

static void send_entries(struct raft *raft, size_t peer)
{
    struct raft_progress *progress = &raft->progress[peer];
    const struct raft_entry *first = raft_log_at(&raft->log, progress->next);
    raft_term prev_term = 0;
    bool known = raft_log_term(&raft->log, progress->next - 1, &prev_term);
    assert(first && known);

    size_t count = 0, bytes = 0, available = (size_t)(raft_log_last(&raft->log) - progress->next + 1);
    while (count < available && count < raft->config.batch_entries &&
           (count == 0 || bytes + first[count].bytes <= raft->config.batch_bytes))
        bytes += first[count++].bytes;

    struct raft_message *message = raft_message_out(raft, RAFT_APPEND_ENTRIES, raft->voters[peer]);
    message->append_entries = (struct raft_append_entries){
        .prev_log_index = progress->next - 1,
        .prev_log_term = prev_term,
        .leader_commit = raft->commit,
        .round = raft->round,
        .entries = first,
        .entry_count = count,
    };
    message->context = raft_progress_sent(progress, count, raft->now_ms);
}

void raft_replication_send(struct raft *raft)
{
    for (size_t i = 0; i < raft->voter_count; i++) {
        struct raft_progress *progress = &raft->progress[i];
        if (i == raft->self)
            continue;
        while (progress->next <= raft_log_last(&raft->log) &&
               raft_progress_can_send(progress, raft->config.inflight_appends))
            send_entries(raft, i);
    }
}

void raft_replication_commit(struct raft *raft)
{
    uint64_t matches[HIVE_QUEENS];
    for (size_t i = 0; i < raft->voter_count; i++)
        matches[i] = i == raft->self ? raft->log.durable : raft->progress[i].match;
    raft_index index = raft_quorum_value(matches, raft->voter_count);
    /* §3.6.2, Figure 8: only entries of the current term are committed by counting; what is before them goes
     * with them. */
    if (index > raft->commit && raft_log_matches(&raft->log, index, raft->term)) {
        raft->commit = index;
        raft_read_index_progress(raft); /* reads may have waited for the first commit of this term */
    }
}

void raft_replication_on_reply(struct raft *raft, const struct raft_message *message)
{
    const struct raft_append_entries_reply *reply = &message->append_entries_reply;
    if (message->term > raft->term) {
        raft_become_follower(raft, message->term, 0, "higher term in a reply");
        return;
    }
    if (message->term < raft->term || raft->role != RAFT_LEADER)
        return; /* of an older term: says nothing about this one */
    struct raft_progress *progress = &raft->progress[raft_voter(raft, message->from)];
    if (reply->success && reply->match_index > raft_log_last(&raft->log)) {
        raft->dropped_messages++; /* claims entries that this leader never had */
        return;
    }
    raft_progress_answered(progress, message->context, raft->now_ms);
    if (reply->round > progress->round && reply->round <= raft->round)
        progress->round = reply->round;
    if (reply->success) {
        raft_progress_matched(progress, reply->match_index);
        /* Where its log joins ours is known once nothing lies between what matches and what comes next. */
        if (progress->state == RAFT_PROGRESS_PROBE && progress->match + 1 == progress->next)
            progress->state = RAFT_PROGRESS_REPLICATE;
        raft_replication_commit(raft);
    } else {
        /* §5.3 of the paper: skip a whole conflicting term at a time. If we have entries of the follower's
         * conflicting term, it may match up to our last of them. */
        raft_index next = reply->conflict_index,
                   ours = raft_log_last_of_term(&raft->log, reply->conflict_term);
        if (reply->conflict_term > 0 && ours + 1 > next && ours + 1 < progress->next)
            next = ours + 1;
        raft_progress_refused(progress, next);
    }
    raft_read_index_progress(raft);
}

void raft_replication_on_unreachable(struct raft *raft, raft_id peer)
{
    size_t place = raft_voter(raft, peer);
    if (raft->role == RAFT_LEADER && place != raft->voter_count && place != raft->self)
        raft_progress_lost(&raft->progress[place]);
}
