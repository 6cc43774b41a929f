/* Leader election with pre-vote (§3.4, §9.6) and leader stickiness (§4.2.3). */
#ifndef RAFT_ELECTION_H
#define RAFT_ELECTION_H

#include "raft/state.h"

/* Draws a new election timeout (§3.4: anew for every election) that starts now. */
void raft_election_restart_timer(struct raft *raft);

/* The timeout passed: asks for pre-votes, or for votes where pre-vote is off. */
void raft_election_timeout(struct raft *raft);

/* The leader asks this server to stand (§3.10): no pre-vote, and no voter takes it for a disturbance. */
void raft_election_stand_now(struct raft *raft);

/* The own vote is about to be durable, and a candidate's requests to leave: the time for their answers begins now. */
void raft_election_requests_leave(struct raft *raft);

/* The process of that leader has ended. */
void raft_election_leader_gone(struct raft *raft, raft_id leader);

void raft_election_on_request(struct raft *raft, const struct raft_message *message);
void raft_election_on_reply(struct raft *raft, const struct raft_message *message);

/* The own vote may just have become durable: counts again. */
void raft_election_count(struct raft *raft);

#endif
