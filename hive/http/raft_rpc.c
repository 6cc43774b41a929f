/* Raft's RPCs. The answer may have to wait for the disk; the connection is suspended meanwhile. */
#include "http/answer.h"
#include "http/handlers.h"
#include "queen/rpc.h"

static void on_reply(enum queen_outcome outcome, const struct raft_message *reply, void *context)
{
    struct hive_request *request = context;
    struct hive_buffer json = {0};
    if (outcome == QUEEN_DONE) {
        rpc_encode_reply(reply, &json);
        hive_request_reply_json(request, 200, &json);
    } else if (outcome == QUEEN_DISCARDED) {
        hive_request_reply_problem(
            request, 400, "bad-request",
            "not a message for this queen: the sender is not a member of its group, it was "
            "meant for another queen, or it contradicts itself");
    } else {
        hive_request_set_header(request, "Retry-After", "1");
        hive_request_reply_problem(request, 503, outcome == QUEEN_STOPPING ? "stopping" : "busy",
                                   "this queen %s: try again, or ask another one",
                                   outcome == QUEEN_STOPPING ? "is stopping"
                                                             : "waits for its disk for too long");
    }
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
