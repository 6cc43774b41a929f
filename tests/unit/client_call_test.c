/* hive_call() against queens that are not what one would wish: followers, without a leader, dead, hanging,
 * and dying with the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hive/api.h"
#include "hive/clock.h"
#include "hive/server.h"

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

static bool leads(struct fake *fake)
{
    const char *leader = atomic_load(&fake->leader);
    return leader && strcmp(leader, fake->address) == 0;
}

static void answer_health(struct hive_request *request, void *context)
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

static void note_request(struct fake *fake, struct hive_request *request)
{
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    snprintf(fake->body, sizeof fake->body, "%.*s", (int)bytes, body ? body : "");
    const char *condition = hive_request_header(request, "If-Match");
    const char *authorization = hive_request_header(request, "Authorization");
    snprintf(fake->headers, sizeof fake->headers, "%s|%s|%s", hive_request_target(request),
             condition ? condition : "", authorization ? authorization : "");
}

static void answer_call(struct hive_request *request, void *context)
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

static void start(struct fake *fake, const char *leader)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
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

static void start_leader(struct fake *fake)
{
    start(fake, NULL);
    atomic_store(&fake->leader, fake->address);
}

static void stop(struct fake *fake)
{
    struct hive_request *held = atomic_load(&fake->held);
    if (held)
        hive_request_reply(held, 200, NULL, NULL, 0);
    hive_server_destroy(fake->server);
}

/* A socket on a port of its own: not listening it refuses, listening it hangs as a stopped process does. */
static int open_port(bool listens, char address[HIVE_ADDRESS_BYTES])
{
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
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

/* A leader that closes the connection instead of answering a call: killed at that moment. */
struct dying {
    int port;
    char address[HIVE_ADDRESS_BYTES];
    pthread_t thread;
    atomic_int calls;
};

static void *die_again_and_again(void *context)
{
    static const char health[] =
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
        "{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\",\"term\":1}";
    struct dying *dying = context;
    int connection;
    while ((connection = accept(dying->port, NULL, NULL)) >= 0) {
        char request[4096];
        ssize_t bytes = recv(connection, request, sizeof request, 0);
        if (bytes > 12 && memcmp(request, "GET /healthz", 12) == 0)
            send(connection, health, sizeof health - 1, MSG_NOSIGNAL);
        else
            atomic_fetch_add(&dying->calls, 1);
        shutdown(connection, SHUT_WR);
        while (recv(connection, request, sizeof request, 0) > 0)
            continue;
        close(connection);
    }
    return NULL;
}

static void start_dying(struct dying *dying)
{
    *dying = (struct dying){0};
    dying->port = open_port(true, dying->address);
    assert_int_equal(pthread_create(&dying->thread, NULL, die_again_and_again, dying), 0);
}

static void stop_dying(struct dying *dying)
{
    shutdown(dying->port, SHUT_RDWR);
    pthread_join(dying->thread, NULL);
    close(dying->port);
}

struct outcome {
    enum hive_exit exit_status;
    struct hive_answer answer;
    struct hive_error error;
    int64_t took_ms;
};

static struct outcome call_all(const char *const *addresses, size_t count, struct hive_call call)
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

static void the_leader_is_asked_and_its_answer_given(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    struct outcome outcome = CALL(get, leader.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_int_equal(outcome.answer.status, 200);
    assert_int_equal(outcome.answer.body.size, 3);
    assert_memory_equal(outcome.answer.body.data, "a\0b", 3);
    assert_string_equal(outcome.answer.etag, "\"12\"");
    assert_string_equal(outcome.answer.from, leader.address);
    assert_string_equal(leader.headers, "/kv/a?consistency=stale||");
    hive_answer_finish(&outcome.answer);
    assert_null(outcome.answer.body.data);
    stop(&leader);
}

static void token_headers_and_body_arrive(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    char list[1][HIVE_ADDRESS_BYTES];
    memcpy(list[0], leader.address, sizeof list[0]);
    struct hive_target target = {.addresses = list, .count = 1, .token = "5ecre7"};
    struct hive_call call = put;
    call.headers = (const char *const[]){"If-Match: \"7\"", NULL};
    struct hive_answer answer;
    assert_int_equal(hive_call(&target, &call, &answer, NULL), HIVE_EXIT_OK);
    assert_string_equal(leader.body, "hello");
    assert_string_equal(leader.headers, "/kv/a|\"7\"|Bearer 5ecre7");
    hive_answer_finish(&answer);
    stop(&leader);
}

static void a_change_goes_to_nobody_but_the_leader(void **state)
{
    (void)state;
    struct fake leader, follower;
    start_leader(&leader);
    start(&follower, leader.address);
    struct outcome outcome = CALL(put, follower.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_string_equal(outcome.answer.from, leader.address);
    assert_int_equal(follower.calls, 0);
    assert_int_equal(leader.calls, 1);
    hive_answer_finish(&outcome.answer);
    stop(&follower);
    stop(&leader);
}

static void redirects_are_followed(void **state)
{
    (void)state;
    struct fake leader, follower;
    start_leader(&leader);
    start(&follower, leader.address);
    struct outcome outcome = CALL(get, follower.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_string_equal(outcome.answer.from, leader.address);
    assert_int_equal(follower.calls, 1);
    assert_string_equal(leader.headers, "/kv/a?consistency=stale||");
    hive_answer_finish(&outcome.answer);
    stop(&follower);
    stop(&leader);
}

static void queens_that_point_at_each_other_are_not_followed_for_ever(void **state)
{
    (void)state;
    struct fake one, other;
    start(&one, NULL);
    start(&other, one.address);
    atomic_store(&one.leader, other.address);
    struct hive_call call = get;
    call.timeout_ms = SHORT_MS;
    struct outcome outcome = CALL(call, one.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNAVAILABLE);
    assert_true(one.calls < 40); /* there were pauses */
    hive_answer_finish(&outcome.answer);
    stop(&one);
    stop(&other);
}

static void a_drone_leads_to_its_queen(void **state)
{
    (void)state;
    struct fake leader, drone;
    start_leader(&leader);
    start(&drone, leader.address);
    drone.mode = "DRONE";
    struct outcome outcome = CALL(get, drone.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_int_equal(drone.calls, 0);
    hive_answer_finish(&outcome.answer);
    stop(&drone);
    stop(&leader);
}

static void the_end_of_an_election_is_awaited(void **state)
{
    (void)state;
    struct fake queen;
    start(&queen, NULL);
    atomic_store(&queen.election, 4);
    struct outcome outcome = CALL(put, queen.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_int_equal(queen.health_checks, 4);
    assert_int_equal(queen.calls, 1);
    hive_answer_finish(&outcome.answer);

    atomic_store(&queen.leader, NULL);
    atomic_store(&queen.election, 4);
    outcome = CALL(get, queen.address); /* answered with 503 three times */
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_int_equal(queen.calls, 5);
    hive_answer_finish(&outcome.answer);
    stop(&queen);
}

static void without_a_leader_it_is_unavailable_and_says_so(void **state)
{
    (void)state;
    struct fake queen;
    start(&queen, NULL);
    char dead[HIVE_ADDRESS_BYTES];
    int port = open_port(false, dead);
    struct hive_call call = put;
    call.timeout_ms = SHORT_MS;
    struct outcome outcome = CALL(call, queen.address, dead);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNAVAILABLE);
    assert_true(outcome.took_ms >= SHORT_MS);
    assert_non_null(strstr(outcome.error.message, queen.address));
    assert_non_null(strstr(outcome.error.message, "hive status"));
    assert_int_equal(queen.calls, 0);
    hive_answer_finish(&outcome.answer);
    close(port);
    stop(&queen);
}

static void dead_queens_are_passed_over(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    char dead[HIVE_ADDRESS_BYTES];
    int port = open_port(false, dead);
    struct outcome outcome = CALL(put, dead, leader.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    hive_answer_finish(&outcome.answer);
    close(port);
    stop(&leader);
}

static void with_all_dead_it_is_unavailable_and_names_one(void **state)
{
    (void)state;
    char dead[HIVE_ADDRESS_BYTES];
    int port = open_port(false, dead);
    struct hive_call call = get;
    call.timeout_ms = SHORT_MS;
    struct outcome outcome = CALL(call, dead);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(outcome.error.message, dead));
    assert_non_null(strstr(outcome.error.message, "refused"));
    hive_answer_finish(&outcome.answer);
    close(port);
}

static void a_hanging_queen_costs_a_second_and_no_doubt(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    char hanging[HIVE_ADDRESS_BYTES];
    int port = open_port(true, hanging);
    struct outcome outcome = CALL(put, hanging, leader.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_true(outcome.took_ms < TIMEOUT_MS / 2);
    hive_answer_finish(&outcome.answer);
    close(port);
    stop(&leader);
}

static void a_change_whose_answer_is_lost_is_unknown_and_not_repeated(void **state)
{
    (void)state;
    struct dying dying;
    struct fake other;
    start_dying(&dying);
    start_leader(&other);
    struct outcome outcome = CALL(put, dying.address, other.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNKNOWN);
    assert_non_null(strstr(outcome.error.message, dying.address));
    assert_int_equal(dying.calls, 1);
    assert_int_equal(other.calls, 0);
    hive_answer_finish(&outcome.answer);
    stop(&other);
    stop_dying(&dying);
}

static void a_read_whose_answer_is_lost_is_repeated(void **state)
{
    (void)state;
    struct dying dying;
    struct fake other;
    start_dying(&dying);
    start_leader(&other);
    struct outcome outcome = CALL(get, dying.address, other.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_int_equal(dying.calls, 1);
    assert_int_equal(other.calls, 1);
    hive_answer_finish(&outcome.answer);
    stop(&other);
    stop_dying(&dying);
}

static void a_change_that_is_not_answered_in_time_is_unknown(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    atomic_store(&leader.holds, true);
    struct hive_call call = put;
    call.timeout_ms = SHORT_MS;
    struct outcome outcome = CALL(call, leader.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNKNOWN);
    assert_int_equal(leader.calls, 1);
    hive_answer_finish(&outcome.answer);
    stop(&leader);
}

static void statuses_become_exit_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum hive_exit exit_status;
    } cases[] = {
        {201, HIVE_EXIT_OK},        {400, HIVE_EXIT_FAILED},   {401, HIVE_EXIT_FAILED},
        {404, HIVE_EXIT_NOT_FOUND}, {412, HIVE_EXIT_CONFLICT}, {413, HIVE_EXIT_FAILED},
        {429, HIVE_EXIT_FAILED},    {500, HIVE_EXIT_FAILED},   {503, HIVE_EXIT_UNAVAILABLE},
        {504, HIVE_EXIT_UNKNOWN},
    };
    struct fake leader;
    start_leader(&leader);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char advice[64];
        snprintf(advice, sizeof advice, "do something about %d", cases[i].status);
        atomic_store(&leader.status, cases[i].status);
        struct hive_call call = put;
        call.timeout_ms = SHORT_MS;
        struct outcome outcome = CALL(call, leader.address);
        if (outcome.exit_status != cases[i].exit_status)
            fail_msg("%d gave %d", cases[i].status, (int)outcome.exit_status);
        if (cases[i].status >= 300 && !strstr(outcome.error.message, advice))
            fail_msg("%d: %s", cases[i].status, outcome.error.message);
        hive_answer_finish(&outcome.answer);
    }
    stop(&leader);
}

static void what_is_no_queen_is_told(void **state)
{
    (void)state;
    struct fake stranger;
    start_leader(&stranger);
    stranger.mode = "TEAPOT";
    struct hive_call call = get;
    call.timeout_ms = SHORT_MS;
    struct outcome outcome = CALL(call, stranger.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(outcome.error.message, "no Hive node"));
    assert_int_equal(stranger.calls, 0);
    hive_answer_finish(&outcome.answer);
    stop(&stranger);
}

static void an_empty_target_is_unavailable_at_once(void **state)
{
    (void)state;
    struct hive_target target = {0};
    struct hive_answer answer;
    struct hive_error error;
    assert_int_equal(hive_call(&target, &put, &answer, &error), HIVE_EXIT_UNAVAILABLE);
    hive_answer_finish(&answer);
}

static void any_key_arrives_as_it_is(void **state)
{
    (void)state;
    static const char *const keys[] = {"a b",      "a/b//c", "100%", "?&=#+",  "caf\xc3\xa9",
                                       "\xff\x01", ".",      "..",   "a/../b", "../b",
                                       "./a",      "a/.",    "...",  ".a",     "~-_."};
    struct fake leader;
    start_leader(&leader);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct hive_buffer path = {0};
        hive_buffer_append_text(&path, "/kv/");
        hive_path_append(&path, keys[i]);
        struct hive_call call = get;
        call.path = path.data;
        struct outcome outcome = CALL(call, leader.address);
        assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
        size_t bytes = strlen(path.data);
        if (strncmp(leader.headers, path.data, bytes) != 0 || leader.headers[bytes] != '|')
            fail_msg("'%s': %s arrived as %s", keys[i], path.data, leader.headers);
        hive_answer_finish(&outcome.answer);
        hive_buffer_finish(&path);
    }
    stop(&leader);
}

static void paths_are_percent_encoded(void **state)
{
    (void)state;
    struct hive_buffer path = {0};
    hive_path_append(&path, "a b/\xff?%");
    hive_path_append_bytes(&path, "\0z", 2);
    assert_string_equal(path.data, "a%20b/%FF%3F%25%00z");
    hive_buffer_finish(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leader_is_asked_and_its_answer_given),
        cmocka_unit_test(token_headers_and_body_arrive),
        cmocka_unit_test(a_change_goes_to_nobody_but_the_leader),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(queens_that_point_at_each_other_are_not_followed_for_ever),
        cmocka_unit_test(a_drone_leads_to_its_queen),
        cmocka_unit_test(the_end_of_an_election_is_awaited),
        cmocka_unit_test(without_a_leader_it_is_unavailable_and_says_so),
        cmocka_unit_test(dead_queens_are_passed_over),
        cmocka_unit_test(with_all_dead_it_is_unavailable_and_names_one),
        cmocka_unit_test(a_hanging_queen_costs_a_second_and_no_doubt),
        cmocka_unit_test(a_change_whose_answer_is_lost_is_unknown_and_not_repeated),
        cmocka_unit_test(a_read_whose_answer_is_lost_is_repeated),
        cmocka_unit_test(a_change_that_is_not_answered_in_time_is_unknown),
        cmocka_unit_test(statuses_become_exit_statuses),
        cmocka_unit_test(what_is_no_queen_is_told),
        cmocka_unit_test(an_empty_target_is_unavailable_at_once),
        cmocka_unit_test(any_key_arrives_as_it_is),
        cmocka_unit_test(paths_are_percent_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
