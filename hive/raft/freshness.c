/* How old what this server knows is. It may not be told too young, however long a message was under way
 * and however late it was looked at; and servers' clocks have nothing to do with each other. So a follower
 * goes by its own clock alone: each of its replies carries a reading of it, and the leader's messages
 * bring back the newest one that had arrived when they left. Whatever such a message tells was therefore
 * said after that reading. What the leader itself did not know then is its own age: since the beginning of
 * the newest round that a quorum has confirmed, another one may lead (§6.4). */
#include "raft/freshness.h"

static void is_fresh_at(struct raft *raft, int64_t time_ms)
{
    if (time_ms > raft->fresh_ms)
        raft->fresh_ms = time_ms;
}

int64_t raft_fresh_ms(const struct raft *raft)
{
    /* Before an entry of its own term is committed, a leader does not know what is committed. */
    if (raft->role != RAFT_LEADER || !raft_knows_commit(raft))
        return raft->fresh_ms;
    int64_t contact_ms = raft_quorum_contact_ms(raft);
    return contact_ms > raft->fresh_ms ? contact_ms : raft->fresh_ms;
}

/* What it knew as a leader, it still knows. */
void raft_freshness_on_end(struct raft *raft)
{
    raft->fresh_ms = raft_fresh_ms(raft);
}

void raft_freshness_tell(const struct raft *raft, const struct raft_peer *peer,
                         struct raft_append_entries *append)
{
    int64_t fresh_ms = raft_fresh_ms(raft);
    if (fresh_ms < 0)
        return;
    append->echo_ms = peer->echo_ms;
    append->age_ms = raft->now_ms - fresh_ms;
}

void raft_freshness_on_reply(struct raft_peer *peer, const struct raft_append_entries_reply *reply)
{
    /* An older one that comes late only makes the follower think itself less fresh; and a clock that has begun anew,
     * with its machine, is to be believed at once. */
    if (reply->clock_ms > 0)
        peer->echo_ms = reply->clock_ms;
}

void raft_freshness_on_commit(struct raft *raft)
{
    if (raft->awaited_commit > 0 && raft->awaited_commit <= raft->commit) {
        is_fresh_at(raft, raft->awaited_ms);
        raft->awaited_commit = 0;
    }
}

void raft_freshness_on_append(struct raft *raft, const struct raft_append_entries *append)
{
    if (append->echo_ms <= 0 || append->echo_ms > raft->now_ms)
        return; /* the leader has not heard of us yet */
    int64_t time_ms = append->echo_ms - append->age_ms;
    raft_freshness_on_commit(raft);
    if (append->leader_commit <= raft->commit) {
        is_fresh_at(raft, time_ms);
    } else if (raft->awaited_commit <= raft->commit) {
        /* The first of those that are not here yet: to wait for the newest would never end under load. */
        raft->awaited_commit = append->leader_commit;
        raft->awaited_ms = time_ms;
    }
}
