/* The store at run time: one segment in use, the next one made ahead, and a write that is one pwritev and one
 * fdatasync on bytes that are already there. */
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "store/catalog.h"
#include "store/identity.h"
#include "store/recovery.h"
#include "store/store_internal.h"

/* A queen's first segment is made while she starts and everybody waits: five of them that start at once on
 * one disk are through in 10 ms with 1 MiB each, and in 35 ms with 8 MiB (measured). The later ones are made
 * beside the work, where a larger one means fewer switches. */
#define FIRST_SEGMENT_BYTES ((size_t)1024 * 1024)
#define SEGMENT_BYTES       ((size_t)8 * 1024 * 1024)
/* Between two segments that go: a sync of the log is not to wait for the freeing of many. */
#define DROP_PAUSE_MS     8
#define SEGMENT_BYTES_MIN ((size_t)256) /* room for a header and a small frame */

/* True where nothing was written yet to the segment in use. */
static bool is_empty(const struct store *store)
{
    return store->offset == WAL_HEADER_BYTES;
}

/* ---- the next segment ---- */

static void prepare(void *argument)
{
    struct store *store = argument;
    /* Nobody asks for its error: without a spare the switch makes the segment itself, and tells its own. */
    segment_create(store->disk, store->directory, store->id, store->active.sequence + 1, store->segment_bytes,
                   &store->spare, NULL);
}

/* Begins to make the next segment once half of this one is used: late enough that a cluster that has just
 * started, or has little to do, never pays for it, and early enough that it is there when it is needed. */
static void prepare_when_due(struct store *store)
{
    if (store->is_preparing || store->spare.file >= 0 || is_empty(store) ||
        store->offset - WAL_HEADER_BYTES < (store->active.bytes - WAL_HEADER_BYTES) / 2)
        return;
    store->is_preparing = disk_begin(store->disk, prepare, store, &store->preparer) == 0;
}

static void await_preparer(struct store *store)
{
    if (store->is_preparing)
        disk_join(store->disk, store->preparer);
    store->is_preparing = false;
}

/* Goes on in another segment, one that has room for a frame of that many bytes. */
static int switch_segment(struct store *store, size_t frame_bytes, struct hive_error *error)
{
    await_preparer(store);
    size_t needed = WAL_HEADER_BYTES + frame_bytes;
    if (store->spare.file >= 0 && store->spare.bytes < needed)
        segment_close(store->disk, &store->spare);
    if (store->spare.file < 0) {
        size_t bytes = needed > store->segment_bytes ? needed : store->segment_bytes;
        /* An empty segment is replaced: but for the last one, there is none that nothing is in. */
        uint64_t sequence = store->active.sequence + (is_empty(store) ? 0 : 1);
        int result =
            segment_create(store->disk, store->directory, store->id, sequence, bytes, &store->spare, error);
        if (result < 0)
            return result;
    }
    segment_close(store->disk, &store->active);
    store->active = store->spare;
    store->spare = SEGMENT_NONE;
    store->offset = WAL_HEADER_BYTES;
    return 0;
}

/* ---- writing ---- */

/* What the log says after the batch. A batch that recovery would refuse one day is refused now. */
static int follow(const struct wal_state *before, const void *batch, size_t bytes, struct wal_state *after,
                  struct hive_error *error)
{
    const uint8_t *payload = batch;
    const char *wrong = NULL;
    struct wal_record record;
    *after = *before;
    while (!wrong && wal_next_record(&payload, &bytes, &record))
        wrong = wal_apply(after, &record);
    if (!wrong && bytes)
        wrong = "it holds what is not a record";
    return wrong ? hive_error_set(error, -EINVAL, "this write cannot go into the log: %s", wrong) : 0;
}

