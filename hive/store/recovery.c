/* Recovery: reads all segments in order and follows their records, then finds the snapshot that goes with them. What is read is either a log as it was
 * acknowledged, less at most a write that never was, or an error: nothing is guessed, and nothing is skipped.
 * How a bad frame is judged is told at the top of wal.c. Nothing is written before all was judged. */
#include "store/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "store/reconcile.h"
#include "store/segment.h"

/* A segment is as large as it was configured, or as the one frame that did not fit into that. */
#define SEGMENT_BYTES_MAX (WAL_HEADER_BYTES + WAL_FRAME_EXTRA_BYTES + (size_t)WAL_PAYLOAD_BYTES)

/* What was found out about one segment. */
struct extent {
    size_t used;  /* bytes up to the end of the last intact frame, header included */
    size_t dirty; /* up to the last byte that is not zero: beyond `used` where a write was torn */
};

struct scan {
    const struct disk *disk;
    const char *directory;
    raft_id id;
    uint64_t first, last;              /* sequences of the segments; last < first: there are none */
    struct extent *extents;            /* of each */
    struct hive_buffer content, ahead; /* of the segment that is read; of one that is looked into ahead */
    struct recovery_end *end;
    struct store_recovery *found;
    size_t capacity;   /* of found->entries */
    char *last_frame;  /* a copy of the log's last frame, owned */
    size_t last_bytes; /* of it */
};

/* Fills in the error for damage at `offset` of a segment. */
static int damaged(const struct scan *scan, uint64_t sequence, size_t offset, const char *what,
                   struct hive_error *error)
{
    char *path = segment_path(scan->directory, sequence);
    int result =
        hive_error_set(error, -EBADMSG,
                       "%s is damaged at byte %zu: %s: leave this queen off and keep %s as it is; the others "
                       "go on while they are a "
                       "majority (on an emptied or older directory it could take acknowledged writes back)",
                       path, offset, what, scan->directory);
    free(path);
    return result;
}

static int load(const struct scan *scan, uint64_t sequence, struct hive_buffer *content,
                struct wal_image *image, struct hive_error *error)
{
    struct wal_header header = {0};
    char *path = segment_path(scan->directory, sequence);
    int file = scan->disk->open(scan->disk, path, O_RDONLY);
    int result = file < 0 ? file : disk_read_all(scan->disk, file, SEGMENT_BYTES_MAX, content);
    if (file >= 0)
        scan->disk->close(scan->disk, file);
    if (result < 0) {
        hive_error_set(error, result, "cannot read %s: %s", path, strerror(-result));
        goto out;
    }
    result = wal_decode_header(content->data, content->size, &header);
    if (result == -ENOTSUP)
        hive_error_set(error, result, "%s was written by another version of hive: run that version on it",
                       path);
    else if (result < 0)
        damaged(scan, sequence, 0, "its header is not intact", error);
    else if (header.id != scan->id)
        result = hive_error_set(error, -EINVAL,
                                "%s belongs to queen %" PRIu64 ", and its directory to queen %" PRIu64
                                ": files of two queens were mixed; put back what belongs here",
                                path, header.id, scan->id);
    else if (header.sequence != sequence)
        result = damaged(scan, sequence, 0, "its header is that of another segment", error);
    *image = (struct wal_image){(const uint8_t *)content->data, content->size, header.salt};
out:
    free(path);
    return result;
}

void recovery_drop_from(struct store_recovery *recovery, raft_index from)
{
    while (recovery->entry_count && recovery->entries[recovery->entry_count - 1].index >= from)
        free((void *)(uintptr_t)recovery->entries[--recovery->entry_count].data);
}

static void keep_entry(struct scan *scan, const struct raft_entry *entry)
{
    struct store_recovery *found = scan->found;
    if (found->entry_count == scan->capacity) {
        scan->capacity = scan->capacity ? scan->capacity * 2 : 64;
        found->entries = hive_realloc(found->entries, scan->capacity, sizeof *found->entries);
    }
    struct raft_entry *kept = &found->entries[found->entry_count++];
    *kept = *entry;
    kept->data = entry->bytes ? hive_memdup(entry->data, entry->bytes) : NULL;
}

/* The term of the last entry, as far as it is known; else 0. */
static raft_term last_term(const struct scan *scan)
{
    const struct wal_state *state = &scan->end->state;
    if (scan->found->entry_count)
        return scan->found->entries[scan->found->entry_count - 1].term;
    return state->base && state->base == state->last_index ? state->base_term : 0;
}

