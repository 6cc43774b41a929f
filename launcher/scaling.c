/* Queens join and leave their group as the group decides, not as the launcher does: a new one is started and asks to be
 * taken in, and one that leaves is first no member any more, then a process that ends. What would cost the majority is
 * refused, because nobody could take it back. */
#include "scaling.h"

#include <errno.h>
#include <unistd.h>

#include "census.h"
#include "departure.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "layout.h"
#include "roster.h"
#include "survival.h"

#define GATE_RETRY_MS  10
#define FOUNDED_MS     5000 /* so long a queen that is added waits for a cluster that is just starting */
#define FORCE_AFTER_MS 3000 /* so long it is tried properly, where force is allowed */

/* ---- add ---- */

static size_t count_role(const struct hive_ledger *ledger, enum hive_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->node_count; i++)
        count += ledger->nodes[i].role == role;
    return count;
}

/* What was made for nodes that are not to be, after all. */
static void take_back(struct supervisor *supervisor, struct errand *errand, struct hive_ledger_node *nodes,
                      size_t count)
{
    size_t at;
    for (size_t i = 0; i < count; i++)
        if (nodes[i].data_directory)
            hive_file_remove_tree(nodes[i].data_directory, NULL);
    for (size_t n = 0; n < errand->node_count; n++)
        if (roster_find(supervisor, errand->nodes[n], &at))
            roster_remove(supervisor, at);
}

/* Gives the new nodes places on disk and in the cluster. The gate is held. */
static int put_in(struct supervisor *supervisor, struct errand *errand, struct hive_error *error)
{
    const struct control_order *order = errand->order;
    struct hive_ledger_node *nodes = hive_calloc(order->count, sizeof *nodes);
    int result = layout_grow(supervisor->ledger, order->role, order->count, nodes, error);
    for (size_t i = 0; i < order->count && !result; i++) {
        result = hive_file_remove_tree(nodes[i].data_directory, error); /* nobody's any more */
        if (!result)
            result = hive_file_make_directories(nodes[i].data_directory, 0700, error);
    }
    for (size_t i = 0; i < order->count && !result; i++) {
        errand_add_node(errand, nodes[i].name);
        roster_insert(supervisor, &nodes[i]);
    }
    if (!result) /* before others may choose ports */
        result = hive_ledger_save(supervisor->ledger, error);
    if (result)
        take_back(supervisor, errand, nodes, order->count);
    for (size_t i = 0; i < order->count; i++)
        hive_ledger_node_finish(&nodes[i]);
    free(nodes);
    return result;
}

static void advance_add(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    const struct control_order *order = errand->order;
    const struct hive_ledger *ledger = supervisor->ledger;
    bool is_queen = order->role == HIVE_ROLE_QUEEN;
    size_t have = count_role(ledger, order->role), most = is_queen ? HIVE_QUEENS : HIVE_NODES - HIVE_QUEENS;
    if (have + order->count > most) {
        errand_reply_problem(errand, 409, "group-full",
                             "cluster %s has %zu %ss, and can have %zu: %zu more are too many", ledger->name,
                             have, hive_role_names[order->role], most, order->count);
        return;
    }
    if (is_queen && !ledger->founded && now_ms < errand->begun_ms + FOUNDED_MS) {
        errand->due_ms = now_ms + GATE_RETRY_MS;
        return;
    }
    if (is_queen && !ledger->founded) {
        errand_reply_problem(
            errand, 503, "no-leader",
            "the queens of cluster %s have no group yet that another one could join: 'hive status' "
            "tells what they wait for",
            ledger->name);
        return;
    }
    struct hive_error error;
    int gate = cluster_try_gate(&error);
    if (gate == -EWOULDBLOCK && now_ms < errand->deadline_ms) {
        errand->due_ms = now_ms + GATE_RETRY_MS;
        return;
    }
    int result = gate < 0 ? gate : put_in(supervisor, errand, &error);
    if (gate >= 0)
        close(gate);
    if (result)
        errand_reply_problem(errand, 500, "internal", "%s", error.message);
    else
        errand->phase = ERRAND_BEGUN;
}

/* ---- may she go? ---- */

static struct survival count_group(const struct errand *errand, const char *name)
{
    const struct census *census = errand->census;
    const struct census_queen *leader = census_leader(census), *queen = census_find(census, name);
    struct survival group = {.live = census_live_voters(census)};
    for (size_t i = 0; i < census->count; i++)
        if (!leader && census->queens[i].voters > group.voters)
            group.voters = census->queens[i].voters;
    if (leader)
        group.voters = leader->voters;
    group.is_live = queen && queen->is_voter;
    group.is_voter = group.is_live || !queen || !queen->has_answered;
    return group;
}

