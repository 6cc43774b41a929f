/* The system's disk, and what every disk is used with: writing and reading in full, which are loops around calls
 * that may be interrupted and may do less than they were asked. */
#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hive/buffer.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "hive/random.h"

/* Bytes of one write of zeros: few calls, and little enough that a sync beside it is not held up for long. */
#define ZERO_BYTES (256 * 1024)

/* How a file's space is given back. On a file system that is mounted with `discard`, what is freed is handed to the device
 * when the journal is committed, and a sync beside that waits in the device behind all of it: 100 ms for a gigabyte
 * (measured). So each step is small, committed by itself, and followed by a pause in which others have their turn. */
#define SHRINK_BYTES    ((int64_t)4 * 1024 * 1024)
#define SHRINK_PAUSE_MS 25

/* ---- the system's ---- */

static int code_of(int result)
{
    return result < 0 ? -errno : result;
}

static int system_open(const struct disk *disk, const char *path, int flags)
{
    (void)disk;
    return code_of(open(path, flags | O_CLOEXEC, 0600));
}

static void system_close(const struct disk *disk, int file)
{
    (void)disk;
    close(file);
}

static ssize_t system_read(const struct disk *disk, int file, void *bytes, size_t size, off_t offset)
{
    (void)disk;
    ssize_t result = pread(file, bytes, size, offset);
    return result < 0 ? -errno : result;
}

static ssize_t system_write(const struct disk *disk, int file, const struct iovec *parts, int count,
                            off_t offset)
{
    (void)disk;
    ssize_t result = pwritev(file, parts, count, offset);
    return result < 0 ? -errno : result;
}

static int system_sync(const struct disk *disk, int file)
{
    (void)disk;
    return code_of(fdatasync(file));
}

static int64_t system_size(const struct disk *disk, int file)
{
    struct stat status;
    (void)disk;
    return fstat(file, &status) < 0 ? -errno : (int64_t)status.st_size;
}

static int system_truncate(const struct disk *disk, int file, off_t bytes)
{
    (void)disk;
    return code_of(ftruncate(file, bytes));
}

static bool system_is_orphan(const struct disk *disk, int file)
{
    struct stat status;
    (void)disk;
    if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink)
        return false;
    /* A lease for writing is given to nobody but the only one who has the file open; and without a name, nobody else will. */
    fcntl(file, F_SETSIG, SIGURG); /* who opens it through /proc just now is not to end this process */
    if (fcntl(file, F_SETLEASE, F_WRLCK) < 0)
        return false;
    fcntl(file, F_SETLEASE, F_UNLCK);
    return true;
}

static int system_rename(const struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return code_of(rename(from, to));
}

static int system_remove(const struct disk *disk, const char *path)
{
    (void)disk;
    return code_of(unlink(path));
}

static int system_make_directories(const struct disk *disk, const char *path)
{
    (void)disk;
    return hive_file_make_directories(path, 0700, NULL);
}

static int system_sync_directory(const struct disk *disk, const char *path)
{
    (void)disk;
    return hive_file_sync_directory(path, NULL);
}

