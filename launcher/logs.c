/* `launcher logs`: what all nodes have to say, in the order in which they said it. */
#include <stddef.h>
#include <stdlib.h>

#include "command.h"

#include "choose.h"
#include "hive/clock.h"
#include "log_follow.h"
#include "log_print.h"
#include "log_set.h"

#define ALL_LINES    (-1)
#define FOLLOW_LINES 20 /* from before, where nobody says how many */

struct logs {
    const char *cluster;
    bool does_follow;
    int64_t lines;
    int64_t since_ms; /* ago; 0: not given */
};

#define AT(field) .offset = offsetof(struct logs, field)
const struct hive_option logs_options[] = {
    {"follow", 'f', HIVE_OPTION_FLAG, AT(does_follow),
     .help = "Go on with what comes, also from nodes that are added, until the cluster has ended"},
    {"lines", 'n', HIVE_OPTION_INT, AT(lines), .argument = "N", .min = 0, .max = INT32_MAX,
     .help = "Only the last N lines of all together; default: all, or 20 with --follow"},
    {"since", 's', HIVE_OPTION_MS, AT(since_ms), .argument = "TIME", .min = 1, .max = INT64_MAX / 2,
     .help = "Only what was said within that time: 30s, 5m"},
    {"cluster", 'c', HIVE_OPTION_STRING, AT(cluster), .argument = "NAME", .completion = "cluster",
     .help = "Which cluster; default: the only one that runs, or the only one that there is"},
    {0},
};

/* Prints all lines that are there. */
static void print_all(struct log_set *set, struct log_print *print, int64_t since_ms, bool is_final)
{
    print->width = (int)log_set_width(set);
    for (struct log_file *file; (file = log_set_next(set, is_final));) {
        if (file->line.time_ms >= since_ms)
            log_print_line(print, file);
        else
            log_file_take(file);
    }
    fflush(stdout);
}

static bool is_known(const struct hive_ledger *ledger, const struct log_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->files[i].name, name) == 0)
            return true;
    return strcmp(name, "launcher") == 0 || hive_ledger_node(ledger, name);
}

static int check_names(const struct hive_ledger *ledger, const struct log_set *set)
{
    for (size_t i = 0; i < set->wanted->count; i++) {
        if (is_known(ledger, set, set->wanted->items[i]))
            continue;
        fprintf(stderr, "launcher: there is no node '%s' in cluster %s: 'launcher status' lists them\n",
                set->wanted->items[i], ledger->name);
        return HIVE_EXIT_NOT_FOUND;
    }
    return HIVE_EXIT_OK;
}

static void follow(const struct hive_ledger *ledger, struct log_set *set, struct log_print *print,
                   int64_t since_ms)
{
    struct log_follow changes;
    log_follow_begin(&changes, ledger);
    bool goes_on;
    do {
        goes_on = log_follow_wait(&changes, -1);
        log_set_look(set);
        print_all(set, print, since_ms, !goes_on);
    } while (goes_on && !ferror(stdout));
    log_follow_end(&changes);
    fprintf(stderr, "launcher: %s has ended\n", ledger->name);
}

static int show(const struct hive_ledger *ledger, const struct logs *logs, const struct hive_strings *names)
{
    struct log_set set;
    struct log_print print;
    log_print_init(&print, true);
    log_set_init(&set, ledger, names);
    int status = check_names(ledger, &set);
    if (status == HIVE_EXIT_OK) {
        int64_t lines = logs->lines;
        if (lines == ALL_LINES && logs->does_follow && !logs->since_ms)
            lines = FOLLOW_LINES;
        if (lines != ALL_LINES)
            log_set_seek_end(&set, (size_t)lines);
        int64_t since_ms = logs->since_ms ? hive_clock_unix_ms() - logs->since_ms : 0;
        print_all(&set, &print, since_ms, !logs->does_follow);
        if (logs->does_follow)
            follow(ledger, &set, &print, since_ms);
    }
    log_set_finish(&set);
    return status;
}

int logs_run(const struct hive_command *command, int argc, char **argv)
{
    struct logs logs = {.lines = ALL_LINES};
    struct hive_strings names = {0};
    struct hive_ledger ledger = {0};
    struct hive_error error = {0};
    int result = hive_options_parse(command, argc, argv, &logs, &names, &error);
    if (result)
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    int status = choose_cluster(logs.cluster, &ledger);
    if (status == HIVE_EXIT_OK)
        status = show(&ledger, &logs, &names);
    hive_strings_finish(&names);
    hive_ledger_finish(&ledger);
    return status;
}
