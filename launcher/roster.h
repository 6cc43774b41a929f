/* Nodes that come and go while the cluster runs: the ledger and all that goes by a node's place in it change as one. */
#ifndef LAUNCHER_ROSTER_H
#define LAUNCHER_ROSTER_H

#include "supervisor.h"

/* Puts the node in, queens behind the other queens; the next turn starts it. Takes what `node` owns. */
void roster_insert(struct supervisor *supervisor, struct hive_ledger_node *node);

/* Takes the node out, which is down, and removes its log and data. */
void roster_remove(struct supervisor *supervisor, size_t node);

/* The node's place; false where there is none of that name (any more). */
bool roster_find(const struct supervisor *supervisor, const char *name, size_t *node);

#endif
