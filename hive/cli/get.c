/* hive get: one value as it is, or the keys that begin with a prefix. */
#include <unistd.h>

#include "cli/cli.h"
#include "cli/pages.h"
#include "cli/table.h"
#include "hive/json.h"

struct get {
    struct cli cli;
    const char *prefix; /* NULL: one key */
    bool stale;
};

const struct hive_option cli_get_options[] = {
    {.name = "prefix",
     .type = HIVE_OPTION_STRING,
     .offset = offsetof(struct get, prefix),
     .argument = "PREFIX",
     .help = "List the keys that begin with PREFIX (\"\": all keys) instead"},
    {.name = "stale",
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct get, stale),
     .help = "Take the answer of any queen, also without a leader; it may be behind"},
    CLI_OPTIONS,
};

static const struct cli_table_column columns[] = {{"KEY", false}, {"INDEX", true}, {"VALUE", false}};

/* The index in an ETag: "12" with its quotes. */
static double index_of(const char *etag)
{
    return (double)strtoull(*etag == '"' ? etag + 1 : etag, NULL, 10);
}

static void print_value(const struct get *get, const struct hive_answer *answer)
{
    const char *key = get->cli.arguments.items[0], *value = answer->body.data ? answer->body.data : "";
    size_t bytes = answer->body.size;
    if (get->cli.json) {
        cJSON *json = cJSON_CreateObject();
        cli_add_bytes(json, "key", key, strlen(key));
        cli_add_bytes(json, "value", value, bytes);
        cJSON_AddNumberToObject(json, "index", index_of(answer->etag));
        cli_print_json(json);
        return;
    }
    fwrite(value, 1, bytes, stdout);
    if (isatty(STDOUT_FILENO) && !(bytes && value[bytes - 1] == '\n'))
        putchar('\n');
}

static enum hive_exit get_one(const struct get *get)
{
    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, "/kv/");
    hive_path_append(&path, get->cli.arguments.items[0]);
    if (get->stale)
        hive_buffer_append_text(&path, "?consistency=stale");
    struct hive_answer answer;
    enum hive_exit exit_status = cli_call(
        &get->cli, (struct hive_call){.method = "GET", .path = path.data, .is_idempotent = true}, &answer);
    if (exit_status == HIVE_EXIT_OK)
        print_value(get, &answer);
    hive_answer_finish(&answer);
    hive_buffer_finish(&path);
    return exit_status;
}

static bool key_of(const cJSON *entry, struct hive_buffer *key)
{
    return cli_get_bytes(entry, "key", key);
}

static void print_list(cJSON *json)
{
    struct cli_table table = CLI_TABLE(columns);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(json, "entries"))
    {
        struct hive_buffer key = {0}, value = {0};
        int64_t index = 0;
        cli_get_bytes(entry, "key", &key);
        cli_get_bytes(entry, "value", &value);
        hive_json_int(entry, "index", 0, INT64_MAX, &index, NULL);
        cli_table_add_bytes(&table, key.data, key.size);
        cli_table_add(&table, "%lld", (long long)index);
        cli_table_add_bytes(&table, value.data, value.size);
        hive_buffer_finish(&key);
        hive_buffer_finish(&value);
    }
    cli_table_print(&table, stdout);
    cli_table_finish(&table);
}

static enum hive_exit get_list(const struct get *get)
{
    struct hive_buffer path = {0};
    hive_buffer_format(&path, "/kv?limit=%d%s&prefix=", HIVE_LIST_ENTRIES,
                       get->stale ? "&consistency=stale" : "");
    hive_path_append(&path, get->prefix);
    enum hive_exit exit_status;
    cJSON *json =
        cli_pages_get(&get->cli, &(struct cli_pages){.path = path.data, .array = "entries", .key_of = key_of},
                      &exit_status);
    hive_buffer_finish(&path);
    if (json && get->cli.json) {
        cli_print_json(json);
    } else if (json) {
        print_list(json);
        cJSON_Delete(json);
    }
    return exit_status;
}

int cli_get(const struct hive_command *command, int argc, char **argv)
{
    struct get get = {.cli.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&get.cli, command, argc, argv, &exit_status))
        return exit_status;
    if ((get.prefix != NULL) == (get.cli.arguments.count == 1))
        exit_status = cli_fail(HIVE_EXIT_USAGE, "give either a KEY or --prefix PREFIX");
    else if (!get.prefix && !cli_has_key(&get.cli))
        exit_status = HIVE_EXIT_USAGE;
    else
        exit_status = get.prefix ? get_list(&get) : get_one(&get);
    cli_end(&get.cli);
    return exit_status;
}
