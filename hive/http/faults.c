/* GET and PUT /faults: what this node does to what it sends to other nodes. Only where the node was started for that: who may cut a
 * queen off stops a cluster, and nobody should be able to by a mistake. */
#include "faults/faults.h"

#include "http/handlers.h"
#include "http/node.h"

/* 403 where faults are not enabled; true where it did. */
static bool answer_if_disabled(struct hive_request *request, const struct node *node)
{
    if (faults_is_enabled(node->faults))
        return false;
    hive_request_reply_problem(request, 403, "faults-disabled",
                               "this node was started without --enable-faults, and leaves what it sends "
                               "alone; restart it with that option to try faults");
    return true;
}

static void reply_rules(struct hive_request *request, const struct node *node)
{
    struct hive_buffer json = {0};
    hive_buffer_append_text(&json, "{\"rules\":");
    faults_append(node->faults, &json);
    hive_buffer_append_text(&json, "}");
    hive_request_reply_json(request, 200, &json);
}

void handle_get_faults(struct hive_request *request, void *context)
{
    if (!answer_if_disabled(request, context))
        reply_rules(request, context);
}

void handle_put_faults(struct hive_request *request, void *context)
{
    struct node *node = context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct hive_error error;
    if (answer_if_disabled(request, node))
        return;
    if (faults_set(node->faults, body, bytes, &error))
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
    else
        reply_rules(request, node);
}
