/* hive submit: work for the drones, and the wait until it is done. */
#include <poll.h>

#include "cli/cli.h"
#include "cli/task.h"
#include "hive/clock.h"
#include "hive/encoding.h"
#include "hive/json.h"

#define WAIT_FIRST_MS   20 /* between two looks at the task; most are done at once */
#define WAIT_LONGEST_MS 500
#define LOOK_MS         100 /* at least, for the last look */

struct submit {
    struct cli cli;
    const char *name;
    bool wait;
};

const struct hive_option cli_submit_options[] = {
    {.name = "name",
     .letter = 'n',
     .type = HIVE_OPTION_STRING,
     .offset = offsetof(struct submit, name),
     .argument = "NAME",
     .help = "What the task is called in lists"},
    {.name = "wait",
     .letter = 'w',
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct submit, wait),
     .help = "Wait until the task is finished, up to --timeout; the exit status is 1 unless it succeeded, 3 "
             "where that "
             "is still open"},
    CLI_OPTIONS,
};

static void join(const struct hive_strings *words, struct hive_buffer *text)
{
    for (size_t i = 0; i < words->count; i++)
        hive_buffer_format(text, "%s%s", i ? " " : "", words->items[i]);
}

/* What is posted. False where it cannot be written as JSON, which is printed. */
static bool build_body(const struct submit *submit, struct hive_buffer *body)
{
    struct hive_buffer text = {0};
    join(&submit->cli.arguments, &text);
    bool is_text = hive_is_utf8(text.data, text.size) &&
                   (!submit->name || hive_is_utf8(submit->name, strlen(submit->name)));
    hive_buffer_append_text(body, "{\"text\":");
    hive_json_append_string(body, text.data, text.size);
    if (submit->name) {
        hive_buffer_append_text(body, ",\"name\":");
        hive_json_append_string(body, submit->name, strlen(submit->name));
    }
    hive_buffer_append_text(body, "}");
    hive_buffer_finish(&text);
    if (!is_text)
        cli_fail(HIVE_EXIT_USAGE, "the text of a task must be UTF-8");
    return is_text;
}

/* The state of the task: 1 while it is not finished, 0 when it is (with `*exit_status`). */
static int look(const struct submit *submit, cJSON *json, enum hive_exit *exit_status)
{
    static const char *const unfinished[] = {"pending", "assigned", "running", NULL};
    struct cli_task task;
    struct hive_error error = {{0}};
    int result = 0;
    if (cli_task_read(json, &task, &error)) {
        *exit_status = cli_fail(HIVE_EXIT_FAILED, "the task is not Hive's: %s", error.message);
        goto out;
    }
    for (size_t i = 0; unfinished[i]; i++)
        if (strcmp(task.state, unfinished[i]) == 0) {
            result = 1;
            goto out;
        }
    if (submit->cli.json)
        cli_print_json(cJSON_Duplicate(json, true));
    if (strcmp(task.state, "succeeded") != 0)
        *exit_status = cli_fail(HIVE_EXIT_FAILED, "%s %s%s%s", task.id, task.state,
                                task.detail && *task.detail ? ": " : "", task.detail ? task.detail : "");
out:
    cli_task_finish(&task);
    return result;
}

static enum hive_exit wait_for(const struct submit *submit, const char *id, int64_t deadline_ms)
{
    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, "/tasks/");
    hive_path_append(&path, id);
    enum hive_exit exit_status;
    cJSON *json;
    int64_t left_ms, pause_ms = WAIT_FIRST_MS;
    struct cli cli = submit->cli; /* for each look there is less time */
    for (;;) {
        left_ms = deadline_ms - hive_clock_monotonic_ms();
        cli.timeout_ms = left_ms > LOOK_MS ? left_ms : LOOK_MS;
        json = cli_get_json(&cli, path.data, &exit_status);
        if (!json)
            break;
        int unfinished = look(submit, json, &exit_status);
        cJSON_Delete(json);
        if (!unfinished)
            break;
        if (left_ms <= 0) {
            exit_status = cli_fail(HIVE_EXIT_UNAVAILABLE,
                                   "%s is not finished after %g s; see 'hive tasks %s', and 'hive drones'",
                                   id, (double)submit->cli.timeout_ms / 1000, id);
            break;
        }
        poll(NULL, 0, (int)(pause_ms < left_ms ? pause_ms : left_ms));
        pause_ms = pause_ms * 2 < WAIT_LONGEST_MS ? pause_ms * 2 : WAIT_LONGEST_MS;
    }
    hive_buffer_finish(&path);
    return exit_status;
}

/* Prints the id, or the JSON (which --wait prints when the task is finished). */
static enum hive_exit print_answer(const struct submit *submit, const struct hive_answer *answer,
                                   char id[HIVE_ID_BYTES])
{
    cJSON *json = cli_answer_json(answer);
    if (!json)
        return HIVE_EXIT_FAILED;
    const char *text;
    struct hive_error error = {{0}};
    enum hive_exit exit_status = HIVE_EXIT_OK;
    if (hive_json_string(json, "id", &text, &error)) {
        exit_status = cli_fail(HIVE_EXIT_FAILED, "%s took the task but did not name it: %s", answer->from,
                               error.message);
    } else {
        snprintf(id, HIVE_ID_BYTES, "%s", text);
        if (!submit->cli.json)
            puts(id);
        fflush(stdout); /* who reads the id need not wait for the task */
    }
    if (submit->cli.json && !submit->wait)
        cli_print_json(json);
    else
        cJSON_Delete(json);
    return exit_status;
}

int cli_submit(const struct hive_command *command, int argc, char **argv)
{
    struct submit submit = {.cli.timeout_ms = CLI_TIMEOUT_MS, .cli.doubt = "hive tasks"};
    int exit_status;
    if (!cli_begin(&submit.cli, command, argc, argv, &exit_status))
        return exit_status;
    int64_t deadline_ms = hive_clock_monotonic_ms() + submit.cli.timeout_ms;
    struct hive_buffer body = {0};
    struct hive_answer answer = {0};
    char id[HIVE_ID_BYTES] = "";
    exit_status = HIVE_EXIT_USAGE;
    if (build_body(&submit, &body)) {
        struct hive_call call = {.method = "POST",
                                 .path = "/submit_task",
                                 .content_type = "application/json",
                                 .body = body.data,
                                 .body_bytes = body.size,
                                 .is_keyed = true};
        exit_status = cli_call(&submit.cli, call, &answer);
    }
    if (exit_status == HIVE_EXIT_OK)
        exit_status = print_answer(&submit, &answer, id);
    if (exit_status == HIVE_EXIT_OK && submit.wait)
        exit_status = wait_for(&submit, id, deadline_ms);
    hive_answer_finish(&answer);
    hive_buffer_finish(&body);
    cli_end(&submit.cli);
    return exit_status;
}
