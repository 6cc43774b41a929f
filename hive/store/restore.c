/* Makes a queen's directory of a backup. A crash in the middle leaves a directory that no queen starts on: the file
 * `restoring` comes first and goes last, and the identity comes last but one. Doing it again begins anew.
 *
 * The new group's log begins far above the backup's index, at one that the clock gives. The lost group went on
 * behind the backup, and people remember what it said: ids of watches, ETags, numbers of tasks. With indexes used twice those
 * would seem to be the new group's. As it is each is one that the new group has, with the same meaning (up to the backup), or lies in
 * the gap, which to a watch is too old and to a condition never true. By the clock, and not by a fixed step, because the same backup may
 * be restored again, after a group that began with it was lost as well. */
#include "store/restore.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "store/catalog.h"
#include "store/identity.h"
#include "store/snapshot.h"
#include "store/store_internal.h"

#define SEGMENT_BYTES ((size_t)1024 * 1024)
#define COPY_BYTES    ((size_t)256 * 1024)

/* No group writes more entries than this in the long run (ten times what was ever measured). The indexes of today have 15
 * digits: JSON libraries that know only doubles print them as they are. */
#define ENTRIES_PER_MS 250
/* Where the clock cannot be right: before 2001, beyond those 15 digits, or behind a clock that the backup has seen. */
#define CLOCK_MIN_MS ((int64_t)1000 * 1000 * 1000 * 1000)
#define CLOCK_MAX_MS ((int64_t)4 * CLOCK_MIN_MS)
#define STEP         ((raft_index)1000 * 1000 * 1000 * 1000)

/* Looks whether the directory is free; removes what an earlier try left in it. */
static int clear(const struct disk *disk, const char *directory, struct hive_error *error)
{
    static const enum catalog_kind own[] = {CATALOG_FOUNDING, CATALOG_SEGMENT, CATALOG_SNAPSHOT,
                                            CATALOG_TEMPORARY};
    struct catalog catalog;
    size_t identities, tries;
    int result = catalog_read(disk, directory, &catalog, error);
    catalog_find(&catalog, CATALOG_IDENTITY, &identities);
    catalog_find(&catalog, CATALOG_RESTORING, &tries);
    bool is_own = tries && !identities;
    for (size_t i = 0; i < catalog.count && result == 0; i++) {
        const struct catalog_file *file = &catalog.files[i];
        bool is_fine = file->kind == CATALOG_LOCK || strcmp(file->name, CATALOG_RESTORING_NAME ".tmp") == 0;
        if (is_own && file->kind != CATALOG_OTHER && file->kind != CATALOG_INCOMING)
            is_fine = true;
        if (!is_fine)
            result =
                hive_error_set(error, -EEXIST, "there is %s in %s already: restore into an empty directory",
                               file->name, directory);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0] && result == 0 && is_own; i++)
        catalog_remove(&catalog, disk, directory, own[i]);
    catalog_finish(&catalog);
    return result;
}

/* Where the new group's log begins. */
static raft_index begin_behind(raft_index backup, int64_t unix_ms)
{
    if (unix_ms < CLOCK_MIN_MS || unix_ms >= CLOCK_MAX_MS || (raft_index)unix_ms * ENTRIES_PER_MS <= backup)
        return backup + STEP;
    return (raft_index)unix_ms * ENTRIES_PER_MS;
}

/* Writes the snapshot with another group's members. */
static int copy(struct store *store, const char *path, const struct raft_snapshot *snapshot,
                struct hive_error *error)
{
    struct snapshot_file from;
    struct store_snapshot_writer *writer = NULL;
    uint8_t *bytes = hive_malloc(COPY_BYTES);
    ssize_t got = snapshot_open(store->disk, path, &from, error);
    if (got == 0)
        got = store_snapshot_begin(store, snapshot, &writer, error);
    while (got == 0 && (got = snapshot_read(&from, bytes, COPY_BYTES, error)) > 0)
        got = store_snapshot_append(writer, bytes, (size_t)got, error);
    if (got == 0 && !from.is_at_end)
        got = hive_error_set(error, -EBADMSG, "%s has changed meanwhile", path);
    if (got == 0)
        got = store_snapshot_commit(writer, error);
    else
        store_snapshot_abort(writer);
    snapshot_finish(&from);
    free(bytes);
    return (int)got;
}

