/* The server over time: answers from other threads, clients that stall or vanish, and the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/limits.h"
#include "hive/memory.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "lib/wire.h"

#define ANSWERERS 3
#define QUEUE     4096

/* Requests that wait for an answer from one of the answering threads. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct hive_request *waiting[QUEUE]; /* NULL ends a thread */
    unsigned put, taken;
    bool is_held; /* nobody answers for now */
    pthread_t threads[ANSWERERS];
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void put(struct hive_request *request)
{
    pthread_mutex_lock(&queue.lock);
    assert(queue.put - queue.taken < QUEUE);
    queue.waiting[queue.put++ % QUEUE] = request;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

static struct hive_request *take(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.put == queue.taken || queue.is_held)
        pthread_cond_wait(&queue.changed, &queue.lock);
    struct hive_request *request = queue.waiting[queue.taken++ % QUEUE];
    pthread_mutex_unlock(&queue.lock);
    return request;
}

static void hold(bool is_held)
{
    pthread_mutex_lock(&queue.lock);
    queue.is_held = is_held;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

static void await_waiting(unsigned count)
{
    for (;;) {
        pthread_mutex_lock(&queue.lock);
        bool is_there = queue.put - queue.taken >= count;
        pthread_mutex_unlock(&queue.lock);
        if (is_there)
            return;
        usleep(1000);
    }
}

static void *answer_waiting(void *context)
{
    struct hive_request *request;
    (void)context;
    while ((request = take())) {
        const char *id = hive_request_segment(request, 0, NULL);
        const char *token = hive_request_header(request, "X-Echo");
        hive_request_set_header(request, "X-Echo", token ? token : "none");
        hive_request_reply(request, 200, "text/plain", id, strlen(id));
    }
    return NULL;
}

static void answer_later(struct hive_request *request, void *context)
{
    (void)context;
    put(request);
}

/* Lets another thread answer before, while or after this one parks the connection. */
static void answer_about_now(struct hive_request *request, void *context)
{
    static atomic_uint turn;
    unsigned spins = atomic_fetch_add(&turn, 1) % 64 * 100;
    (void)context;
    put(request);
    while (spins--)
        atomic_thread_fence(memory_order_seq_cst);
}

static void answer_now(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_reply(request, 200, "text/plain", "now", 3);
}

static sem_t block_begins, block_ends;

static void answer_blocked(struct hive_request *request, void *context)
{
    (void)context;
    sem_post(&block_begins);
    sem_wait(&block_ends);
    hive_request_reply(request, 200, "text/plain", "blocked", 7);
}

static void answer_large(struct hive_request *request, void *context)
{
    static const char large[32 * 1024 * 1024];
    (void)context;
    hive_request_reply(request, 200, "application/octet-stream", large, sizeof large);
}

static const struct hive_route routes[] = {
    {"GET", "/later/ID", answer_later, HIVE_ACCESS_ANYONE, 0, "another thread answers"},
    {"POST", "/later/ID", answer_later, HIVE_ACCESS_ANYONE, 100, "… after a body"},
    {"GET", "/about-now/ID", answer_about_now, HIVE_ACCESS_ANYONE, 0, "… or this one, who knows"},
    {"GET", "/now", answer_now, HIVE_ACCESS_ANYONE, 0, "this thread answers"},
    {"GET", "/blocked", answer_blocked, HIVE_ACCESS_ANYONE, 0, "this thread answers when it is let"},
    {"GET", "/large", answer_large, HIVE_ACCESS_ANYONE, 0, "answers with more than a socket takes"},
    {0},
};

static int set_up(void **state)
{
    *state = serve_start(routes, NULL, NULL, false);
    for (int i = 0; i < ANSWERERS; i++)
        pthread_create(&queue.threads[i], NULL, answer_waiting, NULL);
    return 0;
}

static int tear_down(void **state)
{
    hive_server_destroy(*state);
    for (int i = 0; i < ANSWERERS; i++)
        put(NULL);
    for (int i = 0; i < ANSWERERS; i++)
        pthread_join(queue.threads[i], NULL);
    return 0;
}

static void thousands_of_answers_from_other_threads_find_their_requests(void **state)
{
    enum { CLIENTS = 64, ROUNDS = 50 };
    struct wire wires[CLIENTS];
    struct wire_message answer;
    char id[32];
    for (int c = 0; c < CLIENTS; c++)
        wire_connect(&wires[c], hive_server_port(*state));
    for (int round = 0; round < ROUNDS; round++) {
        for (int c = 0; c < CLIENTS; c++)
            wire_send_text(&wires[c],
                           "GET /later/a%d-%d HTTP/1.1\r\nX-Echo: e%d\r\n\r\n"
                           "POST /later/b%d-%d HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
                           c, round, c, c, round);
        for (int c = 0; c < CLIENTS; c++)
            for (int i = 0; i < 2; i++) {
                assert_true(wire_receive(&wires[c], &answer));
                snprintf(id, sizeof id, "%c%d-%d", "ab"[i], c, round);
                assert_string_equal(answer.body.data, id);
                snprintf(id, sizeof id, "e%d", c);
                assert_true(wire_has_header(&answer, "X-Echo", i ? "none" : id));
                wire_message_finish(&answer);
            }
    }
    for (int c = 0; c < CLIENTS; c++)
        wire_close(&wires[c]);
}

static void an_answer_before_the_suspend_is_not_lost(void **state)
{
    enum { CLIENTS = 8, ROUNDS = 1000 };
    struct wire wires[CLIENTS];
    for (int c = 0; c < CLIENTS; c++)
        wire_connect(&wires[c], hive_server_port(*state));
    for (int round = 0; round < ROUNDS; round++) {
        for (int c = 0; c < CLIENTS; c++)
            wire_send_text(&wires[c], "GET /about-now/%d HTTP/1.1\r\n\r\n", round);
        for (int c = 0; c < CLIENTS; c++)
            wire_expect(&wires[c], "", 200, NULL);
    }
    for (int c = 0; c < CLIENTS; c++)
        wire_close(&wires[c]);
}

static void clients_that_stall_hold_up_nobody(void **state)
{
    static const char *const halves[] = {
        "", "GET", "GET /now HTTP/1.1\r\nHos", "POST /later/1 HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
        "POST /later/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"};
    enum { STALLED = 100 };
    struct wire stalled[STALLED], wire;
    for (int i = 0; i < STALLED; i++) {
        const char *half = halves[i % 5];
        wire_connect(&stalled[i], hive_server_port(*state));
        assert_true(wire_send(&stalled[i], half, strlen(half)));
    }
    wire_connect(&wire, hive_server_port(*state));
    for (int i = 0; i < 100; i++) {
        wire_expect(&wire, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
        wire_expect(&wire, "GET /later/x HTTP/1.1\r\n\r\n", 200, "x");
    }
    wire_close(&wire);
    wire_expect(&stalled[2], "t: a\r\n\r\n", 200, "now"); /* still waited for */
    for (int i = 0; i < STALLED; i++)
        wire_close(&stalled[i]);
}

static void a_busy_thread_leaves_the_other_to_new_connections(void **state)
{
    struct wire busy, other;
    sem_init(&block_begins, 0, 0);
    sem_init(&block_ends, 0, 0);
    wire_connect(&busy, hive_server_port(*state));
    wire_send_text(&busy, "GET /blocked HTTP/1.1\r\n\r\n");
    sem_wait(&block_begins);
    wire_connect(&other, hive_server_port(*state));
    wire_expect(&other, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    sem_post(&block_ends);
    wire_expect(&busy, "", 200, "blocked");
    wire_close(&busy);
    wire_close(&other);
}

static void clients_that_vanish_harm_nobody(void **state)
{
    struct wire wire;
    hold(true);
    for (int i = 0; i < 20; i++) {
        wire_connect(&wire, hive_server_port(*state));
        wire_send_text(&wire, "GET /later/x HTTP/1.1\r\n\r\n");
        await_waiting((unsigned)i + 1);
        if (i % 2)
            wire_reset(&wire);
        else
            wire_close(&wire);
    }
    hold(false);
    for (int i = 0; i < 20; i++) {
        wire_connect(&wire, hive_server_port(*state));
        wire_send_text(&wire, "GET /large HTTP/1.1\r\n\r\n");
        struct wire_message head;
        assert_true(wire_receive_head_only(&wire, &head)); /* the rest is on its way */
        wire_message_finish(&head);
        wire_reset(&wire);
    }
    wire_connect(&wire, hive_server_port(*state));
    wire_expect(&wire, "GET /later/x HTTP/1.1\r\n\r\n", 200, "x");
    wire_close(&wire);
}

static void a_quiesced_server_refuses_new_connections_and_serves_old_ones(void **state)
{
    struct wire wire;
    struct sockaddr_in address = serve_address(hive_server_port(*state));
    wire_connect(&wire, hive_server_port(*state));
    wire_expect(&wire, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    hive_server_quiesce(*state);
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(refused, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(refused);
    wire_expect(&wire, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    wire_expect(&wire, "GET /later/x HTTP/1.1\r\n\r\n", 200, "x");
    hive_server_quiesce(*state);
    wire_close(&wire);
}

static void *destroy(void *server)
{
    hive_server_destroy(server);
    return NULL;
}

static void the_end_waits_for_owed_answers_and_for_nothing_else(void **state)
{
    struct wire owed, late, half, idle;
    pthread_t ender;
    hold(true);
    wire_connect(&owed, hive_server_port(*state));
    wire_connect(&late, hive_server_port(*state));
    wire_connect(&half, hive_server_port(*state));
    wire_connect(&idle, hive_server_port(*state));
    wire_expect(&late, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    wire_send_text(&half, "POST /later/1 HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
    wire_send_text(&owed, "GET /later/owed HTTP/1.1\r\n\r\n");
    await_waiting(1);
    pthread_create(&ender, NULL, destroy, *state);
    /* The server is ending once it turns requests down. */
    struct wire_message answer = {0};
    while (answer.status != 503) {
        wire_message_finish(&answer);
        wire_send_text(&late, "GET /now HTTP/1.1\r\n\r\n");
        assert_true(wire_receive(&late, &answer));
    }
    assert_non_null(strstr(answer.body.data, "problems/stopping"));
    wire_message_finish(&answer);
    assert_true(wire_ends(&late));
    usleep((HIVE_FLUSH_MS + 200) * 1000); /* longer than it waits for clients that do not read */
    assert_int_equal(pthread_tryjoin_np(ender, NULL), EBUSY);
    int64_t start_ms = hive_clock_monotonic_ms();
    hold(false);
    wire_expect(&owed, "", 200, "owed");
    pthread_join(ender, NULL);
    assert_in_range(hive_clock_monotonic_ms() - start_ms, 0, HIVE_FLUSH_MS - 1);
    assert_true(wire_ends(&owed));
    assert_true(wire_ends(&half));
    assert_true(wire_ends(&idle));
    wire_close(&owed);
    wire_close(&late);
    wire_close(&half);
    wire_close(&idle);
    *state = NULL;
}

static void the_end_does_not_wait_long_for_a_client_that_does_not_read(void **state)
{
    struct wire wire;
    struct wire_message head;
    wire_connect(&wire, hive_server_port(*state));
    wire_send_text(&wire, "GET /large HTTP/1.1\r\n\r\n");
    assert_true(wire_receive_head_only(&wire, &head));
    wire_message_finish(&head);
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_server_destroy(*state);
    assert_in_range(hive_clock_monotonic_ms() - start_ms, HIVE_FLUSH_MS - 50, HIVE_FLUSH_MS + 5000);
    wire_close(&wire);
    *state = NULL;
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(thousands_of_answers_from_other_threads_find_their_requests),
        WITH_SERVER(an_answer_before_the_suspend_is_not_lost),
        WITH_SERVER(clients_that_stall_hold_up_nobody),
        WITH_SERVER(a_busy_thread_leaves_the_other_to_new_connections),
        WITH_SERVER(clients_that_vanish_harm_nobody),
        WITH_SERVER(a_quiesced_server_refuses_new_connections_and_serves_old_ones),
        WITH_SERVER(the_end_waits_for_owed_answers_and_for_nothing_else),
        WITH_SERVER(the_end_does_not_wait_long_for_a_client_that_does_not_read),
    };
    return cmocka_run_group_tests_name("server_life", tests, NULL, NULL);
}
