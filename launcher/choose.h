/* Which cluster a verb is about that also works where none runs. */
#ifndef LAUNCHER_CHOOSE_H
#define LAUNCHER_CHOOSE_H

#include "hive/error.h"
#include "hive/ledger.h"

/* The cluster of that name; NULL: the only one that runs, or the only one that there is. Says what is wrong on standard
 * error: an exit status. */
int choose_cluster(const char *name, struct hive_ledger *ledger);

/* What a node is, for a person: "killed" where it was stopped by force, else the name of its state. */
const char *choose_word(const struct hive_ledger_node *node);

#endif
