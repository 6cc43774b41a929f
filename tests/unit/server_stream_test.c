/* Answers that are made while they are sent: that no byte is lost between a wake and a suspend, and that clients who
 * do not read, or go, cost next to nothing. */
#include "server_stream_feed.h"

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

/* Lets every thread of the server go through many rounds, for what must not happen in any of them: each new connection goes to
 * the next thread. */
static void await_rounds(struct hive_server *server)
{
    for (int i = 0; i < 50; i++)
        serve_expect(server, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
}

static void a_source_that_waits_is_not_asked_without_end(void **state)
{
    struct wire wire;
    open_feed(&wire, *state, 1);
    await_at_least(1, asked, 1);
    await_rounds(*state);
    assert_int_equal(look(1, asked), 1);
    make(1, 1, false); /* nor after a wake */
    expect_bytes(&wire, 0, 1);
    await_at_least(1, asked, 3);
    await_rounds(*state);
    assert_int_equal(look(1, asked), 3);
    wire_close(&wire);
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
    enum { TURNS = 2000, LATE = 100 };
    struct wire wires[4], late;
    feeds[10].late = LATE; /* always just then */
    open_feed(&late, *state, 10);
    expect_bytes(&late, 0, LATE);
    wire_close(&late);
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
    struct wire wire, other;
    open_feed(&other, *state, 10);
    await_at_least(10, asked, 1);
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
    assert_int_equal(look(10, closed), 0);
    make(10, 10, false);
    expect_bytes(&other, 0, 10);
    wire_close(&other);
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
        await_rounds(*state);
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
        WITH_SERVER(a_known_length_is_told_and_kept),
        WITH_SERVER(what_is_not_whole_does_not_look_whole),
        WITH_SERVER(a_head_request_reads_nothing),
        WITH_SERVER(a_source_that_wants_it_is_asked_again),
    };
    return cmocka_run_group_tests_name("server_stream", tests, NULL, NULL);
}
