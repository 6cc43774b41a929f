/* Makes a queen's directory of a backup. A crash in the middle leaves a directory that no queen starts on: the file
 * `restoring` comes first and goes last, and the identity comes last but one. Doing it again begins anew. */
#include "store/restore.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "store/catalog.h"
#include "store/identity.h"
#include "store/snapshot.h"
#include "store/store_internal.h"

#define SEGMENT_BYTES ((size_t)1024 * 1024)
#define COPY_BYTES    ((size_t)256 * 1024)

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
                struct hive_error *error)
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
    return restore_run(&disk_system, directory, path, address, error);
}

int store_snapshot_verify(const char *path, struct raft_snapshot *snapshot, struct hive_error *error)
{
    return snapshot_verify(&disk_system, path, snapshot, error);
}
