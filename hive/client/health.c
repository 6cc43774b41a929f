/* /healthz, read: what every poller knows about a node. Members that an older node does not send keep their
 * zero; a member of the wrong type is an error, since then it is not Hive that answered. */
#include "hive/api.h"

#include <errno.h>

#include "client/health_fields.h"
#include "hive/health_changes.h"
#include "hive/json.h"
#include "hive/memory.h"

const char *const hive_mode_names[] = {"QUEEN", "DRONE", NULL};
const char *const hive_raft_state_names[] = {"FOLLOWER", "CANDIDATE", "LEADER", "LEARNER", NULL};
const char *const hive_drone_state_names[] = {"healthy", "suspect", "lost", NULL};

const char *const hive_health_status_names[] = {"NOT_READY", "READY", NULL};

#define HEALTH(name, type, presence, member, names)                                                          \
    {                                                                                                        \
        name, type, presence, FIELD_OF(struct hive_health, member), names                                    \
    }

const struct field hive_health_node_fields[] = {
    HEALTH("version", FIELD_TEXT, FIELD_OPTIONAL, version, NULL),
    HEALTH("mode", FIELD_CHOICE, FIELD_REQUIRED, mode, hive_mode_names),
    HEALTH("id", FIELD_TEXT, FIELD_OPTIONAL, id, NULL),
    HEALTH("address", FIELD_TEXT, FIELD_OPTIONAL, address, NULL),
    HEALTH("pid", FIELD_NUMBER, FIELD_OPTIONAL, pid, NULL),
    HEALTH("started_at", FIELD_NUMBER, FIELD_OPTIONAL, started_at, NULL),
    HEALTH("uptime_ms", FIELD_NUMBER, FIELD_OPTIONAL, uptime_ms, NULL),
    {0},
};

const struct field hive_health_queen_fields[] = {
    HEALTH("raft_state", FIELD_CHOICE, FIELD_REQUIRED, raft_state, hive_raft_state_names),
    HEALTH("term", FIELD_NUMBER, FIELD_REQUIRED, term, NULL),
    HEALTH("durable_term", FIELD_NUMBER, FIELD_OPTIONAL, durable_term, NULL),
    HEALTH("standing", FIELD_TEXT, FIELD_OPTIONAL, standing, NULL),
    HEALTH("reason", FIELD_TEXT, FIELD_OPTIONAL, reason, NULL),
    HEALTH("leader", FIELD_TEXT, FIELD_OPTIONAL, leader, NULL),
    HEALTH("voted_for", FIELD_TEXT, FIELD_OPTIONAL, voted_for, NULL),
    HEALTH("last_heartbeat", FIELD_NUMBER, FIELD_OPTIONAL, last_heartbeat_ms, NULL),
    {0},
};

const struct field hive_health_log_fields[] = {
    HEALTH("first", FIELD_NUMBER, FIELD_OPTIONAL, log_first, NULL),
    HEALTH("last", FIELD_NUMBER, FIELD_OPTIONAL, log_last, NULL),
    HEALTH("commit", FIELD_NUMBER, FIELD_OPTIONAL, log_commit, NULL),
    HEALTH("applied", FIELD_NUMBER, FIELD_OPTIONAL, log_applied, NULL),
    HEALTH("snapshot", FIELD_NUMBER, FIELD_OPTIONAL, log_snapshot, NULL),
    HEALTH("group", FIELD_TEXT, FIELD_OPTIONAL, log_group, NULL),
    {0},
};

const struct field hive_health_task_fields[] = {
    HEALTH("pending", FIELD_NUMBER, FIELD_OPTIONAL, tasks.pending, NULL),
    HEALTH("assigned", FIELD_NUMBER, FIELD_OPTIONAL, tasks.assigned, NULL),
    HEALTH("running", FIELD_NUMBER, FIELD_OPTIONAL, tasks.running, NULL),
    HEALTH("succeeded", FIELD_NUMBER, FIELD_OPTIONAL, tasks.succeeded, NULL),
    HEALTH("failed", FIELD_NUMBER, FIELD_OPTIONAL, tasks.failed, NULL),
    HEALTH("stopped", FIELD_NUMBER, FIELD_OPTIONAL, tasks.stopped, NULL),
    HEALTH("lost", FIELD_NUMBER, FIELD_OPTIONAL, tasks.lost, NULL),
    {0},
};

const struct field hive_health_digest_fields[] = {
    {"index", FIELD_NUMBER, FIELD_REQUIRED, FIELD_OF(struct hive_digest, index), NULL},
    {"term", FIELD_NUMBER, FIELD_REQUIRED, FIELD_OF(struct hive_digest, term), NULL},
    {"hash", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct hive_digest, hash), NULL},
    {0},
};

