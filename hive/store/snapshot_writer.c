/* Writing a snapshot of the own machine: pieces of any size come in, chunks of one size go out. */
#include <errno.h>
#include <fcntl.h>

#include "hive/memory.h"
#include "store/crc32c.h"
#include "store/snapshot.h"
#include "store/store_internal.h"

struct store_snapshot_writer {
    struct store *store;
    raft_index index;
    raft_term term;
    struct paced paced;
    uint8_t *chunk; /* that fills up */
    size_t chunk_bytes;
    uint32_t crc; /* of the file so far */
    uint64_t dump_bytes;
    int failure; /* what went wrong; 0: nothing */
};

static int put(struct store_snapshot_writer *writer, struct iovec *parts, int count, struct hive_error *error)
{
    for (int i = 0; i < count; i++)
        writer->crc = crc32c(writer->crc, parts[i].iov_base, parts[i].iov_len);
    return writer->failure = paced_write(&writer->paced, parts, count, error);
}

int store_snapshot_begin(struct store *store, const struct raft_snapshot *snapshot,
                         struct store_snapshot_writer **writer, struct hive_error *error)
{
    if (snapshot->index == 0)
        return hive_error_set(error, -EINVAL, "a snapshot stands for one entry at least");
    if (store->has_writer)
        return hive_error_set(error, -EBUSY, "another snapshot is being written in %s", store->directory);
    struct store_snapshot_writer *made = hive_calloc(1, sizeof *made);
    made->store = store;
    made->index = snapshot->index;
    made->term = snapshot->term;
    made->chunk = hive_malloc(SNAPSHOT_CHUNK_BYTES);
    store->has_writer = true;
    struct hive_buffer header = {0};
    int result = paced_open(store->disk, hive_format("%s/snapshot.tmp", store->directory),
                            O_RDWR | O_CREAT | O_TRUNC, &made->paced, error);
    if (result == 0) {
        snapshot_encode_header(snapshot, &header);
        result = put(made, &(struct iovec){header.data, header.size}, 1, error);
    }
    hive_buffer_finish(&header);
    if (result < 0)
        store_snapshot_abort(made);
    else
        *writer = made;
    return result;
}

static int put_chunk(struct store_snapshot_writer *writer, struct hive_error *error)
{
    uint8_t head[SNAPSHOT_CHUNK_HEADER_BYTES];
    snapshot_encode_chunk(writer->paced.offset, writer->chunk, writer->chunk_bytes, head);
    struct iovec parts[] = {{head, sizeof head}, {writer->chunk, writer->chunk_bytes}};
    writer->dump_bytes += writer->chunk_bytes;
    writer->chunk_bytes = 0;
    return put(writer, parts, 2, error);
}

int store_snapshot_append(struct store_snapshot_writer *writer, const void *data, size_t bytes,
                          struct hive_error *error)
{
    const uint8_t *at = data;
    while (bytes && !writer->failure) {
        size_t part = SNAPSHOT_CHUNK_BYTES - writer->chunk_bytes;
        if (part > bytes)
            part = bytes;
        memcpy(writer->chunk + writer->chunk_bytes, at, part);
        writer->chunk_bytes += part;
        at += part;
        bytes -= part;
        if (writer->chunk_bytes == SNAPSHOT_CHUNK_BYTES && put_chunk(writer, error) < 0)
            return writer->failure;
    }
    if (writer->failure)
        hive_error_set(error, writer->failure, "this snapshot could not be written: give it up");
    return writer->failure;
}

/* Frees all but what is on disk. */
static void finish(struct store_snapshot_writer *writer, bool remove)
{
    paced_finish(&writer->paced, remove);
    writer->store->has_writer = false;
    free(writer->chunk);
    free(writer);
}

int store_snapshot_commit(struct store_snapshot_writer *writer, struct hive_error *error)
{
    struct store *store = writer->store;
    uint8_t footer[SNAPSHOT_FOOTER_BYTES];
    int result = store_snapshot_append(writer, NULL, 0, error);
    if (result == 0 && writer->chunk_bytes)
        result = put_chunk(writer, error);
    if (result == 0) {
        snapshot_encode_footer(writer->crc, writer->dump_bytes, footer);
        result = put(writer, &(struct iovec){footer, sizeof footer}, 1, error);
    }
    if (result == 0)
        result = paced_sync(&writer->paced, error);
    bool is_known = shelf_has(store, writer->index, writer->term);
    if (result == 0 && !is_known)
        result = shelf_put(store, writer->paced.path, writer->index, writer->term, error);
    finish(writer, result < 0 || is_known);
    return result;
}

void store_snapshot_abort(struct store_snapshot_writer *writer)
{
    if (writer)
        finish(writer, true);
}