static int system_list(const struct disk *disk, const char *path,
                       int (*visit)(const char *name, void *context), void *context)
{
    (void)disk;
    DIR *list = opendir(path);
    if (!list)
        return -errno;
    int result = 0;
    const struct dirent *entry;
    while (result == 0 && (errno = 0, entry = readdir(list)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = visit(entry->d_name, context);
    if (result == 0 && errno)
        result = -errno;
    closedir(list);
    return result;
}

static int system_lock(const struct disk *disk, const char *path, struct hive_error *error)
{
    (void)disk;
    return hive_file_lock(path, error);
}

static uint64_t system_random(const struct disk *disk)
{
    (void)disk;
    return hive_random();
}

struct task {
    pthread_t thread;
    void (*work)(void *argument);
    void *argument;
};

static void *run(void *argument)
{
    struct task *task = argument;
    task->work(task->argument);
    return NULL;
}

static struct task *start(void (*work)(void *argument), void *argument, void *(*body)(void *argument),
                          int *code)
{
    struct task *task = hive_calloc(1, sizeof *task);
    task->work = work;
    task->argument = argument;
    sigset_t all, before;
    sigfillset(&all);
    /* Signals are the business of the threads that were there first. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *code = -pthread_create(&task->thread, NULL, body, task);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (*code == 0)
        return task;
    free(task);
    return NULL;
}

static int system_begin(const struct disk *disk, void (*work)(void *argument), void *argument, void **begun)
{
    int code;
    (void)disk;
    *begun = start(work, argument, run, &code);
    return code;
}

static void system_join(const struct disk *disk, void *begun)
{
    (void)disk;
    struct task *task = begun;
    pthread_join(task->thread, NULL);
    free(task);
}

static void *run_detached(void *argument)
{
    struct task task = *(struct task *)argument;
    free(argument);
    pthread_detach(pthread_self());
    task.work(task.argument);
    return NULL;
}

static int system_detach(const struct disk *disk, void (*work)(void *argument), void *argument)
{
    int code;
    (void)disk;
    start(work, argument, run_detached, &code);
    return code;
}

static void system_pause(const struct disk *disk, int ms)
{
    (void)disk;
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

const struct disk disk_system = {
    .open = system_open,
    .close = system_close,
    .read = system_read,
    .write = system_write,
    .sync = system_sync,
    .size = system_size,
    .truncate = system_truncate,
    .is_orphan = system_is_orphan,
    .rename = system_rename,
    .remove = system_remove,
    .make_directories = system_make_directories,
    .sync_directory = system_sync_directory,
    .list = system_list,
    .lock = system_lock,
    .random = system_random,
    .begin = system_begin,
    .join = system_join,
    .detach = system_detach,
    .pause = system_pause,
};

/* ---- any disk ---- */

int disk_write(const struct disk *disk, int file, struct iovec *parts, int count, off_t offset)
{
    while (count) {
        if (parts->iov_len == 0) {
            parts++;
            count--;
            continue;
        }
        ssize_t written = disk->write(disk, file, parts, count, offset);
        if (written == -EINTR)
            continue;
        if (written <= 0) /* 0 is not in pwritev's book for a file: take it for an error, not for a loop */
            return written < 0 ? (int)written : -EIO;
        offset += written;
        for (size_t left = (size_t)written; left;) {
            size_t part = left < parts->iov_len ? left : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + part;
            parts->iov_len -= part;
            left -= part;
            if (parts->iov_len == 0) {
                parts++;
                count--;
            }
        }
    }
    return 0;
}

int disk_write_bytes(const struct disk *disk, int file, const void *bytes, size_t size, off_t offset)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    return disk_write(disk, file, &part, 1, offset);
}

int disk_write_zeros(const struct disk *disk, int file, off_t offset, size_t bytes)
{
    static const char zeros[ZERO_BYTES];
    int result = 0;
    while (bytes && result == 0) {
        size_t part = bytes < sizeof zeros ? bytes : sizeof zeros;
        result = disk_write_bytes(disk, file, zeros, part, offset);
        offset += (off_t)part;
        bytes -= part;
    }
    return result;
}

ssize_t disk_read(const struct disk *disk, int file, void *bytes, size_t size, off_t offset)
{
    size_t got = 0;
    while (got < size) {
        ssize_t part = disk->read(disk, file, (char *)bytes + got, size - got, offset + (off_t)got);
        if (part == -EINTR)
            continue;
        if (part < 0)
            return part;
        if (part == 0)
            break;
        got += (size_t)part;
    }
    return (ssize_t)got;
}

int disk_read_all(const struct disk *disk, int file, size_t max, struct hive_buffer *content)
{
    hive_buffer_clear(content);
    int64_t size = disk->size(disk, file);
    if (size < 0)
        return (int)size;
    if ((uint64_t)size > max)
        return -EFBIG;
    ssize_t got = disk_read(disk, file, hive_buffer_reserve(content, (size_t)size), (size_t)size, 0);
    if (got < 0)
        return (int)got;
    content->size = (size_t)got;
    content->data[content->size] = '\0';
    return 0;
}

int disk_sync(const struct disk *disk, int file)
{
    /* An interrupted sync has told nothing yet and is asked again. Any other failure stands: the kernel may
     * have marked the pages as clean, and a second try would report success for bytes that are nowhere. */
    int result;
    do
        result = disk->sync(disk, file);
    while (result == -EINTR);
    return result;
}

int disk_put_file(const struct disk *disk, const char *directory, const char *name, const void *bytes,
                  size_t size, struct hive_error *error)
{
    char *path = hive_format("%s/%s", directory, name), *temporary = hive_format("%s.tmp", path);
    int file = disk->open(disk, temporary, O_RDWR | O_CREAT | O_TRUNC);
    int result = file < 0 ? file : disk_write_bytes(disk, file, bytes, size, 0);
    if (result == 0)
        result = disk_sync(disk, file);
    if (file >= 0)
        disk->close(disk, file);
    if (result == 0)
        result = disk->rename(disk, temporary, path);
    if (result == 0)
        result = disk->sync_directory(disk, directory);
    else if (file >= 0)
        disk->remove(disk, temporary);
    if (result < 0)
        hive_error_set(error, result, "cannot write %s: %s", path, strerror(-result));
    free(temporary);
    free(path);
    return result;
}

int disk_shrink(const struct disk *disk, int file)
{
    int64_t size = disk->size(disk, file);
    int result = size < 0 ? (int)size : 0;
    while (size > 0 && result == 0) {
        size = size > SHRINK_BYTES ? size - SHRINK_BYTES : 0;
        result = disk->truncate(disk, file, size);
        if (result == 0 && size)
            result = disk_sync(disk, file);
        if (result == 0 && size)
            disk_pause(disk, SHRINK_PAUSE_MS);
    }
    return result;
}

struct leaving {
    const struct disk *disk;
    int file;
};

static void leave(void *argument)
{
    struct leaving *leaving = argument;
    const struct disk *disk = leaving->disk;
    if (disk->is_orphan(disk, leaving->file))
        disk_shrink(disk, leaving->file); /* best effort: what is left goes at once */
    disk->close(disk, leaving->file);
    free(leaving);
}

void disk_let_go(const struct disk *disk, int file)
{
    struct leaving *leaving = hive_malloc(sizeof *leaving);
    *leaving = (struct leaving){disk, file};
    /* A small one is not worth a thread. */
    if (!disk->detach || disk->size(disk, file) <= SHRINK_BYTES || disk->detach(disk, leave, leaving) < 0)
        leave(leaving);
}

int disk_remove(const struct disk *disk, const char *path)
{
    int file = disk->open(disk, path, O_RDWR), result = disk->remove(disk, path);
    if (file >= 0 && result == 0)
        disk_let_go(disk, file);
    else if (file >= 0)
        disk->close(disk, file);
    return result;
}

void disk_pause(const struct disk *disk, int ms)
{
    if (disk->pause)
        disk->pause(disk, ms);
}

int disk_begin(const struct disk *disk, void (*work)(void *argument), void *argument, void **task)
{
    if (disk->begin)
        return disk->begin(disk, work, argument, task);
    work(argument);
    *task = NULL;
    return 0;
}

void disk_join(const struct disk *disk, void *task)
{
    if (disk->join)
        disk->join(disk, task);
}
