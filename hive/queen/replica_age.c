/* How old the data is that a read without a quorum round is answered from. A follower knows when it had everything that its
 * leader had committed: when the leader's message arrived that told a commit index, once that index is applied. A leader
 * has everything that was committed up to the time at which the last of a quorum was heard of. */
#include "queen/replica_internal.h"

static void is_fresh_at(struct replica *replica, int64_t time_ms)
{
    if (time_ms > replica->fresh_ms)
        replica->fresh_ms = time_ms;
}

void replica_age_on_append(struct replica *replica, const struct raft_message *append)
{
    if (append->term != raft_current_term(replica->raft))
        return; /* of a leader that was deposed: it does not know what was committed since */
    raft_index commit = append->append_entries.leader_commit;
    if (commit <= replica->applied) {
        is_fresh_at(replica, replica->now_ms);
        replica->awaited_commit = 0;
    } else if (replica->awaited_commit == 0) {
        /* The first one of those that are not applied yet: waiting for the newest would never end under load. */
        replica->awaited_commit = commit;
        replica->awaited_ms = replica->now_ms;
    }
}

void replica_age_on_step(struct replica *replica)
{
    if (replica->awaited_commit > 0 && replica->applied >= replica->awaited_commit) {
        is_fresh_at(replica, replica->awaited_ms);
        replica->awaited_commit = 0;
    }
    /* §6.4: before an entry of its own term is committed, a leader does not know what is committed. */
    if (raft_role(replica->raft) == RAFT_LEADER && replica->applied_term == raft_current_term(replica->raft))
        is_fresh_at(replica, raft_quorum_contact_ms(replica->raft));
}

int64_t replica_age_ms(struct replica *replica)
{
    replica_age_on_step(replica);
    if (replica->fresh_ms < 0)
        return -1;
    return replica->fresh_ms < replica->now_ms ? replica->now_ms - replica->fresh_ms : 0;
}
