/* The log and the snapshots of one directory, made one story. */
#ifndef STORE_RECONCILE_H
#define STORE_RECONCILE_H

#include "store/recovery.h"

/* Chooses the newest good snapshot that goes with the log that was read: sets recovery->snapshot, end->good, and where the
 * log says less than the snapshot, or something else, drops the entries and sets end->is_replaced. Writes nothing. */
int reconcile(const struct disk *disk, const char *directory, const struct catalog *catalog,
              struct store_recovery *recovery, struct recovery_end *end, struct hive_error *error);

#endif
