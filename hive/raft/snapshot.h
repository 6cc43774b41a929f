/* Snapshots (§5): taken of the own machine, sent to who is too far behind, installed from the leader. */
#ifndef RAFT_SNAPSHOT_H
#define RAFT_SNAPSHOT_H

#include "raft/state.h"

/* One of the own machine is on disk: drops the log before `keep_from`. */
void raft_snapshot_on_taken(struct raft *raft, const struct raft_snapshot *snapshot, raft_index keep_from);

/* Leader: the peer lacks what the log does not have any more, or whose predecessor it does not know. */
bool raft_snapshot_is_needed(const struct raft *raft, const struct raft_peer *peer);

/* Tells the peer's stream to begin, or, where one was long without a result, to begin should it not be
 * under way. */
void raft_snapshot_send(struct raft *raft, struct raft_peer *peer);
void raft_snapshot_send_again(struct raft *raft, struct raft_peer *peer);

void raft_snapshot_on_request(struct raft *raft, const struct raft_message *message);
void raft_snapshot_on_reply(struct raft *raft, const struct raft_message *message);

#endif
