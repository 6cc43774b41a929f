/* Putting a backup back, on any disk: store_restore is this on the system's. */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "hive/error.h"
#include "store/disk.h"

int restore_run(const struct disk *disk, const char *directory, const char *path, const char *address,
                struct hive_error *error);

#endif
