/* Raft's RPCs. The answer may have to wait for the disk; the connection is suspended meanwhile. */
#include "http/answer.h"
#include "http/handlers.h"
#include "queen/rpc.h"

static void answer_without_reply(struct hive_request *request, enum queen_outcome outcome)
{
    if (outcome == QUEEN_DISCARDED) {
        hive_request_reply_problem(
            request, 400, "bad-request",
            "not a message for this queen: it was meant for another one, or it contradicts itself");
        return;
    }
    const char *why = outcome == QUEEN_STOPPING ? "is stopping"
                      : outcome == QUEEN_BUSY   ? "is busy with another snapshot"
                                                : "waits for its disk for too long";
    hive_request_set_header(request, "Retry-After", "1");
    hive_request_reply_problem(request, 503, outcome == QUEEN_STOPPING ? "stopping" : "busy",
                               "this queen %s: try again, or ask another one", why);
}

static void on_reply(enum queen_outcome outcome, const struct raft_message *reply, void *context)
{
    struct hive_request *request = context;
    struct hive_buffer json = {0};
    if (outcome != QUEEN_DONE) {
        answer_without_reply(request, outcome);
        return;
    }
    rpc_encode_reply(reply, &json);
    hive_request_reply_json(request, 200, &json);
}

static void handle(struct hive_request *request, const struct node *node, enum raft_message_type type)
{
    if (answer_if_drone(request, node))
        return;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct raft_message *message;
    struct hive_error error;
    if (rpc_decode(type, body, bytes, &message, &error))
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
    else
        queen_rpc(node->queen, message, on_reply, request);
}

void handle_request_vote(struct hive_request *request, void *context)
{
    handle(request, context, RAFT_REQUEST_VOTE);
}

void handle_append_entries(struct hive_request *request, void *context)
{
    handle(request, context, RAFT_APPEND_ENTRIES);
}

void handle_timeout_now(struct hive_request *request, void *context)
{
    handle(request, context, RAFT_TIMEOUT_NOW);
}

/* ---- snapshots ---- */

static void on_piece(enum queen_outcome outcome, raft_term term, uint64_t next_offset, raft_index match_index,
                     void *context)
{
    struct hive_request *request = context;
    struct hive_buffer json = {0};
    if (outcome != QUEEN_DONE) {
        answer_without_reply(request, outcome);
        return;
    }
    struct rpc_piece_reply reply = {.term = term, .next_offset = next_offset, .match_index = match_index};
    rpc_encode_piece_reply(&reply, &json);
    hive_request_reply_json(request, 200, &json);
}

void handle_install_snapshot(struct hive_request *request, void *context)
{
    const struct node *node = context;
    if (answer_if_drone(request, node))
        return;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct queen_snapshot_piece piece;
    struct hive_buffer data = {0};
    struct hive_error error;
    if (rpc_decode_piece(body, bytes, &piece, &data, &error))
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
    else
        queen_install_snapshot(node->queen, &piece, on_piece, request);
    hive_buffer_finish(&data);
}