const struct field hive_health_fault_fields[] = {
    {"to", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct hive_fault, to), NULL},
    {"cut", FIELD_FLAG, FIELD_OPTIONAL, FIELD_OF(struct hive_fault, cut), NULL},
    {"delay_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_fault, delay_ms), NULL},
    {"jitter_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_fault, jitter_ms), NULL},
    {0},
};

const struct field hive_health_drone_fields[] = {
    HEALTH("queen", FIELD_TEXT, FIELD_OPTIONAL, queen, NULL),
    HEALTH("capacity", FIELD_INT, FIELD_OPTIONAL, capacity, NULL),
    HEALTH("running", FIELD_INT, FIELD_OPTIONAL, running, NULL),
    HEALTH("done", FIELD_NUMBER, FIELD_OPTIONAL, done, NULL),
    HEALTH("failed", FIELD_NUMBER, FIELD_OPTIONAL, failed, NULL),
    {0},
};

const struct field hive_health_transition_fields[] = {
    {"time_ms", FIELD_NUMBER, FIELD_REQUIRED, FIELD_OF(struct hive_transition, time_ms), NULL},
    {"term", FIELD_NUMBER, FIELD_REQUIRED, FIELD_OF(struct hive_transition, term), NULL},
    {"state", FIELD_CHOICE, FIELD_REQUIRED, FIELD_OF(struct hive_transition, state), hive_raft_state_names},
    {"reason", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct hive_transition, reason), NULL},
    {0},
};

const struct field hive_health_peer_fields[] = {
    {"address", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct hive_peer_health, address), NULL},
    {"kind", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct hive_peer_health, kind), NULL},
    {"match", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_peer_health, match), NULL},
    {"next", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_peer_health, next), NULL},
    {"state", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct hive_peer_health, state), NULL},
    {"last_ack_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_peer_health, last_ack_ms), NULL},
    {0},
};

const struct field hive_health_known_drone_fields[] = {
    {"name", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct hive_drone_health, name), NULL},
    {"state", FIELD_CHOICE, FIELD_REQUIRED, FIELD_OF(struct hive_drone_health, state),
     hive_drone_state_names},
    {"last_seen_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_drone_health, last_seen_ms), NULL},
    {"running", FIELD_INT, FIELD_OPTIONAL, FIELD_OF(struct hive_drone_health, running), NULL},
    {0},
};

/* The array (or object) NAME of `json`; -ENOENT where it is missing: what the struct holds stays. */
static int get_list(const cJSON *json, const char *name, bool is_object, const cJSON **list, size_t *count,
                    struct hive_error *error)
{
    *list = NULL;
    int result =
        is_object ? hive_json_object(json, name, list, error) : hive_json_array(json, name, list, error);
    *count = result ? 0 : (size_t)cJSON_GetArraySize(*list);
    return result;
}

static int read_transitions(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *list, *item;
    size_t count;
    int result = get_list(json, "transitions", false, &list, &count, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    free(health->transitions);
    health->transitions = hive_calloc(count, sizeof *health->transitions);
    health->transition_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        result = hive_fields_read(item, hive_health_transition_fields,
                                  &health->transitions[health->transition_count++], error);
        if (result)
            return hive_error_prefix(error, result, "transitions");
    }
    return result;
}

static int read_peers(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *list, *item;
    size_t count;
    int result = get_list(json, "peers", false, &list, &count, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    free(health->peers);
    health->peers = hive_calloc(count, sizeof *health->peers);
    health->peer_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        struct hive_peer_health *peer = &health->peers[health->peer_count++];
        peer->has_progress = cJSON_HasObjectItem(item, "match");
        result = hive_fields_read(item, hive_health_peer_fields, peer, error);
        if (result)
            return hive_error_prefix(error, result, "peers");
    }
    return result;
}

static int read_drones(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *list, *item;
    size_t count;
    int result = get_list(json, "drones", true, &list, &count, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    free(health->drones);
    health->drones = hive_calloc(count, sizeof *health->drones);
    health->drone_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        struct hive_drone_health *drone = &health->drones[health->drone_count++];
        if (strlen(item->string) >= sizeof drone->address)
            return hive_error_set(error, -EINVAL, "drones: an address must be shorter than %zu bytes",
                                  sizeof drone->address);
        memcpy(drone->address, item->string, strlen(item->string) + 1);
        result = hive_fields_read(item, hive_health_known_drone_fields, drone, error);
        if (result)
            return hive_error_prefix(error, result, "drones");
    }
    return result;
}

