/* The snapshots that are kept, newest first, and reading them. One that is too many loses its name at once and its
 * space when its last reader is done, step by step: a file system that frees a gigabyte at a time holds up whoever
 * syncs meanwhile. That takes seconds, and nobody waits for it: disk_let_go. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "store/catalog.h"
#include "store/snapshot.h"
#include "store/store_internal.h"

struct store_snapshot_reader {
    struct snapshot_file file;
    struct shelved *shelved;
};

/* ---- the shelf ---- */

static char *path_of(const struct store *store, raft_index index, raft_term term)
{
    return hive_format("%s/" CATALOG_SNAPSHOT_NAME, store->directory, index, term);
}

static void release(const struct disk *disk, struct shelved *shelved)
{
    if (atomic_fetch_sub(&shelved->users, 1) > 1)
        return;
    if (shelved->file >= 0)
        disk_let_go(disk, shelved->file);
    free(shelved->path);
    free(shelved);
}

/* Takes those that are too many out of the list, under the mutex; the caller removes them. */
static size_t take_surplus(struct store *store, struct shelved *surplus[HIVE_SNAPSHOTS + 1])
{
    size_t count = 0;
    while (store->shelf_count > HIVE_SNAPSHOTS)
        surplus[count++] = store->shelf[--store->shelf_count];
    return count;
}

static void insert(struct store *store, raft_index index, raft_term term)
{
    struct shelved *shelved = hive_calloc(1, sizeof *shelved);
    *shelved = (struct shelved){
        .index = index, .term = term, .path = path_of(store, index, term), .users = 1, .file = -1};
    size_t at = store->shelf_count++;
    for (; at && store->shelf[at - 1]->index < index; at--)
        store->shelf[at] = store->shelf[at - 1];
    store->shelf[at] = shelved;
}

void shelf_add(struct store *store, raft_index index, raft_term term)
{
    struct shelved *surplus[HIVE_SNAPSHOTS + 1];
    pthread_mutex_lock(&store->mutex);
    insert(store, index, term);
    size_t count = take_surplus(store, surplus);
    pthread_mutex_unlock(&store->mutex);
    for (size_t i = 0; i < count; i++) {
        struct shelved *old = surplus[i];
        /* Best effort: what stays is removed at the next start. It loses its bytes only when its name is gone for good. */
        int file = store->disk->open(store->disk, old->path, O_RDWR);
        if (store->disk->remove(store->disk, old->path) == 0 &&
            store->disk->sync_directory(store->disk, store->directory) == 0)
            old->file = file;
        else if (file >= 0)
            store->disk->close(store->disk, file);
        release(store->disk, old);
    }
}

bool shelf_has(struct store *store, raft_index index, raft_term term)
{
    bool is_there = false;
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < store->shelf_count && !is_there; i++)
        is_there = store->shelf[i]->index == index && store->shelf[i]->term == term;
    pthread_mutex_unlock(&store->mutex);
    return is_there;
}

int shelf_put(struct store *store, const char *path, raft_index index, raft_term term,
              struct hive_error *error)
{
    const struct disk *disk = store->disk;
    char *name = path_of(store, index, term);
    int result = disk->rename(disk, path, name);
    if (result < 0) {
        hive_error_set(error, result, "cannot rename a new snapshot to %s: %s", name, strerror(-result));
        goto out;
    }
    result = disk->sync_directory(disk, store->directory);
    if (result < 0) {
        hive_error_set(error, result, "cannot sync the directory %s: %s", store->directory,
                       strerror(-result));
        goto out; /* it stays, complete: a crash may leave it or not, and the next start sees what is there */
    }
    shelf_add(store, index, term);
out:
    free(name);
    return result;
}

raft_index shelf_floor(struct store *store)
{
    return store->shelf_count ? store->shelf[store->shelf_count - 1]->index : 0;
}

void shelf_finish(struct store *store)
{
    while (store->shelf_count)
        release(store->disk, store->shelf[--store->shelf_count]);
}

/* ---- readers ---- */

/* The newest one, which the caller uses from here on; NULL: there is none. */
static struct shelved *take_newest(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    struct shelved *newest = store->shelf_count ? store->shelf[0] : NULL;
    if (newest)
        atomic_fetch_add(&newest->users, 1);
    pthread_mutex_unlock(&store->mutex);
    return newest;
}

int store_snapshot_open(struct store *store, struct store_snapshot_reader **reader, struct hive_error *error)
{
    struct shelved *newest = take_newest(store);
    if (!newest)
        return hive_error_set(error, -ENOENT, "there is no snapshot in %s yet", store->directory);
    struct store_snapshot_reader *made = hive_calloc(1, sizeof *made);
    made->shelved = newest;
    int result = snapshot_open(store->disk, newest->path, &made->file, error);
    if (result < 0)
        store_snapshot_close(made);
    else
        *reader = made;
    return result;
}

const struct raft_snapshot *store_snapshot_meta(const struct store_snapshot_reader *reader)
{
    return &reader->file.meta;
}

uint64_t store_snapshot_file_bytes(const struct store_snapshot_reader *reader)
{
    return reader->file.file_bytes;
}

ssize_t store_snapshot_read_file(struct store_snapshot_reader *reader, uint64_t offset, void *bytes,
                                 size_t size, struct hive_error *error)
{
    const struct snapshot_file *file = &reader->file;
    ssize_t got = disk_read(file->disk, file->file, bytes, size, (off_t)offset);
    if (got < 0)
        hive_error_set(error, (int)got, "cannot read %s: %s", file->path, strerror((int)-got));
    return got;
}

ssize_t store_snapshot_read(struct store_snapshot_reader *reader, void *bytes, size_t size,
                            struct hive_error *error)
{
    return snapshot_read(&reader->file, bytes, size, error);
}

void store_snapshot_close(struct store_snapshot_reader *reader)
{
    if (!reader)
        return;
    const struct disk *disk = reader->file.disk;
    snapshot_finish(&reader->file);
    release(disk, reader->shelved);
    free(reader);
}
