/* Polls wait for nobody. The other side is a real server in this program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hivetop_fake.h"

static void a_mute_node_is_asked_once_at_a_time_and_holds_nobody_up(void **state)
{
    (void)state;
    struct fake mute, lively;
    struct app app;
    fake_start(&mute, NULL);
    fake_start(&lively, NULL);
    pthread_mutex_lock(&mute.lock);
    mute.is_mute = true;
    pthread_mutex_unlock(&mute.lock);
    const char *addresses[] = {mute.address, lively.address};
    open_app(&app, addresses, 2, NULL, 100);
    int64_t start_ms = hive_clock_monotonic_ms();
    while (count_asked(&lively) < 3) { /* the mute one's time is 250 ms: within it, others are asked again */
        assert_true(hive_clock_monotonic_ms() < start_ms + PATIENCE_MS);
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
        assert_true(app.poller.under_way <= 2);
    }
    assert_int_equal(count_asked(&mute), 1);
    assert_int_equal(model_node(&app.model, lively.address)->condition, CONDITION_UP);
    run_until_condition(&app, &mute, CONDITION_UP); /* it answers the second time */
    app_close(&app, NULL);
    fake_stop(&mute);
    fake_stop(&lively);
}

static void a_round_waits_for_the_interval_unless_it_hurries(void **state)
{
    (void)state;
    struct fake node;
    struct app app;
    fake_start(&node, NULL);
    const char *addresses[] = {node.address};
    open_app(&app, addresses, 1, NULL, 60000);
    run_until_condition(&app, &node, CONDITION_UP);
    while (app_turn(&app) < 30000) /* one quick round more: in the first one nobody was known to lead */
        hive_http_client_wait(app.client, NULL, 0, 10);
    assert_in_range(count_asked(&node), 1, 2);
    poller_hurry(&app.poller, app.model.now_ms);
    assert_in_range(app_turn(&app), 0, POLLER_HURRY_STEP_MS);
    while (count_asked(&node) < 5)
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
    app.poller.hurry_until_ms = 0;
    int64_t start_ms = hive_clock_monotonic_ms();
    while (app_turn(&app) < 30000) {
        assert_true(hive_clock_monotonic_ms() < start_ms + PATIENCE_MS);
        hive_http_client_wait(app.client, NULL, 0, 10);
    }
    app_close(&app, NULL);
    fake_stop(&node);
}

/* How often in `rounds` rounds the node at that place is asked, among so many drones. */
static int count_due(const struct node *node, size_t at, size_t drones, int rounds)
{
    int count = 0;
    for (int round = 0; round < rounds; round++)
        count += poller_is_due(node, at, drones, round);
    return count;
}

static void many_drones_take_turns_while_all_is_well(void **state)
{
    (void)state;
    struct node drone = {.role = HIVE_ROLE_DRONE, .has_health = true};
    struct node queen = {.role = HIVE_ROLE_QUEEN, .has_health = true};
    assert_int_equal(count_due(&drone, 7, POLLER_DRONES, 12), 12);
    assert_int_equal(count_due(&drone, 7, POLLER_DRONES + 1, 12), 6);
    assert_int_equal(count_due(&drone, 7, 2 * POLLER_DRONES + 1, 12), 4);
    assert_int_equal(
        poller_is_due(&drone, 7, 2 * POLLER_DRONES, 0) + poller_is_due(&drone, 8, 2 * POLLER_DRONES, 0), 1);
    assert_int_equal(count_due(&queen, 0, 2 * POLLER_DRONES, 12), 12);
    drone.failures = 1;
    assert_int_equal(count_due(&drone, 7, 2 * POLLER_DRONES, 12), 12);
    drone = (struct node){.role = HIVE_ROLE_DRONE}; /* not heard of yet */
    assert_int_equal(count_due(&drone, 7, 2 * POLLER_DRONES, 12), 12);
    drone.is_stopped = true;
    assert_int_equal(count_due(&drone, 7, 2 * POLLER_DRONES, 12), 0);
}

static void rounds_are_quick_while_there_is_no_leader_but_not_for_ever(void **state)
{
    (void)state;
    struct app app;
    const char *addresses[] = {"127.0.0.1:1"};
    open_app(&app, addresses, 1, NULL, 60000);
    poller_turn(&app.poller, 1000);
    assert_int_equal(poller_wait_ms(&app.poller, 1000), POLLER_HURRY_STEP_MS);
    poller_turn(&app.poller, 1000 + POLLER_HURRY_MS - 1);
    assert_int_equal(poller_wait_ms(&app.poller, 1000 + POLLER_HURRY_MS - 1), POLLER_HURRY_STEP_MS);
    poller_turn(&app.poller, 1100 + POLLER_HURRY_MS);
    assert_int_equal(poller_wait_ms(&app.poller, 1100 + POLLER_HURRY_MS), 60000);
    app_close(&app, NULL);
}

static void a_paused_node_is_left_in_peace(void **state)
{
    (void)state;
    struct fake paused, lively;
    struct app app;
    fake_start(&paused, NULL);
    fake_start(&lively, NULL);
    const char *addresses[] = {paused.address, lively.address};
    open_app(&app, addresses, 2, NULL, 100);
    run_until_condition(&app, &paused, CONDITION_UP);
    model_take_stopped(&app.model, model_node(&app.model, paused.address), true);
    int asked = count_asked(&paused), rounds = count_asked(&lively);
    while (count_asked(&lively) < rounds + 3)
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
    assert_int_equal(count_asked(&paused), asked);
    app_close(&app, NULL);
    fake_stop(&paused);
    fake_stop(&lively);
}

static void another_process_on_a_nodes_port_is_not_taken_for_it(void **state)
{
    (void)state;
    struct fake other;
    struct app app;
    fake_start(&other, NULL);
    const char *addresses[] = {other.address};
    open_app(&app, addresses, 1, NULL, 100);
    struct node *node = model_node(&app.model, other.address);
    node->is_supervised = true;
    node->state = HIVE_NODE_STOPPED; /* as its launcher says */
    int64_t start_ms = hive_clock_monotonic_ms();
    while (node->failures < 2) {
        assert_true(hive_clock_monotonic_ms() < start_ms + PATIENCE_MS);
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
    }
    assert_false(node->has_health);
    assert_int_not_equal(node->condition, CONDITION_UP);
    node->process = hive_process_of(getpid()); /* the launcher has started it: it is that process after all */
    node->state = HIVE_NODE_RUNNING;
    run_until_condition(&app, &other, CONDITION_UP);
    app_close(&app, NULL);
    fake_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mute_node_is_asked_once_at_a_time_and_holds_nobody_up),
        cmocka_unit_test(a_round_waits_for_the_interval_unless_it_hurries),
        cmocka_unit_test(many_drones_take_turns_while_all_is_well),
        cmocka_unit_test(rounds_are_quick_while_there_is_no_leader_but_not_for_ever),
        cmocka_unit_test(a_paused_node_is_left_in_peace),
        cmocka_unit_test(another_process_on_a_nodes_port_is_not_taken_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
