/* What the server makes of requests: routes, segments, queries, headers, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>

#include "hive/limits.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "lib/wire.h"

static void answer_ok(struct hive_request *request, void *context)
{
    assert(strcmp(context, "the context") == 0);
    hive_request_reply(request, 200, "text/plain", "fine", 4);
}

static void answer_segments(struct hive_request *request, void *context)
{
    struct hive_buffer text = {0};
    size_t bytes;
    (void)context;
    const char *segment = hive_request_segment(request, 0, &bytes);
    hive_buffer_format(&text, "%s %s [", hive_request_method(request), hive_request_path(request));
    hive_buffer_append(&text, segment, bytes);
    hive_buffer_format(&text, "] %zu ", bytes);
    if (strstr(hive_request_target(request), "/logs/"))
        hive_buffer_append_text(&text, hive_request_segment(request, 1, NULL));
    hive_request_reply(request, 200, "text/plain", text.data, text.size);
    hive_buffer_finish(&text);
}

static void answer_query(struct hive_request *request, void *context)
{
    struct hive_buffer text = {0};
    (void)context;
    const char *a = hive_request_query(request, "a"), *b = hive_request_query(request, "b c");
    hive_buffer_format(&text, "%s a=%s b=%s x=%s", hive_request_target(request), a ? a : "-", b ? b : "-",
                       hive_request_header(request, "X-Test") ? hive_request_header(request, "X-Test") : "-");
    hive_request_reply_json(request, 200, &text);
}

static void answer_headers(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_set_header(request, "Retry-After", "1");
    hive_request_set_header(request, "ETag", "\"12\"");
    hive_request_set_header(request, "Location", "http://a/\r\nX-Forged: yes");
    hive_request_reply_problem(request, 503, "no-leader", "say \"%s\" or\n%d", "please", 7);
}

static void answer_access(struct hive_request *request, void *context)
{
    (void)context;
    const char *text = hive_request_has_token(request) ? "with token" : "without token";
    hive_request_reply(request, 200, NULL, text, strlen(text));
}

static const struct hive_route routes[] = {
    {"GET", "/", answer_ok, HIVE_ACCESS_ANYONE, 0, "the root"},
    {"GET", "/fine", answer_ok, HIVE_ACCESS_ANYONE, 0, "answers"},
    {"GET", "/tasks/ID", answer_segments, HIVE_ACCESS_ANYONE, 0, "one wildcard"},
    {"GET", "/tasks/ID/logs/NAME", answer_segments, HIVE_ACCESS_ANYONE, 0, "two wildcards"},
    {"GET", "/kv/...", answer_segments, HIVE_ACCESS_ANYONE, 0, "all that follows"},
    {"PUT", "/kv/...", answer_segments, HIVE_ACCESS_ANYONE, 1024, "… with a body"},
    {"DELETE", "/kv/...", answer_segments, HIVE_ACCESS_ANYONE, 0, "… and another method"},
    {"GET", "/query", answer_query, HIVE_ACCESS_ANYONE, 0, "the query"},
    {"GET", "/headers", answer_headers, HIVE_ACCESS_ANYONE, 0, "sets headers"},
    {"GET", "/anyone", answer_access, HIVE_ACCESS_ANYONE, 0, "never asks"},
    {"GET", "/public", answer_access, HIVE_ACCESS_PUBLIC, 0, "may ask"},
    {"GET", "/private", answer_access, HIVE_ACCESS_TOKEN, 0, "asks"},
    {0},
};

static char context[] = "the context";

static int set_up(void **state)
{
    *state = serve_start(routes, context, NULL, false);
    return 0;
}

static int tear_down(void **state)
{
    hive_server_destroy(*state);
    return 0;
}

static void answers_carry_their_length_and_keep_the_connection(void **state)
{
    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    for (int i = 0; i < 3; i++) {
        wire_send_text(&wire, "GET /fine HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(wire_receive(&wire, &answer));
        assert_int_equal(answer.status, 200);
        assert_true(wire_has_header(&answer, "Content-Length", "4"));
        assert_true(wire_has_header(&answer, "Content-Type", "text/plain"));
        assert_string_equal(answer.body.data, "fine");
        wire_message_finish(&answer);
    }
    wire_expect(&wire, "GET /fine HTTP/1.1\r\nConnection: close\r\n\r\n", 200, "fine");
    assert_true(wire_ends(&wire));
    wire_close(&wire);
}

static void head_is_answered_like_get_without_the_body(void **state)
{
    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "HEAD /fine HTTP/1.1\r\n\r\nGET /fine HTTP/1.1\r\n\r\n");
    assert_true(wire_receive_head_only(&wire, &answer));
    assert_int_equal(answer.status, 200);
    assert_true(wire_has_header(&answer, "Content-Length", "4"));
    wire_message_finish(&answer);
    wire_expect(&wire, "", 200, "fine");
    wire_close(&wire);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct wire wire;
    char part[16];
    wire_connect(&wire, hive_server_port(*state));
    for (int i = 0; i < 100; i++)
        wire_send_text(
            &wire, "GET /tasks/t%d HTTP/1.1\r\n\r\nPUT /kv/b%04d HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody",
            i, i);
    for (int i = 0; i < 100; i++) {
        snprintf(part, sizeof part, "[t%d]", i);
        wire_expect(&wire, "", 200, part);
        snprintf(part, sizeof part, "[b%04d]", i);
        wire_expect(&wire, "", 200, part);
    }
    wire_close(&wire);
}

static void unknown_paths_are_404_problems(void **state)
{
    static const char *const paths[] = {"/nope",      "/fine/", "/finer", "/tasks", "/tasks/",
                                        "/tasks/a/b", "/kv",    "/kv/",   "//",     "/Fine"};
    char request[64];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", paths[i]);
        serve_expect(*state, request, 404, "\"type\":\"https://hive.invalid/problems/not-found\"");
    }
}

static void wrong_methods_are_405_problems_that_name_the_right_ones(void **state)
{
    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "POST /kv/a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    assert_true(wire_receive(&wire, &answer));
    assert_int_equal(answer.status, 405);
    assert_true(wire_has_header(&answer, "Allow", "GET, HEAD, PUT, DELETE"));
    assert_true(wire_has_header(&answer, "Content-Type", "application/problem+json"));
    assert_non_null(strstr(answer.body.data, "problems/method-not-allowed"));
    wire_message_finish(&answer);
    wire_expect(&wire, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine"); /* the refused body was read */
    wire_close(&wire);
    serve_expect(*state, "BREW /fine HTTP/1.1\r\n\r\n", 405, NULL);
    serve_expect(*state, "OPTIONS * HTTP/1.1\r\n\r\n", 400, NULL);
}