/* A segment opens. The first one that is there is believed: what was before it, a snapshot stands for. */
static void open_segment(struct scan *scan, uint64_t sequence, const struct wal_record *record)
{
    struct recovery_end *end = scan->end;
    if (sequence > scan->first) {
        end->closed[sequence - scan->first - 1] = record->entry.index - 1;
    } else if (sequence > 1 && record->entry.index) {
        end->state = (struct wal_state){
            .last_index = record->entry.index - 1, .term = record->term, .voted_for = record->voted_for};
        end->first = record->entry.index;
    }
}

/* What a record that makes sense does to the entries. */
static void keep(struct scan *scan, uint64_t sequence, const struct wal_record *record)
{
    struct recovery_end *end = scan->end;
    switch (record->kind) {
    case WAL_ENTRY:
        keep_entry(scan, &record->entry);
        break;
    case WAL_TRUNCATE:
        recovery_drop_from(scan->found, record->entry.index);
        if (record->entry.index < end->first)
            end->first = record->entry.index;
        break;
    case WAL_INSTALL:
        recovery_drop_from(scan->found, 0);
        end->first = record->entry.index + 1;
        for (uint64_t i = 0; i < sequence - scan->first; i++)
            end->closed[i] = 0;
        break;
    case WAL_HARD_STATE:
    case WAL_OPENING:
        break;
    }
}

/* Follows the records of an intact frame. NULL, or what about them cannot be. */
static const char *follow(struct scan *scan, uint64_t sequence, const struct wal_frame *frame,
                          bool opens_segment)
{
    const uint8_t *payload = frame->payload;
    size_t bytes = frame->payload_bytes;
    struct wal_record record;
    for (; wal_next_record(&payload, &bytes, &record); opens_segment = false) {
        if (opens_segment != (record.kind == WAL_OPENING))
            return "a segment's opening is not where it belongs";
        if (opens_segment)
            open_segment(scan, sequence, &record);
        if (record.kind == WAL_ENTRY && record.entry.term < last_term(scan))
            return "it holds an entry of an older term than the one before it";
        const char *wrong = wal_apply(&scan->end->state, &record);
        if (wrong)
            return wrong;
        keep(scan, sequence, &record);
    }
    return bytes ? "it holds what is not a record" : NULL;
}

/* Judges the bytes at `offset`, which are neither an intact frame nor the end of what is used: 0 where a
 * crash left them, and an error where they were a frame once. */
static int judge(struct scan *scan, uint64_t sequence, const struct wal_image *image, size_t offset,
                 struct hive_error *error)
{
    uint64_t number = scan->end->write_number;
    bool is_damage = wal_has_frame(image, offset, number);
    for (uint64_t later = sequence + 1; later <= scan->last && !is_damage; later++) {
        struct wal_image ahead;
        int result = load(scan, later, &scan->ahead, &ahead, error);
        if (result < 0)
            return result;
        is_damage = wal_has_frame(&ahead, WAL_HEADER_BYTES, number);
    }
    if (is_damage)
        return damaged(scan, sequence, offset, "intact records lie behind one that is not", error);
    if (wal_frame_is_whole(image, offset))
        return damaged(scan, sequence, offset, "a record that was written in full has changed", error);
    return 0;
}

static int read_segment(struct scan *scan, uint64_t sequence, struct hive_error *error)
{
    struct recovery_end *end = scan->end;
    struct wal_image image;
    struct wal_frame frame;
    int result = load(scan, sequence, &scan->content, &image, error);
    if (result < 0)
        return result;
    size_t used = WAL_HEADER_BYTES;
    bool is_begin = sequence == scan->first && sequence > 1; /* its first write may have any number */
    while (wal_decode_frame(&image, used, &frame) &&
           (frame.number == end->write_number + 1 || (is_begin && end->write_number == 0 && frame.number))) {
        const char *wrong = follow(scan, sequence, &frame, used == WAL_HEADER_BYTES);
        if (wrong)
            return damaged(scan, sequence, used, wrong, error);
        end->write_number = frame.number;
        end->sequence = sequence;
        scan->last_bytes = frame.bytes;
        used += frame.bytes;
    }
    size_t dirty = image.size;
    while (dirty > used && image.bytes[dirty - 1] == 0)
        dirty--;
    if (dirty > used)
        result = judge(scan, sequence, &image, used, error);
    if (result < 0)
        return result;
    /* The next segment is made when this one is half full, never before; and those before it go when something
     * is in this one. */
    if (used == WAL_HEADER_BYTES && sequence < scan->last)
        return damaged(scan, sequence, used, "nothing is in it, though later segments are there", error);
    if (used == WAL_HEADER_BYTES && is_begin)
        return damaged(scan, sequence, used, "nothing is in it, though the segments before it are gone",
                       error);
    if (used > WAL_HEADER_BYTES) {
        end->offset = used;
        free(scan->last_frame);
        scan->last_frame = hive_memdup(image.bytes + used - scan->last_bytes, scan->last_bytes);
    }
    scan->extents[sequence - scan->first] = (struct extent){used, dirty};
    return 0;
}

