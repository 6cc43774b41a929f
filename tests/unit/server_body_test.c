/* What the server does with bodies: whole ones, oversized ones, endless ones, and requests that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>
#include <sys/resource.h>

#include "hive/memory.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "lib/wire.h"

#define MEBIBYTE (1024 * 1024)

static void answer_fine(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_reply(request, 200, "text/plain", "fine", 4);
}

static void answer_body(struct hive_request *request, void *context)
{
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    (void)context;
    assert(body[bytes] == '\0');
    hive_request_reply(request, 200, "application/octet-stream", body, bytes);
}

static const struct hive_route routes[] = {
    {"GET", "/fine", answer_fine, HIVE_ACCESS_ANYONE, 0, "answers"},
    {"POST", "/body", answer_body, HIVE_ACCESS_ANYONE, MEBIBYTE, "gives the body back"},
    {0},
};

static int set_up(void **state)
{
    *state = serve_start(routes, NULL, NULL, false);
    return 0;
}

static int tear_down(void **state)
{
    hive_server_destroy(*state);
    return 0;
}

static void bodies_arrive_whole_with_either_encoding(void **state)
{
    struct wire wire;
    struct wire_message answer;
    char *body = hive_malloc(MEBIBYTE);
    for (int i = 0; i < MEBIBYTE; i++)
        body[i] = (char)(i * 7 + i / 256);
    wire_connect(&wire, hive_server_port(*state));
    for (int is_chunked = 0; is_chunked <= 1; is_chunked++) {
        wire_send_text(&wire, is_chunked ? "POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         : "POST /body HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n");
        for (int i = 0; i < 1024; i++) {
            if (is_chunked)
                wire_send_text(&wire, "400\r\n");
            assert_true(wire_send(&wire, body + 1024 * i, 1024));
            if (is_chunked)
                wire_send_text(&wire, "\r\n");
        }
        if (is_chunked)
            wire_send_text(&wire, "0\r\n\r\n");
        assert_true(wire_receive(&wire, &answer));
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.body.size, MEBIBYTE);
        assert_memory_equal(answer.body.data, body, MEBIBYTE);
        wire_message_finish(&answer);
    }
    wire_expect(&wire, "POST /body HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 200, NULL);
    wire_close(&wire);
    free(body);
}

static void a_client_that_asks_first_is_told_before_it_sends(void **state)
{
    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "POST /body HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_true(wire_receive(&wire, &answer));
    assert_int_equal(answer.status, 100);
    wire_message_finish(&answer);
    wire_expect(&wire, "ok", 200, "ok");
    wire_close(&wire);
    serve_expect(*state, "POST /body HTTP/1.1\r\nContent-Length: 104857600\r\nExpect: 100-continue\r\n\r\n",
                 413, "problems/payload-too-large");
    serve_expect(*state, "POST /nope HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 404,
                 NULL);
}

/* The most memory that this process has used so far. */
static long peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024;
}

/* Sends `mebibytes` of body, in chunks or plain; false where the server closes meanwhile. */
static bool send_mebibytes(struct wire *wire, int mebibytes, bool is_chunked)
{
    static char filler[MEBIBYTE];
    bool is_open = true;
    for (int i = 0; i < mebibytes && is_open; i++) {
        if (is_chunked)
            is_open = wire_send(wire, "100000\r\n", 8);
        is_open = is_open && wire_send(wire, filler, sizeof filler);
        if (is_chunked)
            is_open = is_open && wire_send(wire, "\r\n", 2);
    }
    return is_open;
}

static void oversized_bodies_are_dropped_unstored_and_then_refused(void **state)
{
    struct wire wire;
    wire_connect(&wire, hive_server_port(*state));
    wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
    long before = peak_bytes();
    wire_send_text(&wire, "POST /body HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n");
    assert_true(send_mebibytes(&wire, 100, false));
    wire_expect(&wire, "", 413, "1048576 bytes at most");
    wire_send_text(&wire, "POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(send_mebibytes(&wire, 100, true));
    wire_expect(&wire, "0\r\n\r\n", 413, "1048576 bytes at most");
    wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine"); /* the connection is still good */
    assert_in_range(peak_bytes() - before, 0, 30 * MEBIBYTE);
    wire_close(&wire);
    serve_expect(*state, "GET /fine HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 413, "0 bytes at most");
}

static void endless_bodies_are_cut_off(void **state)
{
    struct wire wire;
    struct wire_message answer;
    serve_expect(*state, "POST /body HTTP/1.1\r\nContent-Length: 268435457\r\n\r\n", 413,
                 "problems/payload-too-large");
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_false(send_mebibytes(&wire, 1024, true));
    assert_true(wire_receive(&wire, &answer));
    assert_int_equal(answer.status, 413);
    wire_message_finish(&answer);
    wire_close(&wire);
    serve_expect(*state, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
}

static void malformed_requests_are_refused_and_harm_nobody(void **state)
{
    serve_expect(*state, "POST /body HTTP/1.1\r\nContent-Length: -5\r\n\r\nhello", 400, NULL);
    serve_expect(*state, "POST /body HTTP/1.1\r\nContent-Length: 5x\r\n\r\nhello", 400, NULL);
    serve_expect(*state, "POST /body HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413, NULL);
    serve_expect(*state, "POST /body HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400,
                 "problems/bad-request");
    serve_expect(*state,
                 "POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                 400, "problems/bad-request");
    serve_expect(*state, "POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, NULL);
    serve_expect(*state, "GET /fine HTTP/3.9\r\n\r\n", 505, NULL);
    serve_expect(*state, "GET /fine HTTP/1.1\r\nno colon\r\n\r\n", 400, NULL);
    serve_expect(*state, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(bodies_arrive_whole_with_either_encoding),
        WITH_SERVER(a_client_that_asks_first_is_told_before_it_sends),
        WITH_SERVER(oversized_bodies_are_dropped_unstored_and_then_refused),
        WITH_SERVER(endless_bodies_are_cut_off),
        WITH_SERVER(malformed_requests_are_refused_and_harm_nobody),
    };
    return cmocka_run_group_tests_name("server_body", tests, NULL, NULL);
}
