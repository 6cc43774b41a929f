/* The ledger: one JSON file a cluster, by which the programs find each other without being told. Here is what
 * one ledger holds and how it is read and written; clusters.c looks for ledgers. */
#include "hive/ledger.h"

#include <errno.h>

#include "client/clusters.h"
#include "client/fields.h"
#include "client/token.h"
#include "hive/encoding.h"
#include "hive/file.h"
#include "hive/json.h"
#include "hive/memory.h"

#define LEDGER_FILE    "cluster.json"
#define LEDGER_VERSION 1

const char *const hive_role_names[] = {"queen", "drone", NULL};
const char *const hive_node_state_names[] = {"starting", "running", "paused", "stopped", "dead", NULL};

static const struct field cluster_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct hive_ledger, name), NULL},
    {"keep", FIELD_FLAG, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger, keep), NULL},
    {"created_at_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger, created_at_ms), NULL},
    {"founded", FIELD_FLAG, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger, founded), NULL},
    {"can_fault", FIELD_FLAG, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger, can_fault), NULL},
    {0},
};

static const struct field process_fields[] = {
    {"pid", FIELD_INT, FIELD_REQUIRED, FIELD_OF(struct hive_process, pid), NULL},
    {"started_at", FIELD_NUMBER, FIELD_REQUIRED, FIELD_OF(struct hive_process, started_at), NULL},
    {0},
};

static const struct field node_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct hive_ledger_node, name), NULL},
    {"role", FIELD_CHOICE, FIELD_REQUIRED, FIELD_OF(struct hive_ledger_node, role), hive_role_names},
    {"state", FIELD_CHOICE, FIELD_REQUIRED, FIELD_OF(struct hive_ledger_node, state), hive_node_state_names},
    {"address", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct hive_ledger_node, address), NULL},
    {"pid", FIELD_INT, FIELD_REQUIRED, FIELD_OF(struct hive_ledger_node, process.pid), NULL},
    {"started_at", FIELD_NUMBER, FIELD_REQUIRED, FIELD_OF(struct hive_ledger_node, process.started_at), NULL},
    {"exit_status", FIELD_INT, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger_node, exit_status), NULL},
    {"starts", FIELD_INT, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger_node, starts), NULL},
    {"changed_at_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger_node, changed_at_ms), NULL},
    {"data_directory", FIELD_STRING, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger_node, data_directory), NULL},
    {"log_path", FIELD_STRING, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger_node, log_path), NULL},
    {"program", FIELD_STRING, FIELD_OPTIONAL, FIELD_OF(struct hive_ledger_node, program), NULL},
    {0},
};

void hive_ledger_node_finish(struct hive_ledger_node *node)
{
    free(node->data_directory);
    free(node->log_path);
    free(node->program);
    *node = (struct hive_ledger_node){0};
}

void hive_ledger_finish(struct hive_ledger *ledger)
{
    for (size_t i = 0; i < ledger->node_count; i++)
        hive_ledger_node_finish(&ledger->nodes[i]);
    free(ledger->nodes);
    free(ledger->directory);
    *ledger = (struct hive_ledger){0};
}

static int read_nodes(const cJSON *array, struct hive_ledger *ledger, struct hive_error *error)
{
    ledger->nodes = hive_calloc((size_t)cJSON_GetArraySize(array), sizeof *ledger->nodes);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        int result = hive_fields_read(item, node_fields, &ledger->nodes[ledger->node_count++], error);
        if (result)
            return hive_error_prefix(error, result, "node %zu", ledger->node_count);
    }
    return 0;
}

/* The content of the file into `ledger`, whose directory is set already. */
static int read_ledger(const struct hive_buffer *content, struct hive_ledger *ledger,
                       struct hive_error *error)
{
    cJSON *json = hive_json_parse_object(content->data ? content->data : "", content->size, error);
    if (!json)
        return -EINVAL;

    const cJSON *launcher = NULL, *nodes = NULL;
    int64_t version = 0;
    int result = hive_json_int(json, "version", LEDGER_VERSION, LEDGER_VERSION, &version, error);
    if (!result)
        result = hive_fields_read(json, cluster_fields, ledger, error);
    if (!result)
        result = hive_json_object(json, "launcher", &launcher, error);
    if (!result)
        result = hive_fields_read(launcher, process_fields, &ledger->launcher, error);
    if (!result)
        result = hive_json_array(json, "nodes", &nodes, error);
    if (!result)
        result = read_nodes(nodes, ledger, error);
    cJSON_Delete(json);
    return result ? -EINVAL : 0;
}

int hive_ledger_load(const char *name, struct hive_ledger *ledger, struct hive_error *error)
{
    *ledger = (struct hive_ledger){0};
    char *state = hive_file_state_directory(error);
    if (!state)
        return -ENOENT;

    struct hive_buffer content = {0};
    ledger->directory = hive_format("%s/%s", state, name);
    char *path = hive_ledger_path(ledger, LEDGER_FILE);
    int result = hive_is_name(name) ? hive_file_read(path, HIVE_LEDGER_BYTES, &content, error) : -ENOENT;
    if (result == -ENOENT) {
        hive_clusters_unknown(name, error);
        goto out;
    }
    if (!result)
        result = read_ledger(&content, ledger, error);
    if (result == -EINVAL)
        hive_error_prefix(error, result, "the ledger %s is damaged (remove it if its cluster is gone)", path);

out:
    if (result)
        hive_ledger_finish(ledger);
    hive_buffer_finish(&content);
    free(path);
    free(state);
    return result;
}

static cJSON *node_json(const struct hive_ledger_node *node)
{
    cJSON *json = cJSON_CreateObject();
    hive_fields_write(json, node_fields, node);
    return json;
}

char *hive_ledger_node_json(const struct hive_ledger_node *node)
{
    return hive_json_print_and_delete(node_json(node));
}

char *hive_ledger_json(const struct hive_ledger *ledger)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "version", LEDGER_VERSION);
    hive_fields_write(json, cluster_fields, ledger);
    hive_fields_write(cJSON_AddObjectToObject(json, "launcher"), process_fields, &ledger->launcher);
    cJSON *nodes = cJSON_AddArrayToObject(json, "nodes");
    for (size_t i = 0; i < ledger->node_count; i++)
        cJSON_AddItemToArray(nodes, node_json(&ledger->nodes[i]));
    return hive_json_print_and_delete(json);
}

int hive_ledger_save(const struct hive_ledger *ledger, struct hive_error *error)
{
    char *path = hive_ledger_path(ledger, LEDGER_FILE);
    char *json = hive_ledger_json(ledger);
    int result = hive_file_write(path, json, strlen(json), 0600, error);
    free(json);
    free(path);
    return result;
}

bool hive_ledger_is_running(const struct hive_ledger *ledger)
{
    return hive_process_is_alive(ledger->launcher);
}

struct hive_ledger_node *hive_ledger_node(const struct hive_ledger *ledger, const char *name)
{
    for (size_t i = 0; i < ledger->node_count; i++)
        if (strcmp(ledger->nodes[i].name, name) == 0)
            return &ledger->nodes[i];
    return NULL;
}

char *hive_ledger_path(const struct hive_ledger *ledger, const char *part)
{
    return hive_format("%s/%s", ledger->directory, part);
}

int hive_ledger_token(const struct hive_ledger *ledger, char token[HIVE_TOKEN_BYTES],
                      struct hive_error *error)
{
    char *path = hive_ledger_path(ledger, "token");
    int result = hive_token_read(path, token, error);
    free(path);
    return result;
}
