/* What the tests of hive_call() share: queens that are not what one would wish, and a call to them. Everything is
 * static. */
#ifndef TESTS_CLIENT_CALL_SCENE_H
#define TESTS_CLIENT_CALL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hive/api.h"
#include "hive/clock.h"
#include "lib/serve.h"

#define TIMEOUT_MS 10000 /* of calls that end long before */
#define SHORT_MS   600   /* of calls that are meant to run out of time */

/* A queen that says and does what a test wants. */
struct fake {
    struct hive_server *server;
    char address[HIVE_ADDRESS_BYTES];
    _Atomic(const char *) leader; /* whom it names; NULL: nobody; itself: it leads */
    atomic_int election;          /* health checks until it leads itself; 0: as above */
    atomic_int status;            /* what it answers to calls; 0: see `leader` */
    const char *mode;             /* "QUEEN" */
    atomic_int health_checks, calls;
    _Atomic(struct hive_request *) held; /* a call that gets no answer */
    atomic_bool holds;
    char body[64]; /* of the last call */
    char headers[128];
};

static inline bool leads(struct fake *fake)
{
    const char *leader = atomic_load(&fake->leader);
    return leader && strcmp(leader, fake->address) == 0;
}

static inline void answer_health(struct hive_request *request, void *context)
{
    struct fake *fake = context;
    atomic_fetch_add(&fake->health_checks, 1);
    if (atomic_load(&fake->election) && atomic_fetch_sub(&fake->election, 1) == 1)
        atomic_store(&fake->leader, fake->address);
    const char *leader = atomic_load(&fake->leader), *quote = leader ? "\"" : "";
    struct hive_buffer json = {0};
    hive_buffer_format(
        &json, "{\"status\":\"READY\",\"mode\":\"%s\",\"raft_state\":\"%s\",\"term\":1,\"%s\":%s%s%s}",
        fake->mode, leads(fake) ? "LEADER" : "FOLLOWER", strcmp(fake->mode, "DRONE") ? "leader" : "queen",
        quote, leader ? leader : "null", quote);
    hive_request_reply_json(request, 200, &json);
}

static inline void note_request(struct fake *fake, struct hive_request *request)
{
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    snprintf(fake->body, sizeof fake->body, "%.*s", (int)bytes, body ? body : "");
    const char *condition = hive_request_header(request, "If-Match");
    const char *authorization = hive_request_header(request, "Authorization");
    snprintf(fake->headers, sizeof fake->headers, "%s|%s|%s", hive_request_target(request),
             condition ? condition : "", authorization ? authorization : "");
}

static inline void answer_call(struct hive_request *request, void *context)
{
    struct fake *fake = context;
    atomic_fetch_add(&fake->calls, 1);
    note_request(fake, request);
    const char *leader = atomic_load(&fake->leader);
    if (atomic_load(&fake->holds)) {
        atomic_store(&fake->held, request);
    } else if (atomic_load(&fake->status)) {
        unsigned status = (unsigned)atomic_load(&fake->status);
        if (status >= 300)
            hive_request_reply_problem(request, status, "some-problem", "do something about %u", status);
        else
            hive_request_reply(request, status, "application/json", "{}", 2);
    } else if (leads(fake)) {
        hive_request_set_header(request, "ETag", "\"12\"");
        hive_request_reply(request, 200, "application/octet-stream", "a\0b", 3);
    } else if (leader) {
        char location[HIVE_ADDRESS_BYTES + 64];
        snprintf(location, sizeof location, "http://%s%s", leader, hive_request_target(request));
        hive_request_set_header(request, "Location", location);
        hive_request_reply(request, 307, NULL, NULL, 0);
    } else {
        hive_request_reply_problem(request, 503, "no-leader", "an election is under way");
    }
}

static const struct hive_route routes[] = {
    {"GET", "/healthz", answer_health, HIVE_ACCESS_ANYONE, 0, "health"},
    {"GET", "/kv/...", answer_call, HIVE_ACCESS_PUBLIC, 0, "get"},
    {"PUT", "/kv/...", answer_call, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, "put"},
    {0},
};

static inline void start(struct fake *fake, const char *leader)
{
    struct sockaddr_in loopback = serve_address(0);
    struct hive_server_config config = {.address = (struct sockaddr *)&loopback,
                                        .address_bytes = sizeof loopback,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .context = fake,
                                        .threads = 1};
    struct hive_error error;
    *fake = (struct fake){.mode = "QUEEN"};
    if (hive_server_start(&config, &fake->server, &error))
        fail_msg("%s", error.message);
    snprintf(fake->address, sizeof fake->address, "127.0.0.1:%u", hive_server_port(fake->server));
    atomic_store(&fake->leader, leader);
}

static inline void start_leader(struct fake *fake)
{
    start(fake, NULL);
    atomic_store(&fake->leader, fake->address);
}

static inline void stop(struct fake *fake)
{
    struct hive_request *held = atomic_load(&fake->held);
    if (held)
        hive_request_reply(held, 200, NULL, NULL, 0);
    hive_server_destroy(fake->server);
}

struct outcome {
    enum hive_exit exit_status;
    struct hive_answer answer;
    struct hive_error error;
    int64_t took_ms;
};

static inline struct outcome call_all(const char *const *addresses, size_t count, struct hive_call call)
{
    char list[4][HIVE_ADDRESS_BYTES];
    for (size_t i = 0; i < count; i++)
        snprintf(list[i], sizeof list[i], "%s", addresses[i]);
    struct hive_target target = {.addresses = list, .count = count};
    struct outcome outcome = {0};
    int64_t from_ms = hive_clock_monotonic_ms();
    outcome.exit_status = hive_call(&target, &call, &outcome.answer, &outcome.error);
    outcome.took_ms = hive_clock_monotonic_ms() - from_ms;
    return outcome;
}

#define CALL(call, ...)                                                                                      \
    call_all((const char *const[]){__VA_ARGS__},                                                             \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), call)

static const struct hive_call put = {
    .method = "PUT", .path = "/kv/a", .body = "hello", .body_bytes = 5, .timeout_ms = TIMEOUT_MS};
static const struct hive_call get = {
    .method = "GET", .path = "/kv/a?consistency=stale", .timeout_ms = TIMEOUT_MS, .is_idempotent = true};

/* A socket on a port of its own: not listening it refuses, listening it hangs as a stopped process does. */
static inline int open_port(bool listens, char address[HIVE_ADDRESS_BYTES])
{
    struct sockaddr_in loopback = serve_address(0);
    socklen_t bytes = sizeof loopback;
    int port = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(port >= 0);
    assert_int_equal(bind(port, (struct sockaddr *)&loopback, bytes), 0);
    assert_int_equal(getsockname(port, (struct sockaddr *)&loopback, &bytes), 0);
    if (listens)
        assert_int_equal(listen(port, 16), 0);
    snprintf(address, HIVE_ADDRESS_BYTES, "127.0.0.1:%u", ntohs(loopback.sin_port));
    return port;
}

#endif