/* A log that begins behind the snapshot. */
static int begin_log(struct store *store, const struct raft_snapshot *snapshot, struct hive_error *error)
{
    struct hive_buffer batch = {0};
    store_encode_install(&batch, snapshot->index, snapshot->term);
    store_encode_hard_state(&batch, snapshot->term, 0);
    int result =
        segment_create(store->disk, store->directory, store->id, 1, SEGMENT_BYTES, &store->active, error);
    if (result == 0)
        result = store_write(store, batch.data, batch.size, error);
    hive_buffer_finish(&batch);
    return result;
}

/* Everything, once the directory is locked and free. */
static int fill(struct store *store, const char *path, struct raft_snapshot *snapshot, const char *address,
                struct hive_error *error)
{
    const struct disk *disk = store->disk;
    const char *directory = store->directory;
    struct raft_configuration *members = &snapshot->configuration;
    store->id = identity_draw(disk);
    *members = (struct raft_configuration){.count = 1};
    members->members[0] = (struct raft_member){.id = store->id, .kind = RAFT_MEMBER_VOTER};
    memcpy(members->members[0].address, address, strlen(address) + 1);
    int result = disk_put_file(disk, directory, CATALOG_RESTORING_NAME, NULL, 0, error);
    if (result == 0)
        result = founding_write(disk, directory, members, error);
    members->index = snapshot->index;
    if (result == 0)
        result = copy(store, path, snapshot, error);
    if (result == 0)
        result = begin_log(store, snapshot, error);
    if (result == 0)
        result = identity_write(disk, directory, store->id, error);
    if (result == 0) {
        char *mark = hive_format("%s/" CATALOG_RESTORING_NAME, directory);
        disk->remove(disk, mark); /* else the queen does, when she starts */
        free(mark);
    }
    return result;
}

int restore_run(const struct disk *disk, const char *directory, const char *path, const char *address,
                int64_t unix_ms, struct hive_error *error)
{
    if (!*address || strlen(address) >= HIVE_ADDRESS_BYTES)
        return hive_error_set(error, -EINVAL, "\"%s\" is not an address of a queen", address);
    struct raft_snapshot *snapshot = hive_calloc(1, sizeof *snapshot);
    struct store store = {.disk = disk,
                          .directory = hive_strdup(directory),
                          .segment_bytes = SEGMENT_BYTES,
                          .lock = -1,
                          .active = SEGMENT_NONE,
                          .spare = SEGMENT_NONE,
                          .offset = WAL_HEADER_BYTES,
                          .first_sequence = 1};
    char *lock = hive_format("%s/" CATALOG_LOCK_NAME, directory);
    pthread_mutex_init(&store.mutex, NULL);
    int result = snapshot_verify(disk, path, snapshot, error);
    if (result == 0 && (result = disk->make_directories(disk, directory)) < 0)
        hive_error_set(error, result, "cannot use the directory %s: %s", directory, strerror(-result));
    if (result == 0)
        result = store.lock = disk->lock(disk, lock, error);
    if (result >= 0)
        result = clear(disk, directory, error);
    snapshot->index = begin_behind(snapshot->index, unix_ms);
    if (result == 0)
        result = fill(&store, path, snapshot, address, error);
    segment_close(disk, &store.active);
    shelf_finish(&store);
    if (store.lock >= 0)
        disk->close(disk, store.lock);
    pthread_mutex_destroy(&store.mutex);
    free(store.closed);
    free(store.directory);
    free(lock);
    free(snapshot);
    return result;
}

int store_restore(const char *directory, const char *path, const char *address, struct hive_error *error)
{
    return restore_run(&disk_system, directory, path, address, hive_clock_unix_ms(), error);
}

int store_snapshot_verify(const char *path, struct raft_snapshot *snapshot, struct hive_error *error)
{
    return snapshot_verify(&disk_system, path, snapshot, error);
}
