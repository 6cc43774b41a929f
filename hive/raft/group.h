/* The group: who is in it by the configuration in force, as the peers that this server keeps books on, and
 * what a majority of its voters has reached. */
#ifndef RAFT_GROUP_H
#define RAFT_GROUP_H

#include "raft/state.h"

/* `base`: the configuration where the log begins; NULL: not known. */
void raft_group_init(struct raft *raft, const struct raft_configuration *base);
void raft_group_finish(struct raft *raft);

/* The newest configuration that is committed, as far as this server knows; never NULL. */
const struct raft_configuration *raft_group_committed(const struct raft *raft);

/* True where the configuration in force is not committed yet. */
bool raft_group_is_changing(const struct raft *raft);

/* Another configuration is in force: an entry was appended, truncated, or a snapshot took the log's place. */
void raft_group_appended(struct raft *raft, const struct raft_configuration *configuration);
void raft_group_truncated(struct raft *raft, raft_index from);
void raft_group_installed(struct raft *raft, const struct raft_snapshot *snapshot);

/* Brings the peers in line with the configuration in force and the own role. */
void raft_group_update_peers(struct raft *raft);

/* NULL: none of ours. */
struct raft_peer *raft_group_peer(const struct raft *raft, raft_id id);

/* Does this server count itself? */
bool raft_group_has_own_vote(const struct raft *raft);

/* The greatest value that a majority of the voters has; `own` is that of this server, where it is one. */
uint64_t raft_group_quorum_value(const struct raft *raft, uint64_t own,
                                 uint64_t (*value)(const struct raft_peer *peer));

#endif
