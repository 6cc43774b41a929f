/* Where the server listens, and how many it lets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/limits.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "lib/wire.h"

static void answer_now(struct hive_request *request, void *context)
{
    (void)context;
    hive_request_reply(request, 200, "text/plain", "now", 3);
}

static const struct hive_route routes[] = {
    {"GET", "/now", answer_now, HIVE_ACCESS_ANYONE, 0, "answers"},
    {"GET", "/rpc", answer_now, HIVE_ACCESS_TOKEN, 0, "for peers"},
    {"GET", "/client", answer_now, HIVE_ACCESS_PUBLIC, 0, "for clients"},
    {0}};

static int set_up(void **state)
{
    *state = serve_start(routes, NULL, NULL, false);
    return 0;
}

static int tear_down(void **state)
{
    hive_server_destroy(*state);
    return 0;
}

static int try_start(const struct sockaddr *address, socklen_t bytes, int listening,
                     struct hive_server **server, struct hive_error *error)
{
    struct hive_server_config config = {.address = address,
                                        .address_bytes = bytes,
                                        .listen_socket = listening,
                                        .routes = routes,
                                        .threads = 2};
    return hive_server_start(&config, server, error);
}

enum { ALL_CONNECTIONS = HIVE_CONNECTIONS + HIVE_CONNECTIONS_RESERVED };

/* Opens `count` connections, each of which was served once; the last one stands for all. */
static void open_many(struct wire *wires, int count, uint16_t port)
{
    for (int i = 0; i < count; i++)
        wire_connect(&wires[i], port);
    wire_expect(&wires[count - 1], "GET /now HTTP/1.1\r\n\r\n", 200, "now");
}

static void assert_is_busy(struct wire *wire)
{
    struct wire_message answer;
    assert_true(wire_receive(wire, &answer));
    assert_int_equal(answer.status, 503);
    assert_true(wire_has_header(&answer, "Retry-After", "1"));
    assert_int_equal(answer.body.data[answer.body.size - 1], '}');
    wire_message_finish(&answer);
    assert_true(wire_ends(wire));
}

static void clients_cannot_take_the_connections_of_peers(void **state)
{
    static struct wire wires[ALL_CONNECTIONS + 1];
    struct rlimit limit;
    struct wire wire;
    struct wire_message answer;
    uint16_t port = hive_server_port(*state);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 3 * ALL_CONNECTIONS)
        skip();
    limit.rlim_cur = 3 * ALL_CONNECTIONS;
    setrlimit(RLIMIT_NOFILE, &limit);
    open_many(wires, HIVE_CONNECTIONS, port);
    wire_connect(&wire, port);
    wire_send_text(&wire, "GET /client HTTP/1.1\r\n\r\n");
    assert_is_busy(&wire);
    wire_close(&wire);
    wire_connect(&wire, port);
    wire_expect(&wire, "GET /rpc HTTP/1.1\r\n\r\n", 200, "now");
    wire_close(&wire);
    /* The two that were closed may still be counted. */
    open_many(wires + HIVE_CONNECTIONS, HIVE_CONNECTIONS_RESERVED - 2, port);
    int open = ALL_CONNECTIONS - 2;
    for (bool is_full = false; !is_full;) { /* until no place is left, and one more is turned away unasked */
        assert_in_range(open, 1, ALL_CONNECTIONS);
        wire_connect(&wire, port);
        wire_send_text(&wire, "GET /now HTTP/1.1\r\n\r\n");
        assert_true(wire_receive(&wire, &answer));
        is_full = answer.status == 503;
        wire_message_finish(&answer);
        if (is_full)
            wire_close(&wire);
        else
            wires[open++] = wire;
    }
    while (open > 0)
        wire_close(&wires[--open]);
    for (bool is_served = false; !is_served; usleep(1000)) { /* until the server has noticed */
        wire_connect(&wire, port);
        wire_send_text(&wire, "GET /client HTTP/1.1\r\n\r\n");
        is_served = wire_receive(&wire, &answer) && answer.status == 200;
        wire_message_finish(&answer);
        wire_close(&wire);
    }
}

