/* hive drones: the workers, as the leader sees them. */
#include "cli/cli.h"
#include "cli/table.h"
#include "client/fields.h"
#include "hive/clock.h"

const struct hive_option cli_drones_options[] = {CLI_OPTIONS};

struct drone_row {
    char address[HIVE_ADDRESS_BYTES];
    char name[HIVE_NAME_BYTES];
    char state[16];
    char version[32];
    int64_t last_seen_ms, registered_at_ms; /* unix */
    int running, capacity;
};

static const struct field row_fields[] = {
    {"address", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct drone_row, address), NULL},
    {"name", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct drone_row, name), NULL},
    {"state", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct drone_row, state), NULL},
    {"version", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct drone_row, version), NULL},
    {"last_seen_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct drone_row, last_seen_ms), NULL},
    {"registered_at_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct drone_row, registered_at_ms), NULL},
    {"running", FIELD_INT, FIELD_OPTIONAL, FIELD_OF(struct drone_row, running), NULL},
    {"capacity", FIELD_INT, FIELD_OPTIONAL, FIELD_OF(struct drone_row, capacity), NULL},
    {0},
};

static const struct cli_table_column columns[] = {
    {"DRONE", false},   {"STATE", false}, {"SEEN", true},     {"RUNNING", true},
    {"CAPACITY", true}, {"AGE", true},    {"VERSION", false}, {"NAME", false},
};

static enum hive_exit print_drones(const cJSON *json)
{
    struct cli_table table = CLI_TABLE(columns);
    struct hive_error error = {{0}};
    int64_t now_ms = hive_clock_unix_ms();
    const cJSON *entry;
    int result = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(json, "drones"))
    {
        struct drone_row row = {0};
        result = hive_fields_read(entry, row_fields, &row, &error);
        if (result)
            break;
        cli_table_add(&table, "%s", row.address);
        cli_table_add(&table, "%s", row.state);
        cli_table_add_age(&table, cli_table_age_ms(now_ms, row.last_seen_ms));
        cli_table_add(&table, "%d", row.running);
        cli_table_add(&table, "%d", row.capacity);
        cli_table_add_age(&table, cli_table_age_ms(now_ms, row.registered_at_ms));
        cli_table_add(&table, "%s", *row.version ? row.version : "-");
        cli_table_add(&table, "%s", row.name);
    }
    if (!result)
        cli_table_print(&table, stdout);
    cli_table_finish(&table);
    return result ? cli_fail(HIVE_EXIT_FAILED, "the list of drones is not Hive's: %s", error.message)
                  : HIVE_EXIT_OK;
}

int cli_drones(const struct hive_command *command, int argc, char **argv)
{
    struct cli cli = {.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&cli, command, argc, argv, &exit_status))
        return exit_status;
    enum hive_exit got;
    cJSON *json = cli_get_json(&cli, "/drones", &got);
    if (json && cli.json) {
        cli_print_json(json);
    } else if (json) {
        got = print_drones(json);
        cJSON_Delete(json);
    }
    cli_end(&cli);
    return got;
}