/* Tells the thread of the snapshots what is durable now: which segments are full, and what they are good for. */
static void note_written(struct store *store, const struct wal_state *after)
{
    if (!is_empty(store) && after->base == store->state.base)
        return;
    pthread_mutex_lock(&store->mutex);
    if (is_empty(store) && store->active.sequence > store->first_sequence) { /* the one before it is full */
        if (store->closed_count == store->closed_capacity) {
            store->closed_capacity = store->closed_capacity ? store->closed_capacity * 2 : 16;
            store->closed = hive_realloc(store->closed, store->closed_capacity, sizeof *store->closed);
        }
        store->closed[store->closed_count++] = store->state.last_index;
    }
    if (after->base != store->state.base && store->closed_count) /* an install: nothing before it counts */
        memset(store->closed, 0, store->closed_count * sizeof *store->closed);
    pthread_mutex_unlock(&store->mutex);
}

static int write_frame(struct store *store, const void *batch, size_t bytes, struct hive_error *error)
{
    struct wal_state after;
    if (bytes > WAL_PAYLOAD_BYTES - WAL_OPENING_BYTES)
        return hive_error_set(error, -EFBIG, "a write of %zu bytes is more than the log takes at once",
                              bytes);
    int result = follow(&store->state, batch, bytes, &after, error);
    size_t room = WAL_FRAME_EXTRA_BYTES + WAL_OPENING_BYTES + bytes; /* the most that it can need */
    if (result == 0 && store->active.bytes - store->offset < room)
        result = switch_segment(store, room, error);
    if (result < 0)
        return result;

    struct wal_envelope envelope;
    wal_seal(&envelope, store->active.salt, store->write_number + 1, is_empty(store) ? &store->state : NULL,
             batch, bytes);
    struct iovec parts[] = {
        {.iov_base = envelope.head, .iov_len = envelope.head_bytes},
        {.iov_base = (void *)(uintptr_t)batch, .iov_len = bytes},
        {.iov_base = &envelope.mark, .iov_len = sizeof envelope.mark},
    };
    result = disk_write(store->disk, store->active.file, parts, 3, (off_t)store->offset);
    if (result == 0)
        result = disk_sync(store->disk, store->active.file);
    if (result < 0)
        return hive_error_set(error, result, "cannot write segment %" PRIu64 " of the log in %s: %s",
                              store->active.sequence, store->directory, strerror(-result));
    note_written(store, &after);
    store->offset += envelope.head_bytes + bytes + sizeof envelope.mark;
    store->write_number++;
    store->state = after;
    return 0;
}

int store_write(struct store *store, const void *batch, size_t bytes, struct hive_error *error)
{
    if (store->failure)
        return hive_error_set(
            error, store->failure,
            "the log takes no more writes since one failed (%s): mend that, and start again",
            store->reason.message);
    if (bytes == 0)
        return 0;
    int result = write_frame(store, batch, bytes, &store->reason);
    if (result == 0)
        prepare_when_due(store);
    else if (error)
        *error = store->reason;
    store->failure = result;
    return result;
}

/* ---- what a snapshot stands for ---- */

/* Takes the first segment off the list of full ones, where nothing in it is needed; 0: it is. */
static uint64_t take_first(struct store *store, raft_index first)
{
    uint64_t sequence = 0;
    pthread_mutex_lock(&store->mutex);
    raft_index floor = shelf_floor(store);
    if (first > floor)
        first = floor;
    if (store->closed_count && store->closed[0] < first) {
        sequence = store->first_sequence++;
        memmove(store->closed, store->closed + 1, --store->closed_count * sizeof *store->closed);
    }
    pthread_mutex_unlock(&store->mutex);
    return sequence;
}

int store_drop_before(struct store *store, raft_index first, struct hive_error *error)
{
    int result = 0;
    /* After a failure nobody knows what the disk has: without another one, that is how it stays. */
    if (store->has_failed_to_drop)
        return 0;
    for (uint64_t sequence; result == 0 && (sequence = take_first(store, first));) {
        char *path = segment_path(store->directory, sequence);
        result = store->disk->remove(store->disk, path);
        /* One by one: a crash must not leave a gap between those that are there. */
        if (result == 0)
            result = store->disk->sync_directory(store->disk, store->directory);
        if (result < 0)
            hive_error_set(error, result, "cannot remove %s: %s", path, strerror(-result));
        store->has_failed_to_drop = result < 0;
        free(path);
        disk_pause(store->disk, DROP_PAUSE_MS);
    }
    return result;
}

