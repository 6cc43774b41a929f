/* Log replication, the leader's side: sending, counting and committing. The follower's side is follower.c. */
#include "raft/replication.h"

#include <assert.h>

#include "raft/freshness.h"
#include "raft/group.h"
#include "raft/membership.h"
#include "raft/messages.h"
#include "raft/progress.h"
#include "raft/read_index.h"
#include "raft/snapshot.h"

void raft_replication_become_leader(struct raft *raft)
{
    raft_set_role(raft, RAFT_LEADER, "votes won");
    raft->leader = raft->config.id;
    raft->lease_is_void = false;
    raft_group_update_peers(raft);
    for (size_t i = 0; i < raft->peer_count; i++) {
        raft_progress_reset(&raft->peers[i].progress, raft_log_last(&raft->log) + 1, raft->now_ms);
        raft->peers[i].echo_ms = 0; /* what it says now, it says to this leader */
    }
    /* §6.4: a no-op of the own term; once it is committed, the leader knows which entries are. */
    raft_append(raft, raft->term, RAFT_ENTRY_NOOP, NULL, 0);
    if (raft_configuration(raft)->index == 0)
        raft_membership_record(raft); /* every log is to say who the group is */
    for (size_t i = 0; i < raft->peer_count; i++)
        raft_membership_restart_round(raft, &raft->peers[i]);
    raft->heartbeat_due_ms =
        raft->now_ms; /* Fig. 2: upon election, to each server, to prevent election timeouts */
}

static uint64_t last_ack_of(const struct raft_peer *peer)
{
    return (uint64_t)peer->progress.last_ack_ms;
}

/* §6.2: a leader steps down if an election timeout elapses without a round of heartbeats to a majority. */
static bool has_quorum_contact(const struct raft *raft)
{
    int64_t contact_ms = (int64_t)raft_group_quorum_value(raft, (uint64_t)raft->now_ms, last_ack_of);
    return raft->now_ms - contact_ms < raft->config.election_timeout_max_ms;
}

/* An AppendEntries to the peer, without entries yet. */
static struct raft_message *append_out(struct raft *raft, const struct raft_peer *peer, raft_index prev,
                                       raft_term prev_term)
{
    struct raft_message *message = raft_message_out(raft, RAFT_APPEND_ENTRIES, peer->id);
    message->append_entries = (struct raft_append_entries){
        .prev_log_index = prev,
        .prev_log_term = prev_term,
        .leader_commit = raft->commit,
        .round = raft->round,
    };
    raft_freshness_tell(raft, peer, &message->append_entries);
    return message;
}

