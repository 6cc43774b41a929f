/* From a request on the control socket to an order: every refusal names the field, and what it must be. */
#include "control.h"

#include <errno.h>

#include "hive/json.h"

#define DELAY_MAX_MS (60 * 1000) /* longer than anybody in the cluster waits for anything */

static const struct {
    const char *name;
    enum control_verb verb;
} node_verbs[] = {
    {"kill", CONTROL_KILL},     {"pause", CONTROL_PAUSE}, {"restart", CONTROL_RESTART},
    {"resume", CONTROL_RESUME}, {"stop", CONTROL_STOP},   {"wipe", CONTROL_WIPE},
};

static const char *const link_kinds[] = {[LINK_CUT] = "cut", [LINK_DELAY] = "delay", [LINK_LOSE] = "lose"};

/* The body as an object; an empty one where there is none. NULL and an error: it is something else. */
static cJSON *body_of(const struct control_order *order, struct hive_error *error)
{
    size_t bytes;
    const char *body = hive_request_body(order->request, &bytes);
    return bytes ? hive_json_parse_object(body, bytes, error) : cJSON_CreateObject();
}

static int take_name(char name[HIVE_NAME_BYTES], const char *text, struct hive_error *error)
{
    if (strlen(text) >= HIVE_NAME_BYTES)
        return hive_error_set(error, -EINVAL, "a node's name has fewer than %d bytes", HIVE_NAME_BYTES);
    memcpy(name, text, strlen(text) + 1);
    return 0;
}

static bool is_yes(const char *text)
{
    return text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
}

static void take_path_and_query(struct control_order *order)
{
    /* A longer name is nobody's. */
    snprintf(order->node, sizeof order->node, "%s", hive_request_segment(order->request, 0, NULL));
    order->by_force = is_yes(hive_request_query(order->request, "force"));
}

int control_parse_node(struct control_order *order, struct hive_error *error)
{
    const char *verb = hive_request_segment(order->request, 1, NULL);
    size_t i = 0, count = sizeof node_verbs / sizeof *node_verbs;
    while (i < count && strcmp(node_verbs[i].name, verb) != 0)
        i++;
    if (i == count)
        return hive_error_set(error, -ENOENT,
                              "no '%s' for nodes: kill, pause, restart, resume, stop or wipe them", verb);
    order->verb = node_verbs[i].verb;
    take_path_and_query(order);
    cJSON *json = body_of(order, error);
    if (!json)
        return -EINVAL;
    int64_t pid = 0, started_at = 0;
    int result = hive_json_int(json, "pid", 1, INT32_MAX, &pid, error);
    if (result != -EINVAL)
        result = hive_json_int(json, "started_at", 1, INT64_C(1) << 53, &started_at, error);
    cJSON_Delete(json);
    order->process.pid = (pid_t)pid;
    order->process.started_at = (uint64_t)started_at;
    return result == -EINVAL ? result : 0;
}

int control_parse_remove(struct control_order *order, struct hive_error *error)
{
    (void)error;
    take_path_and_query(order);
    return 0;
}

int control_parse_add(struct control_order *order, struct hive_error *error)
{
    cJSON *json = body_of(order, error);
    if (!json)
        return -EINVAL;
    const char *role = "";
    int64_t count = 1;
    int result = hive_json_string(json, "role", &role, error) ? -EINVAL : 0;
    if (!result && strcmp(role, "queen") != 0 && strcmp(role, "drone") != 0)
        result =
            hive_error_set(error, -EINVAL, "\"role\" must be \"queen\" or \"drone\", not \"%.40s\"", role);
    if (!result)
        result = hive_json_int(json, "count", 1, HIVE_NODES, &count, error);
    order->role = strcmp(role, "queen") == 0 ? HIVE_ROLE_QUEEN : HIVE_ROLE_DRONE;
    order->count = (size_t)count;
    cJSON_Delete(json);
    return result == -EINVAL ? result : 0;
}

static int take_kind(const cJSON *json, struct link_change *change, struct hive_error *error)
{
    const char *kind;
    if (hive_json_string(json, "kind", &kind, error))
        return -EINVAL;
    for (size_t i = 0; i < sizeof link_kinds / sizeof *link_kinds; i++) {
        if (strcmp(link_kinds[i], kind) == 0) {
            change->kind = (enum link_kind)i;
            return 0;
        }
    }
    return hive_error_set(error, -EINVAL, "\"kind\" must be \"cut\", \"delay\" or \"lose\"");
}

static int take_percent(const cJSON *json, double *percent, struct hive_error *error)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "percent");
    if (!cJSON_IsNumber(value) || value->valuedouble < 0 || value->valuedouble > 100)
        return hive_error_set(error, -EINVAL, "\"percent\" must be a number from 0 to 100");
    *percent = value->valuedouble;
    return 0;
}

static int take_ends(const cJSON *json, struct control_order *order, struct hive_error *error)
{
    const char *from, *to;
    if (hive_json_string(json, "from", &from, error) || hive_json_string(json, "to", &to, error) ||
        take_name(order->from, from, error) || take_name(order->to, to, error))
        return -EINVAL;
    return hive_json_bool(json, "one_way", &order->is_one_way, error) == -EINVAL ? -EINVAL : 0;
}

int control_parse_link(struct control_order *order, struct hive_error *error)
{
    struct link_change *change = &order->change;
    cJSON *json = body_of(order, error);
    if (!json)
        return -EINVAL;
    int result = take_kind(json, change, error);
    if (!result)
        result = take_ends(json, order, error);
    if (!result && change->kind == LINK_DELAY)
        result = hive_json_int(json, "delay_ms", 0, DELAY_MAX_MS, &change->delay_ms, error) ? -EINVAL : 0;
    if (!result && change->kind == LINK_DELAY &&
        hive_json_int(json, "jitter_ms", 0, DELAY_MAX_MS, &change->jitter_ms, error) == -EINVAL)
        result = -EINVAL;
    if (!result && change->kind == LINK_LOSE)
        result = take_percent(json, &change->loss_percent, error);
    cJSON_Delete(json);
    return result;
}

int control_parse_heal(struct control_order *order, struct hive_error *error)
{
    const char *from = hive_request_query(order->request, "from"),
               *to = hive_request_query(order->request, "to");
    int result = take_name(order->from, from ? from : "", error);
    return result ? result : take_name(order->to, to ? to : "", error);
}
