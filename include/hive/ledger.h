/* The ledger of a local cluster: `$XDG_STATE_HOME/hive/NAME/cluster.json`, written by its launcher and read
 * by the dashboard and the client verbs, which find the cluster by it. The directory also holds
 * `control.sock`, `token`, `lock`, `logs/NODE.log` and `data/NODE/`. Written whole and atomically; a reader
 * never sees half of one. */
#ifndef HIVE_LEDGER_H
#define HIVE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/limits.h"
#include "hive/process.h"

enum hive_role { HIVE_ROLE_QUEEN, HIVE_ROLE_DRONE };
extern const char *const hive_role_names[]; /* "queen", "drone" */

/* What the launcher did last with a node. */
enum hive_node_state {
    HIVE_NODE_STARTING,
    HIVE_NODE_RUNNING,
    HIVE_NODE_PAUSED,  /* SIGSTOP by the launcher */
    HIVE_NODE_STOPPED, /* ended because somebody asked */
    HIVE_NODE_DEAD,    /* ended by itself, or killed from elsewhere */
};
extern const char *const hive_node_state_names[]; /* "starting", "running", "paused", "stopped", "dead" */

struct hive_ledger_node {
    char name[HIVE_NAME_BYTES]; /* "q1", "d1" */
    enum hive_role role;
    enum hive_node_state state;
    char address[HIVE_ADDRESS_BYTES]; /* HOST:PORT, kept for the node's life */
    struct hive_process process;      /* pid 0 while it does not run */
    int exit_status;                  /* of the last run, as waitpid gives it; 0 before */
    int starts;                       /* how often it was started */
    int64_t changed_at_ms;            /* unix time of the last change of state */
    char *data_directory;             /* owned; absolute path */
    char *log_path;                   /* owned; absolute path */
    char *program;                    /* owned; NULL: the cluster's (hive beside the launcher) */
};

struct hive_ledger {
    char name[HIVE_NAME_BYTES];   /* of the cluster */
    char *directory;              /* owned; absolute path */
    bool keep;                    /* survives a clean end (--name) */
    struct hive_process launcher; /* who supervises it */
    int64_t created_at_ms;
    bool founded;   /* the queens have had a leader: whoever begins with an empty disk now joins them */
    bool can_fault; /* nodes are started with --enable-faults: links can be cut, delayed, made to lose */
    struct hive_ledger_node *nodes; /* owned; queens first */
    size_t node_count;
};

void hive_ledger_finish(struct hive_ledger *ledger);
void hive_ledger_node_finish(struct hive_ledger_node *node);

/* Reads the ledger of the cluster NAME. -ENOENT: no such cluster (the message lists those there are);
 * -EINVAL: a damaged file, named. */
int hive_ledger_load(const char *name, struct hive_ledger *ledger, struct hive_error *error);

/* The content of its file, and what stands there for one node; the caller owns the string. */
char *hive_ledger_json(const struct hive_ledger *ledger);
char *hive_ledger_node_json(const struct hive_ledger_node *node);

/* Writes it to its directory, which must exist. */
int hive_ledger_save(const struct hive_ledger *ledger, struct hive_error *error);

/* The cluster to talk to when none was named: the only one that runs. -ENOENT: none runs (the message says
 * how to start one); -EEXIST: several do (the message lists them and tells of --cluster). */
int hive_ledger_find_running(struct hive_ledger *ledger, struct hive_error *error);

/* True while its launcher runs. */
bool hive_ledger_is_running(const struct hive_ledger *ledger);

/* The node of that name, or NULL. */
struct hive_ledger_node *hive_ledger_node(const struct hive_ledger *ledger, const char *name);

/* The names of all clusters with a ledger, running or not, sorted; the caller frees each and the array. */
int hive_ledger_names(char ***names, size_t *count, struct hive_error *error);

/* DIRECTORY/PART as a new string. */
char *hive_ledger_path(const struct hive_ledger *ledger, const char *part);

/* The cluster's token, read from its file into `token`. */
int hive_ledger_token(const struct hive_ledger *ledger, char token[HIVE_TOKEN_BYTES],
                      struct hive_error *error);

#endif
