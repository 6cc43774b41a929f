/* An order only changes what is wanted of a node; the plan does the rest, and the answer waits until the node
 * is there. So a later order simply overtakes an earlier one, whose sender is told. */
#include "orders.h"

#include "hive/memory.h"
#include "nodes.h"

/* Nothing takes longer: a node is down after its grace time, and one that was restarted and is silent by then
 * is answered for as "starting". */
#define ORDER_TIMEOUT_MS (NODES_GRACE_MS + 5000)

/* What each verb wants. */
static const enum plan_want goals[] = {
    [CONTROL_KILL] = PLAN_WANT_DOWN,       [CONTROL_STOP] = PLAN_WANT_DOWN,
    [CONTROL_PAUSE] = PLAN_WANT_PAUSED,    [CONTROL_RESUME] = PLAN_WANT_RUNNING,
    [CONTROL_RESTART] = PLAN_WANT_RUNNING,
};

static void answer_ok(struct control_order *order, const struct hive_ledger_node *node)
{
    struct hive_buffer json = {0};
    char *text = hive_ledger_node_json(node);
    hive_buffer_format(&json, "{\"result\":\"OK\",\"node\":%s}", text);
    free(text);
    hive_request_reply_json(order->request, 200, &json);
    hive_buffer_finish(&json);
}

static void answer_stopping(struct control_order *order)
{
    hive_request_reply_problem(order->request, 503, "stopping", "the cluster is being ended");
}

/* True where the node can obey; otherwise the order is answered. */
static bool check(struct control_order *order, const struct hive_ledger_node *node,
                  const struct plan_node *plan)
{
    const char *state = hive_node_state_names[node->state];
    bool is_going = plan->have != PLAN_HAVE_DOWN && (plan->again || plan->want == PLAN_WANT_DOWN);
    bool is_possible = true;
    switch (order->verb) {
    case CONTROL_KILL:
    case CONTROL_STOP:
        is_possible = plan->have != PLAN_HAVE_DOWN;
        break;
    case CONTROL_PAUSE:
        is_possible = plan->have == PLAN_HAVE_RUNNING && !is_going;
        break;
    case CONTROL_RESUME:
        is_possible = plan->have == PLAN_HAVE_PAUSED && !is_going;
        break;
    default:
        break;
    }
    if (!is_possible) {
        hive_request_reply_problem(order->request, 409, "conflict", "%s is %s: %s", node->name,
                                   is_going ? "being ended" : state,
                                   plan->have == PLAN_HAVE_DOWN ? "restart starts it again"
                                   : is_going                   ? "wait for it"
                                              : "only a paused node can be resumed, and only a running "
                                                "one paused");
        return false;
    }
    const struct hive_process *meant = &order->process;
    if ((meant->pid && meant->pid != node->process.pid) ||
        (meant->started_at && meant->started_at != node->process.started_at)) {
        hive_request_reply_problem(
            order->request, 409, "conflict",
            "%s is process %d now, and no longer the one that was meant (%d): look again", node->name,
            (int)node->process.pid, (int)meant->pid);
        return false;
    }
    return true;
}

/* Puts the order into the plan. False: it is answered already. */
static bool begin(struct supervisor *supervisor, struct control_order *order)
{
    struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, order->node);
    if (!node) {
        hive_request_reply_problem(order->request, 404, "not-found",
                                   "cluster %s has no node '%s': 'launcher status' lists them",
                                   supervisor->ledger->name, order->node);
        return false;
    }
    if (supervisor->is_ending) {
        answer_stopping(order);
        return false;
    }
    struct plan_node *plan = &supervisor->plan[node - supervisor->ledger->nodes];
    if (!check(order, node, plan))
        return false;
    plan->want = goals[order->verb];
    plan->again = order->verb == CONTROL_RESTART && plan->have != PLAN_HAVE_DOWN;
    plan->by_force |= order->verb == CONTROL_KILL;
    return true;
}

void orders_take(struct supervisor *supervisor, int64_t now_ms)
{
    struct control_order **last = &supervisor->orders;
    while (*last)
        last = &(*last)->next;
    for (struct control_order *order = control_take(supervisor->control), *next; order; order = next) {
        next = order->next;
        order->next = NULL;
        order->deadline_ms = now_ms + ORDER_TIMEOUT_MS;
        if (order->verb == CONTROL_END)
            report_event(supervisor->report, REPORT_PLAIN, "cluster", "told to stop over the control socket");
        if (order->verb <= CONTROL_END || begin(supervisor, order)) {
            *last = order;
            last = &order->next;
        } else {
            free(order);
        }
    }
}

/* Answers an order to a node where its outcome is known. */
static bool settle_node(struct supervisor *supervisor, struct control_order *order, int64_t now_ms)
{
    const struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, order->node);
    size_t i = (size_t)(node - supervisor->ledger->nodes);
    const struct plan_node *plan = &supervisor->plan[i];
    bool is_late = now_ms >= order->deadline_ms;
    if (plan->want != goals[order->verb] || (plan->again && order->verb != CONTROL_RESTART)) {
        if (supervisor->is_ending)
            answer_stopping(order);
        else if (node->state == HIVE_NODE_DEAD)
            hive_request_reply_problem(order->request, 500, "internal", "%s died meanwhile; its log: %s",
                                       node->name, node->log_path);
        else
            hive_request_reply_problem(order->request, 409, "conflict",
                                       "%s was told something else meanwhile", node->name);
        return true;
    }
    if (plan_is_settled(plan)) {
        bool is_silent = order->verb == CONTROL_RESTART && watch_level(supervisor->watch, i) == WATCH_SILENT;
        if (is_silent && !is_late)
            return false;
        answer_ok(order, node);
        return true;
    }
    if (is_late)
        hive_request_reply_problem(order->request, 504, "unknown-outcome",
                                   "%s does not react: 'launcher status' tells what becomes of it",
                                   node->name);
    return is_late;
}

static bool settle(struct supervisor *supervisor, struct control_order *order, int64_t now_ms)
{
    struct hive_buffer json = {0};
    if (order->verb == CONTROL_SHOW) {
        char *text = hive_ledger_json(supervisor->ledger);
        hive_buffer_append_text(&json, text);
        free(text);
    } else if (order->verb == CONTROL_END) {
        hive_buffer_append_text(&json, "{\"result\":\"OK\"}");
        if (!supervisor->is_ending)
            supervisor_end(supervisor);
    } else {
        return settle_node(supervisor, order, now_ms);
    }
    hive_request_reply_json(order->request, 200, &json);
    hive_buffer_finish(&json);
    return true;
}

int64_t orders_settle(struct supervisor *supervisor, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    struct control_order **at = &supervisor->orders;
    while (*at) {
        struct control_order *order = *at;
        if (settle(supervisor, order, now_ms)) {
            *at = order->next;
            free(order);
        } else {
            due_ms = order->deadline_ms < due_ms ? order->deadline_ms : due_ms;
            at = &order->next;
        }
    }
    return due_ms;
}
