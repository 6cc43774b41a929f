/* hive_call() finds the leader: by those who know her, through redirects, after an election; and says so where there is none. */
#include "client_call_scene.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_goes_to_nobody_but_the_leader),
        cmocka_unit_test(redirects_are_followed),
        cmocka_unit_test(queens_that_point_at_each_other_are_not_followed_for_ever),
        cmocka_unit_test(a_drone_leads_to_its_queen),
        cmocka_unit_test(the_end_of_an_election_is_awaited),
        cmocka_unit_test(without_a_leader_it_is_unavailable_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
