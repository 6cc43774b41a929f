/* Snapshots on their way out: pieces of the newest file for peers, and the file as a whole for backups. A peer's file stays open
 * for a while, even where a newer one has taken its place on disk: what it has of it already is then not sent in vain. */
#include <errno.h>

#include "hive/clock.h"
#include "hive/log.h"
#include "queen/snapshotter_internal.h"

/* So long after the last piece the file is closed. */
#define IDLE_MS 60000

static void close_stream(struct snapshotter_stream *stream)
{
    store_snapshot_close(stream->reader);
    *stream = (struct snapshotter_stream){0};
}

/* The peer's place, or a free one, or the one that was used longest ago. */
static struct snapshotter_stream *find(struct snapshotter *snapshotter, raft_id peer)
{
    struct snapshotter_stream *best = &snapshotter->streams[0];
    for (size_t i = 0; i < HIVE_QUEENS; i++) {
        struct snapshotter_stream *stream = &snapshotter->streams[i];
        if (stream->peer == peer)
            return stream;
        if (stream->used_ms < best->used_ms)
            best = stream;
    }
    close_stream(best);
    return best;
}

static int open_stream(struct snapshotter *snapshotter, const struct snapshotter_job *job,
                       struct snapshotter_stream **found, struct hive_error *error)
{
    struct snapshotter_stream *stream = find(snapshotter, job->peer);
    *found = stream;
    if (stream->reader && store_snapshot_meta(stream->reader)->index < job->index)
        close_stream(stream);
    stream->used_ms = hive_clock_monotonic_ms();
    stream->peer = job->peer;
    return stream->reader ? 0 : store_snapshot_open(snapshotter->store, &stream->reader, error);
}

void snapshotter_streams_read(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    struct hive_error error;
    struct snapshotter_piece piece = {0};
    struct snapshotter_stream *stream;
    struct hive_buffer *scratch = &snapshotter->scratch;
    int code = open_stream(snapshotter, job, &stream, &error);
    hive_buffer_clear(scratch);
    void *bytes = hive_buffer_reserve(scratch, job->size);
    ssize_t count = 0;
    if (!code && job->size > 0)
        count = store_snapshot_read_file(stream->reader, job->offset, bytes, job->size, &error);
    if (code || count < 0) {
        hive_log_warning("no snapshot can be sent", LOG_S("error", error.message));
        close_stream(stream);
    } else {
        piece = (struct snapshotter_piece){
            .snapshot = store_snapshot_meta(stream->reader),
            .file_bytes = store_snapshot_file_bytes(stream->reader),
            .data = bytes,
            .bytes = (size_t)count,
        };
    }
    job->read_done(&piece, job->context);
}

void snapshotter_streams_open(struct snapshotter *snapshotter, const struct snapshotter_job *job)
{
    struct hive_error error;
    struct store_snapshot_reader *reader;
    int code = store_snapshot_open(snapshotter->store, &reader, &error);
    if (code)
        job->snapshot_done(QUEEN_UNKNOWN, NULL, code == -ENOENT ? "nothing was written yet" : error.message,
                           job->context);
    else
        job->snapshot_done(QUEEN_DONE, reader, NULL, job->context);
}

void snapshotter_streams_close_idle(struct snapshotter *snapshotter)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    for (size_t i = 0; i < HIVE_QUEENS; i++) {
        struct snapshotter_stream *stream = &snapshotter->streams[i];
        if (stream->reader && now_ms - stream->used_ms >= IDLE_MS)
            close_stream(stream);
    }
}

void snapshotter_streams_stop(struct snapshotter *snapshotter)
{
    for (size_t i = 0; i < HIVE_QUEENS; i++)
        close_stream(&snapshotter->streams[i]);
}
