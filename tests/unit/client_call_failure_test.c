/* hive_call() with queens that are dead, hang, or die with the answer: what is in doubt is told so, and not done twice. */
#include "client_call_scene.h"

#include <pthread.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_queens_are_passed_over),
        cmocka_unit_test(with_all_dead_it_is_unavailable_and_names_one),
        cmocka_unit_test(a_hanging_queen_costs_a_second_and_no_doubt),
        cmocka_unit_test(a_change_whose_answer_is_lost_is_unknown_and_not_repeated),
        cmocka_unit_test(a_read_whose_answer_is_lost_is_repeated),
        cmocka_unit_test(a_change_that_is_not_answered_in_time_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
