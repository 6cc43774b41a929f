/* How old what this server knows is: for reads that ask nobody. */
#ifndef RAFT_FRESHNESS_H
#define RAFT_FRESHNESS_H

#include "raft/state.h"

/* The leader, of what it sends to `peer`. */
void raft_freshness_tell(const struct raft *raft, const struct raft_peer *peer,
                         struct raft_append_entries *append);

/* The leader: a peer answered, whose clock shows so much. */
void raft_freshness_on_reply(struct raft_peer *peer, const struct raft_append_entries_reply *reply);

/* A follower: its leader's message was accepted. */
void raft_freshness_on_append(struct raft *raft, const struct raft_append_entries *append);

/* The commit index may have risen. */
void raft_freshness_on_commit(struct raft *raft);

/* The leader, before it becomes a follower. */
void raft_freshness_on_end(struct raft *raft);

#endif
