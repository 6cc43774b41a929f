/* hivetop: the dashboard's command line. */
#include <errno.h>
#include <fcntl.h>
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
    {.name = "record",
     .type = HIVE_OPTION_STRING,
     .offset = OPTION(record),
     .argument = "FILE",
     .help = "Record all that is learnt to FILE, as JSON lines; a file that is there is replaced",
     .completion = "file"},
    {.name = "replay",
     .type = HIVE_OPTION_STRING,
     .offset = OPTION(replay),
     .argument = "FILE",
     .help = "Play a recording, or a trace of the simulator, instead of watching a cluster",
     .completion = "file"},
    {.name = "speed",
     .type = HIVE_OPTION_STRING,
     .offset = OPTION(speed),
     .argument = "FACTOR",
     .help = "Play so much faster, 0.0625 to 64 (default 1)"},
    {.name = "at",
     .type = HIVE_OPTION_MS,
     .offset = OPTION(at_ms),
     .argument = "TIME",
     .help = "Begin so far into the recording (\"90s\"); with --once and --json, show this moment (default: "
             "the end)",
     .min = 0,
     .max = INT64_C(100000000000)},
    {.name = "config",
     .type = HIVE_OPTION_STRING,
     .offset = OPTION(config),
     .argument = "FILE",
     .help = "Keep theme, interval and order in FILE (default $XDG_CONFIG_HOME/hive/hivetop.conf)",
     .completion = "file"},
    {.name = "no-config",
     .type = HIVE_OPTION_FLAG,
     .offset = OPTION(has_no_config),
     .help = "Neither read nor write a configuration file"},
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
    "The last hour is kept in memory: [ and ] scrub through it, { and } go from election to election, z "
    "freezes the picture, 0 goes back to now. --record keeps it in a file, --replay plays that; there z and "
    "the "
    "space bar stop and start it, + and - change its speed.\n\n"
    "It compares what the queens say, and shows whether consensus holds; what breaks it stays on the screen "
    "with its evidence (key c), and --once and --json exit with 7. They exit with 3 where no node answered; "
    "a cluster without a leader is "
    "shown as it is, after --timeout, and they exit with 0.\n\n"
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
                "hivetop --record lesson.jsonl\n    Watch, and keep what was seen.\n"
                "hivetop --replay lesson.jsonl --speed 4\n    See it again, four times as fast.\n"
                "hivetop --json -n 10 -d 1\n    Ten JSON objects, one a second.\n",
    .see_also = "hive(1), launcher(1)",
};

/* What cannot go together, and the speed. */
static int check(struct app_options *given, struct hive_error *error)
{
    const char *other = given->record          ? "--record"
                        : given->cluster       ? "--cluster"
                        : given->connect.count ? "--connect"
                                               : NULL;
    if (given->replay && other)
        return hive_error_set(error, -EINVAL, "--replay plays a file and asks nobody: it does not go with %s",
                              other);
    if (!given->replay && (given->speed || given->at_ms >= 0))
        return hive_error_set(error, -EINVAL, "%s is about a recording: give one with --replay",
                              given->speed ? "--speed" : "--at");
    if (given->config && given->has_no_config)
        return hive_error_set(error, -EINVAL, "--config and --no-config contradict each other");
    if (!given->speed)
        return 0;
    char *end;
    double factor = given->speed_factor = strtod(given->speed, &end);
    if (end == given->speed || *end || !(factor >= REWIND_SPEED_MIN && factor <= REWIND_SPEED_MAX))
        return hive_error_set(error, -EINVAL, "--speed takes a factor from 0.0625 to 64, not \"%s\"",
                              given->speed);
    return 0;
}

static int run(const struct app_options *app_options, int64_t interval_ms, struct hive_error *error)
{
    bool is_printing = app_options->is_once || app_options->is_json;
    struct app app;
    int result = app_open(&app, app_options, interval_ms, error);
    /* Which cluster is meant is for the user to say; that there is none is no mistake of the command line. */
    if (result && (app_options->replay || result == -EIO))
        return HIVE_EXIT_FAILED; /* a file */
    if (result)
        return result == -EINVAL || result == -EEXIST ? HIVE_EXIT_USAGE : HIVE_EXIT_UNAVAILABLE;
    if (!is_printing && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
        fprintf(stderr, "hivetop: no terminal here: printing one frame, as with --once\n");
        is_printing = true;
    }
    int status =
        is_printing ? app_run_print(&app, app_options, error) : app_run_live(&app, app_options, error);
    int ending = app_close(&app, status == HIVE_EXIT_OK ? error : NULL);
    return status == HIVE_EXIT_OK && ending ? HIVE_EXIT_FAILED : status;
}

/* A standard stream that is closed must not become the first file that is opened: the recording, with a frame in its
 * middle. Opened for reading, it cannot be written to, and that is said. */
static void hold_closed_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return;
    }
}

int main(int argc, char **argv)
{
    hold_closed_streams();
    setlocale(LC_CTYPE, ""); /* and nothing else: numbers stay as they are in JSON */
    struct app_options app_options = {.timeout_ms = 5000, .speed_factor = 1, .at_ms = -1};
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
    if (result == 0)
        result = check(&app_options, &error);
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
