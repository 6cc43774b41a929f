/* How the launcher tells a node who it is. Whatever a person could type is all that a node is ever given, so
 * that a cluster of the launcher and one made by hand are the same thing. */
#include "node_command.h"

#include "hive/memory.h"

struct command {
    char **argv;
    size_t count;
};

static void add(struct command *command, char *owned)
{
    command->argv = hive_realloc(command->argv, command->count + 2, sizeof *command->argv);
    command->argv[command->count++] = owned;
    command->argv[command->count] = NULL;
}

static void add_option(struct command *command, const char *name, const char *value)
{
    add(command, hive_strdup(name));
    add(command, hive_strdup(value));
}

static void add_queens(struct command *command, const char *name, const struct hive_ledger *ledger)
{
    add(command, hive_strdup(name));
    for (size_t i = 0; i < ledger->node_count; i++)
        if (ledger->nodes[i].role == HIVE_ROLE_QUEEN)
            add(command, hive_strdup(ledger->nodes[i].address));
}

static void add_timers(struct command *command, const struct node_command_options *options)
{
    if (options->election_timeout.max_ms > 0) {
        add(command, hive_strdup("--election-timeout"));
        add(command, hive_format("%lld-%lld", (long long)options->election_timeout.min_ms,
                                 (long long)options->election_timeout.max_ms));
    }
    if (options->heartbeat_ms > 0) {
        add(command, hive_strdup("--heartbeat"));
        add(command, hive_format("%lld", (long long)options->heartbeat_ms));
    }
}

char **node_command_make(const struct hive_ledger *ledger, const struct hive_ledger_node *node,
                         const struct node_command_options *options)
{
    struct command command = {0};
    add(&command, hive_strdup(options->hive));
    if (node->role == HIVE_ROLE_QUEEN) {
        add(&command, hive_strdup("--queen"));
        add_queens(&command, "--queen-list", ledger);
        add_option(&command, "--data-dir", node->data_directory);
        add_timers(&command, options);
    } else {
        add_queens(&command, "--queen-host", ledger);
        add_option(&command, "--name", node->name);
    }
    add_option(&command, "--listen", node->address);
    add(&command, hive_strdup("--token-file"));
    add(&command, hive_ledger_path(ledger, "token"));
    if (options->log_level)
        add_option(&command, "--log-level", options->log_level);
    return command.argv;
}

void node_command_free(char **argv)
{
    for (char **argument = argv; argv && *argument; argument++)
        free(*argument);
    free(argv);
}
