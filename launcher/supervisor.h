/* The supervisor: brings the nodes of an open cluster up, watches over them, obeys signals and the control
 * socket, and takes them all down in the end. One thread, one poll loop. */
#ifndef LAUNCHER_SUPERVISOR_H
#define LAUNCHER_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cluster.h"
#include "control.h"
#include "hive/http_client.h"
#include "hive/options.h"
#include "link_push.h"
#include "links.h"
#include "node_command.h"
#include "plan.h"
#include "report.h"
#include "top.h"
#include "watch.h"

struct supervisor_config {
    struct cluster *cluster; /* open */
    const struct node_command_options *command;
    struct report *report;
    int64_t started_ms; /* monotonic: when the launcher itself was started */
    bool has_top;       /* run the dashboard, and end with it */
    const char *hivetop;
    void (*on_ready)(void *context); /* called once; NULL: nobody wants to know */
    void *context;                   /* … of that */
};

/* What the supervisor remembers of each run of a node beside the ledger and the plan. */
struct run {
    bool was_started;        /* by this launcher */
    bool is_announced;       /* its readiness was reported */
    bool is_to_be_wiped;     /* its data directory is emptied before the next run */
    int64_t log_offset;      /* bytes of log that are of earlier runs */
    struct link_push faults; /* the table of its links: does it have it? */
};

/* Open within this folder: supervisor.c loops, nodes.c acts on nodes, roster.c lets them come and go, orders.c answers
 * the control socket with the help of scaling.c (add, remove, wipe) and link_orders.c. */
struct supervisor {
    const struct supervisor_config *config;
    struct hive_ledger *ledger;
    struct report *report;
    struct plan_node *plan; /* as many as the ledger has nodes, and in its order */
    struct run *runs;       /* likewise */
    struct watch *watch;
    struct hive_http_client *client;
    struct control *control;
    struct errand *errands; /* orders that were taken, and are to be answered when done */
    struct links links;
    struct link_call *link_calls; /* under way */
    uint64_t link_tables;         /* that were made so far, of all nodes */
    char token[HIVE_TOKEN_BYTES];
    struct top top;
    int signals;   /* signalfd */
    bool is_ready; /* the start is complete, and was reported */
    bool was_late; /* it was reported that it takes long */
    bool is_ending;
    bool is_dirty;           /* the ledger is to be written */
    int64_t ending_since_ms; /* monotonic */
    int64_t next_word_ms;    /* when to say again whom it waits for */
    enum hive_exit status;
};

/* Returns when all nodes are down: an exit status, and a message where it is not HIVE_EXIT_OK. */
enum hive_exit supervisor_run(const struct supervisor_config *config, struct hive_error *error);

/* Begins the end of the cluster; the second time, by force. */
void supervisor_end(struct supervisor *supervisor);

#endif