static void a_shortage_of_descriptors_passes(void **state)
{
    struct rlimit limit, before;
    struct wire wire;
    wire_connect(&wire, hive_server_port(*state));
    wire_expect(&wire, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    wire_close(&wire);
    getrlimit(RLIMIT_NOFILE, &before);
    wire = (struct wire){.socket = socket(AF_INET, SOCK_STREAM, 0)};
    limit = (struct rlimit){.rlim_cur = (rlim_t)wire.socket + 1, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    struct sockaddr_in address = serve_address(hive_server_port(*state));
    assert_int_equal(connect(wire.socket, (struct sockaddr *)&address, sizeof address), 0);
    wire_send_text(&wire, "GET /now HTTP/1.1\r\n\r\n");
    struct pollfd wait = {.fd = wire.socket, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 100), 0); /* accepting fails */
    setrlimit(RLIMIT_NOFILE, &before);
    wire_expect(&wire, "", 200, "now");
    wire_close(&wire);
}

static void a_unix_socket_is_private_and_replaces_its_dead_predecessor(void **state)
{
    char directory[] = "/tmp/hive-server-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct hive_server *server;
    struct hive_error error;
    struct stat status;
    struct wire wire;
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);

    assert_int_equal(try_start((struct sockaddr *)&address, sizeof address, -1, &server, &error), 0);
    assert_int_equal(hive_server_port(server), 0);
    assert_int_equal(stat(address.sun_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    wire_connect_unix(&wire, address.sun_path);
    wire_expect(&wire, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    wire_close(&wire);
    hive_server_destroy(server);
    assert_int_equal(stat(address.sun_path, &status), -1);

    fclose(fopen(address.sun_path, "w"));
    assert_int_equal(try_start((struct sockaddr *)&address, sizeof address, -1, &server, &error), -EEXIST);
    assert_non_null(strstr(error.message, address.sun_path));
    assert_int_equal(unlink(address.sun_path), 0); /* it was left alone */
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(try_start((struct sockaddr *)&address, sizeof address, -1, &server, &error), -ENOENT);
    assert_non_null(strstr(error.message, address.sun_path));
}

static void an_address_that_cannot_be_had_is_named(void **state)
{
    uint16_t port;
    int listening = wire_listen(&port, 1);
    struct sockaddr_in address = serve_address(port);
    struct hive_server *server;
    struct hive_error error;
    char text[32];
    (void)state;
    snprintf(text, sizeof text, "127.0.0.1:%d", port);
    assert_int_equal(try_start((struct sockaddr *)&address, sizeof address, -1, &server, &error),
                     -EADDRINUSE);
    assert_non_null(strstr(error.message, text));
    struct sockaddr_in6 nowhere = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(port),
                                   .sin6_addr = {{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}}};
    snprintf(text, sizeof text, "[2001:db8::1]:%d", port);
    assert_true(try_start((struct sockaddr *)&nowhere, sizeof nowhere, -1, &server, &error) < 0);
    assert_true(strstr(error.message, text) || strstr(error.message, "address family"));
    close(listening);
}

static void a_listening_socket_can_be_handed_over(void **state)
{
    uint16_t port;
    int listening = wire_listen(&port, 16);
    struct hive_server *server;
    struct hive_error error;
    struct wire wire;
    (void)state;
    assert_int_equal(try_start(NULL, 0, listening, &server, &error), 0);
    assert_int_equal(hive_server_port(server), port);
    wire_connect(&wire, port);
    wire_expect(&wire, "GET /now HTTP/1.1\r\n\r\n", 200, "now");
    wire_close(&wire);
    hive_server_destroy(server);

    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(try_start(NULL, 0, pipes[0], &server, &error), -EINVAL);
    assert_non_null(strstr(error.message, "not a listening socket"));
    close(pipes[0]);
    close(pipes[1]);
    hive_server_destroy(NULL);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(clients_cannot_take_the_connections_of_peers),
        WITH_SERVER(a_shortage_of_descriptors_passes),
        cmocka_unit_test(a_unix_socket_is_private_and_replaces_its_dead_predecessor),
        cmocka_unit_test(an_address_that_cannot_be_had_is_named),
        cmocka_unit_test(a_listening_socket_can_be_handed_over),
    };
    return cmocka_run_group_tests_name("server_listen", tests, NULL, NULL);
}
