/* What all orders have in common: whom they are about, and how they are answered. */
#include "errand.h"

#include "choose.h"

#include <errno.h>
#include <stdarg.h>

#include "census.h"
#include "departure.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "hive/random.h"
#include "nodes.h"
#include "targets.h"

/* A node is down after its grace time, and one that was restarted and is silent by then is answered for as "starting". */
#define ORDER_TIMEOUT_MS  (NODES_GRACE_MS + 5000)
#define SCALE_TIMEOUT_MS  15000 /* … but a queen that joins has to be sent the state */
#define LINK_TIMEOUT_MS   5000
#define LEADER_TIMEOUT_MS 3000 /* how long an order for "the leader" waits for an election */
#define LEADER_RETRY_MS   50

struct errand *errand_create(struct control_order *order, int64_t now_ms)
{
    struct errand *errand = hive_calloc(1, sizeof *errand);
    bool is_scaling =
        order->verb == CONTROL_ADD || order->verb == CONTROL_REMOVE || order->verb == CONTROL_WIPE;
    bool is_link = order->verb == CONTROL_LINK || order->verb == CONTROL_HEAL;
    errand->order = order;
    errand->begun_ms = now_ms;
    errand->deadline_ms = now_ms + (is_scaling ? SCALE_TIMEOUT_MS
                                    : is_link  ? LINK_TIMEOUT_MS
                                               : ORDER_TIMEOUT_MS);
    errand->due_ms = INT64_MAX;
    return errand;
}

void errand_free(struct errand *errand)
{
    census_free(errand->census);
    departure_free(errand->departure);
    free(errand->nodes);
    free(errand->gone);
    free(errand->order);
    free(errand);
}

bool errand_is_busy(const struct errand *errand)
{
    return (errand->census && errand->census->pending > 0) ||
           (errand->departure && departure_is_asking(errand->departure));
}

void errand_add_node(struct errand *errand, const char *name)
{
    for (size_t i = 0; i < errand->node_count; i++)
        if (strcmp(errand->nodes[i], name) == 0)
            return;
    errand->nodes = hive_realloc(errand->nodes, errand->node_count + 1, sizeof *errand->nodes);
    snprintf(errand->nodes[errand->node_count++], HIVE_NAME_BYTES, "%s", name);
}

void errand_ask(struct supervisor *supervisor, struct errand *errand)
{
    census_free(errand->census);
    errand->census = census_start(supervisor->ledger, supervisor->client);
    errand->phase = ERRAND_ASKING;
    errand->due_ms = INT64_MAX;
}

/* ---- whom it is about ---- */

/* What each verb can be done to. */
static bool is_possible(enum control_verb verb, const struct plan_node *plan)
{
    bool is_going = plan->have != PLAN_HAVE_DOWN && (plan->again || plan->want == PLAN_WANT_DOWN);
    switch (verb) {
    case CONTROL_KILL:
    case CONTROL_STOP:
        return plan->have != PLAN_HAVE_DOWN;
    case CONTROL_LINK:
        return plan->have == PLAN_HAVE_RUNNING;
    case CONTROL_PAUSE:
        return plan->have == PLAN_HAVE_RUNNING && !is_going;
    case CONTROL_RESUME:
        return plan->have == PLAN_HAVE_PAUSED && !is_going;
    default:
        return true;
    }
}

struct choice {
    const struct supervisor *supervisor;
    enum control_verb verb;
    const char *except;
};

static bool can_choose(size_t node, void *context)
{
    const struct choice *choice = context;
    const struct supervisor *supervisor = choice->supervisor;
    bool is_excepted = choice->except && strcmp(supervisor->ledger->nodes[node].name, choice->except) == 0;
    return !is_excepted && is_possible(choice->verb, &supervisor->plan[node]);
}

int errand_find(struct supervisor *supervisor, struct errand *errand, const char *word, bool is_many,
                const char *except, size_t *nodes, size_t *count)
{
    struct choice choice = {.supervisor = supervisor, .verb = errand->order->verb, .except = except};
    const struct targets_question question = {
        .ledger = supervisor->ledger,
        .census = errand->census,
        .can = can_choose,
        .context = &choice,
        .is_many = is_many,
        .random = hive_random(),
    };
    struct hive_error error;
    int64_t now_ms = hive_clock_monotonic_ms();
    int result = targets_find(&question, word, nodes, count, &error);
    if (result == -EAGAIN && targets_needs_census(word) && now_ms < errand->begun_ms + LEADER_TIMEOUT_MS) {
        errand->phase = ERRAND_NEW;
        errand->due_ms = now_ms + LEADER_RETRY_MS;
    } else if (result == -EAGAIN) {
        errand_reply_problem(errand, 409, "conflict", "%s", error.message);
    } else if (result) {
        errand_reply_problem(errand, 404, "not-found", "%s", error.message);
    }
    return result;
}

bool errand_can_begin(struct supervisor *supervisor, struct errand *errand, size_t i)
{
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    const struct plan_node *plan = &supervisor->plan[i];
    const struct hive_process *meant = &errand->order->process;
    bool is_going = plan->have != PLAN_HAVE_DOWN && (plan->again || plan->want == PLAN_WANT_DOWN);
    if (!is_possible(errand->order->verb, plan)) {
        errand_reply_problem(errand, 409, "conflict", "%s is %s: %s", node->name,
                             is_going ? "being ended" : choose_word(node),
                             plan->have == PLAN_HAVE_DOWN ? "restart starts it again"
                             : is_going                   ? "wait for it"
                                        : "only a paused node can be resumed, and only a running one paused");
        return false;
    }
    if ((meant->pid && meant->pid != node->process.pid) ||
        (meant->started_at && meant->started_at != node->process.started_at)) {
        errand_reply_problem(errand, 409, "conflict",
                             "%s is process %d now, and no longer the one that was meant (%d): look again",
                             node->name, (int)node->process.pid, (int)meant->pid);
        return false;
    }
    return true;
}

/* ---- answers ---- */

void errand_reply_json(struct errand *errand, struct hive_buffer *json)
{
    hive_request_reply_json(errand->order->request, 200, json);
    errand->phase = ERRAND_ANSWERED;
    hive_buffer_finish(json);
}

void errand_reply_problem(struct errand *errand, unsigned status, const char *type, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    hive_request_reply_problem(errand->order->request, status, type, "%s", text);
    errand->phase = ERRAND_ANSWERED;
}

void errand_reply_stopping(struct errand *errand)
{
    errand_reply_problem(errand, 503, "stopping", "the cluster is being ended");
}

void errand_reply_node(struct errand *errand, const char *node_json)
{
    struct hive_buffer json = {0};
    hive_buffer_append_text(&json, "{\"result\":\"OK\"");
    if (targets_is_word(errand->order->node))
        hive_buffer_format(&json, ",\"target\":\"%s\"", errand->order->node);
    if (errand->note) {
        hive_buffer_append_text(&json, ",\"note\":");
        hive_json_append_string(&json, errand->note, strlen(errand->note));
    }
    hive_buffer_format(&json, ",\"node\":%s}", node_json);
    errand_reply_json(errand, &json);
}
