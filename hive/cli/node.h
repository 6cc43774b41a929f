/* The command line of a node: `hive --queen …` and `hive --queen-host …`. Thread: main. */
#ifndef CLI_NODE_H
#define CLI_NODE_H

#include "hive/log.h"
#include "hive/options.h"
#include "http/node.h"

/* What the options say, with the defaults where they say nothing (CLI_NODE_DEFAULTS). */
struct cli_node {
    bool queen;
    struct hive_strings queen_hosts, queen_list, join;
    const char *interface, *listen, *advertise, *data_directory, *token_file, *name, *restore;
    int64_t port; /* -1: the default of the mode */
    bool insecure, standby, read_lease, enable_faults;
    struct hive_range_ms election_timeout;
    int64_t heartbeat_ms, drone_heartbeat_ms, drone_suspect_ms, drone_lost_ms, request_timeout_ms,
        register_ms;
    int64_t capacity; /* 0: the default */
    int64_t snapshot_entries, snapshot_bytes, clock_drift_percent;
    int log_level, log_format;
    /* what cli_node_configure makes of it */
    char token[HIVE_TOKEN_BYTES];
    char *default_data_directory; /* owned */
};

#define CLI_NODE_DEFAULTS                                                                                    \
    ((struct cli_node){.port = -1,                                                                           \
                       .election_timeout = {150, 300},                                                       \
                       .heartbeat_ms = 50,                                                                   \
                       .drone_heartbeat_ms = 1000,                                                           \
                       .drone_suspect_ms = 2000,                                                             \
                       .drone_lost_ms = 5000,                                                                \
                       .request_timeout_ms = 5000,                                                           \
                       .register_ms = 1000,                                                                  \
                       .snapshot_entries = 10000,                                                            \
                       .snapshot_bytes = 64 * 1024 * 1024,                                                   \
                       .clock_drift_percent = 10,                                                            \
                       .log_level = HIVE_LOG_INFO})

/* Fills a struct cli_node; ends with a zeroed element. */
extern const struct hive_option cli_node_options[];

/* Checks what was asked for and turns it into `config`, which points into `node`; configures the log and
 * warns there of what is allowed but unwise. 0; -EINVAL where the command line is wrong; another error where
 * a file is. The message says what to type instead. */
int cli_node_configure(struct cli_node *node, struct node_config *config, struct hive_error *error);

void cli_node_finish(struct cli_node *node);

#endif
