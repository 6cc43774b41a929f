/* Runs a whole cluster on this machine: `launcher` starts it and stays with it, `launcher VERB` talks to one
 * that runs. */
#include "command.h"

#define ORDER(verb)                                                                                          \
    .name = verb, .synopsis = "NODE", .options = order_options, .arguments_min = 1, .arguments_max = 1,      \
    .run = order_run, .completion = "node"

static const struct hive_command verbs[] = {
    {ORDER("kill"), .summary = "Kill a node (SIGKILL)",
     .description = "The node gets no chance to say goodbye, and stays down until it is restarted.",
     .examples = "launcher kill q3\n    See the others elect a new leader, if q3 was it\n"},
    {ORDER("pause"), .summary = "Freeze a node (SIGSTOP)",
     .description = "To the others a paused node looks like one behind a dead network: its connections "
                    "stand, and nothing "
                    "comes. It can be resumed, stopped or killed."},
    {ORDER("restart"), .summary = "Start a node that is down, or stop it and start it again",
     .description = "The node gets the address and the data that it had."},
    {ORDER("resume"), .summary = "Let a paused node go on (SIGCONT)"},
    {.name = "status",
     .summary = "Show a cluster and its nodes",
     .synopsis = "",
     .description = "Works on a cluster that has ended or whose launcher died, too.",
     .options = status_options,
     .run = status_run},
    {.name = "stop",
     .summary = "Stop a node, or end the whole cluster",
     .synopsis = "[NODE]",
     .description = "A node gets SIGTERM, and SIGKILL where that does not help within 5 seconds; it stays "
                    "down until it is "
                    "restarted. Without NODE the whole cluster ends: drones first, then queens.",
     .options = order_options,
     .arguments_max = 1,
     .examples = "launcher stop d1\n    Stop one drone\n"
                 "launcher stop --cluster lab\n    End the cluster named lab\n",
     .completion = "node",
     .run = stop_run},
    {0},
};

static const struct hive_command launcher_command = {
    .name = "launcher",
    .summary = "Run a cluster of queens and drones on this machine",
    .synopsis = "",
    .description =
        "Starts the nodes, watches over them, and takes them all down with it: on Ctrl-C in order, on a "
        "second Ctrl-C "
        "or when it is killed at once. A node that dies is reported and stays down until 'launcher "
        "restart'.\n\n"
        "A cluster lives in $XDG_STATE_HOME/hive/NAME (or ~/.local/state/hive/NAME): the ledger "
        "cluster.json, the "
        "control socket, the token, logs and data. It is removed at the end, unless it was given a --name.",
    .options = start_options,
    .verbs = verbs,
    .examples =
        "launcher\n    5 queens and 3 drones, until Ctrl-C\n"
        "launcher --queens 3 --drones 10 --top\n    A smaller group with more workers, shown by hivetop\n"
        "launcher --name lab\n    A cluster that keeps its data, and starts again on it\n",
    .see_also = "hive(1), hivetop(1)",
    .run = start_run,
};

int main(int argc, char **argv)
{
    struct hive_error error = {0};
    if (argc < 2 || argv[1][0] == '-')
        return start_run(&launcher_command, argc, argv);
    const struct hive_command *verb = hive_options_find_verb(&launcher_command, argv[1], &error);
    if (!verb)
        return hive_options_usage_error(&launcher_command, &error);
    return verb->run(verb, argc - 1, argv + 1);
}
