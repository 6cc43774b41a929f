/* The HTTP client: what it sends, what it tells, and how it waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/server.h"
#include "http_client_scene.h"
#include "lib/serve.h"
#include "lib/wire.h"

static void requests_go_out_as_asked(void **state)
{
    struct scene *scene = *state;
    struct wire_message got;
    struct hive_http_request request = {.method = "PUT",
                                        .url = scene->url,
                                        .token = "secret",
                                        .content_type = "application/json",
                                        .headers = (const char *const[]){"If-Match: \"3\"", "X-A: b", NULL},
                                        .body = "{\"a\":\0}",
                                        .body_bytes = 7,
                                        .timeout_ms = 5000};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
    assert_int_equal(hive_http_client_pending(scene->client), 1);
    take_request(scene, &got);
    assert_int_equal(strncmp(got.head, "PUT /path?a=b HTTP/1.1\r\n", 24), 0);
    assert_true(wire_has_header(&got, "Authorization", "Bearer secret"));
    assert_true(wire_has_header(&got, "Content-Type", "application/json"));
    assert_true(wire_has_header(&got, "If-Match", "\"3\""));
    assert_true(wire_has_header(&got, "X-A", "b"));
    assert_false(wire_has_header_named(&got, "Expect"));
    assert_int_equal(got.body.size, 7);
    assert_memory_equal(got.body.data, "{\"a\":\0}", 7);
    wire_message_finish(&got);
    answer_ok(scene);
    assert_int_equal(hive_http_client_pending(scene->client), 0);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void methods_have_bodies_where_they_should(void **state)
{
    static const struct {
        const char *method, *body, *length;
    } cases[] = {{"GET", NULL, NULL}, {"DELETE", NULL, NULL}, {"POST", NULL, "0"},
                 {"PUT", "", "0"},    {"DELETE", "x", "1"},   {"GET", NULL, NULL}};
    struct scene *scene = *state;
    struct wire_message got;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hive_http_request request = {.method = cases[i].method,
                                            .url = scene->url,
                                            .body = cases[i].body,
                                            .body_bytes = cases[i].body ? strlen(cases[i].body) : 0,
                                            .timeout_ms = 5000};
        scene->outcome.calls = 0;
        hive_http_client_start(scene->client, &request, note, &scene->outcome);
        if (i == 0)
            take_request(scene, &got);
        else { /* the connection is kept */
            await_readable(scene->client, scene->wire.socket);
            assert_true(wire_receive(&scene->wire, &got));
        }
        assert_int_equal(strncmp(got.head, cases[i].method, strlen(cases[i].method)), 0);
        assert_int_equal(wire_has_header_named(&got, "Content-Length"), cases[i].length != NULL);
        assert_true(!cases[i].length || wire_has_header(&got, "Content-Length", cases[i].length));
        assert_false(wire_has_header_named(&got, "Content-Type"));
        assert_false(wire_has_header_named(&got, "Authorization"));
        wire_message_finish(&got);
        answer_ok(scene);
    }
    start(scene, "HEAD", 5000);
    await_readable(scene->client, scene->wire.socket);
    assert_true(wire_receive(&scene->wire, &got));
    wire_message_finish(&got);
    wire_send_text(&scene->wire, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 200);
    assert_int_equal(scene->outcome.body.size, 0);
}

static void a_small_request_is_one_segment(void **state)
{
    struct scene *scene = *state;
    char bytes[4096];
    struct hive_http_request request = {
        .method = "POST", .url = scene->url, .body = "body", .body_bytes = 4, .timeout_ms = 5000};
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
    await_readable(scene->client, scene->listening);
    wire_accept(&scene->wire, scene->listening);
    await_readable(scene->client, scene->wire.socket);
    ssize_t received = recv(scene->wire.socket, bytes, sizeof bytes, 0);
    assert_true(received > 8);
    assert_memory_equal(bytes + received - 8, "\r\n\r\nbody", 8);
    answer_ok(scene);
}

