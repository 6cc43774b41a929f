/* How the launcher tells a node who it is. Whatever a person could type is all that a node is ever given, so
 * that a cluster of the launcher and one made by hand are the same thing. */
#include "node_command.h"

#include "hive/memory.h"

#define TIMERS_QUEENS 8 /* for so many, and up to twice as many, the default times are right */

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

/* The addresses of all queens but the one at place `except` (SIZE_MAX: none): those first who can answer, as a node asks one after the other. */
static size_t add_queens(struct command *command, const char *name, const struct hive_ledger *ledger,
                         size_t except)
{
    size_t count = 0;
    for (int is_down = 0; is_down <= 1; is_down++) {
        for (size_t i = 0; i < ledger->node_count; i++) {
            const struct hive_ledger_node *node = &ledger->nodes[i];
            bool is_there = node->state == HIVE_NODE_RUNNING || node->state == HIVE_NODE_STARTING;
            if (node->role != HIVE_ROLE_QUEEN || i == except || is_there == is_down)
                continue;
            if (count++ == 0)
                add(command, hive_strdup(name));
            add(command, hive_strdup(node->address));
        }
    }
    return count;
}

static void add_texts(struct command *command, const struct hive_strings *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        add(command, hive_strdup(texts->items[i]));
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

bool node_command_allow_time(struct node_command_options *options, size_t queens)
{
    const int64_t factor = (int64_t)queens / TIMERS_QUEENS;
    if (factor < 2 || options->election_timeout.max_ms > 0 || options->heartbeat_ms > 0)
        return false;
    options->election_timeout = (struct hive_range_ms){150 * factor, 300 * factor};
    options->heartbeat_ms = 50 * factor;
    return true;
}

char **node_command_make(const struct hive_ledger *ledger, const struct hive_ledger_node *node,
                         const struct node_command_options *options)
{
    struct command command = {0};
    bool is_queen = node->role == HIVE_ROLE_QUEEN;
    add(&command, hive_strdup(node->program ? node->program : options->hive));
    if (is_queen) {
        add(&command, hive_strdup("--queen"));
        if (!ledger->founded || add_queens(&command, "--join", ledger, (size_t)(node - ledger->nodes)) == 0)
            add_queens(&command, "--queen-list", ledger, SIZE_MAX);
        add_option(&command, "--data-dir", node->data_directory);
        add_timers(&command, options);
    } else {
        add_queens(&command, "--queen-host", ledger, SIZE_MAX);
        add_option(&command, "--name", node->name);
    }
    add_option(&command, "--listen", node->address);
    add(&command, hive_strdup("--token-file"));
    add(&command, hive_ledger_path(ledger, "token"));
    if (options->log_level)
        add_option(&command, "--log-level", options->log_level);
    if (ledger->can_fault)
        add(&command, hive_strdup("--enable-faults"));
    add_texts(&command, is_queen ? &options->queen_arguments : &options->drone_arguments);
    return command.argv;
}

/* True where the variable's name is among those of the texts from number `first` on. */
static bool is_set(const struct hive_strings *texts, size_t first, const char *variable)
{
    size_t bytes = strcspn(variable, "=") + 1;
    for (size_t i = first; i < texts->count; i++)
        if (strncmp(texts->items[i], variable, bytes) == 0)
            return true;
    return false;
}

char **node_command_environment(char *const *inherited, const struct node_command_options *options)
{
    struct command environment = {.argv = hive_calloc(1, sizeof *environment.argv)};
    for (; *inherited; inherited++)
        if (!is_set(&options->environment, 0, *inherited))
            add(&environment, hive_strdup(*inherited));
    for (size_t i = 0; i < options->environment.count; i++)
        if (!is_set(&options->environment, i + 1, options->environment.items[i]))
            add(&environment, hive_strdup(options->environment.items[i]));
    return environment.argv;
}

void node_command_free(char **argv)
{
    for (char **argument = argv; argv && *argument; argument++)
        free(*argument);
    free(argv);
}
