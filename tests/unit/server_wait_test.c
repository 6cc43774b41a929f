/* Answers that leave late, or never: nobody else waits for them, and they are no trouble at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "lib/wire.h"

#define LATE_MS 150
#define MANY    200

/* Says in a header how its answer is to be treated. */
#define ASK(path, wait) "GET " path " HTTP/1.1\r\nHost: x\r\nX-Wait: " wait "\r\n\r\n"
#define NORMAL          "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"

static atomic_int asked;

static int64_t wait_as_told(const struct hive_request *request, void *context)
{
    const char *text = hive_request_header(request, "X-Wait");
    asked++;
    assert_ptr_equal(context, &asked);
    return !text ? 0 : strcmp(text, "lost") == 0 ? HIVE_ANSWER_LOST : strtoll(text, NULL, 10);
}

static void answer_now(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_reply(request, 200, "text/plain", "now", 3);
}

static void *answer(void *request)
{
    hive_request_reply(request, 200, "text/plain", "soon", 4);
    return NULL;
}

/* Lets another thread answer, about when the connection is parked. */
static void answer_soon(struct hive_request *request, void *context)
{
    pthread_t thread;
    (void)context;
    pthread_create(&thread, NULL, answer, request);
    pthread_detach(thread);
}

static const struct hive_route routes[] = {
    {"GET", "/now", answer_now, HIVE_ACCESS_ANYONE, 0, "this thread answers"},
    {"GET", "/soon", answer_soon, HIVE_ACCESS_ANYONE, 0, "another thread answers"},
    {0},
};

static int set_up(void **state)
{
    struct sockaddr_in address = serve_address(0);
    struct hive_server_config config = {.address = (struct sockaddr *)&address,
                                        .address_bytes = sizeof address,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .context = &asked,
                                        .threads = 1,
                                        .wait = wait_as_told};
    struct hive_server *server;
    struct hive_error error;
    if (hive_server_start(&config, &server, &error))
        fail_msg("%s", error.message);
    *state = server;
    return 0;
}

static int tear_down(void **state)
{
    hive_server_destroy(*state);
    return 0;
}

static bool is_readable(const struct wire *wire, int timeout_ms)
{
    struct pollfd wait = {.fd = wire->socket, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

/* Descriptors of this process, which is client and server in one. */
static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void a_late_answer_comes_late_and_holds_nobody_up(void **state)
{
    struct hive_server *server = *state;
    static const char *const requests[] = {ASK("/now", "150"), ASK("/soon", "150")};
    for (int i = 0; i < 2; i++) {
        struct wire wire;
        struct wire_message message;
        wire_connect(&wire, hive_server_port(server));
        int64_t start_ms = hive_clock_monotonic_ms();
        wire_send_text(&wire, "%s", requests[i]);
        while (asked < i * 2 + 1)
            usleep(100);
        serve_expect(server, NORMAL, 200, "now"); /* by the only thread there is */
        assert_true(wire_receive(&wire, &message));
        assert_true(hive_clock_monotonic_ms() - start_ms >= LATE_MS);
        assert_int_equal(message.status, 200);
        wire_message_finish(&message);
        wire_expect(&wire, NORMAL, 200, "now"); /* the connection is as good as ever */
        asked = i * 2 + 2;
        wire_close(&wire);
    }
}

static void a_lost_answer_is_silence_until_the_client_gives_up(void **state)
{
    struct hive_server *server = *state;
    struct wire wires[MANY];
    serve_expect(server, NORMAL, 200, "now");
    int before = count_descriptors();
    for (int i = 0; i < MANY; i++) {
        wire_connect(&wires[i], hive_server_port(server));
        wire_send_text(&wires[i], "%s", i % 2 ? ASK("/now", "lost") : ASK("/soon", "lost"));
    }
    serve_expect(server, NORMAL, 200, "now");
    assert_false(is_readable(&wires[0], LATE_MS)); /* neither an answer nor an end */
    for (int i = 1; i < MANY; i++)
        assert_false(is_readable(&wires[i], 0));
    for (int i = 0; i < MANY; i++)
        wire_close(&wires[i]);
    int64_t end_ms = hive_clock_monotonic_ms() + WIRE_PATIENCE_MS;
    while (count_descriptors() > before && hive_clock_monotonic_ms() < end_ms)
        usleep(1000);
    assert_true(count_descriptors() <= before);
}

static void answers_of_all_kinds_come_each_in_its_time(void **state)
{
    struct hive_server *server = *state;
    struct wire wires[MANY];
    for (int i = 0; i < MANY; i++) {
        wire_connect(&wires[i], hive_server_port(server));
        wire_send_text(&wires[i], "GET /%s HTTP/1.1\r\nHost: x\r\nX-Wait: %d\r\n\r\n", i % 2 ? "now" : "soon",
                       i % 5);
    }
    for (int i = 0; i < MANY; i++) {
        struct wire_message message;
        assert_true(wire_receive(&wires[i], &message));
        assert_int_equal(message.status, 200);
        wire_message_finish(&message);
        wire_close(&wires[i]);
    }
}

static void at_the_end_late_answers_leave_at_once_and_lost_ones_are_closed(void **state)
{
    struct hive_server *server = *state;
    struct wire late, lost;
    struct wire_message message;
    wire_connect(&late, hive_server_port(server));
    wire_connect(&lost, hive_server_port(server));
    asked = 0;
    wire_send_text(&late, "%s", ASK("/soon", "50000"));
    wire_send_text(&lost, "%s", ASK("/soon", "lost"));
    while (asked < 2)
        usleep(100);
    int64_t start_ms = hive_clock_monotonic_ms();
    hive_server_destroy(server);
    assert_true(hive_clock_monotonic_ms() - start_ms < WIRE_PATIENCE_MS);
    assert_true(wire_receive(&late, &message));
    assert_int_equal(message.status, 200);
    wire_message_finish(&message);
    assert_true(wire_ends(&lost));
    wire_close(&late);
    wire_close(&lost);
    set_up(state);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_late_answer_comes_late_and_holds_nobody_up),
        SERVED(a_lost_answer_is_silence_until_the_client_gives_up),
        SERVED(answers_of_all_kinds_come_each_in_its_time),
        SERVED(at_the_end_late_answers_leave_at_once_and_lost_ones_are_closed),
    };
    return cmocka_run_group_tests_name("server_wait", tests, NULL, NULL);
}
