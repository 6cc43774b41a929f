/* A running node, queen or drone: what the command line asked for, and what the HTTP handlers act on. */
#ifndef HTTP_NODE_H
#define HTTP_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/address.h"
#include "hive/api.h"
#include "hive/error.h"
#include "hive/limits.h"
#include "hive/options.h"
#include "hive/process.h"
#include "hive/server.h"

struct faults;
struct queen;
struct drone;

struct node_config {
    enum hive_mode mode;
    struct hive_address listen;       /* where to bind; port 0 is allowed: any */
    char address[HIVE_ADDRESS_BYTES]; /* what others are told to call; empty: the bound one */
    struct hive_strings queens; /* queen: those that found the group with her; drone: whom to register with */
    const char *token;          /* the cluster's token, or NULL */
    bool insecure;              /* may listen beyond loopback without TLS */
    bool enable_faults;         /* PUT /faults is allowed */
    /* queens */
    const char *data_directory;
    struct hive_strings join; /* a group to be taken into: queens of it */
    bool standby;             /* waits until she is added to a group */
    const char *restore;      /* NULL, or the backup that she begins with, alone in her group */
    struct hive_range_ms election_timeout;
    int64_t heartbeat_ms;                     /* of the leader, to the queens */
    int64_t drone_heartbeat_ms;               /* of the leader, to the drones */
    int64_t drone_suspect_ms;                 /* a drone that did not answer for so long gets no new tasks */
    int64_t drone_lost_ms;                    /* … and for so long is removed */
    int64_t request_timeout_ms;               /* a write that is not applied by then is answered "unknown" */
    int64_t snapshot_entries, snapshot_bytes; /* of the log, after which a snapshot is taken; 0: never */
    bool read_lease; /* the leader answers reads by lease, which trusts the clocks up to: */
    int clock_drift_percent;
    /* drones */
    const char *name;    /* NULL: made of the address */
    int capacity;        /* tasks at once */
    int64_t register_ms; /* how often the registration is renewed */
};

/* Runs the node until SIGTERM or SIGINT, then ends it cleanly. Call from the main thread, before any other
 * exists. 0, or a negative errno and a message where it could not start. */
int node_run(const struct node_config *config, struct hive_error *error);

/* The context of all handlers. */
struct node {
    const struct node_config *config;
    char address[HIVE_ADDRESS_BYTES]; /* advertised */
    int64_t started_ms;               /* monotonic */
    struct hive_process process;      /* this one */
    struct faults *faults;            /* what is done to messages to other nodes */
    struct queen *queen;              /* NULL on a drone */
    struct drone *drone;              /* NULL on a queen */
    struct hive_server *server;
};

/* The one route table of the daemon; see routes.c. */
extern const struct hive_route node_routes[];

#endif
