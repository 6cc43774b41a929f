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

/* What the launcher wrote last is not true any more where it died; `was` keeps what that was. */
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

/* True where the launcher has died, and so nobody has ended the nodes in order. */
static bool is_dead(const struct hive_ledger *ledger)
{
    return ledger->launcher.pid && !hive_ledger_is_running(ledger);
}

static void print_json(const struct hive_ledger *ledger, const enum hive_node_state *was)
{
    char *text = hive_ledger_json(ledger);
    cJSON *json = hive_json_parse_object(text, strlen(text), NULL), *node;
    size_t i = 0;
    free(text);
    cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(json, "nodes"))
    {
        if (is_dead(ledger))
            cJSON_AddStringToObject(node, "was", hive_node_state_names[was[i]]);
        i++;
    }
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
    printf("%-6s %-6s %-12s %-22s %8s %8s %7s\n", "NODE", "ROLE", is_dead(ledger) ? "STATE WAS" : "STATE",
           "ADDRESS", "PID", "FOR", "STARTS");
    for (size_t i = 0; i < ledger->node_count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        char age[AGE_BYTES], pid[16] = "-";
        age_format(hive_clock_unix_ms() - node->changed_at_ms, age);
        if (node->process.pid)
            snprintf(pid, sizeof pid, "%d", (int)node->process.pid);
        printf("%-6s %-6s %-12s %-22s %8s %8s %7d\n", node->name, hive_role_names[node->role],
               is_dead(ledger) && was[i] != node->state ? hive_node_state_names[was[i]] : choose_word(node),
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
    bool is_running = hive_ledger_is_running(&ledger);
    correct_states(&ledger, was);
    if (status.is_json)
        print_json(&ledger, was);
    else
        print_table(&ledger, was);
    free(was);
    hive_ledger_finish(&ledger);
    return is_running ? HIVE_EXIT_OK : HIVE_EXIT_UNAVAILABLE;
}
