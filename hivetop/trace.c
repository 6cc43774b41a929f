/* The reader of recordings. A line can say anything (the file may be damaged, or of another program): what it says is checked
 * before the model hears of it. */
#include "trace.h"

#include <errno.h>
#include <time.h>

#include "hive/health_changes.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "model.h"

#define VERSION     1
#define DAY_MS      INT64_C(86400000)
#define TIME_MAX_MS 1e14

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = "";
    hive_json_string(json, name, &text, NULL);
    return text;
}

static int64_t number_of(const cJSON *json, const char *name, int64_t otherwise)
{
    int64_t number = otherwise;
    hive_json_int(json, name, INT64_MIN / 2, INT64_MAX / 2, &number, NULL);
    return number;
}

static bool flag_of(const cJSON *json, const char *name)
{
    bool flag = false;
    hive_json_bool(json, name, &flag, NULL);
    return flag;
}

/* The place of the text in the list, or -EINVAL. */
static int choice_of(const cJSON *json, const char *name, const char *const *names, struct hive_error *error)
{
    const char *text = text_of(json, name);
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
    }
    return hive_error_set(error, -EINVAL, "\"%s\" is '%.40s', which this version of hivetop does not know",
                          name, text);
}

/* A simulated run begins at midnight, so that the time of day is the time that it took. */
static int64_t midnight_ms(void)
{
    time_t seconds = (time_t)(2 * DAY_MS / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    return 2 * DAY_MS - (local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec) * INT64_C(1000);
}

int trace_open(struct trace *trace, const char *line, size_t bytes, struct hive_error *error)
{
    static const char what[] = "this is no recording of hivetop or of the simulator";
    cJSON *json = hive_json_parse_object(line, bytes, NULL);
    int result = 0;
    if (!json || strcmp(text_of(json, "type"), "header") != 0 ||
        strcmp(text_of(json, "format"), "hive-trace") != 0) {
        result = hive_error_set(error, -EINVAL, "%s", what);
    } else if (number_of(json, "version", 0) > VERSION) {
        result = hive_error_set(error, -EINVAL,
                                "the recording's format is version %lld, and this hivetop knows version %d",
                                (long long)number_of(json, "version", 0), VERSION);
    } else {
        trace->is_film = !flag_of(json, "every_answer");
        trace->unix_offset_ms = number_of(json, "start_unix_ms", midnight_ms()) - TRACE_BASE_MS;
    }
    cJSON_Delete(json);
    return result;
}

cJSON *trace_parse(const char *line, size_t bytes, int64_t *at_ms, struct hive_error *error)
{
    cJSON *json = hive_json_parse_object(line, bytes, error);
    const cJSON *time_ms = json ? cJSON_GetObjectItemCaseSensitive(json, "time_ms") : NULL;
    if (!json)
        return NULL;
    if (!cJSON_IsNumber(time_ms) || time_ms->valuedouble < 0 || time_ms->valuedouble > TIME_MAX_MS) {
        hive_error_set(error, -EINVAL, "\"time_ms\" must be a time");
        cJSON_Delete(json);
        return NULL;
    }
    *at_ms = TRACE_BASE_MS + (int64_t)time_ms->valuedouble;
    return json;
}

/* ---- nodes ---- */

static struct node *node_of(struct model *model, const cJSON *json)
{
    const char *address = text_of(json, "node");
    if (strlen(address) < HIVE_ADDRESS_BYTES)
        model_add(model, HIVE_ROLE_QUEEN, address);
    return model_node(model, address);
}

static struct hive_process process_of(const cJSON *json)
{
    return (struct hive_process){.pid = (pid_t)number_of(json, "pid", 0),
                                 .started_at = (uint64_t)number_of(json, "started_at", 0)};
}

static int read_ledger(const cJSON *json, struct model *model, struct hive_error *error)
{
    const cJSON *list, *item;
    int result = hive_json_array(json, "nodes", &list, error);
    if (result)
        return -EINVAL;
    struct hive_ledger ledger = {0};
    snprintf(ledger.name, sizeof ledger.name, "%s", text_of(json, "cluster"));
    ledger.nodes = hive_calloc((size_t)cJSON_GetArraySize(list), sizeof *ledger.nodes);
    cJSON_ArrayForEach(item, list)
    {
        struct hive_ledger_node *node = &ledger.nodes[ledger.node_count++];
        int role = choice_of(item, "role", hive_role_names, error);
        int state = choice_of(item, "state", hive_node_state_names, error);
        result = role < 0 ? role : state < 0 ? state : result;
        node->role = (enum hive_role)(role < 0 ? 0 : role);
        node->state = (enum hive_node_state)(state < 0 ? 0 : state);
        node->process = process_of(item);
        node->exit_status = (int)number_of(item, "exit_status", 0);
        snprintf(node->name, sizeof node->name, "%s", text_of(item, "name"));
        snprintf(node->address, sizeof node->address, "%s", text_of(item, "address"));
    }
    if (!result)
        model_take_ledger(model, &ledger);
    hive_ledger_finish(&ledger);
    return result;
}

/* ---- health ---- */

/* Simulated queens leave out what is always the same, and say null for nobody. */
static void complete(cJSON *health)
{
    if (!cJSON_HasObjectItem(health, "status"))
        cJSON_AddStringToObject(health, "status", "READY");
    if (!cJSON_HasObjectItem(health, "mode"))
        cJSON_AddStringToObject(health, "mode", "QUEEN");
    for (const char *const *name = (const char *const[]){"leader", "voted_for", NULL}; *name; name++) {
        if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(health, *name)))
            cJSON_ReplaceItemInObjectCaseSensitive(health, *name, cJSON_CreateString(""));
    }
}

