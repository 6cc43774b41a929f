/* `launcher ps`: all clusters of this machine's user, whatever became of them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "command.h"

#include "age.h"
#include "census.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/ledger.h"
#include "hive/memory.h"

#define LOOK_MS 1200 /* beyond the time that a queen has to answer */

struct ps {
    bool is_json;
};

const struct hive_option ps_options[] = {
    {"json", 'j', HIVE_OPTION_FLAG, offsetof(struct ps, is_json), .help = "Print one JSON array"},
    {0},
};

enum cluster_state { CLUSTER_RUNNING, CLUSTER_ENDED, CLUSTER_DEAD, CLUSTER_DAMAGED };
static const char *const state_names[] = {"running", "ended", "dead", "damaged"};

struct seen {
    struct hive_ledger ledger;
    struct census *census; /* of one that runs */
    enum cluster_state state;
    int total[2], up[2]; /* nodes, by role */
};

static void look(struct seen *seen, const char *name, struct hive_http_client *client)
{
    struct hive_error error = {0};
    *seen = (struct seen){.state = CLUSTER_DAMAGED};
    if (hive_ledger_load(name, &seen->ledger, &error)) {
        fprintf(stderr, "launcher: %s\n", error.message);
        snprintf(seen->ledger.name, sizeof seen->ledger.name, "%s", name);
        return;
    }
    bool is_running = hive_ledger_is_running(&seen->ledger);
    seen->state = is_running ? CLUSTER_RUNNING : seen->ledger.launcher.pid ? CLUSTER_DEAD : CLUSTER_ENDED;
    for (size_t i = 0; i < seen->ledger.node_count; i++) {
        const struct hive_ledger_node *node = &seen->ledger.nodes[i];
        seen->total[node->role]++;
        seen->up[node->role] +=
            hive_process_is_alive(node->process) && !hive_process_is_stopped(node->process);
    }
    if (is_running)
        seen->census = census_start(&seen->ledger, client);
}

/* The name of the leader's node and her term; false: none that answers. */
static bool find_leader(const struct seen *seen, const char **name, uint64_t *term)
{
    const struct census_queen *leader = seen->census ? census_leader(seen->census) : NULL;
    if (leader) {
        *name = leader->name;
        *term = leader->term;
    }
    return leader != NULL;
}

static void print_row(const struct seen *seen)
{
    char queens[32] = "-", drones[32] = "-", term[32] = "-", age[AGE_BYTES] = "-";
    const char *leader = "-";
    uint64_t number;
    if (seen->state != CLUSTER_DAMAGED) {
        snprintf(queens, sizeof queens, "%d/%d", seen->up[HIVE_ROLE_QUEEN], seen->total[HIVE_ROLE_QUEEN]);
        snprintf(drones, sizeof drones, "%d/%d", seen->up[HIVE_ROLE_DRONE], seen->total[HIVE_ROLE_DRONE]);
        age_format(hive_clock_unix_ms() - seen->ledger.created_at_ms, age);
    }
    if (find_leader(seen, &leader, &number))
        snprintf(term, sizeof term, "%llu", (unsigned long long)number);
    printf("%-14s %-8s %-7s %-7s %-7s %6s %7s  %s\n", seen->ledger.name, state_names[seen->state], queens,
           drones, leader, term, age, seen->ledger.directory ? seen->ledger.directory : "");
}

static void add_json(cJSON *array, const struct seen *seen)
{
    static const char *const groups[] = {"queens", "drones"};
    const char *leader;
    uint64_t term;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToArray(array, json);
    cJSON_AddStringToObject(json, "name", seen->ledger.name);
    cJSON_AddStringToObject(json, "state", state_names[seen->state]);
    if (seen->state == CLUSTER_DAMAGED)
        return;
    cJSON_AddBoolToObject(json, "keep", seen->ledger.keep);
    cJSON_AddNumberToObject(json, "launcher_pid", seen->ledger.launcher.pid);
    for (int role = HIVE_ROLE_QUEEN; role <= HIVE_ROLE_DRONE; role++) {
        cJSON *group = cJSON_AddObjectToObject(json, groups[role]);
        cJSON_AddNumberToObject(group, "up", seen->up[role]);
        cJSON_AddNumberToObject(group, "total", seen->total[role]);
    }
    if (find_leader(seen, &leader, &term)) {
        cJSON_AddStringToObject(json, "leader", leader);
        cJSON_AddNumberToObject(json, "term", (double)term);
    }
    cJSON_AddNumberToObject(json, "created_at_ms", (double)seen->ledger.created_at_ms);
    cJSON_AddStringToObject(json, "directory", seen->ledger.directory);
}

static void print_all(const struct seen *all, size_t count, bool is_json)
{
    cJSON *array = is_json ? cJSON_CreateArray() : NULL;
    if (!is_json && count == 0)
        fprintf(stderr, "launcher: there are no clusters here: 'launcher' starts one\n");
    else if (!is_json)
        printf("%-14s %-8s %-7s %-7s %-7s %6s %7s  %s\n", "CLUSTER", "STATE", "QUEENS", "DRONES", "LEADER",
               "TERM", "AGE", "DIRECTORY");
    for (size_t i = 0; i < count; i++) {
        if (is_json)
            add_json(array, &all[i]);
        else
            print_row(&all[i]);
    }
    if (!is_json)
        return;
    char *text = hive_json_print_and_delete(array);
    puts(text);
    free(text);
}

int ps_run(const struct hive_command *command, int argc, char **argv)
{
    struct ps ps = {0};
    struct hive_error error = {0};
    char **names = NULL;
    size_t count = 0;
    int result = hive_options_parse(command, argc, argv, &ps, NULL, &error);
    if (result)
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    if (hive_ledger_names(&names, &count, &error)) {
        fprintf(stderr, "launcher: %s\n", error.message);
        return HIVE_EXIT_FAILED;
    }
    struct hive_http_client *client = hive_http_client_create();
    struct seen *all = hive_calloc(count, sizeof *all);
    for (size_t i = 0; i < count; i++)
        look(&all[i], names[i], client);
    int64_t deadline_ms = hive_clock_monotonic_ms() + LOOK_MS, now_ms;
    while (hive_http_client_pending(client) && (now_ms = hive_clock_monotonic_ms()) < deadline_ms)
        hive_http_client_wait(client, NULL, 0, (int)(deadline_ms - now_ms));
    print_all(all, count, ps.is_json);
    hive_http_client_destroy(client);
    for (size_t i = 0; i < count; i++) {
        census_free(all[i].census);
        hive_ledger_finish(&all[i].ledger);
        free(names[i]);
    }
    free(all);
    free(names);
    return HIVE_EXIT_OK;
}
