/* The one picture of the cluster that everything on the screen is made from. */
#include "model.h"

#include <errno.h>
#include <stdarg.h>

#include "hive/encoding.h"
#include "hive/memory.h"
#include "story.h"

#define RATE_SAMPLE_MS 200  /* shorter gaps say nothing */
#define RATE_WINDOW_MS 3000 /* older samples are dropped */

static void node_destroy(struct node *node)
{
    if (node->has_health)
        hive_health_finish(&node->health);
    free(node);
}

void model_finish(struct model *model)
{
    for (size_t i = 0; i < model->node_count; i++)
        node_destroy(model->nodes[i]);
    free(model->nodes);
    events_finish(&model->events);
    timeline_finish(&model->timeline);
    *model = (struct model){0};
}

void model_set_time(struct model *model, int64_t monotonic_ms, int64_t unix_ms)
{
    model->now_ms = monotonic_ms;
    model->unix_ms = unix_ms;
}

struct node *model_node(const struct model *model, const char *address)
{
    for (size_t i = 0; i < model->node_count; i++) {
        if (strcmp(model->nodes[i]->address, address) == 0)
            return model->nodes[i];
    }
    return NULL;
}

struct node *model_node_named(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->node_count; i++) {
        if (strcmp(model->nodes[i]->name, name) == 0)
            return model->nodes[i];
    }
    return NULL;
}

static void tell(const struct model *model, const struct feed *feed)
{
    if (model->listener)
        model->listener(model->listener_context, model, feed);
}

/* ---- the list of nodes ---- */

static int compare_nodes(const void *a, const void *b)
{
    const struct node *left = *(struct node *const *)a, *right = *(struct node *const *)b;
    if (left->role != right->role)
        return left->role < right->role ? -1 : 1;
    int order = strverscmp(left->name, right->name);
    return order ? order : strverscmp(left->address, right->address);
}

/* Where every node is on the same host, its port is name enough: how many bytes of addresses need not be told. */
static size_t shared_host_bytes(const struct model *model)
{
    bool same_host = true;
    const char *first = NULL;
    size_t host_bytes = 0;
    for (size_t i = 0; i < model->node_count && same_host; i++) {
        const char *address = model->nodes[i]->address, *colon = strrchr(address, ':');
        size_t bytes = colon ? (size_t)(colon - address) : 0;
        if (!first) {
            first = address;
            host_bytes = bytes;
        }
        same_host = bytes > 0 && bytes == host_bytes && memcmp(first, address, bytes) == 0;
    }
    return same_host ? host_bytes : 0;
}

static void name(struct node *node, size_t host_bytes)
{
    char made_name[HIVE_NAME_BYTES] = "";
    bool has_id = node->has_health && node->role == HIVE_ROLE_DRONE;
    if (node->is_supervised)
        return;
    if (has_id)
        hive_drone_name(node->address, made_name);
    if (has_id && strcmp(node->health.id, made_name) != 0)
        snprintf(node->name, sizeof node->name, "%s", node->health.id);
    else
        snprintf(node->name, sizeof node->name, "%s", node->address + host_bytes);
}

static void rearrange(struct model *model)
{
    size_t host_bytes = shared_host_bytes(model);
    for (size_t i = 0; i < model->node_count; i++)
        name(model->nodes[i], host_bytes);
    if (model->node_count)
        qsort(model->nodes, model->node_count, sizeof *model->nodes, compare_nodes);
    model->queen_count = 0;
    for (size_t i = 0; i < model->node_count; i++)
        model->queen_count += model->nodes[i]->role == HIVE_ROLE_QUEEN;
}

static struct node *append(struct model *model, enum hive_role role, const char *address)
{
    model->nodes = hive_realloc(model->nodes, model->node_count + 1, sizeof *model->nodes);
    struct node *node = hive_calloc(1, sizeof *node);
    model->nodes[model->node_count++] = node;
    node->role = role;
    node->is_due = true;
    snprintf(node->address, sizeof node->address, "%s", address);
    return node;
}

/* One of them has told more of itself: it may have another name now. */
static void rearrange_for(struct model *model, struct node *node, enum hive_role role_before)
{
    char before[HIVE_ADDRESS_BYTES];
    memcpy(before, node->name, sizeof before);
    name(node, shared_host_bytes(model));
    if (node->role != role_before || strcmp(before, node->name) != 0)
        rearrange(model);
}

/* False: it is known, or there are too many. The caller rearranges. */
static bool add(struct model *model, enum hive_role role, const char *address)
{
    if (!address[0] || model->node_count >= HIVE_NODES || model_node(model, address))
        return false;
    append(model, role, address);
    return true;
}

void model_add(struct model *model, enum hive_role role, const char *address)
{
    tell(model, &(struct feed){.kind = FEED_NODE, .role = role, .text = address});
    if (add(model, role, address))
        rearrange(model);
}

static void remove_at(struct model *model, size_t at)
{
    node_destroy(model->nodes[at]);
    memmove(&model->nodes[at], &model->nodes[at + 1], (model->node_count - at - 1) * sizeof *model->nodes);
    model->node_count--;
}

