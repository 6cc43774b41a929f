/* hive del: a key out of the store. */
#include "cli/cli.h"
#include "hive/json.h"
#include "hive/memory.h"

const struct hive_option cli_del_options[] = {CLI_OPTIONS};

int cli_del(const struct hive_command *command, int argc, char **argv)
{
    struct cli cli = {.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&cli, command, argc, argv, &exit_status))
        return exit_status;

    if (!cli_has_key(&cli)) {
        cli_end(&cli);
        return HIVE_EXIT_USAGE;
    }

    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, "/kv/");
    hive_path_append(&path, cli.arguments.items[0]);
    char *doubt = hive_format("hive get %s", cli.arguments.items[0]);
    cli.doubt = doubt;

    struct hive_answer answer;
    cJSON *json = NULL;
    exit_status =
        cli_call(&cli, (struct hive_call){.method = "DELETE", .path = path.data, .is_keyed = true}, &answer);
    if (exit_status == HIVE_EXIT_OK && !(json = cli_answer_json(&answer)))
        exit_status = HIVE_EXIT_FAILED;
    if (json && cli.json) {
        cli_print_json(json);
    } else if (json) {
        int64_t index = 0;
        hive_json_int(json, "index", 0, INT64_MAX, &index, NULL);
        printf("deleted at index %lld\n", (long long)index);
        cJSON_Delete(json);
    }
    hive_answer_finish(&answer);
    hive_buffer_finish(&path);
    free(doubt);
    cli_end(&cli);
    return exit_status;
}
