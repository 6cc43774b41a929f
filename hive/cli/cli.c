/* The table of verbs, and the way that all of them go: parse, find the cluster, call, print or fail. */
#include "cli/cli.h"

#include <errno.h>

#include "cli/table.h"
#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/memory.h"

#define VERB(verb) .name = #verb, .options = cli_##verb##_options, .run = cli_##verb

const struct hive_command cli_verbs[] = {
    {VERB(del), .summary = "Remove a key from the store", .synopsis = "KEY",
     .description =
         "A removal is sent again where its answer is lost, and applied once: see 'hive put --help'.",
     .arguments_min = 1, .arguments_max = 1,
     .examples = "hive del greeting\n    Remove the key, whatever it holds\n"},
    {VERB(drones), .summary = "List the workers", .synopsis = ""},
    {VERB(get), .summary = "Print the value of a key, or list keys", .synopsis = "[KEY]",
     .description =
         "Prints the bytes of the value as they are; a line end is added on a terminal only. Without --stale "
         "the answer holds all that was written before it was asked.",
     .arguments_max = 1,
     .examples = "hive get greeting\n    Print one value\n"
                 "hive get --prefix config/\n    List the keys that begin with config/\n"},
    {VERB(members),
     .summary = "List the queens of the group; add, promote, remove one, hand the leadership over",
     .synopsis = "[add ADDRESS | promote ID | remove ID | transfer [ID]]",
     .description = "Without arguments, lists the queens of the group: BEHIND is how many entries of the log "
                    "a member does "
                    "not have yet, SEEN when the leader heard of it.\n\n"
                    "'add' takes the queen at that address in. She must run, and belong to no group: start "
                    "her with 'hive "
                    "--queen --standby'. (A queen that is started with --join adds herself.) She gets her "
                    "vote as soon as "
                    "she has caught up, or, with --learner, when she is promoted. 'remove' takes one out; "
                    "she may be dead. "
                    "'transfer' makes another queen the leader: the one that is named, or the one that is "
                    "best up to date.\n\n"
                    "A member is named by its id or its address. Changes go one by one; exit status 4 says "
                    "that the answer was "
                    "lost: look with 'hive members' before you repeat it.",
     .arguments_max = 2, .completion = "node",
     .examples =
         "hive members\n    List the queens of the group\n"
         "hive members add --wait 10.0.0.4:8080\n    Take a fourth queen in, and wait until she votes\n"
         "hive members remove 10.0.0.2:8080\n    Take a queen out, whether she lives or not\n"
         "hive members transfer\n    Make another queen the leader\n"},
    {VERB(put), .summary = "Write a value under a key", .synopsis = "KEY [VALUE]",
     .description =
         "The value is taken from standard input where it is missing or \"-\". It may be any bytes, up to "
         "1 MiB.\n\n"
         "Where the leader dies or its answer is lost, the write is sent again until --timeout is over, "
         "with the same idempotency key each time: it is applied once, however often it is sent. Exit "
         "status 4 says that even so nobody could tell: the value may have been written, or be written "
         "yet. Look before you put it again: that is a new write.",
     .arguments_min = 1, .arguments_max = 2,
     .examples = "hive put greeting hello\n    Write a short value\n"
                 "hive put logo < logo.png\n    Write a file\n"
                 "hive put --if-match 12 greeting hi\n    Write unless somebody else did since index 12\n"},
    {VERB(snapshot), .summary = "Save or check a backup of the whole state", .synopsis = "save|verify FILE",
     .description = "'save' asks the leader for a snapshot that holds every write that was acknowledged "
                    "before, checks it "
                    "as a whole, and gives it its name only then; \"-\" is standard output, and is not "
                    "checked. 'verify' "
                    "checks a file, and shows what it holds; it needs no cluster.\n\n"
                    "A new cluster begins with a backup by 'hive --queen --restore FILE'.",
     .arguments_min = 2, .arguments_max = 2,
     .examples = "hive snapshot save hive.snapshot\n    Save a backup\n"
                 "hive snapshot verify hive.snapshot\n    Check it, and show what it holds\n",
     .completion = "file"},
    {VERB(status), .summary = "Show queens and drones", .synopsis = "",
     .description =
         "Asks all queens at once, and those that they tell of. The exit status is 3 where none of them is "
         "the leader."},
    {VERB(submit), .summary = "Give the cluster a task", .synopsis = "TEXT...",
     .description =
         "The task prints the text, on some drone. Prints the task's id. Where the leader dies or its answer "
         "is lost, the task is sent again until --timeout is over, and is one task all the same: its "
         "idempotency key tells.",
     .arguments_min = 1, .arguments_max = -1,
     .examples = "hive submit --wait hello\n    Print hello on some drone, and wait until that is done\n"},
    {VERB(tasks), .summary = "List the tasks, or show one", .synopsis = "[ID]", .arguments_max = 1,
     .examples = "hive tasks task-12\n    Show all that is known of one task\n"},
    {VERB(watch), .summary = "Follow the changes of keys", .synopsis = "[PREFIX]",
     .description =
         "Prints a line for each change of a key that begins with PREFIX: the index, put or "
         "delete, the key and "
         "the value, divided by tabs; what could act on a terminal is shown as an escape. Ends "
         "with Ctrl-C.\n\n"
         "When its queen fails or falls silent it goes on at another one, behind the last index: "
         "no change is "
         "lost, and none comes twice. Where the changes since then have been forgotten (it was "
         "away for long, "
         "or --after is long ago, or of a group that was lost before a backup was restored) it says so, "
         "and lists all keys anew, each as 'entry'. A listing that is cut off is begun again.\n\n"
         "With --json each line is an object, and says its 'event'. Beside put, delete and entry there "
         "are: 'start' (with the index behind which it begins), 'listed' (the listing is complete, as "
         "of its index: what follows are changes), 'too-old' (what was known is void: a listing "
         "follows) and 'again' (the listing was cut off, and what was told of it is void: it follows "
         "anew).",
     .arguments_max = 1,
     .examples = "hive watch config/\n    Follow all keys that begin with config/\n"
                 "hive watch --list --json | jq .\n    All keys, and every change from there on\n"},
    {0},
};