/* ---- opening and closing ---- */

static int open_segments(struct store *store, struct recovery_end *end, size_t first_bytes,
                         struct hive_error *error)
{
    store->first_sequence = end->first_sequence;
    store->offset = WAL_HEADER_BYTES;
    if (end->sequence == 0)
        return segment_create(store->disk, store->directory, store->id, 1, first_bytes, &store->active,
                              error);
    store->offset = end->offset;
    store->write_number = end->write_number;
    store->state = end->state;
    store->closed = end->closed;
    store->closed_count = store->closed_capacity = (size_t)(end->sequence - end->first_sequence);
    end->closed = NULL;
    int result = segment_open(store->disk, store->directory, end->sequence, &store->active, error);
    if (result == 0 && end->has_spare)
        result = segment_open(store->disk, store->directory, end->sequence + 1, &store->spare, error);
    if (result == 0)
        prepare_when_due(store);
    return result;
}

/* Makes the log say what the snapshot says. The term that it was made in has been, so nobody can have voted in it
 * here: a vote would have told of it. */
static int install(struct store *store, struct store_recovery *recovery, struct hive_error *error)
{
    struct hive_buffer batch = {0};
    const struct raft_snapshot *snapshot = recovery->snapshot;
    store_encode_install(&batch, snapshot->index, snapshot->term);
    if (snapshot->term > recovery->term) {
        recovery->term = snapshot->term;
        recovery->voted_for = 0;
        store_encode_hard_state(&batch, recovery->term, 0);
    }
    int result = write_frame(store, batch.data, batch.size, error);
    hive_buffer_finish(&batch);
    return result;
}

/* The queen's id: the one that is there, or a new one. */
static int find_identity(struct store *store, const struct catalog *catalog, struct hive_error *error)
{
    size_t segments, snapshots, restoring;
    catalog_find(catalog, CATALOG_SEGMENT, &segments);
    catalog_find(catalog, CATALOG_SNAPSHOT, &snapshots);
    catalog_find(catalog, CATALOG_RESTORING, &restoring);
    int result = identity_read(store->disk, store->directory, &store->id, error);
    if (result != -ENOENT)
        return result;
    if (restoring)
        return hive_error_set(error, -EBADMSG, "restoring a backup into %s was not finished: do it again",
                              store->directory);
    if (segments || snapshots)
        return hive_error_set(
            error, -ENOTSUP,
            "%s was written by an earlier version of hive, whose queens had no `" CATALOG_IDENTITY_NAME
            "` of their own: keep it, and start this queen with another, empty directory",
            store->directory);
    store->id = identity_draw(store->disk);
    return identity_write(store->disk, store->directory, store->id, error);
}

static int find_founding(struct store *store, struct store_recovery *recovery, struct hive_error *error)
{
    struct raft_configuration *founding = hive_calloc(1, sizeof *founding);
    int result = founding_read(store->disk, store->directory, founding, error);
    if (result == 0)
        recovery->founding = founding;
    else
        free(founding);
    store->has_founding = result == 0;
    return result == -ENOENT ? 0 : result;
}

static int find_joined(struct store *store, struct store_recovery *recovery, struct hive_error *error)
{
    int result = joined_read(store->disk, store->directory, &recovery->joined, error);
    return result == -ENOENT ? 0 : result;
}

/* Puts the snapshots that are good on the shelf, and takes away what nobody needs. */
static void tidy(struct store *store, const struct catalog *catalog, raft_index newest)
{
    size_t count;
    const struct catalog_file *file = catalog_find(catalog, CATALOG_SNAPSHOT, &count);
    for (; count; count--, file++) {
        char *path = hive_format("%s/%s", store->directory, file->name);
        if (file->numbers[0] <= newest)
            shelf_add(store, file->numbers[0], file->numbers[1]);
        else /* it is damaged, and another one stands in for it */
            disk_remove(store->disk, path);
        free(path);
    }
    catalog_remove(catalog, store->disk, store->directory, CATALOG_TEMPORARY);
    catalog_remove(catalog, store->disk, store->directory, CATALOG_RESTORING);
}

