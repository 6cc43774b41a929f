/* hive tasks: what the cluster was asked to do, and what became of it. */
#include "cli/cli.h"
#include "cli/pages.h"
#include "cli/table.h"
#include "cli/task.h"
#include "hive/clock.h"
#include "hive/json.h"

const struct hive_option cli_tasks_options[] = {CLI_OPTIONS};

static const struct cli_table_column columns[] = {
    {"ID", false},    {"STATE", false}, {"ATTEMPT", true}, {"AGE", true},
    {"DRONE", false}, {"NAME", false},  {"TEXT", false},
};

static bool key_of(const cJSON *entry, struct hive_buffer *key)
{
    return cli_get_bytes(entry, "id", key);
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static enum hive_exit print_tasks(const cJSON *json)
{
    struct cli_table table = CLI_TABLE(columns);
    struct hive_error error = {{0}};
    int64_t now_ms = hive_clock_unix_ms();
    const cJSON *entry;
    int result = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(json, "tasks"))
    {
        struct cli_task task;
        result = cli_task_read(entry, &task, &error);
        if (!result) {
            cli_table_add(&table, "%s", task.id);
            cli_table_add(&table, "%s", task.state);
            cli_table_add(&table, "%d", task.attempt);
            cli_table_add_age(&table, cli_table_age_ms(now_ms, task.submitted_at_ms));
            cli_table_add(&table, "%s", or_dash(task.drone));
            cli_table_add(&table, "%s", or_dash(task.name));
            cli_table_add(&table, "%s", or_dash(task.text));
        }
        cli_task_finish(&task);
        if (result)
            break;
    }
    if (!result)
        cli_table_print(&table, stdout);
    cli_table_finish(&table);
    return result ? cli_fail(HIVE_EXIT_FAILED, "the list of tasks is not Hive's: %s", error.message)
                  : HIVE_EXIT_OK;
}

static enum hive_exit list_tasks(const struct cli *cli)
{
    enum hive_exit exit_status;
    char path[64];
    snprintf(path, sizeof path, "/tasks?limit=%d", HIVE_LIST_ENTRIES);
    cJSON *json = cli_pages_get(cli, &(struct cli_pages){.path = path, .array = "tasks", .key_of = key_of},
                                &exit_status);
    if (json && cli->json) {
        cli_print_json(json);
    } else if (json) {
        exit_status = print_tasks(json);
        cJSON_Delete(json);
    }
    return exit_status;
}

static void print_line(const char *name, const char *text)
{
    struct hive_buffer safe = {0};
    cli_table_escape(&safe, or_dash(text), strlen(or_dash(text)));
    printf("%-10s %s\n", name, safe.data);
    hive_buffer_finish(&safe);
}

static void print_time(const char *name, int64_t unix_ms)
{
    char text[HIVE_CLOCK_TEXT_BYTES] = "", age[32] = "", line[HIVE_CLOCK_TEXT_BYTES + 48] = "";
    if (unix_ms) {
        hive_clock_format(unix_ms, text);
        cli_table_format_age(cli_table_age_ms(hive_clock_unix_ms(), unix_ms), age);
        snprintf(line, sizeof line, "%s (%s ago)", text, age);
    }
    print_line(name, line);
}

static enum hive_exit print_task(const cJSON *json)
{
    struct cli_task task;
    struct hive_error error = {{0}};
    int result = cli_task_read(json, &task, &error);
    if (!result) {
        char attempt[16];
        snprintf(attempt, sizeof attempt, "%d", task.attempt);
        print_line("id", task.id);
        print_line("name", task.name);
        print_line("state", task.state);
        print_line("text", task.text);
        print_line("drone", task.drone);
        print_line("attempt", attempt);
        print_line("detail", task.detail);
        print_time("submitted", task.submitted_at_ms);
        print_time("assigned", task.assigned_at_ms);
        print_time("finished", task.finished_at_ms);
    }
    cli_task_finish(&task);
    return result ? cli_fail(HIVE_EXIT_FAILED, "the task is not Hive's: %s", error.message) : HIVE_EXIT_OK;
}

static enum hive_exit show_task(const struct cli *cli, const char *id)
{
    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, "/tasks/");
    hive_path_append(&path, id);
    enum hive_exit exit_status;
    cJSON *json = cli_get_json(cli, path.data, &exit_status);
    if (json && cli->json) {
        cli_print_json(json);
    } else if (json) {
        exit_status = print_task(json);
        cJSON_Delete(json);
    }
    hive_buffer_finish(&path);
    return exit_status;
}

int cli_tasks(const struct hive_command *command, int argc, char **argv)
{
    struct cli cli = {.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&cli, command, argc, argv, &exit_status))
        return exit_status;
    exit_status = cli.arguments.count ? show_task(&cli, cli.arguments.items[0]) : list_tasks(&cli);
    cli_end(&cli);
    return exit_status;
}
