/* One client against one server that the test plays by hand: it drives the client with the client's own wait
 * whenever the server has nothing to read yet. */
#ifndef HTTP_CLIENT_SCENE_H
#define HTTP_CLIENT_SCENE_H

#include <unistd.h>

#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/memory.h"
#include "lib/wire.h"

/* What a callback was told. */
struct outcome {
    int calls, status, error_number;
    bool was_sent;
    char failure[160], content_type[64], location[64], etag[64];
    int64_t retry_after_s, round_trip_us;
    struct hive_buffer body;
};

static inline void note(struct hive_http_response *response, void *context)
{
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->status = response->status;
    outcome->error_number = response->error_number;
    outcome->was_sent = response->was_sent;
    outcome->retry_after_s = response->retry_after_s;
    outcome->round_trip_us = response->round_trip_us;
    snprintf(outcome->failure, sizeof outcome->failure, "%s", response->failure ? response->failure : "");
    snprintf(outcome->content_type, sizeof outcome->content_type, "%s", response->content_type);
    snprintf(outcome->location, sizeof outcome->location, "%s", response->location);
    snprintf(outcome->etag, sizeof outcome->etag, "%s", response->etag);
    hive_buffer_finish(&outcome->body);
    hive_buffer_append(&outcome->body, response->body.data, response->body.size);
    free(hive_buffer_take(&response->body));
}

/* One client, one listening socket, one connection. */
struct scene {
    struct hive_http_client *client;
    int listening;
    uint16_t port;
    struct wire wire;
    char url[64];
    struct outcome outcome;
};

static inline int set_up(void **state)
{
    struct scene *scene = hive_calloc(1, sizeof *scene);
    scene->client = hive_http_client_create();
    scene->listening = wire_listen(&scene->port, 128);
    scene->wire.socket = -1;
    snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:%d/path?a=b", scene->port);
    *state = scene;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *scene = *state;
    hive_http_client_destroy(scene->client);
    if (scene->listening >= 0)
        close(scene->listening);
    if (scene->wire.socket >= 0)
        wire_close(&scene->wire);
    hive_buffer_finish(&scene->outcome.body);
    free(scene);
    return 0;
}

static inline void start(struct scene *scene, const char *method, int64_t timeout_ms)
{
    struct hive_http_request request = {.method = method, .url = scene->url, .timeout_ms = timeout_ms};
    scene->outcome.calls = 0;
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
}

/* Drives the client until there is something to read at the server's side. */
static inline void await_readable(struct hive_http_client *client, int descriptor)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    int64_t end_ms = hive_clock_monotonic_ms() + WIRE_PATIENCE_MS;
    while (!wait.revents && hive_clock_monotonic_ms() < end_ms)
        hive_http_client_wait(client, &wait, 1, WIRE_PATIENCE_MS);
    assert_true(wait.revents & POLLIN);
}

static inline void await_outcome(struct scene *scene)
{
    int64_t end_ms = hive_clock_monotonic_ms() + WIRE_PATIENCE_MS;
    while (!scene->outcome.calls && hive_clock_monotonic_ms() < end_ms)
        hive_http_client_wait(scene->client, NULL, 0, WIRE_PATIENCE_MS);
    assert_int_equal(scene->outcome.calls, 1);
}

/* Takes the connection and the request that the client sends. */
static inline void take_request(struct scene *scene, struct wire_message *request)
{
    await_readable(scene->client, scene->listening);
    wire_accept(&scene->wire, scene->listening);
    await_readable(scene->client, scene->wire.socket);
    assert_true(wire_receive(&scene->wire, request));
}

static inline void take_and_forget_request(struct scene *scene)
{
    struct wire_message request;
    take_request(scene, &request);
    wire_message_finish(&request);
}

static inline void answer_ok(struct scene *scene)
{
    wire_send_text(&scene->wire, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 200);
    assert_string_equal(scene->outcome.body.data, "ok");
}

static inline void check_failure(struct scene *scene, int error_number, bool was_sent, const char *failure)
{
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 0);
    assert_string_equal(scene->outcome.failure, failure);
    assert_int_equal(scene->outcome.error_number, error_number);
    assert_int_equal(scene->outcome.was_sent, was_sent);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