static void copy_health(const struct node *node, struct hive_health *copy)
{
    static const struct hive_health nothing;
    hive_health_copy(node->has_health ? &node->health : &nothing, copy);
}

static int read_health(const struct trace *trace, const cJSON *json, struct model *model,
                       struct hive_error *error)
{
    struct node *node = node_of(model, json);
    if (!node)
        return hive_error_set(error, -EINVAL, "\"node\" must be an address");
    if (!flag_of(json, "up")) {
        const char *text = text_of(json, "text");
        model_take_failure(model, node, (int)number_of(json, "error", -ECONNREFUSED),
                           text[0] ? text : "refused");
        return 0;
    }
    cJSON *health = cJSON_GetObjectItemCaseSensitive(json, "health");
    if (!cJSON_IsObject(health))
        return hive_error_set(error, -EINVAL, "\"health\" is missing");
    struct hive_health merged;
    copy_health(node, &merged);
    if (trace->is_film && strcmp(merged.id, text_of(health, "id")) != 0)
        merged.transition_count =
            0; /* its disk was wiped: this is another queen, who has not been anything yet */
    complete(health);
    int result = hive_health_merge(health, &merged, error);
    if (result) {
        hive_health_finish(&merged);
        return result;
    }
    if (trace->is_film && !merged.address[0])
        memcpy(merged.address, node->address, sizeof merged.address);
    model_take_health(model, node, &merged, number_of(json, "round_trip_us", 0));
    return 0;
}

/* One more of a queen's changes of role; a simulated run tells them one by one. */
static int read_transition(const cJSON *json, struct model *model, struct hive_error *error)
{
    struct node *node = node_of(model, json);
    int state = choice_of(json, "state", hive_raft_state_names, error);
    if (state < 0 || !node)
        return state < 0 ? state : hive_error_set(error, -EINVAL, "\"node\" must be an address");
    struct hive_health health;
    copy_health(node, &health);
    if (health.transition_count >= HIVE_TRANSITIONS)
        memmove(health.transitions, health.transitions + 1,
                --health.transition_count * sizeof *health.transitions);
    health.transitions =
        hive_realloc(health.transitions, health.transition_count + 1, sizeof *health.transitions);
    struct hive_transition *transition = &health.transitions[health.transition_count++];
    *transition = (struct hive_transition){.time_ms = model->unix_ms,
                                           .term = (uint64_t)number_of(json, "term", 0),
                                           .state = (enum hive_raft_state)state};
    snprintf(transition->reason, sizeof transition->reason, "%s", text_of(json, "reason"));
    health.ready = true;
    health.raft_state = transition->state;
    health.term = transition->term;
    memcpy(health.address, node->address, sizeof health.address);
    model_take_health(model, node, &health, 0);
    return 0;
}

