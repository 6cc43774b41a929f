/* Runs a whole cluster on this machine: `launcher` starts it and stays with it, `launcher VERB` talks to one
 * that runs. */
#include "command.h"

#define ORDER(verb)                                                                                          \
    .name = verb, .synopsis = "NODE", .options = order_options, .arguments_min = 1, .arguments_max = 1,      \
    .run = order_run, .completion = "target"

#define LINK(verb, words, count)                                                                             \
    .name = verb, .synopsis = words, .options = order_link_options, .arguments_min = count,                  \
    .arguments_max = count, .run = link_run, .completion = "target"

#define TARGETS                                                                                              \
    "NODE is a name, or one that is looked up at that moment: leader, follower (one that votes and "         \
    "answers), or "                                                                                          \
    "random (any node that it can be done to)."

#define LINKS                                                                                                \
    "A and B are nodes, or leader, follower, random, queens, drones, all. The rule lives inside the nodes, " \
    "needs no "                                                                                              \
    "root, and stays until 'launcher heal' or the end of the cluster; a node that is started again gets it " \
    "again."

static const struct hive_command verbs[] = {
    {.name = "add",
     .summary = "Add queens or drones to a cluster that runs",
     .synopsis = "queen|drone [N]",
     .description =
         "A queen asks the group to take her in, is sent the state, and has a vote when this returns. "
         "Where that takes longer than 15 seconds, the answer says what she waits for.",
     .options = order_options,
     .arguments_min = 1,
     .arguments_max = 2,
     .examples = "launcher add queen 2\n    From 5 to 7 queens: three may fail then\n",
     .run = add_run},
    {LINK("cut", "A B", 2), .summary = "Cut the link between two nodes",
     .description = "Packets vanish: whoever sends sees his own timeout, and no refusal. " LINKS,
     .examples =
         "launcher cut leader queens\n    See the others elect a new leader, and the old one step down\n"
         "launcher cut q1 q2 --one-way\n    q1 hears q2, and is not heard\n"},
    {LINK("delay", "A B TIME", 3), .summary = "Delay what two nodes send each other",
     .description =
         "TIME is 50ms, or 50ms±10 for 40 to 60 milliseconds (also written 50ms+-10 and 50ms~10); it "
         "counts for each message, so that a round trip takes twice as long. 0 takes it away. " LINKS,
     .examples = "launcher delay queens queens 50ms±10\n    Queens on three continents\n"},
    {.name = "heal",
     .summary = "Make links whole again",
     .synopsis = "[A [B]]",
     .description = "Without A and B all links; with A alone all links of A.",
     .options = order_options,
     .arguments_max = 2,
     .run = heal_run,
     .completion = "target"},
    {ORDER("kill"), .summary = "Kill a node (SIGKILL)",
     .description = "The node gets no chance to say goodbye, and stays down until it is restarted. " TARGETS,
     .examples = "launcher kill leader\n    See the others elect a new one\n"},
    {.name = "links",
     .summary = "Show what is done to links between nodes",
     .synopsis = "",
     .options = order_show_options,
     .run = links_run},
    {LINK("lose", "A B PERCENT", 3), .summary = "Lose a part of what two nodes send each other",
     .description = "Each message vanishes with that chance. 0% takes it away. " LINKS,
     .examples = "launcher lose follower queens 10%\n    A bad cable\n"},
    {ORDER("pause"), .summary = "Freeze a node (SIGSTOP)",
     .description = "To the others a paused node looks like one behind a dead network: its connections "
                    "stand, and nothing "
                    "comes. It can be resumed, stopped or killed. " TARGETS},
    {.name = "remove",
     .summary = "Take a node out of a cluster that runs, for good",
     .synopsis = "NODE",
     .description =
         "A queen leaves the group first, which its members have to agree on; then she is stopped, and her "
         "data and log are removed. What would cost the majority is refused. A drone is stopped. " TARGETS,
     .options = order_force_options,
     .arguments_min = 1,
     .arguments_max = 1,
     .run = remove_run,
     .completion = "target"},
    {ORDER("restart"), .summary = "Start a node that is down, or stop it and start it again",
     .description = "The node gets the address and the data that it had. " TARGETS},
    {ORDER("resume"), .summary = "Let a paused node go on (SIGCONT)",
     .description = "NODE is a name, or random; a paused queen neither leads nor follows."},
    {.name = "status",
     .summary = "Show a cluster and its nodes",
     .synopsis = "",
     .description =
         "Works on a cluster that has ended or whose launcher died, too: then it shows what each node "
         "was at last, and the exit status is 3.",
     .options = status_options,
     .run = status_run},
    {.name = "stop",
     .summary = "Stop a node, or end the whole cluster",
     .synopsis = "[NODE]",
     .description = "A node gets SIGTERM, and SIGKILL where that does not help within 5 seconds; it stays "
                    "down until it is "
                    "restarted. Without NODE the whole cluster ends: drones first, then queens. " TARGETS,
     .options = order_options,
     .arguments_max = 1,
     .examples = "launcher stop d1\n    Stop one drone\n"
                 "launcher stop --cluster lab\n    End the cluster named lab\n",
     .completion = "target",
     .run = stop_run},
    {.name = "wipe",
     .summary = "Stop a node, empty its data directory, and start it again",
     .synopsis = "NODE",
     .description =
         "A queen without her disk is another member: the group takes her in anew, in place of the one "
         "that she was, and sends her the state. What would cost the majority is refused. " TARGETS,
     .options = order_force_options,
     .arguments_min = 1,
     .arguments_max = 1,
     .run = order_run,
     .completion = "target"},
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
