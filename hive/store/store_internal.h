/* The store's own door for its tests. */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include "store/disk.h"
#include "store/store.h"

/* store_open on another disk than the system's. */
int store_open_on(const struct disk *disk, const struct store_config *config, struct store **store,
                  struct store_recovery *recovery, struct hive_error *error);

#endif
