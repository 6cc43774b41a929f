/* Where the nodes come from: the ledger of a local cluster, read again whenever it changed, or addresses that
 * the user gave, from which the others are found. One thread. */
#ifndef HIVETOP_SOURCE_H
#define HIVETOP_SOURCE_H

#include <sys/stat.h>

#include "hive/error.h"
#include "hive/options.h"
#include "model.h"

struct source {
    char cluster[HIVE_NAME_BYTES]; /* empty: addresses were given */
    char *ledger_path;             /* owned */
    char *control_socket;          /* owned; NULL: no launcher */
    struct stat last;              /* of the ledger when it was read */
    struct hive_process launcher;
    char token[HIVE_TOKEN_BYTES]; /* for the nodes; empty: none */
    struct source_log {
        char node[HIVE_NAME_BYTES];
        char *path; /* owned */
    } * logs;       /* owned; of the ledger's nodes, in its order */
    size_t log_count;
};

/* Finds the cluster and fills the model. `connect` may be empty and `cluster` NULL. -ENOENT or another error
 * with a message that says how to get one. */
int source_open(struct source *source, const struct hive_strings *connect, const char *cluster,
                struct model *model, struct hive_error *error);
void source_finish(struct source *source);

/* Brings the model up to date with the ledger and with which processes stand still. Never waits. */
void source_refresh(struct source *source, struct model *model);

/* The clusters of this machine that run, up to `capacity` of them, by name. */
size_t source_clusters(char (*names)[HIVE_NAME_BYTES], size_t capacity);

/* Where the node's log is; NULL: not on this machine, or nobody knows. */
const char *source_log_path(const struct source *source, const char *node);

/* Why nodes cannot be acted on from here, or NULL. */
const char *source_no_actions(const struct source *source, const struct model *model);

#endif
