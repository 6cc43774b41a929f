/* Leadership transfer (§3.10). */
#ifndef RAFT_TRANSFER_H
#define RAFT_TRANSFER_H

#include "raft/state.h"

/* Somebody wants `to` to lead; 0: whoever is best up to date. */
void raft_transfer_begin(struct raft *raft, raft_id to);

/* The leader's clock, and whatever the target answered: tells it to stand once it lacks nothing, gives up
 * after an election timeout. */
void raft_transfer_tick(struct raft *raft);

/* It is over. */
void raft_transfer_end(struct raft *raft, enum raft_status status);

/* This leader is about to go: hands over to the voter that is best up to date. False: there is none, or
 * its time is over. */
bool raft_transfer_hand_over(struct raft *raft);

void raft_transfer_on_request(struct raft *raft, const struct raft_message *message);
void raft_transfer_on_reply(struct raft *raft, const struct raft_message *message);

#endif
