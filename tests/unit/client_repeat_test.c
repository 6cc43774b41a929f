/* Writes with an idempotency key, called through hive_call(): one key a call, the same for all its attempts, and
 * attempts for as long as that is safe and there is time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hive/api.h"
#include "hive/clock.h"
#include "lib/wire.h"

#define TIMEOUT_MS 10000 /* of calls that end long before */
#define SHORT_MS   600   /* of calls that are meant to run out of time */
#define ATTEMPTS   64

/* What the leader does with a call instead of answering with a status. */
enum { DIES = -1, HANGS = -2 };

/* A leader that does to one call after the other what its script says; the last line stands for all that follow. */
struct leader {
    int listening;
    char address[HIVE_ADDRESS_BYTES];
    pthread_t thread;
    const int *script;
    size_t lines;
    char keys[ATTEMPTS][128]; /* of the calls so far */
    char heads[1024];         /* of the last one */
    atomic_size_t calls;
    struct wire hanging[ATTEMPTS];
    size_t hanging_count;
};

static void copy_key(const struct wire_message *message, char key[128])
{
    static const char name[] = "\r\nIdempotency-Key: ";
    const char *at = strstr(message->head, name);
    key[0] = '\0';
    if (at)
        snprintf(key, 128, "%.*s", (int)strcspn(at + sizeof name - 1, "\r"), at + sizeof name - 1);
}