/* Cuts what a crash left behind the segment's last intact frame; and writes the log's last frame again. That
 * one may be known to the page cache only: the process was killed between write and sync, or the sync failed
 * and the kernel keeps the bytes as if it had not. Term and entries in it are acted upon from now on, so they
 * have to be on the disk. */
static int make_durable(struct scan *scan, uint64_t sequence, struct hive_error *error)
{
    const struct disk *disk = scan->disk;
    const struct extent *extent = &scan->extents[sequence - scan->first];
    bool has_last = sequence == scan->end->sequence;
    if (!has_last && extent->dirty == extent->used)
        return 0;
    struct segment segment = SEGMENT_NONE;
    int result = segment_open(disk, scan->directory, sequence, &segment, error);
    if (result < 0)
        return result;
    if (has_last)
        result = disk_write_bytes(disk, segment.file, scan->last_frame, scan->last_bytes,
                                  (off_t)(extent->used - scan->last_bytes));
    if (result == 0)
        result = disk_write_zeros(disk, segment.file, (off_t)extent->used, extent->dirty - extent->used);
    if (result == 0)
        result = disk_sync(disk, segment.file);
    if (result < 0)
        hive_error_set(error, result, "cannot write to segment %" PRIu64 " of %s: %s", sequence,
                       scan->directory, strerror(-result));
    segment_close(disk, &segment);
    scan->found->truncated_bytes += extent->dirty - extent->used;
    return result;
}

/* Which segments there are. -EBADMSG where one is missing between them. */
static int find_segments(struct scan *scan, const struct catalog *catalog, struct hive_error *error)
{
    size_t count;
    const struct catalog_file *files = catalog_find(catalog, CATALOG_SEGMENT, &count);
    scan->first = count ? files[0].numbers[0] : 1;
    scan->last = scan->first + count - 1;
    for (size_t i = 0; i < count; i++) {
        if (files[i].numbers[0] == scan->first + i)
            continue;
        char *path = segment_path(scan->directory, scan->first + i);
        int result = hive_error_set(
            error, -EBADMSG,
            "%s is missing, and later parts of the log are there: put it back, or leave this queen off "
            "and keep %s as it is; the others go on while they are a majority",
            path, scan->directory);
        free(path);
        return result;
    }
    return 0;
}

int recovery_run(const struct disk *disk, const char *directory, raft_id id, const struct catalog *catalog,
                 struct store_recovery *recovery, struct recovery_end *end, struct hive_error *error)
{
    struct scan scan = {.disk = disk, .directory = directory, .id = id, .end = end, .found = recovery};
    *end = (struct recovery_end){.first = 1};
    int result = find_segments(&scan, catalog, error);
    if (result < 0)
        return result;
    uint64_t count = scan.last + 1 - scan.first;
    scan.extents = hive_calloc(count, sizeof *scan.extents);
    end->closed = hive_calloc(count, sizeof *end->closed);
    end->first_sequence = scan.first;
    for (uint64_t sequence = scan.first; sequence <= scan.last && result == 0; sequence++)
        result = read_segment(&scan, sequence, error);
    if (result == 0)
        result = reconcile(disk, directory, catalog, recovery, end, error);
    for (uint64_t sequence = scan.first; sequence <= scan.last && result == 0; sequence++)
        result = make_durable(&scan, sequence, error);
    if (count && end->sequence == 0) { /* a log whose first write was never finished */
        end->sequence = scan.first;
        end->offset = WAL_HEADER_BYTES;
    }
    end->has_spare = end->sequence && end->sequence < scan.last;
    recovery->term = end->state.term;
    recovery->voted_for = end->state.voted_for;
    free(scan.extents);
    free(scan.last_frame);
    hive_buffer_finish(&scan.content);
    hive_buffer_finish(&scan.ahead);
    return result;
}

void recovery_end_finish(struct recovery_end *end)
{
    free(end->closed);
    *end = (struct recovery_end){0};
}

void store_recovery_finish(struct store_recovery *recovery)
{
    recovery_drop_from(recovery, 0);
    free(recovery->entries);
    free(recovery->snapshot);
    free(recovery->founding);
    *recovery = (struct store_recovery){0};
}
