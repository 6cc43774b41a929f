/* The HTTP client, where an answer comes piece by piece and perhaps without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "http_client_scene.h"

/* The scene's outcome is the context of both callbacks; the pieces are told here. */
static struct hive_buffer pieces;
static int piece_count, wanted;

static bool take_piece(const void *data, size_t bytes, void *context)
{
    (void)context;
    hive_buffer_append(&pieces, data, bytes);
    return ++piece_count != wanted;
}

static void start_stream(struct scene *scene, int64_t timeout_ms, int64_t idle_timeout_ms)
{
    struct hive_http_request request = {.method = "GET",
                                        .url = scene->url,
                                        .timeout_ms = timeout_ms,
                                        .idle_timeout_ms = idle_timeout_ms,
                                        .response_bytes = 4,
                                        .piece = take_piece};
    piece_count = 0;
    wanted = -1;
    hive_buffer_finish(&pieces);
    scene->outcome.calls = 0;
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
    take_and_forget_request(scene);
}

static void await_bytes(struct scene *scene, const char *text)
{
    int64_t end_ms = hive_clock_monotonic_ms() + WIRE_PATIENCE_MS;
    while ((!pieces.data || strcmp(pieces.data, text)) && hive_clock_monotonic_ms() < end_ms)
        hive_http_client_wait(scene->client, NULL, 0, 10);
    assert_string_equal(pieces.data ? pieces.data : "", text);
}

static const char head[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n";

static void pieces_come_at_once_and_the_end_behind_them(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 0, WIRE_PATIENCE_MS);
    wire_send_text(&scene->wire, "%s5\r\nfirst\r\n", head);
    await_bytes(scene, "first");
    assert_int_equal(scene->outcome.calls, 0);
    wire_send_text(&scene->wire, "7\r\n second\r\n");
    await_bytes(scene, "first second");
    wire_send_text(&scene->wire, "0\r\n\r\n");
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 200);
    assert_int_equal(scene->outcome.body.size, 0);
    assert_string_equal(scene->outcome.content_type, "text/event-stream");
}

static void an_answer_that_is_no_success_comes_whole(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 0, WIRE_PATIENCE_MS);
    wire_send_text(&scene->wire, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nRetry-After: 1\r\n\r\nwhy?");
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 503);
    assert_string_equal(scene->outcome.body.data, "why?");
    assert_int_equal(scene->outcome.retry_after_s, 1);
    assert_int_equal(piece_count, 0);
}

static void a_cut_stream_is_no_end(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 0, WIRE_PATIENCE_MS);
    wire_send_text(&scene->wire, "%s5\r\nfirst\r\n", head);
    await_bytes(scene, "first");
    wire_close(&scene->wire);
    scene->wire.socket = -1;
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 0);
    assert_int_equal(scene->outcome.error_number, -ECONNRESET);
}

static void silence_ends_it_and_bytes_keep_it(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 0, 400);
    wire_send_text(&scene->wire, "%s", head);
    int64_t start_ms = hive_clock_monotonic_ms();
    for (int i = 0; i < 8; i++) { /* longer than the idle timeout in all */
        for (int64_t end_ms = hive_clock_monotonic_ms() + 100; hive_clock_monotonic_ms() < end_ms;)
            hive_http_client_wait(scene->client, NULL, 0, 10);
        wire_send_text(&scene->wire, "1\r\n%d\r\n", i);
    }
    await_bytes(scene, "01234567");
    assert_true(hive_clock_monotonic_ms() - start_ms >= 800);
    int64_t silent_ms = hive_clock_monotonic_ms();
    check_failure(scene, -ETIMEDOUT, true, "silent for 400 ms");
    assert_in_range(hive_clock_monotonic_ms() - silent_ms, 300, 5000);
}

static void silence_before_the_answer_counts_too(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 0, 100);
    check_failure(scene, -ETIMEDOUT, true, "silent for 100 ms");
}

static void the_whole_may_have_a_limit_as_well(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 200, WIRE_PATIENCE_MS);
    wire_send_text(&scene->wire, "%s5\r\nfirst\r\n", head);
    check_failure(scene, -ETIMEDOUT, true, "timed out after 200 ms");
    assert_string_equal(pieces.data, "first");
}

static void enough_is_enough(void **state)
{
    struct scene *scene = *state;
    start_stream(scene, 0, WIRE_PATIENCE_MS);
    wanted = 1;
    wire_send_text(&scene->wire, "%s5\r\nfirst\r\n", head);
    check_failure(scene, -ECANCELED, true, "given up");
    assert_int_equal(piece_count, 1);
}

static int forget_pieces(void **state)
{
    hive_buffer_finish(&pieces);
    return tear_down(state);
}

#define STREAM(test) cmocka_unit_test_setup_teardown(test, set_up, forget_pieces)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM(pieces_come_at_once_and_the_end_behind_them),
        STREAM(an_answer_that_is_no_success_comes_whole),
        STREAM(a_cut_stream_is_no_end),
        STREAM(silence_ends_it_and_bytes_keep_it),
        STREAM(silence_before_the_answer_counts_too),
        STREAM(the_whole_may_have_a_limit_as_well),
        STREAM(enough_is_enough),
    };
    return cmocka_run_group_tests_name("http_client_stream", tests, NULL, NULL);
}
