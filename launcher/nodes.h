/* The supervisor's hands: what it does to nodes, and what it learns from them. */
#ifndef LAUNCHER_NODES_H
#define LAUNCHER_NODES_H

#include "hive/error.h"
#include "supervisor.h"

/* How long a node has from SIGTERM to SIGKILL. */
#define NODES_GRACE_MS 5000

/* Carries out all that the plan says is due. Returns when to call again (monotonic; INT64_MAX: nothing is
 * under way). A node that cannot be started is dead then, and `error` says why. */
int64_t nodes_act(struct supervisor *supervisor, int64_t now_ms, struct hive_error *error);

/* Takes in one change of a child as waitpid told it. False where the child is no node. */
bool nodes_note(struct supervisor *supervisor, pid_t pid, int status);

/* Brings the ledger's states in line with what the watch saw, and reports who is ready. */
void nodes_note_health(struct supervisor *supervisor);

/* The names of the nodes that are up, divided by commas, in the order in which they go. The caller owns the
 * text; NULL where all are down. */
char *nodes_up(const struct supervisor *supervisor);

#endif
