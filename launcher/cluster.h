/* A cluster's directory and ledger, held by this launcher from cluster_open to cluster_close. */
#ifndef LAUNCHER_CLUSTER_H
#define LAUNCHER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/options.h"
#include "report.h"

/* What the command line asked for. */
struct cluster_options {
    const char *name;    /* NULL: the next free name, and the directory is removed at the end */
    int64_t queens;      /* -1: not given */
    int64_t drones;      /* -1: not given */
    uint16_t queen_port; /* 0: not given */
    uint16_t drone_port; /* 0: not given */
    bool can_fault;      /* nodes are started with --enable-faults */
    const struct hive_strings *programs; /* NODE=PATH: nodes that run another program; or NULL */
};

struct cluster {
    struct hive_ledger ledger;
    int lock;        /* descriptor; -1: none */
    bool is_resumed; /* it was there before, with data */
};

/* Takes the cluster of that name, new or ended, or makes an unnamed one; cleans up what dead launchers left
 * behind and reports it. On success the ledger is on disk with all nodes down, and so is the token. On
 * failure nothing is left behind, and `cluster` needs no cluster_close. */
int cluster_open(struct cluster *cluster, const struct cluster_options *options, struct report *report,
                 struct hive_error *error);

/* Takes the gate: while it is held no other launcher chooses names or ports. A descriptor to close, or -EWOULDBLOCK where
 * another launcher is just doing so. */
int cluster_try_gate(struct hive_error *error);

/* The same, and waits for it. */
int cluster_take_gate(struct hive_error *error);

/* Gives the cluster back: an unnamed one's directory goes, a named one's ledger says that it has ended. */
int cluster_close(struct cluster *cluster, struct hive_error *error);

#endif
