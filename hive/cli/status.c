/* hive status: one look at the whole cluster, also (and above all) when half of it is dead. */
#include "cli/census.h"
#include "cli/cli.h"
#include "cli/table.h"

#define STATUS_TIMEOUT_MS 2000 /* shorter than for other verbs: a dead node is an answer here */

const struct hive_option cli_status_options[] = {CLI_OPTIONS};

static const struct cli_table_column queen_columns[] = {
    {"QUEEN", false},  {"ROLE", false},       {"TERM", true}, {"LAST", true},  {"COMMIT", true},
    {"APPLIED", true}, {"LEADER SEEN", true}, {"UP", true},   {"NOTE", false},
};

static const struct cli_table_column drone_columns[] = {
    {"DRONE", false}, {"STATE", false}, {"SEEN", true}, {"RUNNING", true}, {"NAME", false},
};

/* How long ago the queen had heard of the leader when she answered; -1 for the leader itself. */
static int64_t leader_age_ms(const struct cli_queen *queen)
{
    if (queen->health.raft_state == HIVE_RAFT_LEADER)
        return -1;
    return cli_table_age_ms(queen->answered_at_ms, queen->health.last_heartbeat_ms);
}

static void add_queen_row(struct cli_table *table, const struct cli_queen *queen)
{
    const struct hive_health *health = &queen->health;
    cli_table_add(table, "%s", queen->address);
    if (!queen->is_answered) {
        cli_table_add(table, "unreachable");
        for (size_t i = 2; i < table->column_count - 1; i++)
            cli_table_add(table, "-");
        cli_table_add(table, "%s", queen->failure);
        return;
    }
    cli_table_add(table, "%s", hive_raft_state_names[health->raft_state]);
    cli_table_add(table, "%llu", (unsigned long long)health->term);
    cli_table_add(table, "%llu", (unsigned long long)health->log_last);
    cli_table_add(table, "%llu", (unsigned long long)health->log_commit);
    cli_table_add(table, "%llu", (unsigned long long)health->log_applied);
    cli_table_add_age(table, leader_age_ms(queen));
    cli_table_add_age(table, health->uptime_ms);
    cli_table_add(table, "%s", health->ready ? "" : "not ready");
}

static void print_queens(const struct cli_census *census)
{
    struct cli_table table = CLI_TABLE(queen_columns);
    for (size_t i = 0; i < census->count; i++)
        if (!census->queens[i]->is_drone)
            add_queen_row(&table, census->queens[i]);
    cli_table_print(&table, stdout);
    cli_table_finish(&table);
}

static void print_drones(const struct cli_queen *leader)
{
    struct cli_table table = CLI_TABLE(drone_columns);
    for (size_t i = 0; i < leader->health.drone_count; i++) {
        const struct hive_drone_health *drone = &leader->health.drones[i];
        cli_table_add(&table, "%s", drone->address);
        cli_table_add(&table, "%s", hive_drone_state_names[drone->state]);
        cli_table_add_age(&table, cli_table_age_ms(leader->answered_at_ms, drone->last_seen_ms));
        cli_table_add(&table, "%d", drone->running);
        cli_table_add(&table, "%s", drone->name);
    }
    putchar('\n');
    cli_table_print(&table, stdout);
    cli_table_finish(&table);
}

static cJSON *queen_json(const struct cli_queen *queen)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "address", queen->address);
    if (queen->is_answered)
        cJSON_AddRawToObject(json, "health", queen->json);
    else
        cJSON_AddStringToObject(json, "failure", queen->failure);
    return json;
}

static void print_json(const struct cli_census *census, const struct cli_queen *leader)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "leader", leader ? cJSON_CreateString(leader->address) : cJSON_CreateNull());
    cJSON *queens = cJSON_AddArrayToObject(json, "queens");
    for (size_t i = 0; i < census->count; i++)
        if (!census->queens[i]->is_drone)
            cJSON_AddItemToArray(queens, queen_json(census->queens[i]));
    cJSON *drones = cJSON_AddArrayToObject(json, "drones");
    for (size_t i = 0; leader && i < leader->health.drone_count; i++) {
        const struct hive_drone_health *drone = &leader->health.drones[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "address", drone->address);
        cJSON_AddStringToObject(entry, "name", drone->name);
        cJSON_AddStringToObject(entry, "state", hive_drone_state_names[drone->state]);
        cJSON_AddNumberToObject(entry, "last_seen_ms", (double)drone->last_seen_ms);
        cJSON_AddNumberToObject(entry, "running", drone->running);
        cJSON_AddItemToArray(drones, entry);
    }
    cli_print_json(json);
}

/* Why there is no leader, and what helps. */
static enum hive_exit fail_without_leader(const struct cli_census *census)
{
    size_t queens = 0, answered = 0;
    const char *failure = "";
    for (size_t i = 0; i < census->count; i++) {
        const struct cli_queen *queen = census->queens[i];
        queens += !queen->is_drone;
        answered += queen->is_answered && !queen->is_drone;
        if (!queen->is_answered)
            failure = queen->failure;
    }
    size_t majority = queens / 2 + 1;
    if (answered < majority)
        return cli_fail(
            HIVE_EXIT_UNAVAILABLE,
            "no leader: %zu of %zu queens answered and a majority is %zu (%s): start those that are missing",
            answered, queens, majority, failure);
    return cli_fail(HIVE_EXIT_UNAVAILABLE,
                    "no leader: %zu of %zu queens are up and electing one: look again in a second", answered,
                    queens);
}

int cli_status(const struct hive_command *command, int argc, char **argv)
{
    struct cli cli = {.timeout_ms = STATUS_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&cli, command, argc, argv, &exit_status))
        return exit_status;
    struct cli_census census;
    cli_census_take(&cli.target, cli.timeout_ms, &census);
    const struct cli_queen *leader = cli_census_leader(&census);
    if (cli.json) {
        print_json(&census, leader);
    } else {
        print_queens(&census);
        if (leader && leader->health.drone_count)
            print_drones(leader);
    }
    exit_status = leader ? HIVE_EXIT_OK : fail_without_leader(&census);
    cli_census_finish(&census);
    cli_end(&cli);
    return exit_status;
}
