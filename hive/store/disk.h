/* Everything that the store asks of a disk, behind pointers: tests put one in its place that writes half, fails, or
 * loses what was not synced; the simulator keeps whole file systems in memory. Nothing else in the store touches a
 * file, a thread or a random number.
 *
 * Every call takes the disk first, so that a stand-in can be part of a larger struct. Thread-safe where the disk is:
 * the system's is. Results: 0 or more, or a negative errno. Files are removed as in POSIX: what is open stays readable
 * and writable, and rename replaces. */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "hive/error.h"

struct disk {
    /* As open(2) with O_CLOEXEC, mode 0600: a handle. Flags that are used: O_RDONLY, O_RDWR, and with that O_CREAT
     * or O_CREAT | O_TRUNC. */
    int (*open)(const struct disk *disk, const char *path, int flags);
    void (*close)(const struct disk *disk, int file);
    ssize_t (*read)(const struct disk *disk, int file, void *bytes, size_t size, off_t offset); /* pread(2) */
    ssize_t (*write)(const struct disk *disk, int file, const struct iovec *parts, int count,
                     off_t offset);                                  /* pwritev(2) */
    int (*sync)(const struct disk *disk, int file);                  /* fdatasync(2) */
    int64_t (*size)(const struct disk *disk, int file);              /* bytes of the file */
    int (*truncate)(const struct disk *disk, int file, off_t bytes); /* ftruncate(2) */
    /* True where nobody would miss the bytes of a file that was removed: it has no other name (a hard link), and nobody else
     * has it open. */
    bool (*is_orphan)(const struct disk *disk, int file);
    int (*rename)(const struct disk *disk, const char *from, const char *to);
    int (*remove)(const struct disk *disk, const char *path);           /* unlink(2) */
    int (*make_directories)(const struct disk *disk, const char *path); /* fine where they are */
    int (*sync_directory)(const struct disk *disk, const char *path);
    /* Every name in the directory, in any order; stops where `visit` does not return 0, and returns that. */
    int (*list)(const struct disk *disk, const char *path, int (*visit)(const char *name, void *context),
                void *context);
    /* Locks the file, which is made where missing: a handle, or -EWOULDBLOCK with a message that tells who has it. Closing it
     * releases the lock. */
    int (*lock)(const struct disk *disk, const char *path, struct hive_error *error);
    uint64_t (*random)(const struct disk *disk);
    /* Runs work(argument) beside the caller; join waits for it. Both NULL: there is no beside, it is run at once. */
    int (*begin)(const struct disk *disk, void (*work)(void *argument), void *argument, void **task);
    void (*join)(const struct disk *disk, void *task);
    /* The same without a join: the process may end before the work does. NULL: it is run at once. */
    int (*detach)(const struct disk *disk, void (*work)(void *argument), void *argument);
    /* Lets others have the disk for so long; NULL: there are no others. */
    void (*pause)(const struct disk *disk, int ms);
};

/* The real one. */
extern const struct disk disk_system;

/* Writes all of the parts at `offset`, going on after interrupts and short writes. 0, or a negative errno.
 * Uses up `parts`. */
int disk_write(const struct disk *disk, int file, struct iovec *parts, int count, off_t offset);
int disk_write_bytes(const struct disk *disk, int file, const void *bytes, size_t size, off_t offset);

/* Writes `bytes` zeros at `offset`. */
int disk_write_zeros(const struct disk *disk, int file, off_t offset, size_t bytes);

/* Reads up to `size` bytes, fewer only at the file's end: how many. */
ssize_t disk_read(const struct disk *disk, int file, void *bytes, size_t size, off_t offset);

/* Reads all of the file. -EFBIG beyond `max`. */
struct hive_buffer;
int disk_read_all(const struct disk *disk, int file, size_t max, struct hive_buffer *content);

/* Makes what was written to the file durable. 0, or a negative errno: then what was written since the last
 * sync may be on disk or not, now and forever. */
int disk_sync(const struct disk *disk, int file);

/* A small file of that name with that content, durable in both before this returns; a crash leaves the old one or the
 * new one, and maybe NAME.tmp. */
int disk_put_file(const struct disk *disk, const char *directory, const char *name, const void *bytes,
                  size_t size, struct hive_error *error);

/* Gives the space of a file back in steps, each synced, so that the disk is never busy with it for long: a gigabyte takes
 * seconds. 0, or a negative errno. */
int disk_shrink(const struct disk *disk, int file);

/* Closes a file that was removed. Its space is given back in steps, beside the caller; not where somebody else would miss it. */
void disk_let_go(const struct disk *disk, int file);

/* Removes a file that may be large, and lets it go. As remove. Only for what does no harm where a crash brings its name back
 * with fewer bytes. */
int disk_remove(const struct disk *disk, const char *path);

/* disk->pause, also where there is none. */
void disk_pause(const struct disk *disk, int ms);

/* disk->begin and join, also where there are none. */
int disk_begin(const struct disk *disk, void (*work)(void *argument), void *argument, void **task);
void disk_join(const struct disk *disk, void *task);

#endif
