/* The calls that make bytes durable, behind pointers: tests put a disk in their place that writes half,
 * fails, or loses what was not synced. Nothing else in the store writes to a file. Thread-safe. */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "hive/error.h"

struct disk {
    /* As pwritev(2), fdatasync(2): -1 and errno. */
    ssize_t (*write)(int file, const struct iovec *parts, int count, off_t offset);
    int (*sync)(int file);
    /* As hive_file_sync_directory. */
    int (*sync_directory)(const char *path, struct hive_error *error);
};

/* The real one. */
extern const struct disk disk_system;

/* Writes all of the parts at `offset`, going on after interrupts and short writes. 0, or a negative errno.
 * Uses up `parts`. */
int disk_write(const struct disk *disk, int file, struct iovec *parts, int count, off_t offset);

/* Writes `bytes` zeros at `offset`. */
int disk_write_zeros(const struct disk *disk, int file, off_t offset, size_t bytes);

/* Makes what was written to the file durable. 0, or a negative errno: then what was written since the last
 * sync may be on disk or not, now and forever. */
int disk_sync(const struct disk *disk, int file);

#endif
