/* The nodes of a cluster: names, addresses, places. */
#ifndef LAUNCHER_LAYOUT_H
#define LAUNCHER_LAYOUT_H

#include "cluster.h"
#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/options.h"

#define LAYOUT_QUEENS 5 /* where the command line does not say */
#define LAYOUT_DRONES 3

/* Fills the nodes of a new ledger (whose name and directory are set). */
int layout_make(struct hive_ledger *ledger, const struct cluster_options *options, struct hive_error *error);

/* Makes `count` further nodes of the role for a cluster that runs (its gate is held), in `nodes`: with the next names, and
 * the first free ports behind those of their kind. */
int layout_grow(const struct hive_ledger *ledger, enum hive_role role, size_t count,
                struct hive_ledger_node *nodes, struct hive_error *error);

/* Takes the list of NODE=PATH (or NULL): what each node runs from here on. */
int layout_set_programs(struct hive_ledger *ledger, const struct hive_strings *programs,
                        struct hive_error *error);

/* 0 where the nodes of an older ledger are those that the options ask for and can listen where they did; else
 * an error that says what differs. */
int layout_check(const struct hive_ledger *ledger, const struct cluster_options *options,
                 struct hive_error *error);

#endif
