/* `launcher [options]`: from the command line to a cluster that runs, and back to a clean directory. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "command.h"

#include "cluster.h"
#include "detach.h"
#include "hive/clock.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "layout.h"
#include "ports.h"
#include "spawn.h"
#include "supervisor.h"
#include "tmux.h"
#include "tmux_call.h"
#include "words.h"

#define NOT_GIVEN (-1)

struct start {
    int64_t queens, drones; /* NOT_GIVEN: the default, or what the cluster has */
    const char *name;
    bool has_top, is_detached, has_tmux;
    int64_t queen_port, drone_port; /* 0: not given */
    struct hive_range_ms election_timeout;
    int64_t heartbeat_ms;
    int log_level;
    const char *hive;
    struct hive_strings programs, environment, queen_arguments, drone_arguments;
    bool has_no_faults;
};

#define AT(field) .offset = offsetof(struct start, field)
#define NODES     "Nodes"

const struct hive_option start_options[] = {
    {"queens", 'q', HIVE_OPTION_INT, AT(queens), .argument = "N", .min = 1, .max = HIVE_QUEENS,
     .help = "How many queens, the members of the Raft group; default 5"},
    {"drones", 'd', HIVE_OPTION_INT, AT(drones), .argument = "M", .min = 0, .max = HIVE_NODES - HIVE_QUEENS,
     .help = "How many drones, the workers; default 3"},
    {"name", 'n', HIVE_OPTION_STRING, AT(name), .argument = "NAME", .completion = "cluster",
     .help = "Keep the cluster under this name, and start it again on its data; default: the next of hive-a, "
             "hive-b, "
             "…, and nothing is kept"},
    {"top", 't', HIVE_OPTION_FLAG, AT(has_top),
     .help = "Open hivetop in this terminal, and end the cluster when it is left; without a terminal print "
             "one frame "
             "when a leader is there"},
    {"detach", 'b', HIVE_OPTION_FLAG, AT(is_detached),
     .help = "Return when the cluster is ready, and let it run in the background until 'launcher stop'"},
    {"tmux", 0, HIVE_OPTION_FLAG, AT(has_tmux),
     .help =
         "Show hivetop and each node's log in a pane of tmux of its own; the cluster ends with the session"},
    {"port-queens", 0, HIVE_OPTION_INT, AT(queen_port), .argument = "PORT", .min = 1, .max = UINT16_MAX,
     .help = "Port of the first queen, the others follow; default: the first free ones from 8080 up"},
    {"port-drones", 0, HIVE_OPTION_INT, AT(drone_port), .argument = "PORT", .min = 1, .max = UINT16_MAX,
     .help = "Port of the first drone, the others follow; default: the first free ones from 5001 up"},
    {"election-timeout", 0, HIVE_OPTION_RANGE_MS, AT(election_timeout), .argument = "MIN-MAX", .min = 1,
     .max = 60000, .group = NODES,
     .help = "How long a queen hears nothing of a leader before it stands for election; default 150-300 "
             "milliseconds, and from 16 queens up an eighth of their number times that"},
    {"heartbeat", 0, HIVE_OPTION_MS, AT(heartbeat_ms), .argument = "TIME", .min = 1, .max = 60000,
     .group = NODES,
     .help = "How often a leader makes itself heard; default 50 milliseconds, more from 16 queens up"},
    {"log-level", 0, HIVE_OPTION_CHOICE, AT(log_level), .choices = hive_log_level_names, .group = NODES,
     .help = "What the nodes write to their logs; default info"},
    {"hive", 0, HIVE_OPTION_STRING, AT(hive), .argument = "PATH", .completion = "file", .group = NODES,
     .help = "The program to run as nodes; default: hive beside the launcher"},
    {"bin", 0, HIVE_OPTION_TEXTS, AT(programs), .argument = "NODE=PATH", .group = NODES,
     .help = "The program to run as this node, for clusters of mixed versions; can be repeated"},
    {"env", 0, HIVE_OPTION_TEXTS, AT(environment), .argument = "NAME=VALUE", .group = NODES,
     .help = "A variable of the nodes' environment; can be repeated"},
    {"queen-args", 0, HIVE_OPTION_TEXTS, AT(queen_arguments), .argument = "WORDS", .group = NODES,
     .help = "Further arguments for queens, behind all others: \"--read-lease --snapshot-entries 100\"; "
             "divided at "
             "blanks, which '', \"\" and \\ keep; can be repeated"},
    {"drone-args", 0, HIVE_OPTION_TEXTS, AT(drone_arguments), .argument = "WORDS", .group = NODES,
     .help = "The same for drones"},
    {"no-faults", 0, HIVE_OPTION_FLAG, AT(has_no_faults), .group = NODES,
     .help = "Start the nodes without --enable-faults: their links cannot be cut then; also for versions "
             "that do not "
             "know that option"},
    {0},
};

