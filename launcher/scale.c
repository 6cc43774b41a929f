/* `launcher add queen|drone [N]` and `launcher remove NODE`. */
#include "command.h"

#include "hive/api.h"
#include "hive/json.h"
#include "order.h"

static void print_added(const struct hive_buffer *answer)
{
    cJSON *json = hive_json_parse_object(answer->data, answer->size, NULL);
    const cJSON *nodes = NULL, *node;
    if (json)
        hive_json_array(json, "nodes", &nodes, NULL);
    cJSON_ArrayForEach(node, nodes)
    {
        const char *name = "?", *address = "?", *role = "";
        hive_json_string(node, "name", &name, NULL);
        hive_json_string(node, "address", &address, NULL);
        hive_json_string(node, "role", &role, NULL);
        printf("%s is there (%s): %s\n", name, address,
               strcmp(role, "queen") == 0 ? "a voting member" : "registered");
    }
    cJSON_Delete(json);
}

static bool parse_count(const char *text, int64_t *count)
{
    char *end;
    *count = strtoll(text, &end, 10);
    return *text >= '1' && *text <= '9' && *end == '\0' && *count <= HIVE_NODES;
}

int add_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status)) {
        const char *role = order.arguments.items[0];
        struct hive_buffer body = {0}, answer = {0};
        struct hive_error error;
        int64_t count = 1;
        if (strcmp(role, "queen") != 0 && strcmp(role, "drone") != 0) {
            hive_error_set(&error, -1, "add a queen or a drone, not '%.40s'", role);
            status = hive_options_usage_error(command, &error);
        } else if (order.arguments.count > 1 && !parse_count(order.arguments.items[1], &count)) {
            hive_error_set(&error, -1, "'%.40s' is no number of nodes", order.arguments.items[1]);
            status = hive_options_usage_error(command, &error);
        } else {
            hive_buffer_format(&body, "{\"role\":\"%s\",\"count\":%lld}", role, (long long)count);
            status = order_call(&ledger, "POST", "/nodes", body.data, &answer);
            if (status == HIVE_EXIT_OK)
                print_added(&answer);
        }
        hive_buffer_finish(&body);
        hive_buffer_finish(&answer);
    }
    order_end(&order, &ledger);
    return status;
}

int remove_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status)) {
        struct hive_buffer path = {0}, answer = {0};
        hive_buffer_append_text(&path, "/nodes/");
        hive_path_append(&path, order.arguments.items[0]);
        hive_buffer_append_text(&path, order.by_force ? "?force=1" : "");
        status = order_call(&ledger, "DELETE", path.data, NULL, &answer);
        if (status == HIVE_EXIT_OK)
            order_print_node(&answer, "removed");
        hive_buffer_finish(&path);
        hive_buffer_finish(&answer);
    }
    order_end(&order, &ledger);
    return status;
}