/* What a queen says may quote what strangers sent her: it stays one line, and harmless. */
enum hive_exit cli_fail(enum hive_exit exit_status, const char *format, ...)
{
    struct hive_buffer message = {0}, line = {0};
    va_list arguments;
    va_start(arguments, format);
    hive_buffer_vformat(&message, format, arguments);
    va_end(arguments);
    cli_table_escape(&line, message.data, message.size);
    fflush(stdout);
    fprintf(stderr, "hive: %s\n", line.data);
    hive_buffer_finish(&message);
    hive_buffer_finish(&line);
    return exit_status;
}

bool cli_parse(struct cli *cli, const struct hive_command *command, int argc, char **argv, int *exit_status)
{
    struct hive_error error = {{0}};
    int result = hive_options_parse(command, argc, argv, cli, &cli->arguments, &error);
    if (!result)
        return true;
    *exit_status = result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    return false;
}

bool cli_find(struct cli *cli, int *exit_status)
{
    struct hive_error error = {{0}};
    int result = hive_target_find(&cli->connect, cli->cluster, &cli->target, &error);
    if (!result)
        return true;
    /* Which cluster is meant is for the user to say; that there is none is no mistake of the command line. */
    bool is_usage = result == -EINVAL || result == -EEXIST;
    *exit_status = cli_fail(is_usage ? HIVE_EXIT_USAGE : HIVE_EXIT_UNAVAILABLE, "%s", error.message);
    cli_end(cli);
    return false;
}

bool cli_begin(struct cli *cli, const struct hive_command *command, int argc, char **argv, int *exit_status)
{
    return cli_parse(cli, command, argc, argv, exit_status) && cli_find(cli, exit_status);
}

void cli_end(struct cli *cli)
{
    hive_strings_finish(&cli->connect);
    hive_strings_finish(&cli->arguments);
    hive_target_finish(&cli->target);
}

bool cli_has_key(const struct cli *cli)
{
    if (*cli->arguments.items[0])
        return true;
    cli_fail(HIVE_EXIT_USAGE, "the KEY is empty: a key has at least one character");
    return false;
}

enum hive_exit cli_call(const struct cli *cli, struct hive_call call, struct hive_answer *answer)
{
    struct hive_error error = {{0}};
    call.timeout_ms = cli->timeout_ms;
    enum hive_exit exit_status = hive_call(&cli->target, &call, answer, &error);
    if (exit_status == HIVE_EXIT_UNKNOWN && cli->doubt)
        return cli_fail(exit_status, "%s; look with '%s' before you do it again", error.message, cli->doubt);
    if (exit_status != HIVE_EXIT_OK)
        return cli_fail(exit_status, "%s", error.message);
    return exit_status;
}

cJSON *cli_answer_json(const struct hive_answer *answer)
{
    struct hive_error error = {{0}};
    cJSON *json =
        hive_json_parse_object(answer->body.data ? answer->body.data : "", answer->body.size, &error);
    if (!json)
        cli_fail(HIVE_EXIT_FAILED, "%s answered with something else than Hive's JSON: %s", answer->from,
                 error.message);
    return json;
}

cJSON *cli_get_json(const struct cli *cli, const char *path, enum hive_exit *exit_status)
{
    struct hive_answer answer;
    cJSON *json = NULL;
    *exit_status =
        cli_call(cli, (struct hive_call){.method = "GET", .path = path, .is_idempotent = true}, &answer);
    if (*exit_status == HIVE_EXIT_OK) {
        json = cli_answer_json(&answer);
        if (!json)
            *exit_status = HIVE_EXIT_FAILED;
    }
    hive_answer_finish(&answer);
    return json;
}

void cli_print_json(cJSON *json)
{
    char *text = hive_json_print_and_delete(json);
    puts(text);
    free(text);
}

void cli_add_bytes(cJSON *object, const char *name, const void *data, size_t bytes)
{
    struct hive_buffer text = {0};
    if (hive_is_utf8(data, bytes) && !memchr(data, '\0', bytes)) {
        hive_buffer_append(&text, data, bytes);
        cJSON_AddStringToObject(object, name, text.data);
    } else {
        char *base64_name = hive_format("%s_base64", name);
        hive_base64_append(&text, data, bytes);
        cJSON_AddStringToObject(object, base64_name, text.data);
        free(base64_name);
    }
    hive_buffer_finish(&text);
}

bool cli_get_bytes(const cJSON *object, const char *name, struct hive_buffer *bytes)
{
    const char *text;
    if (hive_json_string(object, name, &text, NULL) == 0) {
        hive_buffer_append_text(bytes, text);
        return true;
    }
    char *base64_name = hive_format("%s_base64", name);
    bool found = hive_json_string(object, base64_name, &text, NULL) == 0 &&
                 hive_base64_decode(bytes, text, strlen(text)) == 0;
    free(base64_name);
    return found;
}
