/* The command line that a node is started with. Pure. */
#ifndef LAUNCHER_NODE_COMMAND_H
#define LAUNCHER_NODE_COMMAND_H

#include <stdint.h>

#include "hive/ledger.h"
#include "hive/options.h"

/* What is passed through to the nodes. */
struct node_command_options {
    const char *hive;                      /* path of the daemon */
    struct hive_range_ms election_timeout; /* zeroed: the daemon's default */
    int64_t heartbeat_ms;                  /* 0: the daemon's default */
    const char *log_level;                 /* NULL: the daemon's default */
};

/* argv of the node, ending with NULL; release with node_command_free. */
char **node_command_make(const struct hive_ledger *ledger, const struct hive_ledger_node *node,
                         const struct node_command_options *options);
void node_command_free(char **argv);

#endif
