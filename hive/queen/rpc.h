/* Raft's messages as JSON, under the paper's argument names. Pure; any thread. */
#ifndef QUEEN_RPC_H
#define QUEEN_RPC_H

#include "hive/buffer.h"
#include "hive/error.h"
#include "queen/queen.h"
#include "raft/raft.h"

/* Path of the RPC: "/request_vote", "/append_entries", … */
const char *rpc_path(enum raft_message_type request);

/* `sender_address` goes along for people who read along, and for the tutorial's field names. */
void rpc_encode_request(const struct raft_message *message, const char *sender_address,
                        struct hive_buffer *json);
void rpc_encode_reply(const struct raft_message *message, struct hive_buffer *json);

/* Gives a message on the heap (queen_message_free). A request's sender and receiver are in it; those of a
 * reply are the caller's to set. Snapshots come in pieces, see below. 0, or -EINVAL and a message that names the field. */
int rpc_decode(enum raft_message_type type, const char *json, size_t bytes, struct raft_message **message,
               struct hive_error *error);

/* A piece of a snapshot's file, and the answer to it. What decoding gives points into `data`, which the caller releases; the answer's
 * next_offset says how far the file is there, its match_index is 0 until the snapshot is installed. */
void rpc_encode_piece(const struct queen_snapshot_piece *piece, const char *sender_address,
                      struct hive_buffer *json);
int rpc_decode_piece(const char *json, size_t bytes, struct queen_snapshot_piece *piece,
                     struct hive_buffer *data, struct hive_error *error);

struct rpc_piece_reply {
    raft_term term;
    uint64_t next_offset;
    raft_index match_index;
};
void rpc_encode_piece_reply(const struct rpc_piece_reply *reply, struct hive_buffer *json);
int rpc_decode_piece_reply(const char *json, size_t bytes, struct rpc_piece_reply *reply,
                           struct hive_error *error);

#endif