/* ---- what happened ---- */

static int read_action(const cJSON *json, struct model *model, struct hive_error *error)
{
    static const char *const phases[] = {"asked", "done", "failed", NULL};
    int kind = choice_of(json, "action", trace_action_names, error);
    int phase = choice_of(json, "phase", phases, error);
    if (kind < 0 || phase < 0)
        return -EINVAL;
    struct action action = {.kind = (enum action_kind)kind, .process = process_of(json)};
    snprintf(action.node, sizeof action.node, "%s", text_of(json, "node"));
    snprintf(action.other, sizeof action.other, "%s", text_of(json, "other"));
    feed_apply(model, &(struct feed){.kind = (enum feed_kind)(FEED_ACTION + phase),
                                     .action = &action,
                                     .text = text_of(json, "text")});
    return 0;
}

static int read_event(const cJSON *json, struct model *model, enum event_level level)
{
    const char *node = text_of(json, "node"), *name = text_of(json, "level");
    for (int i = EVENT_INFO; i <= EVENT_BAD; i++)
        level = strcmp(event_level_names[i], name) == 0 ? (enum event_level)i : level;
    model_take_event(model, level, "%s%s%s", node, node[0] ? " " : "", text_of(json, "text"));
    return 0;
}

static int read_members(const cJSON *json, struct model *model)
{
    struct hive_buffer text = {0};
    const cJSON *member;
    cJSON_ArrayForEach(member, cJSON_GetObjectItemCaseSensitive(json, "members"))
    {
        hive_buffer_format(&text, "%s%s", text.size ? ", " : "", text_of(member, "address"));
    }
    model_take_event(model, EVENT_INFO, "%s works with the members %s", text_of(json, "node"),
                     text.size ? text.data : "of nobody");
    hive_buffer_finish(&text);
    return 0;
}

static void forget_all(struct model *model)
{
    struct model empty = {.now_ms = model->now_ms,
                          .unix_ms = model->unix_ms,
                          .listener = model->listener,
                          .listener_context = model->listener_context};
    model_finish(model);
    *model = empty;
}

int trace_apply(struct trace *trace, struct model *model, const cJSON *json, struct hive_error *error)
{
    const char *type = text_of(json, "type");
    struct node *node;
    if (strcmp(type, "health") == 0)
        return read_health(trace, json, model, error);
    if (strcmp(type, "transition") == 0)
        return read_transition(json, model, error);
    if (strcmp(type, "ledger") == 0)
        return read_ledger(json, model, error);
    if (strcmp(type, "action") == 0)
        return read_action(json, model, error);
    if (strcmp(type, "members") == 0)
        return read_members(json, model);
    if (strcmp(type, "event") == 0 || strcmp(type, "fault") == 0 || strcmp(type, "end") == 0)
        return read_event(json, model, type[0] == 'f' ? EVENT_WARNING : EVENT_INFO);
    if (strcmp(type, "launcher") == 0) {
        model_take_launcher(model, flag_of(json, "up"));
    } else if (strcmp(type, "stopped") == 0) {
        node = node_of(model, json);
        if (node)
            model_take_stopped(model, node, flag_of(json, "stopped"));
    } else if (strcmp(type, "node") == 0) {
        int role = choice_of(json, "role", hive_role_names, error);
        if (role < 0)
            return role;
        model_add(model, (enum hive_role)role, text_of(json, "node"));
    } else if (strcmp(type, "reset") == 0) {
        forget_all(model);
    } else if (strcmp(type, "clock") == 0) {
        model->unix_ms = number_of(json, "unix_ms", model->unix_ms);
        trace->unix_offset_ms = model->unix_ms - model->now_ms;
    }
    return 0; /* others are of later versions */
}

void trace_refresh(const struct trace *trace, struct model *model)
{
    for (size_t i = 0; trace->is_film && i < model->node_count; i++) {
        if (model->nodes[i]->has_health && model->nodes[i]->failures == 0)
            model->nodes[i]->answered_ms = model->now_ms;
    }
}
