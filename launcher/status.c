/* `launcher status`: the ledger, held against the processes that there are. It needs no launcher, so it also
 * tells what became of a cluster that is gone. */
#include <stddef.h>
#include <stdlib.h>

#include "command.h"

#include "age.h"
#include "choose.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/ledger.h"
#include "hive/memory.h"

struct status {
    const char *cluster;
    bool is_json;
};

const struct hive_option status_options[] = {
    {"cluster", 'c', HIVE_OPTION_STRING, offsetof(struct status, cluster), .argument = "NAME",
     .completion = "cluster",
     .help = "Which cluster; default: the only one that runs, or the only one that there is"},
    {"json", 'j', HIVE_OPTION_FLAG, offsetof(struct status, is_json), .help = "Print one JSON object"},
    {0},
};

/* What the launcher wrote last is not true any more where it died: `was` is what that is for each node. */
static void correct_states(struct hive_ledger *ledger, enum hive_node_state *was)
{
    for (size_t i = 0; i < ledger->node_count; i++) {
        struct hive_ledger_node *node = &ledger->nodes[i];
        was[i] = node->state;
        if (node->process.pid && !hive_process_is_alive(node->process)) {
            node->state = HIVE_NODE_DEAD;
            node->process = (struct hive_process){0};
        }
    }
}

/* The object of a ledger has its nodes in order. */
static void add_was(cJSON *json, const struct hive_ledger *ledger, const enum hive_node_state *was)
{
    const cJSON *nodes = NULL;
    hive_json_array(json, "nodes", &nodes, NULL);
    for (size_t i = 0; i < ledger->node_count; i++)
        if (was[i] != ledger->nodes[i].state)
            cJSON_AddStringToObject(cJSON_GetArrayItem(nodes, (int)i), "was", hive_node_state_names[was[i]]);
}

static void print_json(const struct hive_ledger *ledger, const enum hive_node_state *was)
{
    char *text = hive_ledger_json(ledger);
    cJSON *json = hive_json_parse_object(text, strlen(text), NULL);
    free(text);
    add_was(json, ledger, was);
    cJSON_AddBoolToObject(json, "running", hive_ledger_is_running(ledger));
    cJSON_AddStringToObject(json, "directory", ledger->directory);
    text = hive_json_print_and_delete(json);
    puts(text);
    free(text);
}

static void print_table(const struct hive_ledger *ledger, const enum hive_node_state *was)
{
    if (hive_ledger_is_running(ledger))
        printf("cluster %s runs: launcher pid %d, %s\n", ledger->name, (int)ledger->launcher.pid,
               ledger->directory);
    else if (ledger->launcher.pid)
        printf("cluster %s is dead: its launcher (pid %d) died, %s\n", ledger->name,
               (int)ledger->launcher.pid, ledger->directory);
    else
        printf("cluster %s has ended: 'launcher --name %s' starts it again, %s\n", ledger->name, ledger->name,
               ledger->directory);
    printf("%-6s %-6s %-19s %-22s %8s %8s %7s\n", "NODE", "ROLE", "STATE", "ADDRESS", "PID", "FOR", "STARTS");
    for (size_t i = 0; i < ledger->node_count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        char age[AGE_BYTES], pid[16] = "-", state[32];
        age_format(hive_clock_unix_ms() - node->changed_at_ms, age);
        if (node->process.pid)
            snprintf(pid, sizeof pid, "%d", (int)node->process.pid);
        if (was[i] != node->state)
            snprintf(state, sizeof state, "%s (was %s)", choose_word(node), hive_node_state_names[was[i]]);
        else
            snprintf(state, sizeof state, "%s", choose_word(node));
        printf("%-6s %-6s %-19s %-22s %8s %8s %7d\n", node->name, hive_role_names[node->role], state,
               node->address, pid, age, node->starts);
    }
}

int status_run(const struct hive_command *command, int argc, char **argv)
{
    struct status status = {0};
    struct hive_ledger ledger = {0};
    struct hive_error error = {0};
    int result = hive_options_parse(command, argc, argv, &status, NULL, &error);
    if (result)
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    int exit_status = choose_cluster(status.cluster, &ledger);
    if (exit_status != HIVE_EXIT_OK)
        return exit_status;
    enum hive_node_state *was = hive_calloc(ledger.node_count, sizeof *was);
    correct_states(&ledger, was);
    if (status.is_json)
        print_json(&ledger, was);
    else
        print_table(&ledger, was);
    if (ledger.launcher.pid && !hive_ledger_is_running(&ledger))
        exit_status = HIVE_EXIT_UNAVAILABLE;
    free(was);
    hive_ledger_finish(&ledger);
    return exit_status;
}
