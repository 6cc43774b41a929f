/* What a server says of itself, for status pages, tests and checks. Nothing here changes anything. */
#include "raft/raft.h"

#include "raft/state.h"

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

bool raft_is_transferring(const struct raft *raft)
{
    return raft->transfer.to != 0;
}

bool raft_term_is_durable(const struct raft *raft)
{
    return raft->hard_state_write <= raft->durable_write;
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
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct raft_peer *peer = &raft->peers[i];
        if (!peer->kind)
            continue; /* no member any more */
        if (count < max)
            peers[count] = (struct raft_peer_status){
                .id = peer->id,
                .kind = peer->kind,
                .match = peer->progress.match,
                .next = peer->progress.next,
                .state = peer->progress.state,
                .last_ack_ms = peer->progress.acknowledged ? peer->progress.last_ack_ms : -1,
            };
        count++;
    }
    return count;
}