static void segments_are_matched_raw_and_then_decoded(void **state)
{
    serve_expect(*state, "GET /kv/a/b HTTP/1.1\r\n\r\n", 200, "GET /kv/a/b [a/b] 3 ");
    serve_expect(*state, "GET /kv/a%2Fb HTTP/1.1\r\n\r\n", 200, "GET /kv/a/b [a/b] 3 ");
    serve_expect(*state, "PUT /kv/%c3%A9%20%25 HTTP/1.1\r\n\r\n", 200, "[é %] 4 ");
    serve_expect(*state, "GET /kv//a/ HTTP/1.1\r\n\r\n", 200, "[/a/] 3 ");
    serve_expect(*state, "GET /tasks/a%2Flogs%2Fb HTTP/1.1\r\n\r\n", 200, "[a/logs/b]");
    serve_expect(*state, "GET /tasks/one/logs/t+o HTTP/1.1\r\n\r\n", 200, "[one] 3 t+o");
    serve_expect(*state, "GET http://example.com:80/tasks/x?a HTTP/1.1\r\n\r\n", 200, "GET /tasks/x [x] 1 ");
    serve_expect(*state, "GET http://example.com HTTP/1.1\r\n\r\n", 200, "fine");

    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "GET /kv/a%%00b HTTP/1.1\r\n\r\n");
    assert_true(wire_receive(&wire, &answer));
    assert_memory_equal(answer.body.data, "GET /kv/a [a\0b] 3 ", 18);
    wire_message_finish(&answer);
    wire_close(&wire);
}

static void queries_are_decoded(void **state)
{
    serve_expect(*state, "GET /query?a=1%262&b+c=x+y%2B&a=3 HTTP/1.1\r\nx-test: there\r\n\r\n", 200,
                 "/query?a=1%262&b+c=x+y%2B&a=3 a=1&2 b=x y+ x=there");
    serve_expect(*state, "GET /query?&&a&b%20c=&= HTTP/1.1\r\n\r\n", 200, " a= b= x=-");
    serve_expect(*state, "GET /query? HTTP/1.1\r\n\r\n", 200, "/query? a=- b=- x=-");
    serve_expect(*state, "GET /query HTTP/1.1\r\n\r\n", 200, "/query a=- b=- x=-");
}

static void broken_targets_are_400_problems(void **state)
{
    static const char *const targets[] = {"/kv/%zz",    "/kv/%4",         "/kv/%", "/kv/a%2", "/query?a=%g0",
                                          "/query?%=1", "/query?a=b%00c", "kv",    "?"};
    char request[64];
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", targets[i]);
        serve_expect(*state, request, 400, "problems/bad-request");
    }
}