static void forget_running_tasks(struct hive_health *health)
{
    for (size_t i = 0; i < health->running_task_count; i++)
        free(health->running_tasks[i]);
    free(health->running_tasks);
    health->running_tasks = NULL;
    health->running_task_count = 0;
}

static int read_running_tasks(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *list, *item;
    size_t count;
    int result = get_list(json, "tasks", false, &list, &count, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    forget_running_tasks(health);
    health->running_tasks = hive_calloc(count, sizeof *health->running_tasks);
    cJSON_ArrayForEach(item, list)
    {
        const char *id;
        result = hive_json_string(item, "id", &id, error);
        if (result)
            return hive_error_prefix(error, -EINVAL, "tasks");
        health->running_tasks[health->running_task_count++] = hive_strdup(id);
    }
    return result;
}

static int read_digests(const cJSON *log, struct hive_health *health, struct hive_error *error)
{
    const cJSON *list, *item;
    size_t count;
    int result = get_list(log, "digests", false, &list, &count, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    free(health->digests);
    health->digests = hive_calloc(count, sizeof *health->digests);
    health->digest_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        result = hive_fields_read(item, hive_health_digest_fields, &health->digests[health->digest_count++],
                                  error);
        if (result)
            return hive_error_prefix(error, result, "digests");
    }
    return result;
}

static int read_faults(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *list, *item;
    size_t count;
    health->can_fault = health->can_fault || cJSON_HasObjectItem(json, "faults");
    int result = get_list(json, "faults", false, &list, &count, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    free(health->faults);
    health->faults = hive_calloc(count, sizeof *health->faults);
    health->fault_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        struct hive_fault *fault = &health->faults[health->fault_count++];
        result = hive_fields_read(item, hive_health_fault_fields, fault, error);
        if (result)
            return hive_error_prefix(error, result, "faults");
        const cJSON *loss = cJSON_GetObjectItemCaseSensitive(item, "loss_percent");
        if (cJSON_IsNumber(loss))
            fault->loss_percent = loss->valuedouble;
    }
    return result;
}

/* The log's own object. */
static int read_log(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *log;
    int result = hive_json_object(json, "log", &log, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    result = hive_fields_read(log, hive_health_log_fields, health, error);
    if (!result)
        result = read_digests(log, health, error);
    return result ? hive_error_prefix(error, result, "log") : 0;
}

static int read_task_counts(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    const cJSON *tasks;
    int result = hive_json_object(json, "tasks", &tasks, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    result = hive_fields_read(tasks, hive_health_task_fields, health, error);
    return result ? hive_error_prefix(error, result, "tasks") : 0;
}

static int read_queen(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    int result = hive_fields_read(json, hive_health_queen_fields, health, error);
    if (!result)
        result = read_log(json, health, error);
    if (!result)
        result = read_task_counts(json, health, error);
    if (!result)
        result = read_transitions(json, health, error);
    if (!result)
        result = read_peers(json, health, error);
    if (!result)
        result = read_drones(json, health, error);
    return result;
}

static int read_node(const cJSON *json, struct hive_health *health, struct hive_error *error)
{
    int ready = 0;
    const struct field status_fields[] = {
        {"status", FIELD_CHOICE, FIELD_REQUIRED, 0, sizeof ready, hive_health_status_names},
        {0},
    };
    int result = hive_fields_read(json, status_fields, &ready, error);
    if (!result)
        result = hive_fields_read(json, hive_health_node_fields, health, error);
    if (!result)
        result = read_faults(json, health, error);
    if (result)
        return result;
    health->ready = ready;
    if (health->mode == HIVE_MODE_QUEEN)
        return read_queen(json, health, error);
    result = hive_fields_read(json, hive_health_drone_fields, health, error);
    return result ? result : read_running_tasks(json, health, error);
}

int hive_health_merge(const cJSON *changes, struct hive_health *health, struct hive_error *error)
{
    int result = read_node(changes, health, error);
    return result ? hive_error_prefix(error, result, "health") : 0;
}

int hive_health_parse(const char *json, size_t bytes, struct hive_health *health, struct hive_error *error)
{
    *health = (struct hive_health){0};
    cJSON *document = hive_json_parse_object(json, bytes, error);
    int result = document ? read_node(document, health, error) : -EINVAL;
    cJSON_Delete(document);
    if (result) {
        hive_health_finish(health);
        hive_error_prefix(error, result, "/healthz");
    }
    return result;
}

void hive_health_finish(struct hive_health *health)
{
    forget_running_tasks(health);
    free(health->transitions);
    free(health->digests);
    free(health->faults);
    free(health->peers);
    free(health->drones);
    *health = (struct hive_health){0};
}
