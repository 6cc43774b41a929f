/* The store at run time: one segment in use, the next one made ahead, and a write that is one pwritev and one
 * fdatasync on bytes that are already there. */
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "hive/file.h"
#include "hive/memory.h"
#include "store/recovery.h"
#include "store/segment.h"
#include "store/store_internal.h"
#include "store/wal.h"

/* A queen's first segment is made while she starts and everybody waits: five of them that start at once on
 * one disk are through in 10 ms with 1 MiB each, and in 35 ms with 8 MiB (measured). The later ones are made
 * beside the work, where a larger one means fewer switches. */
#define FIRST_SEGMENT_BYTES ((size_t)1024 * 1024)
#define SEGMENT_BYTES       ((size_t)8 * 1024 * 1024)
#define SEGMENT_BYTES_MIN   ((size_t)256) /* room for a header and a small frame */

struct store {
    const struct disk *disk;
    char *directory;
    raft_id id;
    size_t segment_bytes;
    int lock;

    struct segment active;
    size_t offset; /* of the next frame in it */
    uint64_t write_number;
    struct wal_state state; /* after the last frame */

    /* The next segment. While `is_preparing` it belongs to the thread `preparer`, and joining gets it back.
     */
    struct segment spare;
    pthread_t preparer;
    bool is_preparing;

    int failure; /* the error that ended it all; 0: none */
    struct hive_error reason;
};

/* True where nothing was written yet to the segment in use. */
static bool is_empty(const struct store *store)
{
    return store->offset == WAL_HEADER_BYTES;
}

/* ---- the next segment ---- */

static void *prepare(void *argument)
{
    struct store *store = argument;
    /* Nobody asks for its error: without a spare the switch makes the segment itself, and tells its own. */
    segment_create(store->disk, store->directory, store->id, store->active.sequence + 1, store->segment_bytes,
                   &store->spare, NULL);
    return NULL;
}

/* Begins to make the next segment once half of this one is used: late enough that a cluster that has just
 * started, or has little to do, never pays for it, and early enough that it is there when it is needed. */
static void prepare_when_due(struct store *store)
{
    if (store->is_preparing || store->spare.file >= 0 || is_empty(store) ||
        store->offset - WAL_HEADER_BYTES < (store->active.bytes - WAL_HEADER_BYTES) / 2)
        return;
    sigset_t all, before;
    sigfillset(&all);
    /* Signals are the business of the threads that were there first. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    store->is_preparing = pthread_create(&store->preparer, NULL, prepare, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void await_preparer(struct store *store)
{
    if (store->is_preparing)
        pthread_join(store->preparer, NULL);
    store->is_preparing = false;
}

/* Goes on in another segment, one that has room for a frame of that many bytes. */
static int switch_segment(struct store *store, size_t frame_bytes, struct hive_error *error)
{
    await_preparer(store);
    size_t needed = WAL_HEADER_BYTES + frame_bytes;
    if (store->spare.file >= 0 && store->spare.bytes < needed)
        segment_close(&store->spare);
    if (store->spare.file < 0) {
        size_t bytes = needed > store->segment_bytes ? needed : store->segment_bytes;
        /* An empty segment is replaced: but for the last one, there is none that nothing is in. */
        uint64_t sequence = store->active.sequence + (is_empty(store) ? 0 : 1);
        int result =
            segment_create(store->disk, store->directory, store->id, sequence, bytes, &store->spare, error);
        if (result < 0)
            return result;
    }
    segment_close(&store->active);
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

/* ---- opening and closing ---- */

static int open_segments(struct store *store, const struct recovery_end *end, size_t first_bytes,
                         struct hive_error *error)
{
    if (end->sequence == 0) {
        store->offset = WAL_HEADER_BYTES;
        return segment_create(store->disk, store->directory, store->id, 1, first_bytes, &store->active,
                              error);
    }
    store->offset = end->offset;
    store->write_number = end->write_number;
    store->state = end->state;
    int result = segment_open(store->directory, end->sequence, &store->active, error);
    if (result == 0 && end->has_spare)
        result = segment_open(store->directory, end->sequence + 1, &store->spare, error);
    if (result == 0)
        prepare_when_due(store);
    return result;
}

int store_open_on(const struct disk *disk, const struct store_config *config, struct store **store,
                  struct store_recovery *recovery, struct hive_error *error)
{
    size_t bytes = config->segment_bytes ? config->segment_bytes : SEGMENT_BYTES;
    size_t first_bytes = config->segment_bytes ? config->segment_bytes : FIRST_SEGMENT_BYTES;
    *recovery = (struct store_recovery){0};
    if (bytes < SEGMENT_BYTES_MIN)
        return hive_error_set(error, -EINVAL,
                              "a segment of %zu bytes is too small for a log: take %zu or more", bytes,
                              SEGMENT_BYTES_MIN);
    struct store *made = hive_calloc(1, sizeof *made);
    *made = (struct store){
        .disk = disk,
        .directory = hive_strdup(config->directory),
        .id = config->id,
        .segment_bytes = bytes,
        .lock = -1,
        .active = SEGMENT_NONE,
        .spare = SEGMENT_NONE,
    };
    struct recovery_end end;
    char *lock = hive_format("%s/lock", config->directory);
    int result = hive_file_make_directories(config->directory, 0700, error);
    if (result == 0)
        result = made->lock = hive_file_lock(lock, error);
    if (result >= 0) /* a segment may have got its name just before the process ended, and the name not be on
                        disk yet */
        result = disk->sync_directory(config->directory, error);
    if (result == 0)
        result = recovery_run(disk, config->directory, config->id, recovery, &end, error);
    if (result == 0)
        result = open_segments(made, &end, first_bytes, error);
    free(lock);
    if (result < 0) {
        store_recovery_finish(recovery);
        store_close(made);
        return result;
    }
    *store = made;
    return 0;
}

int store_open(const struct store_config *config, struct store **store, struct store_recovery *recovery,
               struct hive_error *error)
{
    return store_open_on(&disk_system, config, store, recovery, error);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    await_preparer(store);
    segment_close(&store->active);
    segment_close(&store->spare);
    if (store->lock >= 0)
        close(store->lock);
    free(store->directory);
    free(store);
}
