/* Everything that the store asks of a disk, behind pointers: tests put one in its place that writes half, fails, or loses
 * what was not synced; the simulator keeps whole file systems in memory. Nothing else in the store touches a file, a thread or a
 * random number.
 *
 * Every call takes the disk first, so that a stand-in can be part of a larger struct. Thread-safe where the disk is: the system's is.
 * Results: 0 or more, or a negative errno. */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "hive/error.h"

struct disk {
    /* As open(2) with O_CLOEXEC, mode 0600: a handle. */
    int (*open)(const struct disk *disk, const char *path, int flags);
    void (*close)(const struct disk *disk, int file);
    ssize_t (*read)(const struct disk *disk, int file, void *bytes, size_t size, off_t offset); /* pread(2) */
    ssize_t (*write)(const struct disk *disk, int file, const struct iovec *parts, int count,
                     off_t offset);                                  /* pwritev(2) */
    int (*sync)(const struct disk *disk, int file);                  /* fdatasync(2) */
    int64_t (*size)(const struct disk *disk, int file);              /* bytes of the file */
    int (*truncate)(const struct disk *disk, int file, off_t bytes); /* ftruncate(2) */
    int (*rename)(const struct disk *disk, const char *from, const char *to);
    int (*remove)(const struct disk *disk, const char *path); /* unlink(2) */
    int (*make_directories)(const struct disk *disk, const char *path);
    int (*sync_directory)(const struct disk *disk, const char *path);
    /* Every name in the directory, in any order; stops where `visit` does not return 0, and returns that. */
    int (*list)(const struct disk *disk, const char *path, int (*visit)(const char *name, void *context),
                void *context);
    /* Locks the file, which is made where missing: a handle, or -EWOULDBLOCK with a message that tells who has it. */
    int (*lock)(const struct disk *disk, const char *path, struct hive_error *error);
    uint64_t (*random)(const struct disk *disk);
    /* Runs work(argument) beside the caller; NULL: there is no beside, it is run at once and 0 is returned. join waits for it. */
    int (*begin)(const struct disk *disk, void (*work)(void *argument), void *argument, void **task);
    void (*join)(const struct disk *disk, void *task);
};

/* The real one. */
extern const struct disk disk_system;

/* Writes all of the parts at `offset`, going on after interrupts and short writes. 0, or a negative errno.
 * Uses up `parts`. */
int disk_write(const struct disk *disk, int file, struct iovec *parts, int count, off_t offset);

/* Writes `bytes` zeros at `offset`. */
int disk_write_zeros(const struct disk *disk, int file, off_t offset, size_t bytes);

/* Reads all of the file. -EFBIG beyond `max`. */
struct hive_buffer;
int disk_read_all(const struct disk *disk, int file, size_t max, struct hive_buffer *content);

/* Makes what was written to the file durable. 0, or a negative errno: then what was written since the last
 * sync may be on disk or not, now and forever. */
int disk_sync(const struct disk *disk, int file);

#endif
