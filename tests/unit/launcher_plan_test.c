/* The plan: each rule of starting and ending, without a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "launcher/plan.h"

#define GRACE_MS 5000
#define QUEEN    .role = HIVE_ROLE_QUEEN
#define DRONE    .role = HIVE_ROLE_DRONE
#define RUNS     .have = PLAN_HAVE_RUNNING
#define COUNT(a) (sizeof(a) / sizeof *(a))

struct outcome {
    struct plan_step steps[8];
    size_t count;
    int64_t due_ms;
};

static struct outcome plan_at(int64_t now_ms, bool is_ending, const struct plan_node *nodes, size_t count)
{
    struct outcome outcome;
    const struct plan_rules rules = {.is_ending = is_ending, .now_ms = now_ms, .grace_ms = GRACE_MS};
    outcome.count = plan_make(nodes, count, &rules, outcome.steps, &outcome.due_ms);
    return outcome;
}

static void expect_step(const struct outcome *outcome, size_t at, size_t node, enum plan_action action)
{
    assert_true(at < outcome->count);
    assert_int_equal(outcome->steps[at].node, node);
    assert_int_equal(outcome->steps[at].action, action);
}

static void expect_nothing(const struct outcome *outcome)
{
    assert_int_equal(outcome->count, 0);
    assert_true(outcome->due_ms == INT64_MAX);
}

static void all_nodes_are_started_at_once(void **state)
{
    (void)state;
    const struct plan_node nodes[] = {{QUEEN, .want = PLAN_WANT_RUNNING},
                                      {QUEEN, .want = PLAN_WANT_RUNNING},
                                      {DRONE, .want = PLAN_WANT_RUNNING}};
    struct outcome outcome = plan_at(0, false, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 3);
    for (size_t i = 0; i < 3; i++)
        expect_step(&outcome, i, i, PLAN_START);
}

static void nothing_is_done_where_all_is_as_wanted(void **state)
{
    (void)state;
    const struct plan_node nodes[] = {{QUEEN, .want = PLAN_WANT_RUNNING, RUNS},
                                      {QUEEN, .want = PLAN_WANT_PAUSED, .have = PLAN_HAVE_PAUSED},
                                      {DRONE, .want = PLAN_WANT_DOWN, .have = PLAN_HAVE_DOWN}};
    struct outcome outcome = plan_at(0, false, nodes, COUNT(nodes));
    expect_nothing(&outcome);
}

static void a_node_that_died_by_itself_stays_down(void **state)
{
    (void)state;
    struct plan_node node = {QUEEN, .want = PLAN_WANT_RUNNING, RUNS};
    assert_false(plan_note_down(&node));
    struct outcome outcome = plan_at(0, false, &node, 1);
    expect_nothing(&outcome);
}

static void a_node_is_asked_once_and_killed_after_the_grace_time(void **state)
{
    (void)state;
    struct plan_node node = {QUEEN, .want = PLAN_WANT_DOWN, RUNS};
    struct outcome outcome = plan_at(100, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_ASK);
    plan_note(&node, PLAN_ASK, 100);

    outcome = plan_at(100 + GRACE_MS - 1, false, &node, 1);
    assert_int_equal(outcome.count, 0);
    assert_int_equal(outcome.due_ms, 100 + GRACE_MS);

    outcome = plan_at(100 + GRACE_MS, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_KILL);
    plan_note(&node, PLAN_KILL, 100 + GRACE_MS);

    outcome = plan_at(100 + GRACE_MS + 1, false, &node, 1);
    expect_nothing(&outcome);
    assert_true(plan_note_down(&node));
}

static void force_does_not_wait(void **state)
{
    (void)state;
    struct plan_node node = {QUEEN, .want = PLAN_WANT_DOWN, RUNS, .by_force = true};
    struct outcome outcome = plan_at(0, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_KILL);

    node.was_asked = true; /* force after a kind word */
    outcome = plan_at(1, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_KILL);
}

