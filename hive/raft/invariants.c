/* The core's own invariants. A server that finds one broken stops at once: continuing could only spread the
 * damage. */
#include "raft/invariants.h"

#include <assert.h>

void raft_invariants_check(const struct raft *raft, raft_term term, raft_index commit)
{
    assert(raft->term >= term);
    assert(raft->commit >= commit);
    assert(raft->commit <= raft_log_last(&raft->log));
    assert(raft->commit + 1 >= raft->log.first);
    assert(raft->log.durable <= raft_log_last(&raft->log));
    assert(raft->log.first <= raft->snapshot.index + 1); /* what is not in the log is in a snapshot */
    assert(raft->snapshot.index <= raft->commit);
    assert(raft->history.items[0].index <= raft->commit);
    assert(raft_configuration(raft)->index <= raft_log_last(&raft->log));
    assert(raft->durable_write <= raft->last_write);
    assert(raft_log_last_term(&raft->log) <= raft->term);
    if (raft->role != RAFT_LEADER) {
        assert(raft->read_count == 0 && raft->transfer.to == 0);
        return;
    }
    assert(raft->voted_for == raft->config.id);
    assert(raft->hard_state_write <= raft->durable_write);
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct raft_progress *progress = &raft->peers[i].progress;
        assert(raft->peers[i].id != raft->config.id);
        assert(progress->next > progress->match);
        assert(progress->match <= raft_log_last(&raft->log));
    }
}
