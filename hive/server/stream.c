/* Streams: who may suspend, wake and end a connection whose answer has no bytes at the moment.
 *
 * libmicrohttpd asks read_stream for bytes when the socket takes some. Where the source has none, the
 * connection must be suspended (it would be asked without end), and whoever wakes it resumes it. What a
 * resume does to a connection that is not suspended is undefined, and a suspend just behind a resume undoes
 * that one; so `lock` makes "suspend and say so" one step, and "see that it is suspended, resume and take that
 * back" another. A wake that comes while the source is being asked cannot be told from one that came before
 * it: it is remembered, and the connection is resumed right behind the suspend. That costs a turn of the epoll
 * thread, and is fair to the thread's other connections.
 *
 * `read` and `closed` are called without any lock: sources have locks of their own, under which they wake. */
#include "server/stream.h"

#include <errno.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "server/internal.h"

/* What a stream of known length is read in; others are read into the connection's own memory. */
#define BLOCK_BYTES (64 * 1024)

struct hive_stream {
    struct hive_server *server;
    struct hive_stream *next, **link; /* among the server's; its lock */
    uint64_t number;                  /* never used again, unlike the memory */
    struct MHD_Connection *connection;
    struct hive_stream_source source;
    bool is_minded; /* the minder looks out for the client's end; the reading thread's own */

    pthread_mutex_t lock; /* guards all that follows; taken inside of the server's */
    bool is_suspended;    /* whoever clears this resumes the connection */
    bool is_woken;        /* since the source was last asked */
    bool is_ending;       /* the server is */
    bool is_gone;         /* the client is */
    int64_t due_ms;       /* where suspended: when to ask again, monotonic; 0: never */
};

/* With the lock held. */
static void resume(struct hive_stream *stream)
{
    stream->is_woken = true;
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    MHD_resume_connection(stream->connection);
}

void hive_stream_wake(struct hive_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    resume(stream);
    pthread_mutex_unlock(&stream->lock);
}

/* The source has nothing: parks the connection, unless there was a wake since it was asked. */
static void suspend(struct hive_stream *stream)
{
    int64_t ask_again_ms = stream->source.ask_again_ms;
    if (!stream->is_minded && stream->source.bytes == HIVE_STREAM_OPEN_ENDED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        stream->is_minded = true;
        minder_add(&stream->server->minder, info->connect_fd, stream->number);
    }
    pthread_mutex_lock(&stream->lock);
    MHD_suspend_connection(stream->connection);
    if (stream->is_woken) {
        MHD_resume_connection(stream->connection);
    } else {
        stream->is_suspended = true;
        stream->due_ms = ask_again_ms > 0 ? hive_clock_monotonic_ms() + ask_again_ms : 0;
    }
    pthread_mutex_unlock(&stream->lock);
}

static ssize_t read_stream(void *context, uint64_t position, char *data, size_t bytes)
{
    struct hive_stream *stream = context;
    (void)position;
    pthread_mutex_lock(&stream->lock);
    stream->is_woken = false;
    bool is_gone = stream->is_gone, is_ending = stream->is_ending;
    pthread_mutex_unlock(&stream->lock);
    /* Half of something whose length was told is no answer; an open end may come at any time. */
    if (is_gone || (is_ending && stream->source.bytes != HIVE_STREAM_OPEN_ENDED))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (is_ending)
        return MHD_CONTENT_READER_END_OF_STREAM;
    ssize_t count = stream->source.read(stream->source.context, data, bytes);
    if (count > 0)
        return count;
    if (count == HIVE_STREAM_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (count != HIVE_STREAM_WAIT)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    suspend(stream);
    return 0;
}

static void link_stream(struct hive_server *server, struct hive_stream *stream)
{
    pthread_mutex_lock(&server->lock);
    bool is_first = !server->streams;
    stream->number = ++server->stream_number;
    stream->is_ending = server->is_ending;
    stream->next = server->streams;
    stream->link = &server->streams;
    if (stream->next)
        stream->next->link = &stream->next;
    server->streams = stream;
    pthread_mutex_unlock(&server->lock);
    if (is_first)
        minder_wake(&server->minder);
}

void hive_request_reply_stream(struct hive_request *request, unsigned status, const char *content_type,
                               const struct hive_stream_source *source, struct hive_stream **place)
{
    struct hive_stream *stream = hive_calloc(1, sizeof *stream);
    stream->server = request->server;
    stream->connection = request->connection;
    stream->source = *source;
    pthread_mutex_init(&stream->lock, NULL);
    bool is_open_ended = source->bytes == HIVE_STREAM_OPEN_ENDED;
    /* libmicrohttpd ends a body that it has not sent with a last chunk, where the next answer should begin. */
    if (is_open_ended && strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0)
        hive_request_set_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
    struct MHD_Response *response =
        MHD_create_response_from_callback(is_open_ended ? MHD_SIZE_UNKNOWN : source->bytes,
                                          is_open_ended ? 1 : BLOCK_BYTES, read_stream, stream, NULL);
    if (!response)
        abort(); /* out of memory */
    link_stream(request->server, stream);
    *place = stream;
    request->stream = stream;
    request_reply(request, status, content_type, response);
}

void stream_close(struct hive_stream *stream)
{
    if (!stream)
        return;
    struct hive_server *server = stream->server;
    if (stream->is_minded) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        minder_remove(&server->minder, info->connect_fd);
    }
    pthread_mutex_lock(&server->lock);
    *stream->link = stream->next;
    if (stream->next)
        stream->next->link = stream->link;
    pthread_mutex_unlock(&server->lock);
    stream->source.closed(stream->source.context);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

void streams_end(struct hive_server *server)
{
    for (struct hive_stream *stream = server->streams; stream; stream = stream->next) {
        pthread_mutex_lock(&stream->lock);
        stream->is_ending = true;
        resume(stream);
        pthread_mutex_unlock(&stream->lock);
    }
}

void streams_note_gone(struct hive_server *server, uint64_t number)
{
    for (struct hive_stream *stream = server->streams; stream; stream = stream->next) {
        if (stream->number != number)
            continue;
        pthread_mutex_lock(&stream->lock);
        stream->is_gone = true;
        resume(stream);
        pthread_mutex_unlock(&stream->lock);
    }
}

void streams_ask_again(struct hive_server *server, int64_t now_ms)
{
    for (struct hive_stream *stream = server->streams; stream; stream = stream->next) {
        pthread_mutex_lock(&stream->lock);
        if (stream->is_suspended && stream->due_ms && stream->due_ms <= now_ms)
            resume(stream);
        pthread_mutex_unlock(&stream->lock);
    }
}