static void oversized_targets_and_headers_are_refused(void **state)
{
    static char request[2 * HIVE_CONNECTION_BYTES], filler[HIVE_CONNECTION_BYTES + 1];
    memset(filler, 'x', HIVE_CONNECTION_BYTES);
    snprintf(request, sizeof request, "GET /kv/%.*s HTTP/1.1\r\n\r\n", HIVE_TARGET_BYTES - 4, filler);
    serve_expect(*state, request, 200, NULL);
    snprintf(request, sizeof request, "GET /kv/%.*s HTTP/1.1\r\n\r\n", HIVE_TARGET_BYTES - 3, filler);
    serve_expect(*state, request, 414, "problems/uri-too-long");
    snprintf(request, sizeof request, "GET /fine HTTP/1.1\r\nX: %.*s\r\n\r\n", HIVE_HEADER_BYTES - 100,
             filler);
    serve_expect(*state, request, 200, NULL);
    snprintf(request, sizeof request, "GET /fine HTTP/1.1\r\nX: %.*s\r\n\r\n", HIVE_HEADER_BYTES, filler);
    serve_expect(*state, request, 431, "at most");
    snprintf(request, sizeof request, "GET /kv/%s HTTP/1.1\r\n\r\n", filler);
    serve_expect(*state, request, 414, NULL);
    snprintf(request, sizeof request, "GET /fine HTTP/1.1\r\nX: %s\r\n\r\n", filler);
    serve_expect(*state, request, 431, NULL);
    serve_expect(*state, "GET /fine HTTP/1.1\r\n\r\n", 200, "fine");
}

static void headers_and_problems_are_escaped(void **state)
{
    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "GET /headers HTTP/1.1\r\n\r\n");
    assert_true(wire_receive(&wire, &answer));
    assert_int_equal(answer.status, 503);
    assert_true(wire_has_header(&answer, "Retry-After", "1"));
    assert_true(wire_has_header(&answer, "ETag", "\"12\""));
    assert_false(wire_has_header_named(&answer, "X-Forged"));
    assert_string_equal(
        answer.body.data,
        "{\"type\":\"https://hive.invalid/problems/no-leader\",\"title\":\"Service Unavailable\","
        "\"status\":503,\"detail\":\"say \\\"please\\\" or\\n7\"}");
    wire_message_finish(&answer);
    wire_close(&wire);
}

static void routes_ask_for_the_token_where_they_must(void **state)
{
    static const char *const wrong[] = {"",
                                        "Authorization: Bearer guess\r\n",
                                        "Authorization: Bearer secret1\r\n",
                                        "Authorization: Bearer secre\r\n",
                                        "Authorization: Bearer\r\n",
                                        "Authorization: Bearer \r\n",
                                        "Authorization: Basic secret\r\n",
                                        "Authorization: secret\r\n"};
    static const char *const right[] = {"Authorization: Bearer secret\r\n",
                                        "authorization: bearer secret\r\n"};
    char request[128];
    *state = serve_start(routes, context, "secret", false);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(request, sizeof request, "GET /private HTTP/1.1\r\n%s\r\n", wrong[i]);
        serve_expect(*state, request, 401, "problems/unauthorized");
        snprintf(request, sizeof request, "GET /public HTTP/1.1\r\n%s\r\n", wrong[i]);
        /* Strangers may; but who shows a token means a cluster, and with a wrong one not this. */
        serve_expect(*state, request, *wrong[i] ? 401 : 200,
                     *wrong[i] ? "problems/unauthorized" : "without token");
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        snprintf(request, sizeof request, "GET /private HTTP/1.1\r\n%s\r\n", right[i]);
        serve_expect(*state, request, 200, "with token");
    }
    struct wire wire;
    struct wire_message answer;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "GET /private HTTP/1.1\r\n\r\n");
    assert_true(wire_receive(&wire, &answer));
    assert_true(wire_has_header(&answer, "WWW-Authenticate", "Bearer"));
    wire_message_finish(&answer);
    wire_close(&wire);
    hive_server_destroy(*state);

    *state = serve_start(routes, context, "secret", true);
    serve_expect(*state, "GET /public HTTP/1.1\r\n\r\n", 401, NULL);
    serve_expect(*state, "GET /public HTTP/1.1\r\nAuthorization: Bearer secret\r\n\r\n", 200, "with token");
    serve_expect(*state, "GET /anyone HTTP/1.1\r\n\r\n", 200, "without token");
    hive_server_destroy(*state);

    *state = serve_start(routes, context, NULL, true);
    serve_expect(*state, "GET /private HTTP/1.1\r\n\r\n", 200, "with token");
    hive_server_destroy(*state);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(answers_carry_their_length_and_keep_the_connection),
        WITH_SERVER(head_is_answered_like_get_without_the_body),
        WITH_SERVER(pipelined_requests_are_answered_in_order),
        WITH_SERVER(unknown_paths_are_404_problems),
        WITH_SERVER(wrong_methods_are_405_problems_that_name_the_right_ones),
        WITH_SERVER(segments_are_matched_raw_and_then_decoded),
        WITH_SERVER(queries_are_decoded),
        WITH_SERVER(broken_targets_are_400_problems),
        WITH_SERVER(oversized_targets_and_headers_are_refused),
        WITH_SERVER(headers_and_problems_are_escaped),
        cmocka_unit_test(routes_ask_for_the_token_where_they_must),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
