/* Answers that are made while they are sent: that no byte is lost between a wake and a suspend, that everybody
 * learns of the end, and that clients who do not read, or go, cost next to nothing. */
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

static void answer_fine(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_reply(request, 200, "text/plain", "fine", 4);
}

static const struct hive_route routes[] = {
    {"GET", "/feed/ID", answer_feed, HIVE_ACCESS_ANYONE, 0, "a stream"},
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

static int64_t closed(const struct feed *feed)
{
    return feed->closed;
}

static int64_t asked(const struct feed *feed)
{
    return feed->asked;
}

static int64_t sent(const struct feed *feed)
{
    return feed->sent;
}

static void await_at_least(int index, int64_t (*what)(const struct feed *feed), int64_t value)
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
static void expect_bytes(struct wire *wire, int64_t before, int64_t bytes)
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

static void expect_end(struct wire *wire, bool is_whole)
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

static void bytes_come_as_they_are_made_and_the_connection_goes_on(void **state)
{
    struct wire wire;
    open_feed(&wire, *state, 1);
    for (int64_t at = 0; at < 50; at += 5) {
        make(1, 5, false);
        expect_bytes(&wire, at, 5);
    }
    assert_int_equal(look(1, closed), 0);
    make(1, 5, true);
    expect_bytes(&wire, 50, 5);
    expect_end(&wire, true);
    wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
    wire_close(&wire);
}

static void a_source_that_waits_is_not_asked_without_end(void **state)
{
    struct wire wire;
    open_feed(&wire, *state, 1);
    await_at_least(1, asked, 1);
    usleep(100 * 1000);
    assert_int_equal(look(1, asked), 1);
    wire_close(&wire);
}

/* Threads that wake streams while these are being asked, suspended and resumed. */
enum { MAKERS = 3, STREAMS = 16, ROUNDS = 4000 };

static void *make_for_all(void *context)
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

static void wakes_from_many_threads_lose_no_byte(void **state)
{
    struct wire wires[STREAMS];
    pthread_t makers[MAKERS];
    for (int i = 0; i < STREAMS; i++)
        open_feed(&wires[i], *state, i);
    for (int i = 0; i < MAKERS; i++)
        pthread_create(&makers[i], NULL, make_for_all, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < STREAMS; i++)
        expect_bytes(&wires[i], 0, MAKERS * ROUNDS);
    for (int i = 0; i < MAKERS; i++)
        pthread_join(makers[i], NULL);
    for (int i = 0; i < STREAMS; i++)
        wire_close(&wires[i]);
}

/* One byte at a time, each only when the last one has arrived: a wake that gets lost is never made good. */
static void no_wake_is_lost_between_the_question_and_the_suspend(void **state)
{
    enum { TURNS = 3000 };
    struct wire wires[4];
    for (int i = 0; i < 4; i++)
        open_feed(&wires[i], *state, i);
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < 4; i++)
            make(i, 1, false);
        for (int i = 0; i < 4; i++)
            expect_bytes(&wires[i], turn, 1);
    }
    for (int i = 0; i < 4; i++)
        wire_close(&wires[i]);
}

