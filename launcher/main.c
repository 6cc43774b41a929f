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
    {.name = "attach",
     .summary = "Follow one node, or take a cluster from the background into this terminal",
     .synopsis = "[NODE]",
     .description =
         "With NODE: shows its log as it grows, and what becomes of it; Ctrl-C leaves it alone. Without: "
         "shows "
         "what the launcher says, as if it had been started here; Ctrl-C and the end of the terminal end the "
         "cluster.",
     .options = attach_options,
     .arguments_max = 1,
     .run = attach_run,
     .completion = "node"},
    {.name = "chaos",
     .summary = "Hurt a cluster while clients use it, and say whether they were served right",
     .synopsis = "",
     .description =
         "Nodes are killed, frozen, stopped, emptied and cut off, links are slow and lossy, leaders hand "
         "over; each "
         "fault ends again. "
         "Never are more queens away than a minority. Meanwhile clients write and read, and remember all "
         "answers. "
         "At the end all is made whole, every key is read once more, and it is judged: is the history "
         "linearizable, is "
         "all there that was acknowledged, are the logs equal? Ctrl-C ends it early, with a verdict.\n\n"
         "Exit status 0: yes. 1: no, or the cluster did not recover. 4: it could not be decided.",
     .options = chaos_options,
     .examples = "launcher chaos --for 60s --every 3s\n    A bad minute\n"
                 "launcher chaos --kinds kill,cut --seed 42 --json\n    Two kinds of faults, and the same "
                 "ones each time\n",
     .run = chaos_run},
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
    {.name = "lesson",
     .summary = "Walk through what happens in a cluster, told and checked",
     .synopsis = "[NAME]",
     .description =
         "Without NAME lists the lessons. A lesson tells what to look at, does it to a live cluster, waits "
         "for Enter, and "
         "checks each claim that it makes. Without --cluster it starts a cluster of its own, and ends it.\n\n"
         "Lessons are plain files, NAME.lesson in $XDG_DATA_HOME/hive/lessons (or "
         "~/.local/share/hive/lessons) or with the "
         "program; a NAME with a slash is a path. share/lessons/README says how to write one.",
     .options = lesson_options,
     .arguments_max = 1,
     .examples = "launcher lesson leader-crash\n    Kill a leader, and see why nothing is lost\n"
                 "launcher lesson ./mine.lesson --auto\n    Run your own through, without waiting\n",
     .run = lesson_run_verb},
    {.name = "links",
     .summary = "Show what is done to links between nodes",
     .synopsis = "",
     .options = order_show_options,
     .run = links_run},
    {.name = "logs",
     .summary = "Show what nodes say, in the order in which they said it",
     .synopsis = "[NODE...]",
     .description = "All logs as one, each line behind the name of its node; 'launcher' is what the launcher "
                    "of a cluster in "
                    "the background says. Works on a cluster that has ended and is kept, too.",
     .options = logs_options,
     .arguments_max = -1,
     .examples = "launcher logs -f\n    All that happens, as it happens\n"
                 "launcher logs q1 q2 --since 1m\n    The last minute of two queens\n",
     .run = logs_run,
     .completion = "node"},
    {LINK("lose", "A B PERCENT", 3), .summary = "Lose a part of what two nodes send each other",
     .description = "Each packet is lost with that chance and sent again, as TCP does: after 200 ms, and "
                    "after twice as long each further time. "
                    "0% takes it away. " LINKS,
     .examples = "launcher lose follower queens 10%\n    A bad cable\n"},
    {ORDER("pause"), .summary = "Freeze a node (SIGSTOP)",
     .description = "To the others a paused node looks like one behind a dead network: its connections "
                    "stand, and nothing "
                    "comes. It can be resumed, stopped or killed. " TARGETS},
    {.name = "prune",
     .summary = "Remove what is left of clusters that do not run",
     .synopsis = "[CLUSTER...]",
     .description = "Without CLUSTER and --all: of those whose launcher died and that nobody gave a name. "
                    "What was kept under "
                    "a name is removed with its data, and only when it is named here or with --all; that is "
                    "asked for once "
                    "more. A cluster that runs is never touched.",
     .options = prune_options,
     .arguments_max = -1,
     .run = prune_run,
     .completion = "cluster"},
    {.name = "ps",
     .summary = "List all clusters: those that run, have ended, or whose launcher died",
     .synopsis = "",
     .options = ps_options,
     .run = ps_run},
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

const struct hive_command launcher_command = {
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
        "launcher --tmux\n    Every node in a pane of its own, hivetop on top\n"
        "launcher --detach && launcher logs -f\n    In the background; 'launcher stop' ends it\n"
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
