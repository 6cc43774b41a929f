/* What a node is started with: its command line and its environment. Pure. */
#ifndef LAUNCHER_NODE_COMMAND_H
#define LAUNCHER_NODE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/ledger.h"
#include "hive/options.h"

/* What is passed through to the nodes. */
struct node_command_options {
    const char *hive; /* path of the daemon, for nodes that have no program of their own */
    struct hive_range_ms election_timeout; /* zeroed: the daemon's default */
    int64_t heartbeat_ms;                  /* 0: the daemon's default */
    const char *log_level;                 /* NULL: the daemon's default */
    struct hive_strings queen_arguments;   /* go last, and so have the last word */
    struct hive_strings drone_arguments;
    struct hive_strings environment; /* "NAME=VALUE" */
};

/* So many queens on one machine need more time for an election than the daemon takes by default: as many votes again are
 * asked for by each. Changes nothing where times were given, or where there are few; true where it does. */
bool node_command_allow_time(struct node_command_options *options, size_t queens);

/* argv of the node, ending with NULL; release with node_command_free. A queen of a group that was founded is told to
 * join the others: with her data that changes nothing, and with an empty disk she must not found a second one. */
char **node_command_make(const struct hive_ledger *ledger, const struct hive_ledger_node *node,
                         const struct node_command_options *options);

/* `inherited` (as environ) with the options' variables in place of those of the same name. Release likewise. */
char **node_command_environment(char *const *inherited, const struct node_command_options *options);

void node_command_free(char **argv);

#endif