static void a_client_that_has_gone_is_noticed_while_there_is_nothing_to_say(void **state)
{
    struct wire wire;
    for (int i = 0; i < 4; i++) {
        open_feed(&wire, *state, i);
        make(i, 10, false);
        expect_bytes(&wire, 0, 10);
        await_at_least(i, asked, i == 0 ? 2 : 1);
        if (i % 2)
            wire_reset(&wire);
        else
            wire_close(&wire);
        await_at_least(i, closed, 1);
        make(i, 10, false); /* harms nobody */
    }
    serve_expect(*state, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
}

static void a_client_that_goes_while_it_is_sent_to_is_noticed(void **state)
{
    struct wire wire;
    for (int i = 0; i < 10; i++) {
        struct hive_buffer body = {0};
        bool is_whole;
        feeds[i].made = INT64_MAX;
        open_feed(&wire, *state, i);
        assert_true(wire_receive_chunk(&wire, &body, &is_whole));
        hive_buffer_finish(&body);
        if (i % 2)
            wire_reset(&wire);
        else
            wire_close(&wire);
        await_at_least(i, closed, 1);
    }
}

static void a_client_that_does_not_read_costs_a_socket_buffer(void **state)
{
    struct wire lazy, wire;
    feeds[0].made = INT64_MAX;
    open_feed(&lazy, *state, 0);
    int64_t before, after = 0;
    do { /* until the sockets are full */
        before = after;
        usleep(200 * 1000);
        after = look(0, sent);
    } while (after > before || after == 0);
    assert_in_range(after, 1, 64 * MEBIBYTE);
    wire_connect(&wire, hive_server_port(*state));
    for (int i = 0; i < 100; i++)
        wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
    wire_close(&wire);
    assert_int_equal(look(0, sent), after);
    struct hive_buffer body = {0};
    bool is_whole;
    for (int64_t at = 0; at < after + MEBIBYTE;) { /* it goes on where it was */
        assert_true(wire_receive_chunk(&lazy, &body, &is_whole));
        for (size_t i = 0; i < body.size; i++, at++)
            assert_true(body.data[i] == (char)(at % 251));
        hive_buffer_clear(&body);
    }
    hive_buffer_finish(&body);
    wire_close(&lazy);
}

static void the_end_of_the_server_ends_every_stream_once(void **state)
{
    struct wire wires[FEEDS];
    pthread_t makers[MAKERS];
    for (int i = 0; i < FEEDS; i++) {
        if (i >= STREAMS && i % 2) /* half of those that nobody makes bytes for are busy */
            feeds[i].made = INT64_MAX;
        open_feed(&wires[i], *state, i);
    }
    for (int i = 0; i < MAKERS; i++)
        pthread_create(&makers[i], NULL, make_for_all, (void *)(uintptr_t)(i + 1));
    usleep(20 * 1000);
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_server_destroy(*state);
    assert_in_range(hive_clock_monotonic_ms() - start_ms, 0, HIVE_FLUSH_MS + 1000);
    for (int i = 0; i < FEEDS; i++)
        assert_int_equal(look(i, closed), 1);
    for (int i = 0; i < MAKERS; i++)
        pthread_join(makers[i], NULL);
    for (int i = STREAMS; i < FEEDS; i += 2)
        expect_end(&wires[i], true); /* an open end, not a broken connection */
    for (int i = 0; i < FEEDS; i++)
        wire_close(&wires[i]);
    *state = NULL;
}

static void the_end_does_not_wait_for_streams_that_wait(void **state)
{
    struct wire wires[FEEDS];
    for (int i = 0; i < FEEDS; i++)
        open_feed(&wires[i], *state, i);
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_server_destroy(*state);
    assert_in_range(hive_clock_monotonic_ms() - start_ms, 0, HIVE_FLUSH_MS - 1);
    for (int i = 0; i < FEEDS; i++) {
        expect_end(&wires[i], true);
        wire_close(&wires[i]);
    }
    *state = NULL;
}

static void a_known_length_is_told_and_kept(void **state)
{
    struct wire wire;
    struct wire_message message;
    told_bytes = 300 * 1000;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "GET /feed/2 HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 300; i++)
        make(2, 1000, false);
    assert_true(wire_receive(&wire, &message));
    assert_true(wire_has_header(&message, "Content-Length", "300000"));
    assert_int_equal(message.body.size, 300 * 1000);
    for (size_t i = 0; i < message.body.size; i++)
        assert_true(message.body.data[i] == (char)(i % 251));
    wire_message_finish(&message);
    wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
    wire_close(&wire);
}

static void what_is_not_whole_does_not_look_whole(void **state)
{
    struct wire wire;
    struct wire_message message;
    make(1, 10, false);
    open_feed(&wire, *state, 1);
    expect_bytes(&wire, 0, 10);
    pthread_mutex_lock(&feeds[1].lock);
    feeds[1].is_broken = true;
    pthread_mutex_unlock(&feeds[1].lock);
    make(1, 0, false);
    expect_end(&wire, false);
    wire_close(&wire);
    told_bytes = 100; /* but it ends, or breaks, after 50 */
    for (int i = 2; i < 4; i++) {
        make(i, 50, true);
        feeds[i].is_broken = i == 3;
        wire_connect(&wire, hive_server_port(*state));
        wire_send_text(&wire, "GET /feed/%d HTTP/1.1\r\n\r\n", i);
        assert_false(wire_receive(&wire, &message));
        wire_close(&wire);
    }
}

static void a_head_request_reads_nothing(void **state)
{
    struct wire wire;
    struct wire_message head;
    for (int i = 1; i < 3; i++) {
        told_bytes = i == 1 ? 100 : HIVE_STREAM_OPEN_ENDED;
        wire_connect(&wire, hive_server_port(*state));
        wire_send_text(&wire, "HEAD /feed/%d HTTP/1.1\r\n\r\n", i);
        assert_true(wire_receive_head_only(&wire, &head));
        assert_int_equal(head.status, 200);
        /* The connection is good for another request, or says that it is not. */
        if (!wire_has_header(&head, "Connection", "close"))
            wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
        wire_message_finish(&head);
        await_at_least(i, closed, 1);
        assert_int_equal(look(i, asked), 0);
        wire_close(&wire);
    }
}

static void a_source_that_wants_it_is_asked_again(void **state)
{
    struct wire wire, other;
    ask_again_ms = 20;
    open_feed(&wire, *state, 1);
    await_at_least(1, asked, 3);
    ask_again_ms = 3600 * 1000;
    open_feed(&other, *state, 2);
    await_at_least(2, asked, 1);
    int64_t before = look(1, asked);
    await_at_least(1, asked, before + 3);
    assert_int_equal(look(2, asked), 1);
    wire_close(&wire);
    wire_close(&other);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(bytes_come_as_they_are_made_and_the_connection_goes_on),
        WITH_SERVER(a_source_that_waits_is_not_asked_without_end),
        WITH_SERVER(wakes_from_many_threads_lose_no_byte),
        WITH_SERVER(no_wake_is_lost_between_the_question_and_the_suspend),
        WITH_SERVER(a_client_that_has_gone_is_noticed_while_there_is_nothing_to_say),
        WITH_SERVER(a_client_that_goes_while_it_is_sent_to_is_noticed),
        WITH_SERVER(a_client_that_does_not_read_costs_a_socket_buffer),
        WITH_SERVER(the_end_of_the_server_ends_every_stream_once),
        WITH_SERVER(the_end_does_not_wait_for_streams_that_wait),
        WITH_SERVER(a_known_length_is_told_and_kept),
        WITH_SERVER(what_is_not_whole_does_not_look_whole),
        WITH_SERVER(a_head_request_reads_nothing),
        WITH_SERVER(a_source_that_wants_it_is_asked_again),
    };
    return cmocka_run_group_tests_name("server_stream", tests, NULL, NULL);
}