/* Everything behind the lock. */
static int recover(struct store *store, size_t first_bytes, struct store_recovery *recovery,
                   struct hive_error *error)
{
    struct catalog catalog = {0};
    struct recovery_end end = {0};
    int result = catalog_read(store->disk, store->directory, &catalog, error);
    if (result == 0)
        result = find_identity(store, &catalog, error);
    if (result == 0)
        result = find_founding(store, recovery, error);
    if (result == 0)
        result = find_joined(store, recovery, error);
    if (result == 0)
        result = recovery_run(store->disk, store->directory, store->id, &catalog, recovery, &end, error);
    if (result == 0)
        result = open_segments(store, &end, first_bytes, error);
    recovery->id = store->id;
    recovery->is_new =
        end.write_number == 0 && !recovery->snapshot && !recovery->founding && !recovery->joined;
    if (result == 0)
        tidy(store, &catalog, end.good[0]);
    if (result == 0 && end.is_replaced)
        result = install(store, recovery, error);
    recovery_end_finish(&end);
    catalog_finish(&catalog);
    return result;
}

int store_open(const struct store_config *config, struct store **store, struct store_recovery *recovery,
               struct hive_error *error)
{
    size_t bytes = config->segment_bytes ? config->segment_bytes : SEGMENT_BYTES;
    size_t first_bytes = config->segment_bytes ? config->segment_bytes : FIRST_SEGMENT_BYTES;
    const struct disk *disk = config->disk ? config->disk : &disk_system;
    *recovery = (struct store_recovery){0};
    if (bytes < SEGMENT_BYTES_MIN)
        return hive_error_set(error, -EINVAL,
                              "a segment of %zu bytes is too small for a log: take %zu or more", bytes,
                              SEGMENT_BYTES_MIN);
    struct store *made = hive_calloc(1, sizeof *made);
    *made = (struct store){
        .disk = disk,
        .directory = hive_strdup(config->directory),
        .segment_bytes = bytes,
        .lock = -1,
        .active = SEGMENT_NONE,
        .spare = SEGMENT_NONE,
    };
    pthread_mutex_init(&made->mutex, NULL);
    char *lock = hive_format("%s/" CATALOG_LOCK_NAME, config->directory);
    int result = disk->make_directories(disk, config->directory);
    if (result < 0)
        hive_error_set(error, result, "cannot use the directory %s: %s", config->directory,
                       strerror(-result));
    else
        result = made->lock = disk->lock(disk, lock, error);
    if (result >=
        0) { /* a file may have got its name just before the process ended, and the name not be on disk yet */
        result = disk->sync_directory(disk, config->directory);
        if (result < 0)
            hive_error_set(error, result, "cannot sync the directory %s: %s", config->directory,
                           strerror(-result));
    }
    if (result == 0)
        result = recover(made, first_bytes, recovery, error);
    free(lock);
    if (result < 0) {
        store_recovery_finish(recovery);
        store_close(made);
        return result;
    }
    *store = made;
    return 0;
}

int store_set_founding(struct store *store, const struct raft_configuration *founding,
                       struct hive_error *error)
{
    pthread_mutex_lock(&store->mutex);
    /* A log is no reason: a queen may have voted, and have got her leader's first entries without the one that names the
     * members, before she was founded. Whoever knows no members can do nothing without this. */
    bool is_late = store->has_founding || store->shelf_count;
    pthread_mutex_unlock(&store->mutex);
    if (is_late)
        return hive_error_set(error, -EEXIST, "the queen of %s belongs to a group already", store->directory);
    int result = founding_write(store->disk, store->directory, founding, error);
    store->has_founding = result == 0;
    return result;
}

int store_set_joined(struct store *store, raft_index index, struct hive_error *error)
{
    return joined_write(store->disk, store->directory, index, error);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    await_preparer(store);
    segment_close(store->disk, &store->active);
    segment_close(store->disk, &store->spare);
    shelf_finish(store);
    if (store->lock >= 0)
        store->disk->close(store->disk, store->lock);
    pthread_mutex_destroy(&store->mutex);
    free(store->closed);
    free(store->directory);
    free(store);
}
