/* The end of a server that has streams: all end, each once, and soon. */
#include "server_stream_feed.h"

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
    await_at_least(STREAMS - 1, sent, 100);
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

static void *destroy(void *server)
{
    hive_server_destroy(server);
    return NULL;
}

static void a_stream_that_begins_while_the_server_ends_is_over_at_once(void **state)
{
    struct wire wire, other;
    struct wire_message message = {0};
    pthread_t ender;
    wire_connect(&wire, hive_server_port(*state));
    wire_connect(&other, hive_server_port(*state));
    wire_expect(&other, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
    atomic_store(&held, NULL);
    wire_send_text(&wire, "GET /held/1 HTTP/1.1\r\n\r\n");
    while (!atomic_load(&held))
        usleep(1000);
    pthread_create(&ender, NULL, destroy, *state);
    while (message.status != 503) { /* it is ending */
        wire_message_finish(&message);
        wire_send_text(&other, "GET /fine HTTP/1.1\r\n\r\n");
        assert_true(wire_receive(&other, &message));
    }
    wire_message_finish(&message);
    answer_feed(atomic_load(&held), NULL);
    assert_true(wire_receive_head_only(&wire, &message));
    wire_message_finish(&message);
    expect_end(&wire, true);
    pthread_join(ender, NULL);
    assert_int_equal(look(1, closed), 1);
    wire_close(&wire);
    wire_close(&other);
    *state = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(the_end_of_the_server_ends_every_stream_once),
        WITH_SERVER(the_end_does_not_wait_for_streams_that_wait),
        WITH_SERVER(a_stream_that_begins_while_the_server_ends_is_over_at_once),
    };
    return cmocka_run_group_tests_name("server_stream_end", tests, NULL, NULL);
}
