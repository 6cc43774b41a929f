/* Segment files. They get their final name only when they are full of zeros, headed and synced: a file of
 * that name is therefore never half made, and a bad header is damage, not a crash. */
#include "store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hive/memory.h"
#include "hive/random.h"
#include "store/wal.h"

#define PREFIX "segment-"
#define DIGITS 10

static int failed(struct hive_error *error, int code, const char *what, const char *path)
{
    return hive_error_set(error, code, "cannot %s %s: %s", what, path, strerror(-code));
}

char *segment_path(const char *directory, uint64_t sequence)
{
    return hive_format("%s/" PREFIX "%0*" PRIu64, directory, DIGITS, sequence);
}

/* The number in a segment's name; 0 where it is the name of something else. */
static uint64_t sequence_of(const char *name)
{
    size_t prefix = sizeof PREFIX - 1;
    if (strlen(name) != prefix + DIGITS || memcmp(name, PREFIX, prefix) != 0 ||
        strspn(name + prefix, "0123456789") != DIGITS)
        return 0;
    return strtoull(name + prefix, NULL, 10);
}

/* Says which of the `count` files that should be numbered 1 to `count` is not there. */
static int missing(const char *directory, uint64_t count, struct hive_error *error)
{
    char *path = NULL;
    uint64_t sequence = 0;
    do {
        free(path);
        path = segment_path(directory, ++sequence);
    } while (sequence < count && access(path, F_OK) == 0);
    int result = hive_error_set(
        error, -EBADMSG,
        "%s is missing, and later parts of the log are there: put it back, or leave this queen off "
        "and keep %s as it is; the others go on while they are a majority",
        path, directory);
    free(path);
    return result;
}

int segment_count(const char *directory, uint64_t *count, struct hive_error *error)
{
    DIR *list = opendir(directory);
    if (!list)
        return failed(error, -errno, "read the directory", directory);
    uint64_t last = 0;
    *count = 0;
    const struct dirent *entry;
    while (errno = 0, entry = readdir(list)) {
        uint64_t sequence = sequence_of(entry->d_name);
        if (sequence == 0)
            continue;
        last = sequence > last ? sequence : last;
        ++*count;
    }
    int result = errno ? failed(error, -errno, "read the directory", directory) : 0;
    closedir(list);
    /* Names are unique: as many as the highest number says are all of them. */
    if (result == 0 && last != *count)
        result = missing(directory, last, error);
    return result;
}

static int fill(const struct disk *disk, int file, const struct wal_header *header, size_t bytes)
{
    uint8_t head[WAL_HEADER_BYTES];
    wal_encode_header(header, head);
    struct iovec iovec = {.iov_base = head, .iov_len = sizeof head};
    int result = disk_write(disk, file, &iovec, 1, 0);
    if (result == 0)
        result = disk_write_zeros(disk, file, sizeof head, bytes - sizeof head);
    return result == 0 ? disk_sync(disk, file) : result;
}

int segment_create(const struct disk *disk, const char *directory, raft_id id, uint64_t sequence,
                   size_t bytes, struct segment *segment, struct hive_error *error)
{
    /* One name for all: a file that a crash left half made is used again, so nobody needs to look for such.
     */
    char *temporary = hive_format("%s/segment.tmp", directory);
    char *path = segment_path(directory, sequence);
    struct wal_header header = {.id = id, .sequence = sequence, .salt = hive_random()};
    int result = 0, file = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        result = failed(error, -errno, "create", temporary);
        goto out;
    }
    result = fill(disk, file, &header, bytes);
    if (result < 0) {
        failed(error, result, "fill", temporary);
        goto out;
    }
    if (rename(temporary, path) < 0) {
        result = failed(error, -errno, "rename a new segment to", path);
        goto out;
    }
    result = disk->sync_directory(directory, error);
    if (result < 0)
        goto out;
    *segment = (struct segment){.file = file, .sequence = sequence, .salt = header.salt, .bytes = bytes};
    file = -1;
out:
    if (file >= 0) {
        unlink(temporary);
        close(file);
    }
    free(temporary);
    free(path);
    return result;
}

int segment_open(const char *directory, uint64_t sequence, struct segment *segment, struct hive_error *error)
{
    char *path = segment_path(directory, sequence);
    uint8_t head[WAL_HEADER_BYTES];
    struct wal_header header;
    struct stat status;
    int result = 0, file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) < 0) {
        result = failed(error, -errno, "open", path);
        goto out;
    }
    ssize_t bytes = pread(file, head, sizeof head, 0);
    result = bytes < 0 ? -errno : wal_decode_header(head, (size_t)bytes, &header);
    if (result < 0) {
        failed(error, result, "read the header of", path);
        goto out;
    }
    *segment = (struct segment){
        .file = file, .sequence = sequence, .salt = header.salt, .bytes = (size_t)status.st_size};
    file = -1;
out:
    if (file >= 0)
        close(file);
    free(path);
    return result;
}

void segment_close(struct segment *segment)
{
    if (segment->file >= 0)
        close(segment->file);
    *segment = SEGMENT_NONE;
}
