/* Liveness of drones and the choice of who does what: the pure half of the reconciler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/memory.h"
#include "queen/liveness.h"
#include "queen/scheduler.h"

enum { HEARTBEAT_MS = 1000, SUSPECT_MS = 2000, LOST_MS = 5000 };

/* A view on three drones at "a", "b" and "c" with room for two tasks each, and tasks 1 to `tasks`, all
 * pending. */
static struct view make_view(size_t drones, size_t tasks)
{
    static const char *const addresses[] = {"a", "b", "c"};
    struct view view = {.is_leader = true, .drone_count = drones, .task_count = tasks};
    view.drones = hive_calloc(drones, sizeof *view.drones);
    view.tasks = hive_calloc(tasks, sizeof *view.tasks);
    for (size_t i = 0; i < drones; i++)
        view.drones[i] = (struct view_drone){
            .address = hive_strdup(addresses[i]),
            .name = hive_strdup("name"),
            .secret = hive_strdup(""),
            .capacity = 2,
            .registered_index = 1,
        };
    for (size_t i = 0; i < tasks; i++)
        view.tasks[i] =
            (struct view_task){.number = i + 1, .state = MACHINE_TASK_PENDING, .drone = hive_strdup("")};
    return view;
}

static struct liveness make_liveness(struct view *view, int64_t now_ms)
{
    struct liveness liveness = {.heartbeat_ms = HEARTBEAT_MS, .suspect_ms = SUSPECT_MS, .lost_ms = LOST_MS};
    liveness_update(&liveness, view, now_ms);
    liveness_start_leading(&liveness, now_ms);
    return liveness;
}

static void see_all(struct liveness *liveness, int64_t now_ms)
{
    for (size_t i = 0; i < liveness->count; i++)
        liveness_seen(&liveness->drones[i], 0, now_ms);
}