/* Where and what, for a person who wants to look closer. */
static void print_cluster(const struct cluster *cluster, FILE *out, bool has_view, const char *own_name)
{
    const struct hive_ledger *ledger = &cluster->ledger;
    fprintf(out, "cluster %s%s in %s\n", ledger->name, cluster->is_resumed ? ", started again," : "",
            ledger->directory);
    for (size_t i = 0; i < ledger->node_count; i++)
        fprintf(out, "  %-4s %-5s  http://%s\n", ledger->nodes[i].name,
                hive_role_names[ledger->nodes[i].role], ledger->nodes[i].address);
    const char *slash = strrchr(own_name, '/');
    int directory_bytes = slash ? (int)(slash - own_name + 1) : 0;
    if (!has_view)
        fprintf(out, "watch it in another terminal: %.*shivetop --cluster %s\n", directory_bytes, own_name,
                ledger->name);
    fflush(out);
}

static int fail(const struct hive_error *error)
{
    fprintf(stderr, "launcher: %s\n", error->message);
    return HIVE_EXIT_FAILED;
}

static void allow_time(const struct hive_ledger *ledger, struct node_command_options *command,
                       struct report *report)
{
    size_t queens = 0;
    for (size_t i = 0; i < ledger->node_count; i++)
        queens += ledger->nodes[i].role == HIVE_ROLE_QUEEN;
    if (node_command_allow_time(command, queens))
        report_event(report, REPORT_PLAIN, "cluster",
                     "%zu queens: election timeout %lld-%lld ms, heartbeat %lld ms", queens,
                     (long long)command->election_timeout.min_ms, (long long)command->election_timeout.max_ms,
                     (long long)command->heartbeat_ms);
}

/* With programs that can be run: opens the cluster, runs it, closes it. `detach`: tells there that it is ready; or NULL. */
static int run_cluster(const struct start *start, struct node_command_options *command, const char *hivetop,
                       const char *own_name, struct detach *detach)
{
    const struct cluster_options options = {
        .name = start->name,
        .queens = start->queens,
        .drones = start->drones,
        .queen_port = (uint16_t)start->queen_port,
        .drone_port = (uint16_t)start->drone_port,
        .can_fault = !start->has_no_faults,
        .programs = &start->programs,
    };
    struct hive_error error = {0};
    struct report report;
    struct cluster cluster;
    /* Into a pipe goes the dashboard's frame alone. */
    report_open(&report, start->has_top && !isatty(STDOUT_FILENO) ? stderr : stdout);
    int64_t started_ms = hive_clock_monotonic_ms();
    if (cluster_open(&cluster, &options, &report, &error))
        return fail(&error);
    print_cluster(&cluster, report.out, start->has_top || start->has_tmux, own_name);
    allow_time(&cluster.ledger, command, &report);
    if (detach) {
        /* It is the caller's, and used no longer than these live. */
        detach->ledger = &cluster.ledger; /* cppcheck-suppress autoVariables */
        detach->report = &report;         /* cppcheck-suppress autoVariables */
    }

    const struct supervisor_config config = {
        .cluster = &cluster,
        .command = command,
        .report = &report,
        .started_ms = started_ms,
        .has_top = start->has_top,
        .hivetop = hivetop,
        .on_ready = detach ? detach_note_ready : NULL,
        .context = detach,
    };
    int status = supervisor_run(&config, &error);
    if (status != HIVE_EXIT_OK)
        fail(&error);
    if (status == HIVE_EXIT_OK)
        report_event(&report, REPORT_PLAIN, "cluster", "%s has ended%s", cluster.ledger.name,
                     cluster.ledger.keep ? "; its data is kept" : "");
    if (cluster_close(&cluster, &error))
        status = fail(&error);
    return status;
}

