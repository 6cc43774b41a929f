/* Streams for the tests of streams: what they give is known byte for byte, and everybody may add to it. For one file;
 * everything is static. */
#ifndef SERVER_STREAM_FEED_H
#define SERVER_STREAM_FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/limits.h"
#include "hive/memory.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "lib/wire.h"

#define FEEDS    64
#define MEBIBYTE (1024L * 1024)

/* A stream whose bytes are 0, 1, 2 … 250, 0 …: as many as somebody has said there are. */
static struct feed {
    pthread_mutex_t lock;
    struct hive_stream *stream; /* NULL: none is open */
    int64_t made, sent;
    bool is_ended, is_broken;
    int late; /* so often a byte is made, and the stream woken, between "nothing now" and the suspend */
    int asked, opened, closed;
} feeds[FEEDS];

static uint64_t told_bytes = HIVE_STREAM_OPEN_ENDED; /* of the streams that are opened from now on */
static int64_t ask_again_ms;

static ssize_t read_feed(void *context, void *data, size_t bytes)
{
    struct feed *feed = context;
    char *at = data;
    pthread_mutex_lock(&feed->lock);
    feed->asked++;
    ssize_t count = 0;
    while ((size_t)count < bytes && feed->sent < feed->made)
        at[count++] = (char)(feed->sent++ % 251);
    if (count == 0)
        count = feed->is_broken ? HIVE_STREAM_BROKEN : feed->is_ended ? HIVE_STREAM_END : HIVE_STREAM_WAIT;
    if (count == HIVE_STREAM_WAIT && feed->late > 0) {
        feed->late--;
        feed->made++;
        hive_stream_wake(feed->stream);
    }
    pthread_mutex_unlock(&feed->lock);
    return count;
}

static void close_feed(void *context)
{
    struct feed *feed = context;
    pthread_mutex_lock(&feed->lock);
    feed->closed++;
    feed->stream = NULL;
    pthread_mutex_unlock(&feed->lock);
}

static void answer_feed(struct hive_request *request, void *context)
{
    struct feed *feed = &feeds[strtol(hive_request_segment(request, 0, NULL), NULL, 10)];
    struct hive_stream_source source = {.read = read_feed,
                                        .closed = close_feed,
                                        .context = feed,
                                        .bytes = told_bytes,
                                        .ask_again_ms = ask_again_ms};
    (void)context;
    pthread_mutex_lock(&feed->lock);
    feed->sent = 0;
    feed->opened++;
    hive_request_reply_stream(request, 200, "text/plain", &source, &feed->stream);
    pthread_mutex_unlock(&feed->lock);
}

/* A request that the test answers itself. */
static _Atomic(struct hive_request *) held;

static void hold_request(struct hive_request *request, void *context)
{
    (void)context;
    atomic_store(&held, request);
}

static void answer_fine(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_reply(request, 200, "text/plain", "fine", 4);
}

static const struct hive_route routes[] = {
    {"GET", "/feed/ID", answer_feed, HIVE_ACCESS_ANYONE, 0, "a stream"},
    {"GET", "/held/ID", hold_request, HIVE_ACCESS_ANYONE, 0, "a stream, later"},
    {"GET", "/fine", answer_fine, HIVE_ACCESS_ANYONE, 0, "answers"},
    {0},
};

/* `bytes` more are there, and perhaps that is all. */
static void make(int index, int64_t bytes, bool is_end)
{
    struct feed *feed = &feeds[index];
    pthread_mutex_lock(&feed->lock);
    feed->made += bytes;
    feed->is_ended = is_end;
    if (feed->stream)
        hive_stream_wake(feed->stream);
    pthread_mutex_unlock(&feed->lock);
}

static int64_t look(int index, int64_t (*what)(const struct feed *feed))
{
    pthread_mutex_lock(&feeds[index].lock);
    int64_t value = what(&feeds[index]);
    pthread_mutex_unlock(&feeds[index].lock);
    return value;
}

static inline int64_t closed(const struct feed *feed)
{
    return feed->closed;
}

static inline int64_t asked(const struct feed *feed)
{
    return feed->asked;
}

static inline int64_t sent(const struct feed *feed)
{
    return feed->sent;
}

static inline void await_at_least(int index, int64_t (*what)(const struct feed *feed), int64_t value)
{
    int64_t deadline_ms = hive_clock_monotonic_ms() + WIRE_PATIENCE_MS;
    while (look(index, what) < value) {
        if (hive_clock_monotonic_ms() > deadline_ms)
            fail_msg("feed %d came to %ld only", index, (long)look(index, what));
        usleep(1000);
    }
}

static void open_feed(struct wire *wire, struct hive_server *server, int index)
{
    struct wire_message head;
    wire_connect(wire, hive_server_port(server));
    wire_send_text(wire, "GET /feed/%d HTTP/1.1\r\n\r\n", index);
    assert_true(wire_receive_head_only(wire, &head));
    assert_int_equal(head.status, 200);
    assert_int_equal(wire_has_header_named(&head, "Content-Length"), told_bytes != HIVE_STREAM_OPEN_ENDED);
    wire_message_finish(&head);
}

/* Receives `bytes` more of a feed that has given `before` already. */
static inline void expect_bytes(struct wire *wire, int64_t before, int64_t bytes)
{
    struct hive_buffer body = {0};
    bool is_whole;
    int64_t at = before;
    while (at < before + bytes) {
        assert_true(wire_receive_chunk(wire, &body, &is_whole));
        for (size_t i = 0; i < body.size; i++, at++)
            if (body.data[i] != (char)(at % 251))
                fail_msg("byte %ld is %d", (long)at, body.data[i]);
        hive_buffer_clear(&body);
    }
    assert_int_equal(at, before + bytes);
    hive_buffer_finish(&body);
}

static inline void expect_end(struct wire *wire, bool is_whole)
{
    struct hive_buffer body = {0};
    bool was_whole;
    assert_false(wire_receive_chunk(wire, &body, &was_whole));
    assert_int_equal(was_whole, is_whole);
    hive_buffer_finish(&body);
}

static int set_up(void **state)
{
    for (int i = 0; i < FEEDS; i++)
        feeds[i] = (struct feed){.lock = PTHREAD_MUTEX_INITIALIZER};
    told_bytes = HIVE_STREAM_OPEN_ENDED;
    ask_again_ms = 0;
    *state = serve_start(routes, NULL, NULL, false);
    return 0;
}

static int tear_down(void **state)
{
    hive_server_destroy(*state);
    for (int i = 0; i < FEEDS; i++)
        assert_int_equal(feeds[i].closed, feeds[i].opened);
    return 0;
}

/* Threads that wake streams while these are being asked, suspended and resumed. */
enum { MAKERS = 3, STREAMS = 16, ROUNDS = 4000 };

static inline void *make_for_all(void *context)
{
    unsigned seed = (unsigned)(uintptr_t)context;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < STREAMS; i++) {
            make(i, 1, false);
            if (rand_r(&seed) % 64 == 0)
                usleep(rand_r(&seed) % 100);
        }
    return NULL;
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
