/* Changes of the members, one at a time (§4.1 to §4.3): the leader's side. */
#ifndef RAFT_MEMBERSHIP_H
#define RAFT_MEMBERSHIP_H

#include "raft/state.h"

/* The members that the group is founded with. */
void raft_membership_bootstrap(struct raft *raft, const struct raft_configuration *members);

/* Somebody asks for a change. */
void raft_membership_change(struct raft *raft, const struct raft_change *change);

/* The group's word that it has removed this server; see RAFT_EVENT_REMOVED. */
void raft_membership_told_removed(struct raft *raft);

/* Appends the same members again as an entry, where no entry says yet who they are. */
void raft_membership_record(struct raft *raft);

/* The next round of catching up begins for a peer; one may have ended with its answer (§4.2.1). */
void raft_membership_restart_round(const struct raft *raft, struct raft_peer *peer);
void raft_membership_on_match(const struct raft *raft, struct raft_peer *peer);

/* At the end of each step: what follows from what has been committed since `commit_before`. */
void raft_membership_settle(struct raft *raft, raft_index commit_before);

#endif