/* ---- what becomes of a node ---- */

static void forget_action(struct node *node)
{
    node->action = ACTION_NONE;
    node->action_is_done = false;
}

static void judge(struct model *model, struct node *node)
{
    enum condition before = node->condition;
    node->condition = condition_of(node);
    bool is_up = node->condition == CONDITION_UP;
    bool is_another = is_up && node->up_pid != node->health.pid;
    if (node->condition == before && !is_another)
        return;
    story_tell_change(model, node, before);
    if (node->role == HIVE_ROLE_QUEEN)
        timeline_take_condition(&model->timeline, node->address, node->condition, model->unix_ms);
    if (is_up) {
        node->up_pid = node->health.pid;
        if (node->action_is_done)
            forget_action(node);
    }
}

/* What the node said last, or did not, is of no worth any more (it stood still, or is another process now): until it says
 * something new it counts as one that missed a poll. */
static void distrust(struct node *node)
{
    if (node->has_health) {
        node->failures = 1;
        node->error_number = 0;
        node->failure[0] = '\0';
    }
}

/* ---- what it is fed with ---- */

static void take_rate(struct model *model, uint64_t commit)
{
    size_t count = model->rate_count;
    if (count > 0 && commit < model->rate[count - 1].commit)
        count = 0; /* another cluster answers there now */
    if (count > 0 && model->now_ms - model->rate[count - 1].at_ms < RATE_SAMPLE_MS)
        return;
    size_t old = 0;
    while (old < count &&
           (model->now_ms - model->rate[old].at_ms > RATE_WINDOW_MS || count - old == MODEL_RATE_SAMPLES))
        old++;
    memmove(&model->rate[0], &model->rate[old], (count - old) * sizeof model->rate[0]);
    count -= old;
    model->rate[count].at_ms = model->now_ms;
    model->rate[count].commit = commit;
    model->rate_count = count + 1;
}

double model_rate(const struct model *model)
{
    if (model->rate_count < 2)
        return -1;
    size_t last = model->rate_count - 1;
    double seconds = (double)(model->rate[last].at_ms - model->rate[0].at_ms) / 1000;
    return (double)(model->rate[last].commit - model->rate[0].commit) / seconds;
}

/* It names the same others as before: most answers do. */
static bool has_same_neighbours(const struct hive_health *before, const struct hive_health *now)
{
    if (before->peer_count != now->peer_count || before->drone_count != now->drone_count ||
        strcmp(before->queen, now->queen) != 0)
        return false;
    for (size_t i = 0; i < now->peer_count; i++) {
        if (strcmp(before->peers[i].address, now->peers[i].address) != 0)
            return false;
    }
    for (size_t i = 0; i < now->drone_count; i++) {
        if (strcmp(before->drones[i].address, now->drones[i].address) != 0)
            return false;
    }
    return true;
}

/* The others that this node knows of; the ledger, where there is one, knows better. */
static void take_neighbours(struct model *model, const struct hive_health *health)
{
    size_t added = 0;
    for (size_t i = 0; i < health->peer_count; i++)
        added += add(model, HIVE_ROLE_QUEEN, health->peers[i].address);
    for (size_t i = 0; i < health->drone_count; i++)
        added += add(model, HIVE_ROLE_DRONE, health->drones[i].address);
    added += add(model, HIVE_ROLE_QUEEN, health->queen);
    if (added)
        rearrange(model);
}

/* A node that was given by another name for its address ("localhost") goes by the one that its peers use. */
static bool settle_address(struct model *model, struct node *node, const struct hive_health *health)
{
    if (node->is_supervised || !health->address[0] || strcmp(node->address, health->address) == 0)
        return true;
    if (!model_node(model, health->address)) {
        snprintf(node->address, sizeof node->address, "%s", health->address);
        return true;
    }
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i] == node) {
            remove_at(model, i);
            break;
        }
    }
    rearrange(model);
    return false;
}

/* What the checks find is an event as well. */
static void check(struct model *model, const struct node *node)
{
    size_t known = model->checks.finding_count;
    checks_take(&model->checks, model, node);
    for (size_t i = known; i < model->checks.finding_count; i++)
        events_add(&model->events, model->unix_ms, EVENT_BAD, "CONSENSUS BROKEN: %s",
                   model->checks.findings[i].text);
}

