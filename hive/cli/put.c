/* hive put: one value into the store, from the command line or from a pipe. */
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "hive/json.h"
#include "hive/memory.h"

struct put {
    struct cli cli;
    int64_t if_match; /* 0: no such condition */
    bool if_absent;
};

const struct hive_option cli_put_options[] = {
    {.name = "if-match",
     .type = HIVE_OPTION_INT,
     .offset = offsetof(struct put, if_match),
     .argument = "N",
     .help = "Write only where the key was last written at index N",
     .min = 1,
     .max = (int64_t)1 << 53},
    {.name = "if-absent",
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct put, if_absent),
     .help = "Write only where the key does not exist"},
    CLI_OPTIONS,
};

/* All of standard input, up to one byte more than a value may have. */
static int read_input(struct hive_buffer *value)
{
    ssize_t bytes;
    do {
        bytes = read(STDIN_FILENO, hive_buffer_reserve(value, 65536), 65536);
        if (bytes > 0)
            value->size += (size_t)bytes;
        else if (bytes < 0 && errno != EINTR)
            return -errno;
    } while (bytes != 0 && value->size <= HIVE_VALUE_BYTES);
    return 0;
}

static enum hive_exit take_value(const struct put *put, struct hive_buffer *value)
{
    const struct hive_strings *arguments = &put->cli.arguments;
    if (arguments->count == 2 && strcmp(arguments->items[1], "-") != 0) {
        hive_buffer_append_text(value, arguments->items[1]);
    } else {
        int result = read_input(value);
        if (result)
            return cli_fail(HIVE_EXIT_FAILED, "cannot read the value from standard input: %s",
                            strerror(-result));
    }
    if (value->size > HIVE_VALUE_BYTES)
        return cli_fail(HIVE_EXIT_FAILED,
                        "the value is larger than the %d bytes that one key can hold: divide it",
                        HIVE_VALUE_BYTES);
    return HIVE_EXIT_OK;
}

static enum hive_exit print_answer(const struct put *put, const struct hive_answer *answer)
{
    cJSON *json = cli_answer_json(answer);
    if (!json)
        return HIVE_EXIT_FAILED;
    bool created = answer->status == 201;
    int64_t index = 0;
    hive_json_int(json, "index", 0, INT64_MAX, &index, NULL);
    if (put->cli.json) {
        cJSON_AddBoolToObject(json, "created", created);
        cli_print_json(json);
    } else {
        printf("%s at index %lld\n", created ? "created" : "updated", (long long)index);
        cJSON_Delete(json);
    }
    return HIVE_EXIT_OK;
}

static enum hive_exit send_value(struct put *put, const struct hive_buffer *value)
{
    char condition[64] = "If-None-Match: *";
    if (put->if_match)
        snprintf(condition, sizeof condition, "If-Match: \"%lld\"", (long long)put->if_match);
    const char *headers[] = {put->if_match || put->if_absent ? condition : NULL, NULL};
    const char *key = put->cli.arguments.items[0];
    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, "/kv/");
    hive_path_append(&path, key);
    char *doubt = hive_format("hive get %s", key);
    put->cli.doubt = doubt;

    struct hive_call call = {.method = "PUT",
                             .path = path.data,
                             .content_type = "application/octet-stream",
                             .headers = headers,
                             .body = value->data ? value->data : "",
                             .body_bytes = value->size,
                             .is_keyed = true};
    struct hive_answer answer;
    enum hive_exit exit_status = cli_call(&put->cli, call, &answer);
    if (exit_status == HIVE_EXIT_OK)
        exit_status = print_answer(put, &answer);
    hive_answer_finish(&answer);
    hive_buffer_finish(&path);
    free(doubt);
    return exit_status;
}

int cli_put(const struct hive_command *command, int argc, char **argv)
{
    struct put put = {.cli.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&put.cli, command, argc, argv, &exit_status))
        return exit_status;
    struct hive_buffer value = {0};
    if (!cli_has_key(&put.cli))
        exit_status = HIVE_EXIT_USAGE;
    else if (put.if_match && put.if_absent)
        exit_status =
            cli_fail(HIVE_EXIT_USAGE, "--if-match and --if-absent exclude each other: give one of them");
    else
        exit_status = take_value(&put, &value);
    if (exit_status == HIVE_EXIT_OK)
        exit_status = send_value(&put, &value);
    hive_buffer_finish(&value);
    cli_end(&put.cli);
    return exit_status;
}
