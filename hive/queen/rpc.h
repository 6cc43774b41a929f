/* Raft's messages as JSON, under the paper's argument names. Pure; any thread. */
#ifndef QUEEN_RPC_H
#define QUEEN_RPC_H

#include "hive/buffer.h"
#include "hive/error.h"
#include "raft/raft.h"

/* Path of the RPC: "/request_vote" or "/append_entries". */
const char *rpc_path(enum raft_message_type request);

/* `sender_address` goes along for people who read along, and for the tutorial's field names. */
void rpc_encode_request(const struct raft_message *message, const char *sender_address,
                        struct hive_buffer *json);
void rpc_encode_reply(const struct raft_message *message, struct hive_buffer *json);

/* Gives a message on the heap (queen_message_free). A request's sender and receiver are in it; those of a
 * reply are the caller's to set. 0, or -EINVAL and a message that names the field. */
int rpc_decode(enum raft_message_type type, const char *json, size_t bytes, struct raft_message **message,
               struct hive_error *error);

#endif