static void test_a_new_leader_gives_work_only_to_drones_that_answered_it(void **state)
{
    (void)state;
    struct view view = make_view(3, 0);
    struct liveness liveness = make_liveness(&view, 100);
    assert_null(liveness_pick(&liveness, 200));
    liveness_seen(liveness_find(&liveness, "b"), 0, 110);
    assert_string_equal(liveness_pick(&liveness, 200)->address, "b");
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_a_silent_drone_is_suspect_then_lost_and_answering_heals_it(void **state)
{
    (void)state;
    struct view view = make_view(2, 0);
    struct liveness liveness = make_liveness(&view, 0);
    see_all(&liveness, 0);
    struct live_drone *a = liveness_find(&liveness, "a"), *b = liveness_find(&liveness, "b");
    assert_null(liveness_judge(&liveness, SUSPECT_MS - 1));
    assert_false(a->is_suspect);
    liveness_seen(b, 0, SUSPECT_MS - 1);
    assert_null(liveness_judge(&liveness, SUSPECT_MS));
    assert_true(a->is_suspect);
    assert_false(b->is_suspect);
    liveness_seen(a, 0, LOST_MS - 1);
    assert_false(a->is_suspect);
    liveness_seen(b, 0, LOST_MS);
    assert_null(liveness_judge(&liveness, LOST_MS));
    assert_ptr_equal(liveness_judge(&liveness, 2 * LOST_MS - 1), a);
    a->is_leaving = true;
    assert_null(liveness_judge(&liveness, 2 * LOST_MS - 1)); /* said once */
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_a_drone_that_registers_again_is_asked_at_once_and_not_removed(void **state)
{
    (void)state;
    struct view view = make_view(1, 0);
    struct liveness liveness = make_liveness(&view, 0);
    see_all(&liveness, 0);
    liveness.drones[0].heartbeat_due_ms = 9999999;
    liveness.drones[0].is_leaving = true;
    view.drones[0].registered_index = 7;
    liveness_update(&liveness, &view, LOST_MS);
    assert_int_equal(liveness.drones[0].heartbeat_due_ms, LOST_MS);
    assert_false(liveness.drones[0].is_leaving);
    assert_null(liveness_judge(&liveness, LOST_MS));
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_what_is_known_of_a_drone_survives_a_new_view(void **state)
{
    (void)state;
    struct view view = make_view(3, 0);
    struct liveness liveness = make_liveness(&view, 0);
    liveness_seen(liveness_find(&liveness, "b"), 5, 42);
    liveness_update(&liveness, &view, 1000);
    assert_int_equal(liveness_find(&liveness, "b")->running, 5);
    assert_int_equal(liveness_find(&liveness, "b")->last_seen_ms, 42);
    assert_null(liveness_find(&liveness, "d"));
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_every_healthy_drone_with_room_is_chosen_sometimes_and_none_beyond_its_capacity(void **state)
{
    (void)state;
    int chosen[3] = {0};
    for (int round = 0; round < 200; round++) {
        struct view view = make_view(3, 0);
        struct liveness liveness = make_liveness(&view, 0);
        see_all(&liveness, 0);
        for (int i = 0; i < 6; i++) {
            struct live_drone *drone = liveness_pick(&liveness, 200);
            assert_non_null(drone);
            if (i == 0)
                chosen[drone->address[0] - 'a']++;
        }
        assert_null(liveness_pick(&liveness, 200)); /* three drones with room for two each */
        liveness_finish(&liveness);
        view_finish(&view);
    }
    /* Each with probability 1/3: missing one in 200 draws has a chance below 1e-34. */
    assert_true(chosen[0] > 0 && chosen[1] > 0 && chosen[2] > 0);
}

static void test_a_task_takes_one_step_at_a_time(void **state)
{
    (void)state;
    struct view view = make_view(1, 1);
    struct liveness liveness = make_liveness(&view, 0);
    see_all(&liveness, 0);
    struct scheduler scheduler = {0};
    struct live_drone *drone;
    scheduler_update(&scheduler, &view);
    assert_int_equal(scheduler_next(&scheduler, &view.tasks[0], &liveness, 10, &drone), SCHEDULER_ASSIGN);
    assert_int_equal(scheduler_next(&scheduler, &view.tasks[0], &liveness, 10, &drone), SCHEDULER_NOTHING);
    scheduler_update(&scheduler, &view); /* a new view does not end the step */
    assert_int_equal(scheduler_next(&scheduler, &view.tasks[0], &liveness, 10, &drone), SCHEDULER_NOTHING);
    scheduler_done(&scheduler, 1, 0);
    view.tasks[0].state = MACHINE_TASK_ASSIGNED;
    free(view.tasks[0].drone);
    view.tasks[0].drone = hive_strdup("a");
    assert_int_equal(scheduler_next(&scheduler, &view.tasks[0], &liveness, 10, &drone), SCHEDULER_SEND);
    assert_string_equal(drone->address, "a");
    scheduler_finish(&scheduler);
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_a_step_that_did_not_help_waits_for_its_time(void **state)
{
    (void)state;
    struct view view = make_view(1, 1);
    struct liveness liveness = make_liveness(&view, 0);
    see_all(&liveness, 0);
    struct scheduler scheduler = {0};
    struct live_drone *drone;
    scheduler_update(&scheduler, &view);
    assert_int_equal(scheduler_due_ms(&scheduler, 0), INT64_MAX);
    scheduler_next(&scheduler, &view.tasks[0], &liveness, 0, &drone);
    scheduler_done(&scheduler, 1, 200);
    assert_int_equal(scheduler_due_ms(&scheduler, 0), 200);
    assert_int_equal(scheduler_next(&scheduler, &view.tasks[0], &liveness, 199, &drone), SCHEDULER_NOTHING);
    assert_int_equal(scheduler_next(&scheduler, &view.tasks[0], &liveness, 200, &drone), SCHEDULER_ASSIGN);
    scheduler_finish(&scheduler);
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_a_task_that_is_refused_too_often_is_given_back(void **state)
{
    (void)state;
    struct view view = make_view(1, 1);
    struct scheduler scheduler = {0};
    scheduler_update(&scheduler, &view);
    int refusals = 1;
    while (!scheduler_is_refused(&scheduler, 1))
        refusals++;
    assert_in_range(refusals, 2, 20); /* once is no reason, and it ends */
    assert_false(scheduler_is_refused(&scheduler, 1));
    assert_false(scheduler_is_refused(&scheduler, 99));
    scheduler_finish(&scheduler);
    view_finish(&view);
}

static void test_a_drone_that_refuses_is_avoided_for_a_while(void **state)
{
    (void)state;
    struct view view = make_view(1, 0);
    struct liveness liveness = make_liveness(&view, 0);
    see_all(&liveness, 0);
    liveness.drones[0].avoid_until_ms = 500;
    assert_null(liveness_pick(&liveness, 499));
    liveness_update(&liveness, &view, 0);
    assert_null(liveness_pick(&liveness, 499));
    assert_non_null(liveness_pick(&liveness, 500));
    liveness_finish(&liveness);
    view_finish(&view);
}

static void test_tasks_that_left_the_view_are_forgotten_unless_a_step_is_under_way(void **state)
{
    (void)state;
    struct view three = make_view(1, 3), one = make_view(1, 1);
    struct liveness liveness = make_liveness(&three, 0);
    see_all(&liveness, 0);
    struct scheduler scheduler = {0};
    struct live_drone *drone;
    scheduler_update(&scheduler, &three);
    assert_int_equal(scheduler.count, 3);
    scheduler_next(&scheduler, &three.tasks[2], &liveness, 0, &drone);
    scheduler_update(&scheduler, &one);
    assert_int_equal(scheduler.count, 2); /* 1 is listed, 3 is busy */
    scheduler_done(&scheduler, 3, 0);
    scheduler_update(&scheduler, &one);
    assert_int_equal(scheduler.count, 1);
    scheduler_finish(&scheduler);
    liveness_finish(&liveness);
    view_finish(&one);
    view_finish(&three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_leader_gives_work_only_to_drones_that_answered_it),
        cmocka_unit_test(test_a_silent_drone_is_suspect_then_lost_and_answering_heals_it),
        cmocka_unit_test(test_a_drone_that_registers_again_is_asked_at_once_and_not_removed),
        cmocka_unit_test(test_what_is_known_of_a_drone_survives_a_new_view),
        cmocka_unit_test(test_every_healthy_drone_with_room_is_chosen_sometimes_and_none_beyond_its_capacity),
        cmocka_unit_test(test_a_task_takes_one_step_at_a_time),
        cmocka_unit_test(test_a_step_that_did_not_help_waits_for_its_time),
        cmocka_unit_test(test_a_task_that_is_refused_too_often_is_given_back),
        cmocka_unit_test(test_a_drone_that_refuses_is_avoided_for_a_while),
        cmocka_unit_test(test_tasks_that_left_the_view_are_forgotten_unless_a_step_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
