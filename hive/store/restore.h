/* Putting a backup back, on any disk and at any time: store_restore is this on the system's, now. */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "hive/error.h"
#include "store/disk.h"

int restore_run(const struct disk *disk, const char *directory, const char *path, const char *address,
                int64_t unix_ms, struct hive_error *error);

#endif
