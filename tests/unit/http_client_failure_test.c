/* The HTTP client against servers that are slow, dead or rude: what it calls the failure, and whether it says
 * that the request may have arrived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http_client_scene.h"

static void a_refused_connection_was_not_sent(void **state)
{
    struct scene *scene = *state;
    close(scene->listening);
    scene->listening = -1;
    start(scene, "POST", 5000);
    check_failure(scene, -ECONNREFUSED, false, "connection refused");
}

static void silence_times_out_sent_or_not(void **state)
{
    struct scene *scene = *state;
    int64_t start_ms = hive_clock_monotonic_ms();
    start(scene, "POST", 100);
    take_and_forget_request(scene);
    check_failure(scene, -ETIMEDOUT, true, "timed out after 100 ms");
    assert_in_range(hive_clock_monotonic_ms() - start_ms, 100, 2000);

    /* A socket whose queue is full answers no connection attempt. */
    uint16_t port;
    int full = wire_listen(&port, 0);
    struct wire first;
    wire_connect(&first, port);
    snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:%d/", port);
    start(scene, "POST", 100);
    check_failure(scene, -ETIMEDOUT, false, "timed out after 100 ms");
    wire_close(&first);
    close(full);
}

static void connections_that_break_off_were_sent(void **state)
{
    struct scene *scene = *state;
    start(scene, "POST", 5000);
    take_and_forget_request(scene);
    wire_reset(&scene->wire);
    check_failure(scene, -ECONNRESET, true, "connection reset");
    start(scene, "POST", 5000);
    take_and_forget_request(scene);
    wire_close(&scene->wire);
    check_failure(scene, -ECONNRESET, true, "connection closed without an answer");
    start(scene, "POST", 5000);
    take_and_forget_request(scene);
    wire_send_text(&scene->wire, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    wire_close(&scene->wire);
    check_failure(scene, -ECONNRESET, true, "connection closed within the answer");
}

/* A kept connection that ends when the next request is on it: was that one carried out? */
static void break_kept_connection(struct scene *scene, const char *method)
{
    struct wire_message request;
    start(scene, "GET", 5000);
    take_and_forget_request(scene);
    answer_ok(scene);
    start(scene, method, 5000);
    await_readable(scene->client, scene->wire.socket);
    assert_true(wire_receive(&scene->wire, &request));
    wire_message_finish(&request);
    wire_close(&scene->wire);
}

static void a_write_is_never_sent_twice(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE"};
    struct scene *scene = *state;
    struct pollfd again = {.fd = scene->listening, .events = POLLIN};
    for (int i = 0; i < 3; i++) {
        break_kept_connection(scene, methods[i]);
        check_failure(scene, -ECONNRESET, true, "connection closed without an answer");
        if (poll(&again, 1, 0)) { /* curl may connect again; what counts is that it sends nothing there */
            wire_accept(&scene->wire, scene->listening);
            hive_http_client_wait(scene->client, NULL, 0, 0);
            assert_true(wire_ends(&scene->wire));
            wire_close(&scene->wire);
        }
    }
}

static void a_write_lost_with_its_server_is_not_called_refused(void **state)
{
    struct scene *scene = *state;
    break_kept_connection(scene, "POST");
    close(scene->listening);
    scene->listening = -1;
    await_outcome(scene);
    assert_int_equal(scene->outcome.status, 0);
    assert_true(scene->outcome.was_sent);
}

static void a_read_is_sent_again(void **state)
{
    struct scene *scene = *state;
    break_kept_connection(scene, "GET");
    take_and_forget_request(scene);
    answer_ok(scene);
}

static void nonsense_and_excess_are_errors(void **state)
{
    struct scene *scene = *state;
    start(scene, "GET", 5000);
    take_and_forget_request(scene);
    wire_send_text(&scene->wire, "220 mail.example.com ready\r\n");
    check_failure(scene, -EIO, true, "that is no HTTP");
    wire_close(&scene->wire);

    struct hive_http_request request = {
        .method = "GET", .url = scene->url, .timeout_ms = 5000, .response_bytes = 4};
    for (int bytes = 4; bytes <= 5; bytes++) {
        scene->outcome.calls = 0;
        hive_http_client_start(scene->client, &request, note, &scene->outcome);
        if (bytes == 4)
            take_and_forget_request(scene);
        else
            await_readable(scene->client, scene->wire.socket);
        wire_send_text(&scene->wire, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%.*s", bytes, bytes,
                       "12345");
        if (bytes == 4)
            await_outcome(scene);
        else
            check_failure(scene, -EIO, true, "the answer is larger than 4 bytes");
    }
    snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:99999/");
    start(scene, "GET", 5000);
    check_failure(scene, -EIO, false, "not a valid URL");
    snprintf(scene->url, sizeof scene->url, "file:///etc/passwd");
    start(scene, "GET", 5000);
    check_failure(scene, -EIO, false, "that is no HTTP");
}

static void unix_sockets_work(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/hive-client-XXXXXX";
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    struct hive_http_request request = {
        .method = "GET", .url = "http://localhost/x", .unix_socket = address.sun_path, .timeout_ms = 5000};
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
    check_failure(scene, -ECONNREFUSED, false, "there is no such socket");

    close(scene->listening);
    scene->listening = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(scene->listening, (struct sockaddr *)&address, sizeof address), 0);
    scene->outcome.calls = 0;
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
    check_failure(scene, -ECONNREFUSED, false, "connection refused");
    assert_int_equal(listen(scene->listening, 8), 0);
    scene->outcome.calls = 0;
    hive_http_client_start(scene->client, &request, note, &scene->outcome);
    take_and_forget_request(scene);
    answer_ok(scene);
    unlink(address.sun_path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_refused_connection_was_not_sent),
        SCENE(silence_times_out_sent_or_not),
        SCENE(connections_that_break_off_were_sent),
        SCENE(a_write_is_never_sent_twice),
        SCENE(a_write_lost_with_its_server_is_not_called_refused),
        SCENE(a_read_is_sent_again),
        SCENE(nonsense_and_excess_are_errors),
        SCENE(unix_sockets_work),
    };
    return cmocka_run_group_tests_name("http_client_failure", tests, NULL, NULL);
}
