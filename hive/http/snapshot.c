/* GET /snapshot: a backup of the whole replicated state, as the file that queens make for themselves. The leader
 * first makes sure that it still leads, so the file holds every write that was acknowledged before it was asked
 * for; any queen gives what it has to ?consistency=stale. */
#include <inttypes.h>

#include "hive/log.h"
#include "hive/memory.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "store/store.h"

/* A file on its way to a client. */
struct download {
    struct store_snapshot_reader *reader;
    uint64_t at;
    struct hive_stream *stream; /* is never woken: the file is always there */
};

/* On a server's thread. The file was written or read a moment ago, so this is a copy out of the page cache. */
static ssize_t read_file(void *context, void *data, size_t bytes)
{
    struct download *download = context;
    struct hive_error error = {{0}};
    ssize_t count = store_snapshot_read_file(download->reader, download->at, data, bytes, &error);
    if (count > 0) {
        download->at += (uint64_t)count;
        return count;
    }
    hive_log_warning("a snapshot cannot be read to its end", LOG_S("reason", error.message));
    return HIVE_STREAM_BROKEN;
}

static void close_file(void *context)
{
    struct download *download = context;
    store_snapshot_close(download->reader);
    free(download);
}

static void send_file(struct hive_request *request, struct store_snapshot_reader *reader)
{
    struct download *download = hive_calloc(1, sizeof *download);
    download->reader = reader;
    struct hive_stream_source source = {.read = read_file,
                                        .closed = close_file,
                                        .context = download,
                                        .bytes = store_snapshot_file_bytes(reader)};
    uint64_t index = store_snapshot_meta(reader)->index;
    char *name = hive_format("attachment; filename=\"hive-%" PRIu64 ".snapshot\"", index);
    hive_request_set_header(request, "Content-Disposition", name);
    hive_request_set_header(request, "Cache-Control", "no-store");
    free(name);
    hive_request_reply_stream(request, 200, "application/octet-stream", &source, &download->stream);
}

static void on_snapshot(enum queen_outcome outcome, struct store_snapshot_reader *reader, const char *message,
                        void *context)
{
    struct hive_request *request = context;
    struct queen_answer answer = {.outcome = outcome};
    if (reader)
        send_file(request, reader);
    else if (outcome == QUEEN_BUSY || outcome == QUEEN_STOPPING)
        answer_unless_done(request, &answer);
    else
        hive_request_reply_problem(request, 500, "no-snapshot", "no snapshot could be made: %s",
                                   message && *message ? message : "see this queen's log");
}

/* What a backup must hold, and the node that makes it. */
struct wish {
    struct hive_request *request;
    struct node *node;
};

/* Everything that was acknowledged before the request is applied here: that much the snapshot must hold. */
static void on_read(const struct queen_answer *answer, void *context)
{
    struct wish *wish = context;
    if (!answer_unless_done(wish->request, answer))
        queen_snapshot(wish->node->queen, on_snapshot, wish->request);
    free(wish);
}

void handle_get_snapshot(struct hive_request *request, void *context)
{
    struct node *node = context;
    bool stale;
    if (answer_if_drone(request, node) || !answer_reads_stale(request, &stale))
        return;
    struct wish *wish = hive_malloc(sizeof *wish);
    *wish = (struct wish){.request = request, .node = node};
    queen_read(node->queen, stale, on_read, wish);
}
