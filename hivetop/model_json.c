/* What the screen shows, in the names of the API. */
#include "model_json.h"

#include "hive/json.h"
#include "summary.h"

static void add_text_or_null(cJSON *object, const char *name, const char *text)
{
    if (text && text[0])
        cJSON_AddStringToObject(object, name, text);
    else
        cJSON_AddNullToObject(object, name);
}

static void add_number(cJSON *object, const char *name, double number)
{
    cJSON_AddNumberToObject(object, name, number);
}

static cJSON *node_json(const struct model *model, const struct node *node)
{
    cJSON *json = cJSON_CreateObject();
    const struct hive_health *health = &node->health;
    char note[256];
    condition_note(node, note, sizeof note);
    cJSON_AddStringToObject(json, "name", node->name);
    cJSON_AddStringToObject(json, "address", node->address);
    cJSON_AddStringToObject(json, "state", condition_names[node->condition]);
    cJSON_AddStringToObject(json, "note", note);
    add_number(json, "pid", (double)(node->process.pid > 0 ? node->process.pid : health->pid));
    cJSON_AddBoolToObject(json, "answered", node->has_health);
    if (node->has_health) {
        add_number(json, "age_ms", (double)(model->now_ms - node->answered_ms));
        add_number(json, "round_trip_us", (double)node->round_trip_us);
        cJSON_AddBoolToObject(json, "ready", health->ready);
        cJSON_AddStringToObject(json, "version", health->version);
    }
    return json;
}

static cJSON *queen_json(const struct model *model, const struct summary *summary, const struct node *node)
{
    cJSON *json = node_json(model, node);
    const struct hive_health *health = &node->health;
    if (!node->has_health)
        return json;
    bool is_stale;
    int64_t lag = summary_lag(summary, node, &is_stale);
    cJSON_AddStringToObject(json, "raft_state", hive_raft_state_names[health->raft_state]);
    add_number(json, "term", (double)health->term);
    add_text_or_null(json, "leader", health->leader);
    add_text_or_null(json, "voted_for", health->voted_for);
    add_number(json, "last", (double)health->log_last);
    add_number(json, "commit", (double)health->log_commit);
    add_number(json, "applied", (double)health->log_applied);
    if (lag >= 0)
        add_number(json, "lag", (double)lag);
    else
        cJSON_AddNullToObject(json, "lag");
    return json;
}

static cJSON *drone_json(const struct model *model, const struct summary *summary, const struct node *node)
{
    cJSON *json = node_json(model, node);
    const struct hive_health *health = &node->health;
    const struct hive_drone_health *drone = summary_drone(summary, node->address);
    add_text_or_null(json, "leader_says", drone ? hive_drone_state_names[drone->state] : NULL);
    if (drone && drone->last_seen_ms)
        add_number(json, "last_seen_ms", (double)drone->last_seen_ms);
    if (!node->has_health)
        return json;
    add_text_or_null(json, "queen", health->queen);
    add_number(json, "capacity", health->capacity);
    add_number(json, "running", health->running);
    add_number(json, "done", (double)health->done);
    add_number(json, "failed", (double)health->failed);
    cJSON *tasks = cJSON_AddArrayToObject(json, "tasks");
    for (size_t i = 0; i < health->running_task_count; i++)
        cJSON_AddItemToArray(tasks, cJSON_CreateString(health->running_tasks[i]));
    return json;
}

static void add_consensus(cJSON *json, const struct checks *checks)
{
    cJSON *consensus = cJSON_AddObjectToObject(json, "consensus");
    if (checks_is_broken(checks) || checks_holds(checks))
        cJSON_AddBoolToObject(consensus, "holds", checks_holds(checks));
    else
        cJSON_AddNullToObject(consensus, "holds");
    add_number(consensus, "compared", (double)checks->compared);
    add_number(consensus, "leaders", (double)checks->leaders);
    cJSON *findings = cJSON_AddArrayToObject(consensus, "findings");
    for (size_t i = 0; i < checks->finding_count; i++) {
        const struct checks_finding *finding = &checks->findings[i];
        cJSON *item = cJSON_CreateObject();
        add_number(item, "time_ms", (double)finding->time_ms);
        cJSON_AddStringToObject(item, "kind", checks_kind_names[finding->kind]);
        cJSON_AddStringToObject(item, "text", finding->text);
        cJSON_AddItemToArray(findings, item);
    }
}

void model_json(const struct model *model, struct hive_buffer *out)
{
    struct summary summary;
    summary_of(model, &summary);
    cJSON *json = cJSON_CreateObject();
    add_text_or_null(json, "cluster", model->cluster);
    add_number(json, "time_ms", (double)model->unix_ms);
    cJSON *quorum = cJSON_AddObjectToObject(json, "quorum");
    add_number(quorum, "queens", summary.queens);
    add_number(quorum, "up", summary.queens_up);
    add_number(quorum, "needed", summary.needed);
    add_number(quorum, "spare", summary.spare);
    add_text_or_null(json, "leader", summary.leader ? summary.leader->name : NULL);
    add_number(json, "term", (double)summary.term);
    add_number(json, "commit", (double)summary.commit);
    add_consensus(json, &model->checks);
    cJSON *queens = cJSON_AddArrayToObject(json, "queens");
    cJSON *drones = cJSON_AddArrayToObject(json, "drones");
    for (size_t i = 0; i < model->node_count; i++) {
        const struct node *node = model->nodes[i];
        if (node->role == HIVE_ROLE_QUEEN)
            cJSON_AddItemToArray(queens, queen_json(model, &summary, node));
        else
            cJSON_AddItemToArray(drones, drone_json(model, &summary, node));
    }
    cJSON *events = cJSON_AddArrayToObject(json, "events");
    for (size_t i = 0; i < model->events.count; i++) {
        const struct event *event = &model->events.items[i];
        cJSON *item = cJSON_CreateObject();
        add_number(item, "time_ms", (double)event->time_ms);
        cJSON_AddStringToObject(item, "level", event_level_names[event->level]);
        cJSON_AddStringToObject(item, "text", event->text);
        cJSON_AddItemToArray(events, item);
    }
    char *text = hive_json_print_and_delete(json);
    hive_buffer_append_text(out, text);
    free(text);
}
