/* Log replication (§3.5, §3.6): the leader's side and the follower's. */
#ifndef RAFT_REPLICATION_H
#define RAFT_REPLICATION_H

#include "raft/state.h"

void raft_replication_become_leader(struct raft *raft);

/* The leader's clock: heartbeats, and the checks that it still has a quorum and a disk. */
void raft_replication_tick(struct raft *raft);

/* Sends a heartbeat to every peer, with the current read round. */
void raft_replication_heartbeat(struct raft *raft);

/* Sends what each peer lacks, as far as its progress allows. */
void raft_replication_send(struct raft *raft);

/* A last word to a peer that is no member any more: the entry that says so, and that it is committed. */
void raft_replication_take_leave(struct raft *raft, struct raft_peer *peer);

/* Moves the commit index as far as a quorum's match indexes allow. */
void raft_replication_commit(struct raft *raft);

/* `message` answers that its sender's log matches up to there, durably. */
void raft_replication_on_match(struct raft *raft, const struct raft_message *message, raft_index match);

void raft_replication_on_append(struct raft *raft, const struct raft_message *message);
void raft_replication_on_reply(struct raft *raft, const struct raft_message *message);
void raft_replication_on_unreachable(struct raft *raft, raft_id peer);

#endif
