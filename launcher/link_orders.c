/* A rule is in force when the node that has to keep it has said so; the answer waits for that. Nodes that are down or
 * paused are told when they are back, and are named in the answer as pending. */
#include "link_orders.h"

#include <errno.h>

#include "census.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "targets.h"

/* Places of the nodes that the order's ends mean. */
struct ends {
    size_t *from, *to;
    size_t from_count, to_count;
};

static const char *name_at(const struct supervisor *supervisor, size_t i)
{
    return supervisor->ledger->nodes[i].name;
}

/* One direction. */
static bool change(struct supervisor *supervisor, struct errand *errand, const char *from, const char *to)
{
    const struct control_order *order = errand->order;
    bool is_full = false;
    if (order->verb == CONTROL_LINK)
        is_full = !links_change(&supervisor->links, from, to, &order->change);
    else if (!links_heal(&supervisor->links, from, to))
        return true;
    errand_add_node(errand, from);
    return !is_full;
}

static bool change_all(struct supervisor *supervisor, struct errand *errand, const struct ends *ends)
{
    bool is_well = true;
    for (size_t a = 0; a < ends->from_count; a++) {
        for (size_t b = 0; b < ends->to_count && is_well; b++) {
            const char *from = name_at(supervisor, ends->from[a]), *to = name_at(supervisor, ends->to[b]);
            if (ends->from[a] == ends->to[b])
                continue;
            is_well = change(supervisor, errand, from, to) &&
                      (errand->order->is_one_way || change(supervisor, errand, to, from));
        }
    }
    for (size_t n = 0; n < errand->node_count; n++)
        link_push_change(supervisor, errand->nodes[n]);
    return is_well;
}

/* Looks both ends up. An end that was not given means all. */
static int find_ends(struct supervisor *supervisor, struct errand *errand, struct ends *ends)
{
    const struct control_order *order = errand->order;
    const char *from = *order->from ? order->from : "all", *to = *order->to ? order->to : "all";
    int result = errand_find(supervisor, errand, from, true, NULL, ends->from, &ends->from_count);
    if (result)
        return result;
    const char *other = ends->from_count == 1 ? name_at(supervisor, ends->from[0]) : NULL;
    result = errand_find(supervisor, errand, to, true, other, ends->to, &ends->to_count);
    if (result)
        return result;
    if (ends->from_count == 1 && ends->to_count == 1 && ends->from[0] == ends->to[0]) {
        errand_reply_problem(errand, 400, "bad-request", "a link has two ends, and %s is only one", other);
        return -EINVAL;
    }
    return 0;
}

void link_orders_advance(struct supervisor *supervisor, struct errand *errand)
{
    const struct control_order *order = errand->order;
    size_t count = supervisor->ledger->node_count;
    if (order->verb == CONTROL_LINK && !supervisor->ledger->can_fault) {
        errand_reply_problem(
            errand, 409, "faults-disabled",
            "the nodes of cluster %s were started with --no-faults: start it without that option",
            supervisor->ledger->name);
        return;
    }
    if (errand->phase == ERRAND_NEW &&
        (targets_needs_census(order->from) || targets_needs_census(order->to))) {
        errand_ask(supervisor, errand);
        return;
    }
    struct ends ends = {.from = hive_calloc(count, sizeof *ends.from),
                        .to = hive_calloc(count, sizeof *ends.to)};
    if (find_ends(supervisor, errand, &ends) == 0) {
        errand->phase = ERRAND_BEGUN;
        if (!change_all(supervisor, errand, &ends))
            errand_reply_problem(
                errand, 409, "full",
                "more than %d rules for links are too many, and not all of these were taken: heal some",
                LINKS_MAX);
    }
    free(ends.from);
    free(ends.to);
}

/* ---- answers ---- */

static bool is_in_force(const struct supervisor *supervisor, const char *name)
{
    const struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, name);
    size_t i = node ? (size_t)(node - supervisor->ledger->nodes) : 0;
    return node && supervisor->plan[i].have == PLAN_HAVE_RUNNING && link_push_is_confirmed(supervisor, i);
}

static void append_name(struct hive_buffer *json, const char *field, const char *name)
{
    hive_buffer_format(json, "\"%s\":", field);
    hive_json_append_string(json, name, strlen(name));
}

static void append_links(struct hive_buffer *json, const struct supervisor *supervisor)
{
    hive_buffer_append_text(json, "\"links\":[");
    for (size_t i = 0; i < supervisor->links.count; i++) {
        const struct link *link = &supervisor->links.items[i];
        hive_buffer_append_text(json, i ? ",{" : "{");
        append_name(json, "from", link->from);
        hive_buffer_append_text(json, ",");
        append_name(json, "to", link->to);
        hive_buffer_format(
            json, ",\"cut\":%s,\"delay_ms\":%lld,\"jitter_ms\":%lld,\"loss_percent\":%g,\"in_force\":%s}",
            link->is_cut ? "true" : "false", (long long)link->delay_ms, (long long)link->jitter_ms,
            link->loss_percent, is_in_force(supervisor, link->from) ? "true" : "false");
    }
    hive_buffer_append_text(json, "]");
}

static void append_names(struct hive_buffer *json, const char *field, const struct hive_buffer *names)
{
    hive_buffer_format(json, ",\"%s\":[%s]", field, names->size ? names->data : "");
}

static void reply(struct supervisor *supervisor, struct errand *errand, const struct hive_buffer *pending)
{
    struct hive_buffer json = {0};
    hive_buffer_append_text(&json, "{\"result\":\"OK\",");
    append_links(&json, supervisor);
    append_names(&json, "pending", pending);
    struct hive_buffer changed = {0};
    for (size_t n = 0; n < errand->node_count; n++) {
        hive_buffer_append_text(&changed, n ? "," : "");
        hive_json_append_string(&changed, errand->nodes[n], strlen(errand->nodes[n]));
    }
    append_names(&json, "changed", &changed);
    hive_buffer_append_text(&json, "}");
    hive_buffer_finish(&changed);
    errand_reply_json(errand, &json);
}

/* One node of those that have a new table. False where it is still to be waited for. */
static bool settle_node(struct supervisor *supervisor, struct errand *errand, const char *name,
                        struct hive_buffer *pending)
{
    const struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, name);
    size_t i = node ? (size_t)(node - supervisor->ledger->nodes) : 0;
    if (!node || link_push_is_confirmed(supervisor, i))
        return true;
    const struct link_push *push = &supervisor->runs[i].faults;
    if (supervisor->plan[i].have != PLAN_HAVE_RUNNING) {
        hive_buffer_append_text(pending, pending->size ? "," : "");
        hive_json_append_string(pending, name, strlen(name));
        return true;
    }
    if (push->is_refused)
        errand_reply_problem(errand, 409, "conflict",
                             "%s does not take the rule: %s; 'launcher heal' takes it back", name,
                             push->failure);
    return false;
}

void link_orders_settle(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    struct hive_buffer pending = {0};
    const char *silent = NULL;
    for (size_t n = 0; n < errand->node_count && errand->phase != ERRAND_ANSWERED; n++)
        if (!settle_node(supervisor, errand, errand->nodes[n], &pending))
            silent = errand->nodes[n];
    if (errand->phase == ERRAND_ANSWERED) {
        /* It was said why. */
    } else if (!silent) {
        reply(supervisor, errand, &pending);
    } else if (now_ms >= errand->deadline_ms) {
        errand_reply_problem(
            errand, 504, "unknown-outcome",
            "%s has not confirmed the rule: it is told again until it does ('launcher links')", silent);
    }
    hive_buffer_finish(&pending);
}
