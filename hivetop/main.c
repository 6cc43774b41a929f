/* hivetop: the dashboard's command line. */
#include <errno.h>
#include <locale.h>
#include <unistd.h>

#include "app.h"
#include "format.h"
#include "help.h"
#include "hive/options.h"

#define OPTION(field) offsetof(struct app_options, field)

static const struct hive_option options[] = {
    {.name = "connect",
     .type = HIVE_OPTION_LIST,
     .offset = OPTION(connect),
     .argument = "HOST:PORT",
     .help = "Ask these nodes and those that they know of, instead of the cluster that runs on this machine",
     .completion = "node"},
    {.name = "cluster",
     .letter = 'c',
     .type = HIVE_OPTION_STRING,
     .offset = OPTION(cluster),
     .argument = "NAME",
     .help = "Watch this cluster of this machine, where several run",
     .completion = "cluster"},
    {.name = "interval",
     .letter = 'd',
     .type = HIVE_OPTION_STRING,
     .offset = OPTION(interval),
     .argument = "SECONDS",
     .help = "Ask every node so often: seconds, or with a unit, 0.1 to 60 (default 500ms)"},
    {.name = "count",
     .letter = 'n',
     .type = HIVE_OPTION_INT,
     .offset = OPTION(count),
     .argument = "COUNT",
     .help = "End after so many frames",
     .min = 1,
     .max = INT32_MAX},
    {.name = "once",
     .type = HIVE_OPTION_FLAG,
     .offset = OPTION(is_once),
     .help = "Print one frame as plain text and exit, as soon as a leader is known"},
    {.name = "json",
     .type = HIVE_OPTION_FLAG,
     .offset = OPTION(is_json),
     .help = "Like --once, as one JSON object a frame"},
    {.name = "readonly",
     .type = HIVE_OPTION_FLAG,
     .offset = OPTION(is_readonly),
     .help = "Refuse every key that changes something"},
    {.name = "no-mouse",
     .letter = 'M',
     .type = HIVE_OPTION_FLAG,
     .offset = OPTION(has_no_mouse),
     .help = "Leave the mouse to the terminal: no clicks, no wheel"},
    {.name = "timeout",
     .type = HIVE_OPTION_MS,
     .offset = OPTION(timeout_ms),
     .argument = "TIME",
     .help = "With --once and --json, wait so long for a leader (default 5s)",
     .min = 0,
     .max = 3600000},
    {0},
};

static const char description[] =
    "Shows every queen's role, term and log, every drone and what it runs, and what happened: "
    "elections, deaths and returns, also those between two looks. Without options it finds the "
    "cluster that a launcher runs on this machine.\n\n"
    "Lower-case letters never change anything. Whatever does harm asks first, and names the process it "
    "is about; what would cost the cluster its majority wants the node's name typed. Acting on nodes "
    "needs the launcher, and so does not work with --connect. The mouse selects, sorts by a column and "
    "scrolls.\n\n"
    "Where standard output is no terminal, one frame is printed as with --once. NO_COLOR turns "
    "colours off.\n\n"
    "These are the keys; ? shows them too.";

static struct hive_command command = {
    .name = "hivetop",
    .summary = "Watch a Hive cluster live, and act on its nodes",
    .synopsis = "",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .examples = "hivetop\n    Watch the cluster of this machine.\n"
                "hivetop --connect 10.0.0.7:8080\n    Watch another one.\n"
                "hivetop --once\n    Print what there is to see, for a script or a mail.\n"
                "hivetop --json -n 10 -d 1\n    Ten JSON objects, one a second.\n",
    .see_also = "hive(1), launcher(1)",
};

static int run(const struct app_options *app_options, int64_t interval_ms, struct hive_error *error)
{
    bool is_printing = app_options->is_once || app_options->is_json;
    struct app app;
    int result = app_open(&app, app_options, interval_ms, error);
    /* Which cluster is meant is for the user to say; that there is none is no mistake of the command line. */
    if (result)
        return result == -EINVAL || result == -EEXIST ? HIVE_EXIT_USAGE : HIVE_EXIT_UNAVAILABLE;
    if (!is_printing && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
        fprintf(stderr, "hivetop: no terminal here: printing one frame, as with --once\n");
        is_printing = true;
    }
    int status =
        is_printing ? app_run_print(&app, app_options, error) : app_run_live(&app, app_options, error);
    app_close(&app);
    return status;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* and nothing else: numbers stay as they are in JSON */
    struct app_options app_options = {.timeout_ms = 5000};
    struct hive_strings arguments = {0};
    struct hive_error error = {0};
    int64_t interval_ms = INTERVAL_DEFAULT_MS;
    int status = HIVE_EXIT_OK;
    struct hive_buffer manual = {0};
    hive_buffer_append_text(&manual, description);
    help_append_manual(&manual);
    command.description = manual.data;

    int result = hive_options_parse(&command, argc, argv, &app_options, &arguments, &error);
    if (result == 0 && app_options.interval)
        result = interval_parse(app_options.interval, &interval_ms, &error);
    if (result < 0) {
        status = hive_options_usage_error(&command, &error);
    } else if (result == 0) {
        status = run(&app_options, interval_ms, &error);
        if (status != HIVE_EXIT_OK)
            fprintf(stderr, "hivetop: %s\n", error.message);
    }

    hive_strings_finish(&app_options.connect);
    hive_strings_finish(&arguments);
    hive_buffer_finish(&manual);
    return status;
}
