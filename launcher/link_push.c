/* A node that does not answer is asked again for as long as it lives: rules that exist only here would let a person look
 * for faults that nobody makes. */
#include "link_push.h"

#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "supervisor.h"

#define CALL_TIMEOUT_MS 2000
#define RETRY_MS        50
#define REFUSED_MS      1000
#define ANSWER_BYTES    (1024L * 1024)

struct link_call {
    struct supervisor *supervisor;
    char node[HIVE_NAME_BYTES];
    uint64_t number; /* of the table that is sent */
    struct link_call *next;
};

static void want_new(struct supervisor *supervisor, struct link_push *push)
{
    push->wanted = ++supervisor->link_tables;
    push->ask_at_ms = 0;
    push->is_refused = false;
    push->failure[0] = '\0';
}

void link_push_change(struct supervisor *supervisor, const char *name)
{
    const struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, name);
    if (node)
        want_new(supervisor, &supervisor->runs[node - supervisor->ledger->nodes].faults);
}

void link_push_start_node(struct supervisor *supervisor, size_t node)
{
    struct link_push *push = &supervisor->runs[node].faults;
    want_new(supervisor, push); /* what is under way is for the process before */
    if (!links_find(&supervisor->links, supervisor->ledger->nodes[node].name, NULL))
        push->confirmed = push->wanted;
}

bool link_push_is_confirmed(const struct supervisor *supervisor, size_t node)
{
    const struct link_push *push = &supervisor->runs[node].faults;
    return push->confirmed == push->wanted;
}

static void note_failure(struct link_push *push, const struct hive_http_response *response)
{
    const char *detail = response->failure;
    cJSON *json = response->status ? hive_json_parse_object(response->body.data ? response->body.data : "",
                                                            response->body.size, NULL)
                                   : NULL;
    if (json)
        hive_json_string(json, "detail", &detail, NULL);
    if (response->status == 404 || response->status == 405)
        detail = "its version knows no faults between nodes";
    push->is_refused = response->status >= 400 && response->status < 500;
    push->ask_at_ms = hive_clock_monotonic_ms() + (push->is_refused ? REFUSED_MS : RETRY_MS);
    snprintf(push->failure, sizeof push->failure, "%.150s", detail ? detail : "it refuses");
    cJSON_Delete(json);
}

static void answered(struct hive_http_response *response, void *context)
{
    struct link_call *call = context;
    struct supervisor *supervisor = call->supervisor;
    struct link_call **at = &supervisor->link_calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    const struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, call->node);
    if (node) {
        struct link_push *push = &supervisor->runs[node - supervisor->ledger->nodes].faults;
        if (push->asking == call->number)
            push->asking = 0;
        if (push->wanted == call->number && response->status == 200)
            push->confirmed = call->number;
        else if (push->wanted == call->number)
            note_failure(push, response);
    }
    free(call);
}

static void send_table(struct supervisor *supervisor, size_t i)
{
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    struct link_push *push = &supervisor->runs[i].faults;
    struct link_call *call = hive_calloc(1, sizeof *call);
    *call =
        (struct link_call){.supervisor = supervisor, .number = push->wanted, .next = supervisor->link_calls};
    memcpy(call->node, node->name, sizeof call->node);
    supervisor->link_calls = call;
    push->asking = push->wanted;

    struct hive_buffer body = {0};
    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/faults", node->address);
    links_append_faults(&body, &supervisor->links, supervisor->ledger, node->name);
    hive_http_client_start(supervisor->client,
                           &(struct hive_http_request){
                               .method = "PUT",
                               .url = url,
                               .token = supervisor->token,
                               .content_type = "application/json",
                               .body = body.data,
                               .body_bytes = body.size,
                               .timeout_ms = CALL_TIMEOUT_MS,
                               .response_bytes = ANSWER_BYTES,
                           },
                           answered, call);
    hive_buffer_finish(&body);
}

int64_t link_push_poll(struct supervisor *supervisor, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < supervisor->ledger->node_count; i++) {
        const struct link_push *push = &supervisor->runs[i].faults;
        bool is_up = supervisor->plan[i].have == PLAN_HAVE_RUNNING;
        if (link_push_is_confirmed(supervisor, i) || !is_up || push->asking || supervisor->is_ending)
            continue;
        if (now_ms >= push->ask_at_ms)
            send_table(supervisor, i);
        else if (push->ask_at_ms < due_ms)
            due_ms = push->ask_at_ms;
    }
    return due_ms;
}

void link_push_end(struct supervisor *supervisor)
{
    for (struct link_call *call = supervisor->link_calls, *next; call; call = next) {
        next = call->next;
        free(call);
    }
    supervisor->link_calls = NULL;
}
