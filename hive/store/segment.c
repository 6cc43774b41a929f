/* Segment files. They get their final name only when they are full of zeros, headed and synced: a file of
 * that name is therefore never half made, and a bad header is damage, not a crash. */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "store/catalog.h"
#include "store/wal.h"

/* A segment is filled in steps of so many bytes, each synced: it is made beside the work, and a sync of the log must
 * not have to wait for all of it. */
#define FILL_BYTES ((size_t)1024 * 1024)

static int failed(struct hive_error *error, int code, const char *what, const char *path)
{
    return hive_error_set(error, code, "cannot %s %s: %s", what, path, strerror(-code));
}

char *segment_path(const char *directory, uint64_t sequence)
{
    return hive_format("%s/" CATALOG_SEGMENT_NAME, directory, sequence);
}

static int fill(const struct disk *disk, int file, const struct wal_header *header, size_t bytes)
{
    uint8_t head[WAL_HEADER_BYTES];
    wal_encode_header(header, head);
    int result = disk_write_bytes(disk, file, head, sizeof head, 0);
    size_t done = sizeof head;
    while (result == 0 && done < bytes) {
        size_t part = bytes - done < FILL_BYTES ? bytes - done : FILL_BYTES;
        result = disk_write_zeros(disk, file, (off_t)done, part);
        if (result == 0)
            result = disk_sync(disk, file);
        done += part;
    }
    return result;
}

int segment_create(const struct disk *disk, const char *directory, raft_id id, uint64_t sequence,
                   size_t bytes, struct segment *segment, struct hive_error *error)
{
    /* One name for all: a file that a crash left half made is used again, so nobody needs to look for such.
     */
    char *temporary = hive_format("%s/segment.tmp", directory);
    char *path = segment_path(directory, sequence);
    struct wal_header header = {.id = id, .sequence = sequence, .salt = disk->random(disk)};
    int result = 0, file = disk->open(disk, temporary, O_RDWR | O_CREAT | O_TRUNC);
    if (file < 0) {
        result = failed(error, file, "create", temporary);
        goto out;
    }
    result = fill(disk, file, &header, bytes);
    if (result < 0) {
        failed(error, result, "fill", temporary);
        goto out;
    }
    result = disk->rename(disk, temporary, path);
    if (result < 0) {
        failed(error, result, "rename a new segment to", path);
        goto out;
    }
    result = disk->sync_directory(disk, directory);
    if (result < 0) {
        failed(error, result, "sync the directory", directory);
        goto out;
    }
    *segment = (struct segment){.file = file, .sequence = sequence, .salt = header.salt, .bytes = bytes};
    file = -1;
out:
    if (file >= 0) {
        disk->remove(disk, temporary);
        disk->close(disk, file);
    }
    free(temporary);
    free(path);
    return result;
}

int segment_open(const struct disk *disk, const char *directory, uint64_t sequence, struct segment *segment,
                 struct hive_error *error)
{
    char *path = segment_path(directory, sequence);
    uint8_t head[WAL_HEADER_BYTES];
    struct wal_header header;
    int file = disk->open(disk, path, O_RDWR);
    int64_t bytes = file < 0 ? file : disk->size(disk, file);
    int result = bytes < 0 ? (int)bytes : 0;
    if (result < 0) {
        failed(error, result, "open", path);
        goto out;
    }
    ssize_t got = disk_read(disk, file, head, sizeof head, 0);
    result = got < 0 ? (int)got : wal_decode_header(head, (size_t)got, &header);
    if (result < 0) {
        failed(error, result, "read the header of", path);
        goto out;
    }
    *segment =
        (struct segment){.file = file, .sequence = sequence, .salt = header.salt, .bytes = (size_t)bytes};
    file = -1;
out:
    if (file >= 0)
        disk->close(disk, file);
    free(path);
    return result;
}

void segment_close(const struct disk *disk, struct segment *segment)
{
    if (segment->file >= 0)
        disk->close(disk, segment->file);
    *segment = SEGMENT_NONE;
}