static void answer(struct leader *leader, struct wire *wire, const struct wire_message *message)
{
    if (strncmp(message->head, "GET /healthz", 12) == 0) {
        wire_send_text(wire,
                       "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                       "{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\",\"term\":1}");
        return;
    }
    size_t call = atomic_load(&leader->calls);
    assert_true(call < ATTEMPTS);
    int line = leader->script[call < leader->lines ? call : leader->lines - 1];
    copy_key(message, leader->keys[call]);
    snprintf(leader->heads, sizeof leader->heads, "%s", message->head);
    atomic_store(&leader->calls, call + 1);
    if (line > 0)
        wire_send_text(wire,
                       "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"
                       "{\"detail\":\"this is %d\"}",
                       line, line);
    if (line == HANGS) {
        leader->hanging[leader->hanging_count++] = *wire;
        *wire = (struct wire){.socket = -1};
    }
}

static void *run_leader(void *context)
{
    struct leader *leader = context;
    int socket;
    while ((socket = accept(leader->listening, NULL, NULL)) >= 0) {
        struct wire wire = {.socket = socket};
        struct wire_message message = {0};
        if (wire_receive(&wire, &message))
            answer(leader, &wire, &message);
        wire_message_finish(&message);
        if (wire.socket >= 0)
            wire_close(&wire);
    }
    return NULL;
}

static void start(struct leader *leader, const int *script, size_t lines)
{
    uint16_t port;
    *leader = (struct leader){.script = script, .lines = lines};
    leader->listening = wire_listen(&port, 16);
    snprintf(leader->address, sizeof leader->address, "127.0.0.1:%u", port);
    assert_int_equal(pthread_create(&leader->thread, NULL, run_leader, leader), 0);
}

static void stop(struct leader *leader)
{
    shutdown(leader->listening, SHUT_RDWR);
    pthread_join(leader->thread, NULL);
    close(leader->listening);
    for (size_t i = 0; i < leader->hanging_count; i++)
        wire_close(&leader->hanging[i]);
}

/* Calls a leader with this script, whatever comes of it. */
struct outcome {
    struct leader leader;
    enum hive_exit exit_status;
    int status;
    struct hive_error error;
    int64_t took_ms;
};

static struct outcome *run(const struct hive_call *call, const int *script, size_t lines)
{
    static struct outcome outcome;
    outcome = (struct outcome){0};
    start(&outcome.leader, script, lines);
    struct hive_target target = {.addresses = &outcome.leader.address, .count = 1};
    struct hive_answer reply;
    int64_t from_ms = hive_clock_monotonic_ms();
    outcome.exit_status = hive_call(&target, call, &reply, &outcome.error);
    outcome.took_ms = hive_clock_monotonic_ms() - from_ms;
    outcome.status = reply.status;
    hive_answer_finish(&reply);
    stop(&outcome.leader);
    return &outcome;
}

#define RUN(call, ...)                                                                                       \
    run(&(call), (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static const struct hive_call put = {.method = "PUT",
                                     .path = "/kv/a",
                                     .body = "hello",
                                     .body_bytes = 5,
                                     .timeout_ms = TIMEOUT_MS,
                                     .is_keyed = true};
static const struct hive_call short_put = {
    .method = "PUT", .path = "/kv/a", .timeout_ms = SHORT_MS, .is_keyed = true};

/* All attempts carried the same key, of 32 digits. */
static void assert_one_key(const struct outcome *outcome, size_t calls)
{
    assert_int_equal(outcome->leader.calls, calls);
    assert_int_equal(strspn(outcome->leader.keys[0], "0123456789abcdef"), 32);
    assert_int_equal(strlen(outcome->leader.keys[0]), 32);
    for (size_t i = 1; i < calls; i++)
        assert_string_equal(outcome->leader.keys[i], outcome->leader.keys[0]);
}

static void a_write_whose_answer_is_lost_is_repeated_with_its_key(void **state)
{
    (void)state;
    struct outcome *outcome = RUN(put, DIES, DIES, 201);
    assert_int_equal(outcome->exit_status, HIVE_EXIT_OK);
    assert_int_equal(outcome->status, 201);
    assert_one_key(outcome, 3);
}

static void a_write_of_unknown_outcome_is_repeated_with_its_key(void **state)
{
    (void)state;
    struct outcome *outcome = RUN(put, 504, 503, 504, 200);
    assert_int_equal(outcome->exit_status, HIVE_EXIT_OK);
    assert_one_key(outcome, 4);
}

static void a_write_that_hangs_is_repeated_while_there_is_time(void **state)
{
    (void)state;
    struct hive_call call = put;
    call.timeout_ms = 3000;
    struct outcome *outcome = RUN(call, HANGS, 201);
    assert_int_equal(outcome->exit_status, HIVE_EXIT_OK);
    assert_in_range(outcome->took_ms, 1400, 2900); /* half the time was kept */
    assert_one_key(outcome, 2);
}

static void each_call_has_a_key_of_its_own(void **state)
{
    (void)state;
    char first[128];
    memcpy(first, RUN(put, 200)->leader.keys[0], sizeof first);
    assert_string_not_equal(RUN(put, 200)->leader.keys[0], first);
}

static void the_calls_own_headers_are_sent_with_the_key(void **state)
{
    (void)state;
    struct hive_call call = put;
    call.headers = (const char *const[]){"If-Match: \"7\"", "X-Other: 1", NULL};
    struct outcome *outcome = RUN(call, 200);
    assert_one_key(outcome, 1);
    assert_non_null(strstr(outcome->leader.heads, "If-Match: \"7\""));
    assert_non_null(strstr(outcome->leader.heads, "X-Other: 1"));
}

static void what_is_answered_to_a_repetition_counts(void **state)
{
    (void)state;
    assert_int_equal(RUN(put, DIES, 412)->exit_status, HIVE_EXIT_CONFLICT);
    assert_int_equal(RUN(put, 504, 404)->exit_status, HIVE_EXIT_NOT_FOUND);
}

static void a_repetition_that_is_refused_leaves_the_doubt(void **state)
{
    (void)state;
    assert_int_equal(RUN(put, 429)->exit_status, HIVE_EXIT_FAILED);
    struct outcome *outcome = RUN(put, DIES, 429);
    assert_int_equal(outcome->exit_status, HIVE_EXIT_UNKNOWN);
    assert_one_key(outcome, 2);
}

static void without_a_clear_answer_in_time_the_outcome_is_unknown(void **state)
{
    (void)state;
    static const int scripts[][2] = {{504, 504}, {504, 503}, {DIES, DIES}, {DIES, 503}, {HANGS, HANGS}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct outcome *outcome = run(&short_put, scripts[i], 2);
        assert_int_equal(outcome->exit_status, HIVE_EXIT_UNKNOWN);
        assert_true(outcome->leader.calls >= 2 || scripts[i][0] == HANGS);
        assert_in_range(outcome->took_ms, SHORT_MS - 50, SHORT_MS + 2000);
        assert_non_null(strstr(outcome->error.message, "may have been done or not"));
    }
    assert_int_equal(RUN(short_put, 503)->exit_status, HIVE_EXIT_UNAVAILABLE);
}

static void a_write_is_not_repeated_when_its_key_may_be_forgotten(void **state)
{
    (void)state;
    struct hive_call call = put;
    call.repeat_ms = SHORT_MS;
    static const int scripts[] = {504, DIES, HANGS};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct outcome *outcome = run(&call, &scripts[i], 1);
        assert_int_equal(outcome->exit_status, HIVE_EXIT_UNKNOWN);
        assert_in_range(outcome->took_ms, SHORT_MS / 2, SHORT_MS + 2000);
    }
    /* Nothing was in doubt, and so there was no hurry. */
    call.timeout_ms = 3 * SHORT_MS;
    struct outcome *outcome = RUN(call, 503);
    assert_int_equal(outcome->exit_status, HIVE_EXIT_UNAVAILABLE);
    assert_true(outcome->took_ms >= 3 * SHORT_MS - 50);
}

static void a_write_without_a_key_is_never_repeated(void **state)
{
    (void)state;
    struct hive_call call = put;
    call.is_keyed = false;
    static const int scripts[] = {504, DIES};
    for (size_t i = 0; i < 2; i++) {
        struct outcome *outcome = run(&call, &scripts[i], 1);
        assert_int_equal(outcome->exit_status, HIVE_EXIT_UNKNOWN);
        assert_int_equal(outcome->leader.calls, 1);
        assert_string_equal(outcome->leader.keys[0], "");
    }
    call.method = "GET";
    call.is_idempotent = true;
    struct outcome *outcome = RUN(call, DIES, 200);
    assert_int_equal(outcome->exit_status, HIVE_EXIT_OK);
    assert_string_equal(outcome->leader.keys[1], "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_whose_answer_is_lost_is_repeated_with_its_key),
        cmocka_unit_test(a_write_of_unknown_outcome_is_repeated_with_its_key),
        cmocka_unit_test(a_write_that_hangs_is_repeated_while_there_is_time),
        cmocka_unit_test(each_call_has_a_key_of_its_own),
        cmocka_unit_test(the_calls_own_headers_are_sent_with_the_key),
        cmocka_unit_test(what_is_answered_to_a_repetition_counts),
        cmocka_unit_test(a_repetition_that_is_refused_leaves_the_doubt),
        cmocka_unit_test(without_a_clear_answer_in_time_the_outcome_is_unknown),
        cmocka_unit_test(a_write_is_not_repeated_when_its_key_may_be_forgotten),
        cmocka_unit_test(a_write_without_a_key_is_never_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