/* False where it would cost the majority; then the errand is answered. */
static bool check_survival(struct errand *errand, const char *name)
{
    bool is_removal = errand->order->verb == CONTROL_REMOVE;
    struct survival group = count_group(errand, name);
    if (errand->order->by_force || (is_removal ? survival_of_removal(&group) : survival_of_absence(&group)))
        return true;
    size_t left = group.live - group.is_live, voters = group.voters - is_removal;
    errand_reply_problem(
        errand, 409, "conflict",
        "without %s %zu of %zu voting queens would be there, and that is no majority: the group could "
        "write nothing, nor %s; start the others first, or do it all the same with --force",
        name, left, voters, is_removal ? "change its members any more" : "take her in again");
    return false;
}

/* ---- remove ---- */

static void begin_end(struct supervisor *supervisor, struct errand *errand, size_t i)
{
    supervisor->plan[i].want = PLAN_WANT_DOWN;
    supervisor->plan[i].again = false;
    errand->phase = ERRAND_ENDING;
    errand->due_ms = 0; /* it may be down already */
}

/* Asks the leader to take her out; without one, waits for one, or goes on by force. */
static void begin_departure(struct supervisor *supervisor, struct errand *errand, size_t i, int64_t now_ms)
{
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    const struct census_queen *leader = census_leader(errand->census);
    bool is_forced = errand->order->by_force;
    int64_t patience_ms = errand->begun_ms + FORCE_AFTER_MS;
    if (leader && (!is_forced || now_ms < patience_ms)) {
        departure_free(errand->departure);
        errand->departure = departure_start(supervisor->client, leader->address, node->address,
                                            supervisor->token, is_forced ? patience_ms : errand->deadline_ms);
        errand->phase = ERRAND_LEAVING;
        errand->due_ms = now_ms;
    } else if (now_ms < patience_ms) {
        errand->phase = ERRAND_NEW;
        errand->due_ms = now_ms + GATE_RETRY_MS;
    } else if (is_forced) {
        errand->note =
            "the group has not agreed: 'hive members' tells whether it still counts her as a member";
        begin_end(supervisor, errand, i);
    } else {
        errand_reply_problem(
            errand, 503, "no-leader",
            "no queen leads now, so nobody can take %s out of the group: start those that are down "
            "('launcher status'), or take her away all the same with --force",
            node->name);
    }
}

static void advance_departure(struct supervisor *supervisor, struct errand *errand, size_t i, int64_t now_ms)
{
    enum departure_state state = departure_step(errand->departure, now_ms, &errand->due_ms);
    int status = departure_status(errand->departure);
    if (state == DEPARTURE_TRYING)
        return;
    bool was_lost = status == 0 || status == 307 || status == 504;
    if (state == DEPARTURE_DONE)
        begin_end(supervisor, errand, i);
    else if (errand->order->by_force || (was_lost && now_ms < errand->deadline_ms - FORCE_AFTER_MS))
        errand_ask(supervisor, errand); /* who leads now? */
    else
        errand_reply_problem(errand, status ? (unsigned)status : 503, "conflict",
                             "%s stays in the group: %s; with --force she is taken away all the same",
                             supervisor->ledger->nodes[i].name, departure_why(errand->departure));
}

static void advance_end(struct supervisor *supervisor, struct errand *errand, size_t i)
{
    const struct plan_node *plan = &supervisor->plan[i];
    if (plan->want != PLAN_WANT_DOWN || plan->again) {
        errand_reply_problem(errand, 409, "conflict", "%s was told something else meanwhile",
                             errand->nodes[0]);
    } else if (plan->have == PLAN_HAVE_DOWN) {
        errand->gone = hive_ledger_node_json(&supervisor->ledger->nodes[i]);
        roster_remove(supervisor, i);
        errand->phase = ERRAND_DONE;
    }
}

static void begin_removal(struct supervisor *supervisor, struct errand *errand, size_t i, int64_t now_ms)
{
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    if (node->role == HIVE_ROLE_DRONE)
        begin_end(supervisor, errand, i);
    else if (count_role(supervisor->ledger, HIVE_ROLE_QUEEN) == 1)
        errand_reply_problem(errand, 409, "last-voter",
                             "%s is the last queen: 'launcher stop' ends the whole cluster", node->name);
    else if (check_survival(errand, node->name))
        begin_departure(supervisor, errand, i, now_ms);
}

/* ---- wipe ---- */

static void begin_wipe(struct supervisor *supervisor, struct errand *errand, size_t i)
{
    struct plan_node *plan = &supervisor->plan[i];
    if (!errand_can_begin(supervisor, errand, i))
        return;
    if (supervisor->ledger->nodes[i].role == HIVE_ROLE_QUEEN &&
        !check_survival(errand, supervisor->ledger->nodes[i].name))
        return;
    supervisor->runs[i].is_to_be_wiped = true;
    plan->want = PLAN_WANT_RUNNING;
    plan->again = plan->have != PLAN_HAVE_DOWN;
    errand->phase = ERRAND_BEGUN;
}

/* ---- all three ---- */