/* The same in the background. */
static int run_detached(const struct start *start, struct node_command_options *command, const char *hivetop,
                        const char *own_name)
{
    struct detach detach;
    char name[HIVE_NAME_BYTES];
    int status;
    if (detach_begin(&detach, &status, name))
        return run_cluster(start, command, hivetop, own_name, &detach);
    if (status == HIVE_EXIT_OK && start->has_tmux)
        return tmux_run(name);
    if (status == HIVE_EXIT_OK)
        printf(
            "%s runs in the background: 'launcher stop --cluster %s' ends it, 'launcher attach --cluster %s' "
            "takes it into a terminal\n",
            name, name, name);
    return status;
}

static int split_all(const struct hive_strings *texts, struct hive_strings *words, struct hive_error *error)
{
    int result = 0;
    for (size_t i = 0; i < texts->count && !result; i++)
        result = words_split(texts->items[i], words, error);
    return result;
}

/* What was typed for nodes, as nodes get it. */
static int prepare(const struct start *start, struct node_command_options *node, struct hive_error *error)
{
    *node = (struct node_command_options){
        .election_timeout = start->election_timeout,
        .heartbeat_ms = start->heartbeat_ms,
        .log_level = hive_log_level_names[start->log_level],
        .environment = start->environment,
    };
    if (start->has_top && (start->is_detached || start->has_tmux))
        return hive_error_set(
            error, -EINVAL,
            start->has_tmux ? "--tmux shows hivetop itself: leave --top away"
                            : "--top needs this terminal, which --detach leaves: run 'hivetop' afterwards");
    for (size_t i = 0; i < start->environment.count; i++)
        if (!strchr(start->environment.items[i], '=') || start->environment.items[i][0] == '=')
            return hive_error_set(error, -EINVAL, "--env must be NAME=VALUE, not '%s'",
                                  start->environment.items[i]);
    for (size_t i = 0; i < start->programs.count; i++)
        if (!strchr(start->programs.items[i], '='))
            return hive_error_set(error, -EINVAL, "--bin must be NODE=PATH, not '%s'",
                                  start->programs.items[i]);
    int result = split_all(&start->queen_arguments, &node->queen_arguments, error);
    return result ? result : split_all(&start->drone_arguments, &node->drone_arguments, error);
}

/* With a command line that makes sense. */
static int start_cluster(const struct start *start, struct node_command_options *node, const char *own_name)
{
    struct hive_error error = {0};
    char *hive = start->hive ? hive_strdup(start->hive) : spawn_path_beside("hive");
    char *hivetop = spawn_path_beside("hivetop");
    node->hive = hive;
    int result = spawn_check(hive, "--hive", &error);
    if (!result && (start->has_top || start->has_tmux))
        result = spawn_check(hivetop, NULL, &error);
    if (!result && start->has_tmux)
        result = tmux_check(&error);
    int status = result                                  ? fail(&error)
                 : start->is_detached || start->has_tmux ? run_detached(start, node, hivetop, own_name)
                                                         : run_cluster(start, node, hivetop, own_name, NULL);
    free(hive);
    free(hivetop);
    return status;
}

int start_run(const struct hive_command *command, int argc, char **argv)
{
    struct start start = {.queens = NOT_GIVEN, .drones = NOT_GIVEN, .log_level = HIVE_LOG_INFO};
    struct node_command_options node;
    struct hive_error error = {0};
    int result = hive_options_parse(command, argc, argv, &start, NULL, &error);
    if (result)
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    int status = prepare(&start, &node, &error) ? hive_options_usage_error(command, &error)
                                                : start_cluster(&start, &node, argv[0]);
    hive_strings_finish(&node.queen_arguments);
    hive_strings_finish(&node.drone_arguments);
    hive_strings_finish(&start.programs);
    hive_strings_finish(&start.environment);
    hive_strings_finish(&start.queen_arguments);
    hive_strings_finish(&start.drone_arguments);
    return status;
}
