/* POST /do_task: a queen gives this drone a task. The answer comes when the task runs or has ended, so that
 * the queen learns both in one call; the connection is suspended meanwhile. */
#include "http/handlers.h"

#include <errno.h>

#include "drone/drone.h"
#include "hive/address.h"
#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "http/node.h"

/* A call that waits for its outcome. */
struct pending {
    struct hive_request *request;
    char id[HIVE_ID_BYTES];
};

/* Why a task was not begun. */
static const struct refusal {
    int code;
    unsigned status;
    const char *type, *detail;
} refusals[] = {
    {-EBUSY, 503, "busy",
     "this drone does as many tasks as it can; give the task to another, or try again later"},
    {-ESHUTDOWN, 503, "stopping", "this drone is ending; give the task to another"},
    {-ESTALE, 409, "conflict", "a later attempt of this task was here before; this one is out of date"},
};

static void reply_refusal(struct hive_request *request, int code)
{
    const struct refusal *refusal = refusals;
    while (refusal->code != code)
        refusal++;
    if (refusal->status == 503)
        hive_request_set_header(request, "Retry-After", "1");
    hive_request_reply_problem(request, refusal->status, refusal->type, "%s", refusal->detail);
}

/* Called once the task's state is known, from any thread. */
static void reply_outcome(const struct task_answer *answer, void *context)
{
    struct pending *pending = context;
    if (answer->code) {
        reply_refusal(pending->request, answer->code);
    } else {
        struct hive_buffer json = {0};
        hive_buffer_append_text(&json, "{\"result\":\"OK\",\"id\":");
        hive_json_append_string(&json, pending->id, strlen(pending->id));
        hive_buffer_format(&json, ",\"state\":\"%s\"", machine_task_state_name(answer->state));
        if (answer->detail[0]) {
            hive_buffer_append_text(&json, ",\"detail\":");
            hive_json_append_string(&json, answer->detail, strlen(answer->detail));
        }
        hive_buffer_append_text(&json, "}");
        hive_request_reply_json(pending->request, 200, &json);
    }
    free(pending);
}

/* The order in `json`, whose texts stay the document's; its spec is detached from it. 0, or -EINVAL (-ENOENT)
 * and a message. */
static int parse_order(cJSON *json, struct task_order *order, struct hive_error *error)
{
    const cJSON *spec;
    struct hive_address queen;
    int64_t attempt = 0;
    int code = driver_find(json, &order->driver, &spec, error);
    if (code == 0)
        code = hive_json_string(json, "id", &order->id, error);
    if (code == 0 && (strlen(order->id) >= HIVE_ID_BYTES || !hive_is_name(order->id)))
        code = hive_error_set(error, -EINVAL, "\"id\" must be a task's id such as \"task-12\"");
    if (code == 0)
        code = hive_json_int(json, "attempt", 1, UINT32_MAX, &attempt, error);
    if (code == 0)
        code = hive_json_string(json, "queen", &order->queen, error);
    if (code == 0 && hive_address_parse(order->queen, &queen, error) != 0)
        code = hive_error_prefix(error, -EINVAL, "\"queen\"");
    if (code == 0 && queen.port == 0)
        code = hive_error_set(error, -EINVAL, "\"queen\" must have a port that one can call");
    if (code == 0) {
        order->attempt = (uint32_t)attempt;
        order->spec = cJSON_DetachItemViaPointer(json, (cJSON *)spec);
    }
    return code;
}

/* The credential of "Authorization: Bearer X"; empty where there is none. */
static const char *bearer(const struct hive_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *header = hive_request_header(request, "Authorization");
    return header && strncasecmp(header, scheme, sizeof scheme - 1) == 0 ? header + sizeof scheme - 1 : "";
}

void handle_do_task(struct hive_request *request, void *context)
{
    struct node *node = context;
    if (!node->drone) {
        hive_request_reply_problem(
            request, 400, "wrong-mode",
            "this node is a queen and does no tasks; submit one with POST /submit_task");
        return;
    }
    if (!drone_is_authorized(node->drone, bearer(request))) {
        bool has_token = node->config->token != NULL;
        hive_request_reply_problem(
            request, has_token ? 401 : 403, has_token ? "unauthorized" : "forbidden",
            "drones take tasks from their queens only; submit yours to a queen, with POST "
            "/submit_task");
        return;
    }

    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct hive_error error;
    struct task_order order = {0};
    cJSON *json = hive_json_parse_object(body, bytes, &error);
    if (!json || parse_order(json, &order, &error) != 0) {
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
    } else {
        struct pending *pending = hive_calloc(1, sizeof *pending);
        pending->request = request;
        snprintf(pending->id, sizeof pending->id, "%s", order.id);
        drone_do_task(node->drone, &order, reply_outcome, pending);
    }
    cJSON_Delete(json);
}
