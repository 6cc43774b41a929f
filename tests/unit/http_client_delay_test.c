/* The HTTP client on a bad network: requests that leave late, too late, or never, and what their owners are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "faults/faults.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "http_client_scene.h"

#define DELAY_MS 150

static void start_late(struct scene *scene, int64_t delay_ms, int64_t timeout_ms)
{
    struct hive_http_request request = {
        .method = "POST", .url = scene->url, .timeout_ms = timeout_ms, .delay_ms = delay_ms};
    scene->outcome.calls = 0;
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
}

static bool has_come(const struct scene *scene)
{
    struct pollfd wait = {.fd = scene->listening, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static void a_late_request_leaves_when_it_is_time(void **state)
{
    struct scene *scene = *state;
    int64_t start_ms = hive_clock_monotonic_ms();
    start_late(scene, DELAY_MS, 10000);
    take_and_forget_request(scene);
    assert_true(hive_clock_monotonic_ms() - start_ms >= DELAY_MS);
    answer_ok(scene);
    assert_int_equal(hive_http_client_pending(scene->client), 0);
}

static void the_timeout_counts_from_the_start(void **state)
{
    struct scene *scene = *state;
    int64_t start_ms = hive_clock_monotonic_ms();
    start_late(scene, DELAY_MS, 4 * DELAY_MS);
    take_and_forget_request(scene);
    check_failure(scene, -ETIMEDOUT, true, "timed out after 600 ms");
    /* Not after five delays, which is a timeout that begins when the request leaves. */
    assert_in_range(hive_clock_monotonic_ms() - start_ms, 4 * DELAY_MS - 5, 5 * DELAY_MS - 5);
}

static void a_lost_request_is_silence_until_the_timeout(void **state)
{
    struct scene *scene = *state;
    int64_t start_ms = hive_clock_monotonic_ms();
    start_late(scene, INT64_MAX, DELAY_MS);
    assert_int_equal(hive_http_client_pending(scene->client), 1);
    check_failure(scene, -ETIMEDOUT, true, "timed out after 150 ms");
    assert_true(hive_clock_monotonic_ms() - start_ms >= DELAY_MS);
    assert_int_equal(hive_http_client_pending(scene->client), 0);
    assert_false(has_come(scene));
    start(scene, "GET", 5000); /* what comes next is not held up by it */
    take_and_forget_request(scene);
    answer_ok(scene);
}

static void what_is_later_than_its_timeout_comes_unheard(void **state)
{
    struct scene *scene = *state;
    start_late(scene, 3 * DELAY_MS, DELAY_MS);
    check_failure(scene, -ETIMEDOUT, true, "timed out after 150 ms");
    assert_int_equal(hive_http_client_pending(scene->client), 0);
    assert_false(has_come(scene));
    take_and_forget_request(scene);
    wire_send_text(&scene->wire, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    for (int i = 0; i < 20; i++)
        hive_http_client_wait(scene->client, NULL, 0, 10);
    assert_int_equal(scene->outcome.calls, 1); /* nobody was told a second time */
    assert_int_equal(scene->outcome.status, 0);
}

static void what_is_held_back_goes_with_its_client(void **state)
{
    struct scene *scene = *state;
    struct outcome late = {0};
    start_late(scene, INT64_MAX, 60000);
    struct hive_http_request request = {
        .method = "GET", .url = scene->url, .timeout_ms = 60000, .delay_ms = 50000};
    hive_http_client_start(scene->client, &request, note, &late);
    hive_http_client_wait(scene->client, NULL, 0, 1);
    assert_int_equal(hive_http_client_pending(scene->client), 2);
    hive_http_client_destroy(scene->client);
    scene->client = hive_http_client_create();
    assert_int_equal(scene->outcome.calls + late.calls, 0);
}

static void nodes_say_who_they_are_and_keep_to_the_rules(void **state)
{
    struct scene *scene = *state;
    struct faults *faults = faults_create("127.0.0.1:8080", true);
    struct hive_error error;
    struct wire_message request;
    char peer[HIVE_ADDRESS_BYTES], rules[HIVE_ADDRESS_BYTES + 64];
    hive_log_configure(HIVE_LOG_ERROR, HIVE_LOG_TEXT);
    snprintf(peer, sizeof peer, "127.0.0.1:%d", scene->port);
    snprintf(rules, sizeof rules, "{\"rules\":[{\"to\":\"%s\",\"cut\":true}]}", peer);
    struct hive_http_request sent = {.method = "POST",
                                     .url = scene->url,
                                     .timeout_ms = DELAY_MS,
                                     .headers = (const char *const[]){"X-Own: 1", NULL}};
    assert_int_equal(faults_set(faults, rules, strlen(rules), &error), 0);
    faults_send(faults, scene->client, &sent, peer, note, &scene->outcome);
    check_failure(scene, -ETIMEDOUT, true, "timed out after 150 ms");
    assert_false(has_come(scene));

    assert_int_equal(faults_set(faults, "{\"rules\":[]}", 12, &error), 0);
    sent.timeout_ms = 10000;
    scene->outcome.calls = 0;
    faults_send(faults, scene->client, &sent, peer, note, &scene->outcome);
    take_request(scene, &request);
    assert_true(wire_has_header(&request, "Hive-Node", "127.0.0.1:8080"));
    assert_true(wire_has_header(&request, "X-Own", "1"));
    wire_message_finish(&request);
    answer_ok(scene);
    faults_destroy(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_late_request_leaves_when_it_is_time),
        SCENE(the_timeout_counts_from_the_start),
        SCENE(a_lost_request_is_silence_until_the_timeout),
        SCENE(what_is_later_than_its_timeout_comes_unheard),
        SCENE(what_is_held_back_goes_with_its_client),
        SCENE(nodes_say_who_they_are_and_keep_to_the_rules),
    };
    return cmocka_run_group_tests_name("http_client_delay", tests, NULL, NULL);
}
