/* The choice of ports, on an imagined machine; and the one question that is asked of the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hive/memory.h"
#include "launcher/ports.h"

static uint16_t busy_port; /* somebody listens there; 0: nobody anywhere */

static bool imagined_can_bind(uint16_t port)
{
    return port != busy_port;
}

static int set_up(void **state)
{
    struct ports *ports = hive_calloc(1, sizeof *ports);
    ports->can_bind = imagined_can_bind;
    busy_port = 0;
    *state = ports;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void the_first_free_ones_are_taken(void **state)
{
    uint16_t chosen[3];
    struct ports *ports = *state;
    busy_port = 8081;
    ports->is_taken[8083] = true;
    assert_int_equal(ports_choose(ports, 8080, 0, 3, "--port-queens", chosen, NULL), 0);
    assert_int_equal(chosen[0], 8080);
    assert_int_equal(chosen[1], 8082);
    assert_int_equal(chosen[2], 8084);
}

static void no_port_is_given_twice(void **state)
{
    uint16_t queens[2], drones[2];
    assert_int_equal(ports_choose(*state, 5000, 0, 2, "--port-queens", queens, NULL), 0);
    assert_int_equal(ports_choose(*state, 5001, 0, 2, "--port-drones", drones, NULL), 0);
    assert_int_equal(drones[0], 5002);
    assert_int_equal(drones[1], 5003);
}

static void a_wanted_port_that_is_busy_is_an_error_that_names_it(void **state)
{
    uint16_t chosen[2];
    struct hive_error error;
    busy_port = 9001;
    assert_int_equal(ports_choose(*state, 8080, 9000, 2, "--port-queens", chosen, &error), -EADDRINUSE);
    assert_non_null(strstr(error.message, "9001"));
    assert_non_null(strstr(error.message, "--port-queens"));
}

static void wanted_ports_that_are_free_are_taken(void **state)
{
    uint16_t chosen[2];
    busy_port = 8080;
    assert_int_equal(ports_choose(*state, 8080, 9000, 2, "--port-queens", chosen, NULL), 0);
    assert_int_equal(chosen[0], 9000);
    assert_int_equal(chosen[1], 9001);
}

static void the_search_ends_at_the_last_port(void **state)
{
    uint16_t chosen[3];
    struct hive_error error;
    assert_int_equal(ports_choose(*state, 8080, 65534, 2, "--port-queens", chosen, &error), 0);
    assert_int_equal(chosen[1], 65535);
    assert_int_equal(ports_choose(*state, 65533, 0, 3, "--port-drones", chosen, &error), -EADDRINUSE);
    assert_non_null(strstr(error.message, "--port-drones"));
}

static void a_port_with_a_listener_cannot_be_bound(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    assert_false(ports_can_bind(ntohs(address.sin_port)));
    close(listener);
    assert_true(ports_can_bind(ntohs(address.sin_port)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_free_ones_are_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_port_is_given_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wanted_port_that_is_busy_is_an_error_that_names_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wanted_ports_that_are_free_are_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_search_ends_at_the_last_port, set_up, tear_down),
        cmocka_unit_test(a_port_with_a_listener_cannot_be_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
