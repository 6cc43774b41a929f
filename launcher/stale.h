/* What launchers that died left behind. Called with the gate held (see cluster.c). */
#ifndef LAUNCHER_STALE_H
#define LAUNCHER_STALE_H

#include "hive/error.h"
#include "hive/ledger.h"
#include "report.h"

/* Removes the directories of unnamed clusters whose launcher is gone, and reports each. -EBUSY and what to do
 * where nodes of one still run. */
int stale_sweep(struct report *report, struct hive_error *error);

/* 0 where no node of the ledger runs; else -EBUSY and a message with their pids. */
int stale_check_nodes(const struct hive_ledger *ledger, struct hive_error *error);

/* Removes the directory of one that does not run, with all in it. -EWOULDBLOCK: a launcher has it. */
int stale_remove(const struct hive_ledger *ledger, struct hive_error *error);

/* Removes directories without a ledger: their launchers were killed while they made or removed them. Only while the gate
 * is held. Adds how many to `*removed`. */
int stale_remove_fragments(size_t *removed, struct hive_error *error);

#endif