static void a_restart_goes_down_first_and_up_again(void **state)
{
    (void)state;
    struct plan_node node = {QUEEN, .want = PLAN_WANT_RUNNING, RUNS, .again = true};
    assert_false(plan_is_settled(&node));
    struct outcome outcome = plan_at(0, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_ASK);
    plan_note(&node, PLAN_ASK, 0);
    assert_true(plan_note_down(&node));
    outcome = plan_at(1, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_START);
    plan_note(&node, PLAN_START, 1);
    assert_true(plan_is_settled(&node));

    node.want = PLAN_WANT_DOWN; /* the new run has a grace time of its own */
    outcome = plan_at(GRACE_MS * 2, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_ASK);
}

static void pause_and_resume(void **state)
{
    (void)state;
    const struct plan_node nodes[] = {{QUEEN, .want = PLAN_WANT_PAUSED, RUNS},
                                      {QUEEN, .want = PLAN_WANT_RUNNING, .have = PLAN_HAVE_PAUSED}};
    struct outcome outcome = plan_at(0, false, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 2);
    expect_step(&outcome, 0, 0, PLAN_PAUSE);
    expect_step(&outcome, 1, 1, PLAN_RESUME);
}

static void a_paused_node_can_be_ended(void **state)
{
    (void)state;
    const struct plan_node node = {QUEEN, .want = PLAN_WANT_DOWN, .have = PLAN_HAVE_PAUSED};
    struct outcome outcome = plan_at(0, false, &node, 1);
    expect_step(&outcome, 0, 0, PLAN_ASK);
}

static void the_end_takes_drones_first_then_queens(void **state)
{
    (void)state;
    struct plan_node nodes[] = {{QUEEN, .want = PLAN_WANT_DOWN, RUNS}, {DRONE, .want = PLAN_WANT_DOWN, RUNS}};
    struct outcome outcome = plan_at(0, true, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 1);
    expect_step(&outcome, 0, 1, PLAN_ASK);
    plan_note(&nodes[1], PLAN_ASK, 0);

    outcome = plan_at(1, true, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 0);
    assert_int_equal(outcome.due_ms, GRACE_MS);

    plan_note_down(&nodes[1]);
    outcome = plan_at(2, true, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 1);
    expect_step(&outcome, 0, 0, PLAN_ASK);
}

static void a_single_queen_is_stopped_while_drones_run(void **state)
{
    (void)state;
    const struct plan_node nodes[] = {{QUEEN, .want = PLAN_WANT_DOWN, RUNS},
                                      {DRONE, .want = PLAN_WANT_RUNNING, RUNS}};
    struct outcome outcome = plan_at(0, false, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 1);
    expect_step(&outcome, 0, 0, PLAN_ASK);
}

static void the_end_by_force_takes_all_at_once(void **state)
{
    (void)state;
    const struct plan_node nodes[] = {{QUEEN, .want = PLAN_WANT_DOWN, RUNS, .by_force = true},
                                      {DRONE, .want = PLAN_WANT_DOWN, RUNS, .by_force = true}};
    struct outcome outcome = plan_at(0, true, nodes, COUNT(nodes));
    assert_int_equal(outcome.count, 2);
    expect_step(&outcome, 0, 0, PLAN_KILL);
    expect_step(&outcome, 1, 1, PLAN_KILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_nodes_are_started_at_once),
        cmocka_unit_test(nothing_is_done_where_all_is_as_wanted),
        cmocka_unit_test(a_node_that_died_by_itself_stays_down),
        cmocka_unit_test(a_node_is_asked_once_and_killed_after_the_grace_time),
        cmocka_unit_test(force_does_not_wait),
        cmocka_unit_test(a_restart_goes_down_first_and_up_again),
        cmocka_unit_test(pause_and_resume),
        cmocka_unit_test(a_paused_node_can_be_ended),
        cmocka_unit_test(the_end_takes_drones_first_then_queens),
        cmocka_unit_test(a_single_queen_is_stopped_while_drones_run),
        cmocka_unit_test(the_end_by_force_takes_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
