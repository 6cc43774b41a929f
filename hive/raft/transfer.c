/* Leadership transfer (§3.10): the leader takes nothing new, brings the target's log up to its own, and
 * tells it to stand for election at once. All that is special about that election is that voters do not
 * take it for a disturbance (§4.2.3); so nothing here can harm safety, but for reads on a lease, which end
 * with the first such word (§6.4.1). */
#include "raft/transfer.h"

#include "raft/election.h"
#include "raft/group.h"
#include "raft/messages.h"

/* It votes, and was there a moment ago. */
static bool can_take_over(const struct raft *raft, const struct raft_peer *peer)
{
    const struct raft_progress *progress = &peer->progress;
    return peer->kind == RAFT_MEMBER_VOTER && !progress->silent &&
           progress->state != RAFT_PROGRESS_SNAPSHOT &&
           raft->now_ms - progress->last_ack_ms < raft->config.election_timeout_max_ms;
}

static struct raft_peer *best_peer(const struct raft *raft)
{
    struct raft_peer *best = NULL;
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_peer *peer = &raft->peers[i];
        if (can_take_over(raft, peer) && (!best || peer->progress.match > best->progress.match))
            best = peer;
    }
    return best;
}

static void begin(struct raft *raft, const struct raft_peer *peer)
{
    raft->transfer = (struct raft_transfer){
        .to = peer->id,
        .deadline_ms = raft->now_ms + raft->config.election_timeout_max_ms,
        .asked_ms = -1,
    };
}

static enum raft_status check(const struct raft *raft, raft_id to, const struct raft_peer *peer)
{
    if (raft->role != RAFT_LEADER)
        return RAFT_NOT_LEADER;
    if (raft->transfer.to)
        return RAFT_TRANSFERRING;
    if (to == raft->config.id)
        return RAFT_NOT_VOTER;
    if (to && (!peer || !peer->kind))
        return RAFT_UNKNOWN_MEMBER;
    if (to && peer->kind != RAFT_MEMBER_VOTER)
        return RAFT_NOT_VOTER;
    return peer && can_take_over(raft, peer) ? RAFT_OK : RAFT_NOT_CAUGHT_UP;
}

void raft_transfer_begin(struct raft *raft, raft_id to)
{
    const struct raft_peer *peer = to ? raft_group_peer(raft, to) : best_peer(raft);
    raft->update->status = check(raft, to, peer);
    if (raft->update->status == RAFT_OK)
        begin(raft, peer);
}

bool raft_transfer_hand_over(struct raft *raft)
{
    const struct raft_peer *peer = best_peer(raft);
    if (!raft->transfer.to && peer)
        begin(raft, peer);
    return raft->transfer.to && raft->now_ms < raft->transfer.deadline_ms;
}

void raft_transfer_end(struct raft *raft, enum raft_status status)
{
    if (!raft->transfer.to)
        return;
    raft->transfer = (struct raft_transfer){0};
    raft->update->transfer_ended = true;
    raft->update->transfer_status = status;
}

void raft_transfer_tick(struct raft *raft)
{
    struct raft_transfer *transfer = &raft->transfer;
    if (!transfer->to)
        return;
    if (raft->now_ms >= transfer->deadline_ms) {
        raft_transfer_end(raft, RAFT_NOT_CAUGHT_UP);
        return;
    }
    const struct raft_peer *peer = raft_group_peer(raft, transfer->to);
    bool is_time = transfer->asked_ms < 0 || raft->now_ms - transfer->asked_ms >= raft->config.heartbeat_ms;
    if (!peer || !is_time || peer->progress.match < raft_log_last(&raft->log))
        return;
    /* It may stand when it likes from here on, even where the word reaches it late: voters that would wait
     * for a lease's end must not be counted upon any more. */
    raft->lease_is_void = true;
    transfer->asked_ms = raft->now_ms;
    raft_message_out(raft, RAFT_TIMEOUT_NOW, peer->id);
}

void raft_transfer_on_request(struct raft *raft, const struct raft_message *message)
{
    bool is_current = message->term >= raft->term;
    if (is_current) {
        raft_follow(raft, message);
        raft_election_stand_now(raft);
    }
    raft_reply_out(raft, RAFT_TIMEOUT_NOW_REPLY, message);
}

void raft_transfer_on_reply(struct raft *raft, const struct raft_message *message)
{
    if (message->term > raft->term && raft_group_peer(raft, message->from))
        raft_become_follower(raft, message->term, 0, "leadership handed over");
}
