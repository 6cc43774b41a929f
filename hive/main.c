/* The way in: a queen, a drone, or a verb that asks a cluster. */
#include <errno.h>

#include "cli/cli.h"
#include "cli/node.h"

static const struct hive_command program = {
    .name = "hive",
    .summary = "a node of a small cluster that survives the death of its machines, and its client",
    .synopsis = "--queen | --queen-host HOST:PORT | VERB ...",
    .description = "As a queen, hive is a member of a Raft group that replicates a key-value store, the list "
                   "of drones and the "
                   "list of tasks. As a drone, it registers with the queens and does the work they give it. "
                   "With a verb, it asks a "
                   "cluster that runs.\n\n"
                   "A node without a token listens on this machine only.",
    .options = cli_node_options,
    .verbs = cli_verbs,
    .examples = "hive --queen --port 8080 --queen-list 127.0.0.1:8080 127.0.0.1:8081 127.0.0.1:8082\n"
                "    Run one queen of three on this machine\n"
                "hive --queen-host 127.0.0.1:8080 --port 5001\n"
                "    Run a drone\n"
                "hive status\n"
                "    Show the cluster that runs on this machine\n",
    .see_also = "hivetop(1), launcher(1)",
};

static int fail(const struct hive_error *error)
{
    fprintf(stderr, "hive: %s\n", error->message);
    return HIVE_EXIT_FAILED;
}

/* A verb whose output did not arrive has failed, whatever the cluster did. */
static int run_verb(const struct hive_command *verb, int argc, char **argv)
{
    int exit_status = verb->run(verb, argc, argv);
    if ((fflush(stdout) || ferror(stdout)) && exit_status == HIVE_EXIT_OK)
        return cli_fail(HIVE_EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
    return exit_status;
}

static int run_node(struct cli_node *node)
{
    struct node_config config;
    struct hive_error error = {{0}};
    int result = cli_node_configure(node, &config, &error);
    if (result)
        return result == -EINVAL ? hive_options_usage_error(&program, &error) : fail(&error);
    return node_run(&config, &error) ? fail(&error) : HIVE_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct hive_error error = {{0}};
    if (argc > 1 && argv[1][0] != '-') {
        const struct hive_command *verb = hive_options_find_verb(&program, argv[1], &error);
        return verb ? run_verb(verb, argc - 1, argv + 1) : hive_options_usage_error(&program, &error);
    }

    struct cli_node node = CLI_NODE_DEFAULTS;
    int result = hive_options_parse(&program, argc, argv, &node, NULL, &error);
    if (result > 0)
        return HIVE_EXIT_OK;
    if (result < 0)
        return hive_options_usage_error(&program, &error);
    int exit_status = run_node(&node);
    cli_node_finish(&node);
    return exit_status;
}
