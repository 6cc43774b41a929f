/* A dashboard keeps hours of answers, of which few fields change from one to the next: only those are written. */
#include "hive/health_changes.h"

#include <stddef.h>

#include "client/health_fields.h"
#include "hive/memory.h"

#define LIST(list, number)                                                                                   \
    {                                                                                                        \
        offsetof(struct hive_health, list), offsetof(struct hive_health, number),                            \
            sizeof *((struct hive_health *)0)->list                                                          \
    }

const struct hive_health_list hive_health_lists[] = {
    LIST(faults, fault_count), LIST(digests, digest_count), LIST(transitions, transition_count),
    LIST(peers, peer_count),   LIST(drones, drone_count),   {0},
};

void hive_health_copy(const struct hive_health *health, struct hive_health *copy)
{
    *copy = *health;
    for (const struct hive_health_list *list = hive_health_lists; list->bytes; list++) {
        void **items = (void **)((char *)copy + list->items);
        size_t count = *(size_t *)((char *)copy + list->count);
        void *from = *items;
        *items = hive_calloc(count, list->bytes);
        if (count)
            memcpy(*items, from, count * list->bytes);
    }
    copy->running_tasks = hive_calloc(health->running_task_count, sizeof *copy->running_tasks);
    for (size_t i = 0; i < health->running_task_count; i++)
        copy->running_tasks[i] = hive_strdup(health->running_tasks[i]);
}

/* ---- fields ---- */

static bool differs(const struct field *field, const void *before, const void *now)
{
    const char *left = (const char *)before + field->offset, *right = (const char *)now + field->offset;
    return field->type == FIELD_TEXT ? strcmp(left, right) != 0 : memcmp(left, right, field->bytes) != 0;
}

static void add_changed(cJSON *object, const struct field *fields, const void *before, const void *now)
{
    for (const struct field *field = fields; field->name; field++) {
        const struct field one[] = {*field, {0}};
        if (field->presence == FIELD_REQUIRED || differs(field, before, now))
            hive_fields_write(object, one, now);
    }
}

/* An object within that is there only where something of it changed. */
static void add_object(cJSON *json, const char *name, cJSON *object)
{
    if (object->child)
        cJSON_AddItemToObject(json, name, object);
    else
        cJSON_Delete(object);
}

/* ---- lists ---- */

static bool same_list(const void *before, size_t before_count, const void *now, size_t count, size_t bytes)
{
    return before_count == count && (count == 0 || memcmp(before, now, count * bytes) == 0);
}

#define SAME(list, number) same_list(before->list, before->number, now->list, now->number, sizeof *now->list)

static cJSON *add_item(cJSON *list, const struct field *fields, const void *item)
{
    cJSON *json = cJSON_CreateObject();
    hive_fields_write(json, fields, item);
    cJSON_AddItemToArray(list, json);
    return json;
}

static void add_transitions(cJSON *json, const struct hive_health *now)
{
    cJSON *list = cJSON_AddArrayToObject(json, "transitions");
    for (size_t i = 0; i < now->transition_count; i++)
        add_item(list, hive_health_transition_fields, &now->transitions[i]);
}

static void add_peers(cJSON *json, const struct hive_health *now)
{
    cJSON *list = cJSON_AddArrayToObject(json, "peers");
    for (size_t i = 0; i < now->peer_count; i++) {
        const struct hive_peer_health *peer = &now->peers[i];
        cJSON *item = add_item(list, hive_health_peer_fields, peer);
        if (!peer->has_progress)
            cJSON_DeleteItemFromObject(item, "match"); /* which would say that it has */
    }
}

static void add_drones(cJSON *json, const struct hive_health *now)
{
    cJSON *drones = cJSON_AddObjectToObject(json, "drones");
    for (size_t i = 0; i < now->drone_count; i++)
        hive_fields_write(cJSON_AddObjectToObject(drones, now->drones[i].address),
                          hive_health_known_drone_fields, &now->drones[i]);
}

static void add_digests(cJSON *json, const struct hive_health *now)
{
    cJSON *list = cJSON_AddArrayToObject(json, "digests");
    for (size_t i = 0; i < now->digest_count; i++)
        add_item(list, hive_health_digest_fields, &now->digests[i]);
}

static void add_faults(cJSON *json, const struct hive_health *now)
{
    cJSON *list = cJSON_AddArrayToObject(json, "faults");
    for (size_t i = 0; i < now->fault_count; i++)
        cJSON_AddNumberToObject(add_item(list, hive_health_fault_fields, &now->faults[i]), "loss_percent",
                                now->faults[i].loss_percent);
}

static void add_running_tasks(cJSON *json, const struct hive_health *before, const struct hive_health *now)
{
    bool is_same = before->running_task_count == now->running_task_count;
    for (size_t i = 0; is_same && i < now->running_task_count; i++)
        is_same = strcmp(before->running_tasks[i], now->running_tasks[i]) == 0;
    if (is_same)
        return;
    cJSON *list = cJSON_AddArrayToObject(json, "tasks");
    for (size_t i = 0; i < now->running_task_count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", now->running_tasks[i]);
        cJSON_AddItemToArray(list, item);
    }
}

static void add_queen(cJSON *json, const struct hive_health *before, const struct hive_health *now)
{
    add_changed(json, hive_health_queen_fields, before, now);
    cJSON *log = cJSON_CreateObject(), *tasks = cJSON_CreateObject();
    add_changed(log, hive_health_log_fields, before, now);
    if (!SAME(digests, digest_count))
        add_digests(log, now);
    add_changed(tasks, hive_health_task_fields, before, now);
    add_object(json, "log", log);
    add_object(json, "tasks", tasks);
    if (!SAME(transitions, transition_count))
        add_transitions(json, now);
    if (!SAME(peers, peer_count))
        add_peers(json, now);
    if (!SAME(drones, drone_count))
        add_drones(json, now);
}

cJSON *hive_health_changes(const struct hive_health *before, const struct hive_health *now)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "status", hive_health_status_names[now->ready]);
    add_changed(json, hive_health_node_fields, before, now);
    if (now->can_fault && (!before->can_fault || !SAME(faults, fault_count)))
        add_faults(json, now);
    if (now->mode == HIVE_MODE_QUEEN) {
        add_queen(json, before, now);
    } else {
        add_changed(json, hive_health_drone_fields, before, now);
        add_running_tasks(json, before, now);
    }
    return json;
}