/* The queens were asked: whom is it about, and what is to be done? */
static void begin(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    size_t i;
    if (errand->node_count == 0) {
        size_t *nodes = hive_calloc(supervisor->ledger->node_count, sizeof *nodes), count;
        int result = errand_find(supervisor, errand, errand->order->node, false, NULL, nodes, &count);
        if (!result)
            errand_add_node(errand, supervisor->ledger->nodes[nodes[0]].name);
        free(nodes);
        if (result)
            return;
    }
    if (!roster_find(supervisor, errand->nodes[0], &i))
        errand_reply_problem(errand, 404, "not-found", "%s was removed meanwhile", errand->nodes[0]);
    else if (errand->order->verb == CONTROL_WIPE)
        begin_wipe(supervisor, errand, i);
    else
        begin_removal(supervisor, errand, i, now_ms);
}

void scaling_advance(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    size_t i;
    if (errand->order->verb == CONTROL_ADD)
        advance_add(supervisor, errand, now_ms);
    else if (errand->phase == ERRAND_NEW)
        errand_ask(supervisor, errand);
    else if (errand->phase == ERRAND_ASKING)
        begin(supervisor, errand, now_ms);
    else if (!roster_find(supervisor, errand->nodes[0], &i))
        errand_reply_problem(errand, 404, "not-found", "%s was removed meanwhile", errand->nodes[0]);
    else if (errand->phase == ERRAND_LEAVING)
        advance_departure(supervisor, errand, i, now_ms);
    else
        advance_end(supervisor, errand, i);
}

/* True where the node has arrived: a queen has her vote, a drone is registered. Otherwise `waiting` says who waits for
 * what, or the errand is answered because it never will. */
static bool has_arrived(struct supervisor *supervisor, struct errand *errand, const char *name,
                        struct hive_buffer *waiting)
{
    size_t i;
    if (!roster_find(supervisor, name, &i)) {
        errand_reply_problem(errand, 409, "conflict", "%s was removed meanwhile", name);
        return false;
    }
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    const struct plan_node *plan = &supervisor->plan[i];
    if (plan->want == PLAN_WANT_DOWN && node->state == HIVE_NODE_DEAD) {
        errand_reply_problem(errand, 500, "internal", "%s died; its log: %s", node->name, node->log_path);
        return false;
    }
    if (plan->want == PLAN_WANT_DOWN) {
        errand_reply_problem(errand, 409, "conflict", "%s was told something else meanwhile", name);
        return false;
    }
    bool is_new = plan_is_settled(plan) && !supervisor->runs[i].is_to_be_wiped;
    if (is_new && watch_level(supervisor->watch, i) == WATCH_ARRIVED)
        return true;
    const char *reason = watch_reason(supervisor->watch, i);
    hive_buffer_format(waiting, "%s%s (%s)", waiting->size ? ", " : "", name,
                       !is_new   ? "is being started"
                       : *reason ? reason
                                 : "has not said that it is ready");
    return false;
}

static void reply_added(struct supervisor *supervisor, struct errand *errand)
{
    struct hive_buffer json = {0};
    hive_buffer_append_text(&json, "{\"result\":\"OK\",\"nodes\":[");
    for (size_t n = 0; n < errand->node_count; n++) {
        char *text = hive_ledger_node_json(hive_ledger_node(supervisor->ledger, errand->nodes[n]));
        hive_buffer_format(&json, "%s%s", n ? "," : "", text);
        free(text);
    }
    hive_buffer_append_text(&json, "]}");
    errand_reply_json(errand, &json);
}

static void settle_arrival(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    struct hive_buffer waiting = {0};
    size_t arrived = 0;
    for (size_t n = 0; n < errand->node_count && errand->phase != ERRAND_ANSWERED; n++)
        arrived += has_arrived(supervisor, errand, errand->nodes[n], &waiting);
    if (errand->phase == ERRAND_ANSWERED) {
        /* It was said why. */
    } else if (arrived == errand->node_count && errand->order->verb == CONTROL_ADD) {
        reply_added(supervisor, errand);
    } else if (arrived == errand->node_count) {
        char *json = hive_ledger_node_json(hive_ledger_node(supervisor->ledger, errand->nodes[0]));
        errand_reply_node(errand, json);
        free(json);
    } else if (now_ms >= errand->deadline_ms) {
        errand_reply_problem(errand, 504, "unknown-outcome",
                             "started, but not part of the group after %lld s; still waiting: %s",
                             (long long)((errand->deadline_ms - errand->begun_ms) / 1000), waiting.data);
    }
    hive_buffer_finish(&waiting);
}

void scaling_settle(struct supervisor *supervisor, struct errand *errand, int64_t now_ms)
{
    if (supervisor->is_ending && errand->phase == ERRAND_BEGUN)
        errand_reply_stopping(errand);
    else if (errand->phase == ERRAND_DONE)
        errand_reply_node(errand, errand->gone);
    else
        settle_arrival(supervisor, errand, now_ms);
}
