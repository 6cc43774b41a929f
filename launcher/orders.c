/* An order only changes what is wanted of a node; the plan does the rest, and the answer waits until the node
 * is there. So a later order simply overtakes an earlier one, whose sender is told. */
#include "orders.h"

#include "census.h"
#include "errand.h"
#include "hive/clock.h"
#include "hive/memory.h"
#include "link_orders.h"
#include "roster.h"
#include "scaling.h"
#include "targets.h"

/* What each verb wants. */
static const enum plan_want goals[] = {
    [CONTROL_KILL] = PLAN_WANT_DOWN,       [CONTROL_STOP] = PLAN_WANT_DOWN,
    [CONTROL_PAUSE] = PLAN_WANT_PAUSED,    [CONTROL_RESUME] = PLAN_WANT_RUNNING,
    [CONTROL_RESTART] = PLAN_WANT_RUNNING,
};

void orders_take(struct supervisor *supervisor)
{
    struct errand **last = &supervisor->errands;
    while (*last)
        last = &(*last)->next;
    for (struct control_order *order = control_take(supervisor->control), *next; order; order = next) {
        next = order->next;
        if (order->verb == CONTROL_END)
            report_event(supervisor->report, REPORT_PLAIN, "cluster", "told to stop over the control socket");
        *last = errand_create(order, hive_clock_monotonic_ms());
        last = &(*last)->next;
    }
}

/* ---- one node, and what is wanted of it ---- */

static void advance_node(struct supervisor *supervisor, struct errand *errand)
{
    const struct control_order *order = errand->order;
    if (errand->phase == ERRAND_NEW && targets_needs_census(order->node)) {
        errand_ask(supervisor, errand);
        return;
    }
    size_t *nodes = hive_calloc(supervisor->ledger->node_count, sizeof *nodes), count;
    int result = errand_find(supervisor, errand, order->node, false, NULL, nodes, &count);
    size_t i = nodes[0];
    free(nodes);
    if (result || !errand_can_begin(supervisor, errand, i))
        return;
    struct plan_node *plan = &supervisor->plan[i];
    plan->want = goals[order->verb];
    plan->again = order->verb == CONTROL_RESTART && plan->have != PLAN_HAVE_DOWN;
    plan->by_force |= order->verb == CONTROL_KILL;
    if (plan->want == PLAN_WANT_DOWN)
        supervisor->runs[i].is_to_be_wiped = false; /* that was overtaken, and its sender is told */
    errand_add_node(errand, supervisor->ledger->nodes[i].name);
    errand->phase = ERRAND_BEGUN;
}

/* Answers an order to a node where its outcome is known. */
static void settle_node(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    size_t i;
    const enum control_verb verb = errand->order->verb;
    bool is_late = now_ms >= errand->deadline_ms;
    if (!roster_find(supervisor, errand->nodes[0], &i)) {
        errand_reply_problem(errand, 409, "conflict", "%s was removed meanwhile", errand->nodes[0]);
        return;
    }
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    const struct plan_node *plan = &supervisor->plan[i];
    if (plan->want != goals[verb] || (plan->again && verb != CONTROL_RESTART)) {
        if (supervisor->is_ending)
            errand_reply_stopping(errand);
        else if (node->state == HIVE_NODE_DEAD)
            errand_reply_problem(errand, 500, "internal", "%s died meanwhile; its log: %s", node->name,
                                 node->log_path);
        else
            errand_reply_problem(errand, 409, "conflict", "%s was told something else meanwhile", node->name);
    } else if (plan_is_settled(plan)) {
        bool is_silent = verb == CONTROL_RESTART && watch_level(supervisor->watch, i) == WATCH_SILENT;
        if (is_silent && !is_late)
            return;
        char *json = hive_ledger_node_json(node);
        errand_reply_node(errand, json);
        free(json);
    } else if (is_late) {
        errand_reply_problem(errand, 504, "unknown-outcome",
                             "%s does not react: 'launcher status' tells what becomes of it", node->name);
    }
}

/* ---- all orders ---- */

static void advance(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    if (errand->census && errand->census->pending > 0)
        return;
    if (errand->phase >= ERRAND_BEGUN ||
        (errand->phase == ERRAND_NEW && errand->due_ms != INT64_MAX && now_ms < errand->due_ms))
        return;
    errand->due_ms = INT64_MAX;
    switch (errand->order->verb) {
    case CONTROL_SHOW:
    case CONTROL_SHOW_LINKS:
    case CONTROL_END:
        errand->phase = ERRAND_DONE;
        return;
    default:
        break;
    }
    if (supervisor->is_ending) {
        errand_reply_stopping(errand);
        return;
    }
    switch (errand->order->verb) {
    case CONTROL_ADD:
    case CONTROL_REMOVE:
    case CONTROL_WIPE:
        scaling_advance(supervisor, errand, now_ms);
        break;
    case CONTROL_LINK:
    case CONTROL_HEAL:
        link_orders_advance(supervisor, errand);
        break;
    default:
        advance_node(supervisor, errand);
        break;
    }
}

void orders_advance(struct supervisor *supervisor, int64_t now_ms)
{
    for (struct errand *errand = supervisor->errands; errand; errand = errand->next)
        advance(supervisor, errand, now_ms);
}

static void settle(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    struct hive_buffer json = {0};
    if (errand->phase != ERRAND_BEGUN && errand->phase != ERRAND_DONE)
        return;
    switch (errand->order->verb) {
    case CONTROL_SHOW: {
        char *text = hive_ledger_json(supervisor->ledger);
        hive_buffer_append_text(&json, text);
        free(text);
        errand_reply_json(errand, &json);
        break;
    }
    case CONTROL_END:
        hive_buffer_append_text(&json, "{\"result\":\"OK\"}");
        errand_reply_json(errand, &json);
        if (!supervisor->is_ending)
            supervisor_end(supervisor);
        break;
    case CONTROL_ADD:
    case CONTROL_REMOVE:
    case CONTROL_WIPE:
        scaling_settle(supervisor, errand, now_ms);
        break;
    case CONTROL_SHOW_LINKS:
    case CONTROL_LINK:
    case CONTROL_HEAL:
        link_orders_settle(supervisor, errand, now_ms);
        break;
    default:
        settle_node(supervisor, errand, now_ms);
        break;
    }
}

int64_t orders_settle(struct supervisor *supervisor, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    struct errand **at = &supervisor->errands;
    while (*at) {
        struct errand *errand = *at;
        settle(supervisor, errand, now_ms);
        if (errand->phase == ERRAND_ANSWERED && !errand_is_busy(errand)) {
            *at = errand->next;
            errand_free(errand);
            continue;
        }
        int64_t next_ms = errand->due_ms < errand->deadline_ms ? errand->due_ms : errand->deadline_ms;
        if (errand->phase != ERRAND_ANSWERED && next_ms < due_ms)
            due_ms = next_ms;
        at = &errand->next;
    }
    return due_ms;
}

void orders_end(struct supervisor *supervisor)
{
    for (struct errand *errand = supervisor->errands, *next; errand; errand = next) {
        next = errand->next;
        settle(supervisor, errand, INT64_MAX);
        if (errand->phase != ERRAND_ANSWERED)
            errand_reply_stopping(errand);
        errand_free(errand);
    }
    supervisor->errands = NULL;
}
