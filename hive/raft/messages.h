/* What leaves in this step: every message is made here, so that none can forget what it must wait for. */
#ifndef RAFT_MESSAGES_H
#define RAFT_MESSAGES_H

#include "raft/state.h"

/* A zeroed message of that type to `to`, in the own name and term, that waits for the own term and vote to be
 * durable. Valid until the next call. */
struct raft_message *raft_message_out(struct raft *raft, enum raft_message_type type, raft_id to);

/* The answer to `request`: to its sender, with its context. */
struct raft_message *raft_reply_out(struct raft *raft, enum raft_message_type type,
                                    const struct raft_message *request);

/* The message waits for `write`, too. */
void raft_message_wait(const struct raft *raft, struct raft_message *message, uint64_t write);

/* False for a message that cannot be meant for this server or contradicts itself. Whether its sender is a
 * member is not asked: this server may not know the newest configuration (§4.1). */
bool raft_message_is_valid(const struct raft *raft, const struct raft_message *message);

#endif
