/* A snapshot that comes from a peer, piece by piece. What has arrived stays when the connection ends, and when the process does:
 * its name tells what it is of, and its size how far it got. It is not believed before all of it was checked, so nobody
 * needs to know whether a crash left bytes that were never written. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "hive/buffer.h"
#include "hive/memory.h"
#include "store/catalog.h"
#include "store/snapshot.h"
#include "store/store_internal.h"

#define AGAIN_BYTES ((size_t)256 * 1024)

struct store_incoming {
    struct store *store;
    raft_index index;
    raft_term term;
    uint64_t file_bytes;
    struct paced paced;
};

/* Removes the remains of others: the leader that they came from has a newer one, or leads no more. */
static int remove_others(struct store *store, const char *own, struct hive_error *error)
{
    struct catalog catalog;
    size_t count;
    int result = catalog_read(store->disk, store->directory, &catalog, error);
    const struct catalog_file *file = catalog_find(&catalog, CATALOG_INCOMING, &count);
    for (; count; count--, file++) {
        struct paced other;
        char *path = hive_format("%s/%s", store->directory, file->name);
        if (strcmp(path, own) == 0) {
            free(path);
        } else {
            paced_open(store->disk, path, O_RDWR, &other, NULL);
            paced_finish(&other, true);
        }
    }
    catalog_finish(&catalog);
    return result;
}

/* What an earlier process left may be known to the page cache only: its sync failed, the kernel keeps the bytes as if it had not,
 * and no later sync writes them. So they are written once more before anything is built upon them. */
static int write_again(struct paced *paced, uint64_t bytes, struct hive_error *error)
{
    struct hive_buffer piece = {0};
    int result = 0;
    while (result == 0 && paced->offset < bytes) {
        ssize_t got = paced->disk->read(paced->disk, paced->file, hive_buffer_reserve(&piece, AGAIN_BYTES),
                                        AGAIN_BYTES, (off_t)paced->offset);
        struct iovec part = {.iov_base = piece.data, .iov_len = got > 0 ? (size_t)got : 0};
        if (got <= 0)
            result = hive_error_set(error, got < 0 ? (int)got : -EIO, "cannot read %s again", paced->path);
        else
            result = paced_write(paced, &part, 1, error);
    }
    hive_buffer_finish(&piece);
    return result;
}

static int find_offset(struct store_incoming *incoming, struct hive_error *error)
{
    struct paced *paced = &incoming->paced;
    int64_t bytes = paced->disk->size(paced->disk, paced->file);
    int result = bytes < 0 ? (int)bytes : 0;
    if (bytes > 0 && (uint64_t)bytes > incoming->file_bytes) {
        result = paced->disk->truncate(paced->disk, paced->file, 0);
        bytes = 0;
    }
    if (result < 0)
        return hive_error_set(error, result, "cannot go on with %s: %s", paced->path, strerror(-result));
    if (bytes > 0 && !incoming->store->is_incoming_own) {
        result = write_again(paced, (uint64_t)bytes, error);
        if (result < 0)
            paced->disk->remove(paced->disk, paced->path);
    }
    incoming->store->is_incoming_own = result == 0;
    paced->offset = (uint64_t)bytes;
    return result;
}

int store_incoming_begin(struct store *store, raft_index index, raft_term term, uint64_t file_bytes,
                         struct store_incoming **incoming, uint64_t *offset, struct hive_error *error)
{
    if (store->has_incoming)
        return hive_error_set(error, -EBUSY, "another snapshot is arriving in %s", store->directory);
    if (index == 0)
        return hive_error_set(error, -EINVAL, "a snapshot stands for one entry at least");
    char *path = hive_format("%s/" CATALOG_INCOMING_NAME, store->directory, index, term, file_bytes);
    int result = remove_others(store, path, error);
    if (result < 0) {
        free(path);
        return result;
    }
    struct store_incoming *made = hive_calloc(1, sizeof *made);
    *made = (struct store_incoming){.store = store, .index = index, .term = term, .file_bytes = file_bytes};
    store->has_incoming = true;
    result = paced_open(store->disk, path, O_RDWR | O_CREAT, &made->paced, error);
    if (result == 0)
        result = find_offset(made, error);
    if (result < 0) {
        store_incoming_suspend(made);
        return result;
    }
    *offset = made->paced.offset;
    *incoming = made;
    return 0;
}

int store_incoming_append(struct store_incoming *incoming, const void *data, size_t bytes,
                          struct hive_error *error)
{
    struct paced *paced = &incoming->paced;
    if (bytes > incoming->file_bytes - paced->offset)
        return hive_error_set(error, -EINVAL, "more bytes arrive than %s is to have", paced->path);
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    int result = paced_write(paced, &part, 1, error);
    /* The kernel may keep what it could not write as if it had: not to be gone on with, by nobody. */
    if (result < 0) {
        paced->disk->remove(paced->disk, paced->path);
        incoming->store->is_incoming_own = false;
    }
    return result;
}

static void finish(struct store_incoming *incoming, bool remove)
{
    paced_finish(&incoming->paced, remove);
    incoming->store->has_incoming = false;
    free(incoming);
}

int store_incoming_commit(struct store_incoming *incoming, struct raft_snapshot *snapshot,
                          struct hive_error *error)
{
    struct store *store = incoming->store;
    struct paced *paced = &incoming->paced;
    if (paced->offset != incoming->file_bytes) {
        int code = hive_error_set(error, -EINVAL, "%s is not complete: %" PRIu64 " of %" PRIu64 " bytes",
                                  paced->path, paced->offset, incoming->file_bytes);
        finish(incoming, false);
        return code;
    }
    int result = paced_sync(paced, error);
    store->is_incoming_own = result == 0;
    if (result == 0)
        result = snapshot_verify(store->disk, paced->path, snapshot, error);
    if (result == 0 && (snapshot->index != incoming->index || snapshot->term != incoming->term))
        result =
            hive_error_set(error, -EBADMSG, "%s is not the snapshot that it was said to be", paced->path);
    bool is_known = shelf_has(store, incoming->index, incoming->term);
    if (result == 0 && !is_known)
        result = shelf_put(store, paced->path, incoming->index, incoming->term, error);
    finish(incoming, result < 0 || is_known);
    return result;
}

void store_incoming_suspend(struct store_incoming *incoming)
{
    if (incoming)
        finish(incoming, false);
}