void raft_replication_heartbeat(struct raft *raft)
{
    for (size_t i = 0; i < raft->peer_count; i++) {
        /* A heartbeat claims no more than what is known to match, so that it never fails and never says
         * anything about entries that are still under way; and nothing where the log does not know that
         * any more. */
        const struct raft_peer *peer = &raft->peers[i];
        raft_index prev = peer->progress.match;
        raft_term prev_term = 0;
        if (!raft_log_term(&raft->log, prev, &prev_term))
            prev = 0;
        append_out(raft, peer, prev, prev_term);
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
    for (size_t i = 0; i < raft->peer_count; i++)
        if (raft_progress_is_overdue(&raft->peers[i].progress, overdue_ms))
            raft_progress_lost(&raft->peers[i].progress);
    if (raft->now_ms >= raft->heartbeat_due_ms) {
        raft_read_index_new_round(raft);
        raft_replication_heartbeat(raft);
    }
}

static void send_entries(struct raft *raft, struct raft_peer *peer)
{
    struct raft_progress *progress = &peer->progress;
    const struct raft_entry *first = raft_log_at(&raft->log, progress->next);
    raft_term prev_term = 0;
    bool known = raft_log_term(&raft->log, progress->next - 1, &prev_term);
    assert(first && known);

    size_t count = 0, bytes = 0, available = (size_t)(raft_log_last(&raft->log) - progress->next + 1);
    while (count < available && count < raft->config.batch_entries &&
           (count == 0 || bytes + first[count].bytes <= raft->config.batch_bytes))
        bytes += first[count++].bytes;

    struct raft_message *message = append_out(raft, peer, progress->next - 1, prev_term);
    message->append_entries.entries = first;
    message->append_entries.entry_count = count;
    message->context = raft_progress_sent(progress, count, raft->now_ms);
}

static void send_to(struct raft *raft, struct raft_peer *peer)
{
    if (peer->progress.state == RAFT_PROGRESS_SNAPSHOT)
        raft_snapshot_send_again(raft, peer);
    while (peer->progress.next <= raft_log_last(&raft->log) &&
           raft_progress_can_send(&peer->progress, raft->config.inflight_appends))
        if (raft_snapshot_is_needed(raft, peer))
            raft_snapshot_send(raft, peer);
        else
            send_entries(raft, peer);
}

void raft_replication_send(struct raft *raft)
{
    for (size_t i = 0; i < raft->peer_count; i++)
        send_to(raft, &raft->peers[i]);
}

void raft_replication_take_leave(struct raft *raft, struct raft_peer *peer)
{
    peer->progress.next = peer->progress.match + 1;
    if (peer->progress.next > raft_log_last(&raft->log))
        raft_replication_heartbeat(raft);
    else if (!raft_snapshot_is_needed(raft, peer))
        send_entries(raft, peer);
}

static uint64_t match_of(const struct raft_peer *peer)
{
    return peer->progress.match;
}

void raft_replication_commit(struct raft *raft)
{
    raft_index index = raft_group_quorum_value(raft, raft->log.durable, match_of);
    /* §3.6.2, Figure 8: only entries of the current term are committed by counting; what is before them goes
     * with them. */
    if (index > raft->commit && raft_log_matches(&raft->log, index, raft->term)) {
        raft->commit = index;
        raft_read_index_progress(raft); /* reads may have waited for the first commit of this term */
    }
}

/* The peer that answers us in this term, or NULL. */
static struct raft_peer *answering_peer(struct raft *raft, const struct raft_message *message,
                                        raft_index match)
{
    struct raft_peer *peer = raft_group_peer(raft, message->from);
    if (!peer)
        return NULL; /* none of ours, or not any more */
    if (message->term > raft->term) {
        raft_become_follower(raft, message->term, 0, "higher term in a reply");
        return NULL;
    }
    if (message->term < raft->term || raft->role != RAFT_LEADER)
        return NULL; /* of an older term: says nothing about this one */
    if (match > raft_log_last(&raft->log)) {
        raft->dropped_messages++; /* claims entries that this leader never had */
        return NULL;
    }
    raft_progress_answered(&peer->progress, message->context, raft->now_ms);
    return peer;
}

void raft_replication_on_match(struct raft *raft, const struct raft_message *message, raft_index match)
{
    struct raft_peer *peer = answering_peer(raft, message, match);
    if (!peer)
        return;
    struct raft_progress *progress = &peer->progress;
    raft_progress_matched(progress, match);
    if (progress->state == RAFT_PROGRESS_SNAPSHOT && !raft_snapshot_is_needed(raft, peer))
        progress->state = RAFT_PROGRESS_PROBE; /* it has one, or found what it lacked elsewhere */
    /* Where its log joins ours is known once nothing lies between what matches and what comes next. */
    if (progress->state == RAFT_PROGRESS_PROBE && progress->match + 1 == progress->next)
        progress->state = RAFT_PROGRESS_REPLICATE;
    raft_membership_on_match(raft, peer);
    raft_replication_commit(raft);
}

static void on_refusal(struct raft *raft, const struct raft_message *message)
{
    const struct raft_append_entries_reply *reply = &message->append_entries_reply;
    struct raft_peer *peer = answering_peer(raft, message, 0);
    if (!peer || peer->progress.state == RAFT_PROGRESS_SNAPSHOT)
        return; /* the snapshot settles where it is */
    /* The other answers to what was on its way when one was refused: to begin anew for each would send a window full for every
     * one of them, without end. */
    if (message->context > 0 && message->context <= peer->progress.forgotten)
        return;
    /* §5.3 of the paper: skip a whole conflicting term at a time. If we have entries of the follower's
     * conflicting term, it may match up to our last of them. */
    raft_index next = reply->conflict_index, ours = raft_log_last_of_term(&raft->log, reply->conflict_term);
    if (reply->conflict_term > 0 && ours + 1 > next && ours + 1 < peer->progress.next)
        next = ours + 1;
    raft_progress_refused(&peer->progress, next);
}

void raft_replication_on_reply(struct raft *raft, const struct raft_message *message)
{
    const struct raft_append_entries_reply *reply = &message->append_entries_reply;
    struct raft_peer *peer = raft_group_peer(raft, message->from);
    if (peer)
        raft_freshness_on_reply(peer, reply);
    if (reply->success)
        raft_replication_on_match(raft, message, reply->match_index);
    else
        on_refusal(raft, message);
    raft_read_index_on_round(raft, message);
}

void raft_replication_on_unreachable(struct raft *raft, raft_id id)
{
    struct raft_peer *peer = raft_group_peer(raft, id);
    if (raft->role == RAFT_LEADER && peer)
        raft_progress_lost(&peer->progress);
}