static void answers_are_told_with_what_matters_of_their_headers(void **state)
{
    struct scene *scene = *state;
    start(scene, "GET", 5000);
    take_and_forget_request(scene);
    wire_send_text(
        &scene->wire,
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nlocation: "
        "http://b/\r\n"
        "ETag: \"7\"\r\nRetry-After: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 503);
    assert_string_equal(scene->outcome.content_type, "application/problem+json");
    assert_string_equal(scene->outcome.location, "http://b/");
    assert_string_equal(scene->outcome.etag, "\"7\"");
    assert_int_equal(scene->outcome.retry_after_s, 2);
    assert_string_equal(scene->outcome.body.data, "abc");
    assert_int_equal(scene->outcome.error_number, 0);
    assert_in_range(scene->outcome.round_trip_us, 1, WIRE_PATIENCE_MS * 1000);

    start(scene, "GET", 5000);
    await_readable(scene->client, scene->wire.socket);
    answer_ok(scene);
    assert_string_equal(scene->outcome.content_type, "");
    assert_string_equal(scene->outcome.location, "");
    assert_string_equal(scene->outcome.etag, "");
    assert_int_equal(scene->outcome.retry_after_s, -1);
}

static void the_wait_reports_the_callers_descriptors(void **state)
{
    struct scene *scene = *state;
    int pipes[2], other[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(pipe(other), 0);
    struct pollfd waits[] = {{.fd = other[0], .events = POLLIN, .revents = POLLIN},
                             {.fd = pipes[0], .events = POLLIN},
                             {.fd = pipes[1], .events = POLLOUT},
                             {.fd = -1, .events = POLLIN}};
    hive_http_client_wait(scene->client, waits, 1, 10);
    assert_int_equal(waits[0].revents, 0); /* nothing happened, and what was there before is gone */
    assert_int_equal(write(pipes[1], "x", 1), 1);
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_http_client_wait(scene->client, waits, 4, WIRE_PATIENCE_MS);
    assert_int_equal(waits[0].revents, 0);
    assert_int_equal(waits[1].revents, POLLIN);
    assert_int_equal(waits[2].revents, POLLOUT);
    assert_int_equal(waits[3].revents, 0);
    close(other[1]);
    hive_http_client_wait(scene->client, waits, 1, WIRE_PATIENCE_MS);
    assert_int_equal(waits[0].revents, POLLHUP);
    assert_true(hive_clock_monotonic_ms() - start_ms < WIRE_PATIENCE_MS);
    close(other[0]);
    close(pipes[0]);
    close(pipes[1]);
}

static void *wake(void *client)
{
    usleep(20000);
    hive_http_client_wake(client);
    return NULL;
}

static void a_wake_ends_the_wait_before_or_during_it(void **state)
{
    struct scene *scene = *state;
    pthread_t waker;
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_http_client_wake(scene->client);
    hive_http_client_wait(scene->client, NULL, 0, WIRE_PATIENCE_MS);
    pthread_create(&waker, NULL, wake, scene->client);
    hive_http_client_wait(scene->client, NULL, 0, WIRE_PATIENCE_MS);
    pthread_join(waker, NULL);
    assert_true(hive_clock_monotonic_ms() - start_ms < WIRE_PATIENCE_MS);
}

static void the_wait_lasts_as_long_as_it_was_told(void **state)
{
    struct scene *scene = *state;
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_http_client_wait(scene->client, NULL, 0, 0);
    hive_http_client_wait(scene->client, NULL, 0, 30);
    assert_in_range(hive_clock_monotonic_ms() - start_ms, 29, WIRE_PATIENCE_MS);
}

static void a_destroyed_client_calls_nobody_back(void **state)
{
    struct scene *scene = *state;
    start(scene, "GET", 5000);
    take_and_forget_request(scene);
    start(scene, "GET", 5000);
    hive_http_client_destroy(scene->client);
    scene->client = NULL;
    assert_int_equal(scene->outcome.calls, 0);
    assert_true(wire_ends(&scene->wire));
}

static void a_silent_server_holds_up_no_other(void **state)
{
    struct scene *scene = *state;
    struct outcome silent[50] = {0};
    uint16_t port;
    char url[64];
    int deaf = wire_listen(&port, 128);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    struct hive_http_request request = {.method = "GET", .url = url, .timeout_ms = 300};
    for (int i = 0; i < 50; i++)
        hive_http_client_start(scene->client, &request, note, &silent[i]);
    start(scene, "GET", 5000);
    take_and_forget_request(scene);
    answer_ok(scene);
    assert_int_equal(hive_http_client_pending(scene->client), 50);
    while (hive_http_client_pending(scene->client))
        hive_http_client_wait(scene->client, NULL, 0, WIRE_PATIENCE_MS);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(silent[i].error_number, -ETIMEDOUT);
        hive_buffer_finish(&silent[i].body);
    }
    close(deaf);
}

/* A real server for what needs one that answers by itself. */
static void serve(struct hive_request *request, void *context)
{
    const char *location = hive_request_query(request, "location");
    (void)context;
    if (location)
        hive_request_set_header(request, "Location", location);
    hive_request_reply(request, 200, "text/plain", "served", 6);
}

static const struct hive_route routes[] = {{"POST", "/", serve, HIVE_ACCESS_TOKEN, 100, "answers"}, {0}};

struct chain {
    struct hive_http_client *client;
    const struct hive_http_request *request;
    int left, served;
};

/* Starts the next request from the callback of the one before. */
static void follow(struct hive_http_response *response, void *context)
{
    struct chain *chain = context;
    chain->served += response->status == 200;
    if (chain->left-- > 0)
        hive_http_client_start(chain->client, chain->request, follow, chain);
}

static void thousands_of_requests_can_be_started_from_callbacks(void **state)
{
    struct scene *scene = *state;
    char url[64];
    struct hive_server *server = serve_start(routes, NULL, "secret", false);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", hive_server_port(server));
    struct hive_http_request request = {.method = "POST",
                                        .url = url,
                                        .token = "secret",
                                        .body = "x",
                                        .body_bytes = 1,
                                        .timeout_ms = WIRE_PATIENCE_MS};
    struct chain chain = {.client = scene->client, .request = &request, .left = 2000};
    for (int i = 0; i < 100; i++)
        hive_http_client_start(scene->client, &request, follow, &chain);
    assert_int_equal(chain.served, 0); /* no callback from a start */
    while (hive_http_client_pending(scene->client))
        hive_http_client_wait(scene->client, NULL, 0, WIRE_PATIENCE_MS);
    assert_int_equal(chain.served, 2100);
    hive_server_destroy(server);
}

static void a_call_returns_the_answer_or_says_whom_it_could_not_reach(void **state)
{
    char url[64], target[2048];
    struct hive_server *server = serve_start(routes, NULL, "secret", false);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", hive_server_port(server));
    struct hive_http_request request = {
        .method = "POST", .url = target, .token = "secret", .timeout_ms = 5000};
    struct hive_http_reply reply;
    struct hive_error error;
    (void)state;
    snprintf(target, sizeof target, "%s?location=http://b/", url);
    assert_int_equal(hive_http_call(&request, &reply, &error), 0);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.data, "served");
    assert_string_equal(reply.content_type, "text/plain");
    assert_string_equal(reply.location, "http://b/");
    assert_int_equal(reply.retry_after_s, -1);
    hive_http_reply_finish(&reply);

    snprintf(target, sizeof target, "%s?location=%01500d", url, 0);
    assert_int_equal(hive_http_call(&request, &reply, &error), 0);
    assert_string_equal(reply.location, ""); /* too long for its place: nothing rather than half of it */
    hive_http_reply_finish(&reply);
    hive_server_destroy(server);

    request.url = url;
    assert_int_equal(hive_http_call(&request, &reply, &error), -ECONNREFUSED);
    assert_non_null(strstr(error.message, url));
    assert_non_null(strstr(error.message, "connection refused"));
    assert_int_equal(reply.status, 0);
    assert_false(reply.was_sent);
    hive_http_reply_finish(&reply);
    request.unix_socket = "/no/such/socket";
    assert_int_equal(hive_http_call(&request, &reply, &error), -ECONNREFUSED);
    assert_non_null(strstr(error.message, "/no/such/socket"));
    hive_http_reply_finish(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(requests_go_out_as_asked),
        SCENE(methods_have_bodies_where_they_should),
        SCENE(a_small_request_is_one_segment),
        SCENE(answers_are_told_with_what_matters_of_their_headers),
        SCENE(the_wait_reports_the_callers_descriptors),
        SCENE(a_wake_ends_the_wait_before_or_during_it),
        SCENE(the_wait_lasts_as_long_as_it_was_told),
        SCENE(a_destroyed_client_calls_nobody_back),
        SCENE(a_silent_server_holds_up_no_other),
        SCENE(thousands_of_requests_can_be_started_from_callbacks),
        cmocka_unit_test(a_call_returns_the_answer_or_says_whom_it_could_not_reach),
    };
    return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