void model_take_health(struct model *model, struct node *node, struct hive_health *health,
                       int64_t round_trip_us)
{
    tell(model,
         &(struct feed){.kind = FEED_HEALTH, .node = node, .health = health, .round_trip_us = round_trip_us});
    if (!settle_address(model, node, health)) {
        hive_health_finish(health);
        return;
    }
    enum hive_role role_before = node->role;
    story_tell_transitions(model, node, health);
    bool has_news_of_others =
        !model->cluster[0] && !(node->has_health && has_same_neighbours(&node->health, health));
    if (node->has_health)
        hive_health_finish(&node->health);
    bool is_first = !node->has_health;
    node->health = *health;
    *health = (struct hive_health){0};
    node->has_health = true;
    node->answered_ms = model->now_ms;
    node->round_trip_us = round_trip_us;
    node->failures = 0;
    node->error_number = 0;
    node->failure[0] = '\0';
    node->is_stopped = false;
    if (!node->is_supervised)
        node->role = node->health.mode == HIVE_MODE_DRONE ? HIVE_ROLE_DRONE : HIVE_ROLE_QUEEN;
    if (node->role == HIVE_ROLE_QUEEN)
        timeline_take_health(&model->timeline, node->address, &node->health, model->unix_ms);
    judge(model, node);
    check(model, node);
    if (node->role == HIVE_ROLE_QUEEN && node->health.raft_state == HIVE_RAFT_LEADER)
        take_rate(model, node->health.log_commit);
    if (is_first)
        rearrange_for(model, node, role_before);
    if (has_news_of_others)
        take_neighbours(model, &node->health);
}

void model_take_failure(struct model *model, struct node *node, int error_number, const char *failure)
{
    tell(model,
         &(struct feed){.kind = FEED_FAILURE, .node = node, .error_number = error_number, .text = failure});
    node->failures++;
    node->error_number = error_number;
    snprintf(node->failure, sizeof node->failure, "%s", failure);
    judge(model, node);
}

void model_take_stopped(struct model *model, struct node *node, bool is_stopped)
{
    if (node->is_stopped == is_stopped)
        return;
    tell(model, &(struct feed){.kind = FEED_STOPPED, .node = node, .flag = is_stopped});
    if (node->is_stopped)
        distrust(node);
    node->is_stopped = is_stopped;
    judge(model, node);
}

void model_take_launcher(struct model *model, bool is_there)
{
    if (model->has_launcher != is_there)
        tell(model, &(struct feed){.kind = FEED_LAUNCHER, .flag = is_there});
    model->has_launcher = is_there;
}

static void take_ledger_node(struct model *model, const struct hive_ledger_node *entry, size_t likely_at)
{
    bool is_there =
        likely_at < model->node_count && strcmp(model->nodes[likely_at]->address, entry->address) == 0;
    struct node *node = is_there ? model->nodes[likely_at] : model_node(model, entry->address);
    if (!node) {
        if (model->node_count >= HIVE_NODES)
            return;
        node = append(model, entry->role, entry->address);
    }
    if (node->process.pid != entry->process.pid || node->process.started_at != entry->process.started_at) {
        distrust(node);
        node->is_stopped = false;
    }
    node->is_named = true;
    snprintf(node->name, sizeof node->name, "%s", entry->name);
    node->role = entry->role;
    node->is_supervised = true;
    node->state = entry->state;
    node->process = entry->process;
    node->exit_status = entry->exit_status;
    judge(model, node);
}

void model_take_ledger(struct model *model, const struct hive_ledger *ledger)
{
    tell(model, &(struct feed){.kind = FEED_LEDGER, .ledger = ledger});
    snprintf(model->cluster, sizeof model->cluster, "%s", ledger->name);
    for (size_t i = 0; i < model->node_count; i++)
        model->nodes[i]->is_named = false;
    for (size_t i = 0; i < ledger->node_count; i++)
        take_ledger_node(model, &ledger->nodes[i], i);
    for (size_t i = model->node_count; i-- > 0;) {
        if (!model->nodes[i]->is_named)
            remove_at(model, i);
    }
    rearrange(model);
}

/* ---- what the user had done ---- */

void model_take_action(struct model *model, const struct action *action)
{
    tell(model, &(struct feed){.kind = FEED_ACTION, .action = action});
    struct node *node = action_is_on_process(action) ? model_node_named(model, action->node) : NULL;
    if (node) {
        node->action = action->kind;
        node->action_is_done = false;
    }
}

void model_take_action_done(struct model *model, const struct action *action)
{
    tell(model, &(struct feed){.kind = FEED_ACTION_DONE, .action = action});
    struct node *node = model_node_named(model, action->node);
    if (node && node->action == action->kind) {
        bool is_back = action->kind == ACTION_RESUME ||
                       (action->kind == ACTION_RESTART && node->health.pid != action->process.pid);
        node->action_is_done = true;
        if (is_back && node->condition == CONDITION_UP)
            forget_action(node);
    }
    story_tell_action(model, action);
}

void model_take_action_failed(struct model *model, const struct action *action, const char *why)
{
    tell(model, &(struct feed){.kind = FEED_ACTION_FAILED, .action = action, .text = why});
    struct node *node = model_node_named(model, action->node);
    if (node && node->action == action->kind)
        forget_action(node);
    story_tell_failed_action(model, action, why);
}

void model_take_event(struct model *model, enum event_level level, const char *format, ...)
{
    char text[EVENT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tell(model, &(struct feed){.kind = FEED_EVENT, .level = level, .text = text});
    events_add(&model->events, model->unix_ms, level, "%s", text);
}
