/* The table of tasks: the ways from state to state, and the caps on both ends. */
#include "unit/machine_apply.h"

static void test_a_task_goes_from_pending_to_its_end(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    register_drone(machine, "h:1");
    struct machine_result result = apply(machine, (struct machine_command){.type = MACHINE_TASK_SUBMIT,
                                                                           .time_ms = 2000,
                                                                           .name = bytes_of("greet"),
                                                                           .text = bytes_of("hello")});
    assert_int_equal(result.status, MACHINE_OK);
    assert_int_equal(result.task, 2); /* the log index */
    struct machine_task task = task_of(machine, 2);
    assert_int_equal(task.number, 2);
    assert_string_equal(task.name, "greet");
    assert_int_equal(task.text.size, 5);
    assert_memory_equal(task.text.data, "hello", 5);
    assert_int_equal(task.state, MACHINE_TASK_PENDING);
    assert_string_equal(task.drone, "");
    assert_string_equal(task.detail, "");
    assert_int_equal(task.attempt, 0);
    assert_int_equal(task.submitted_at_ms, 2000);
    assert_int_equal(task.assigned_at_ms, 0);

    result = assign(machine, 2, "h:1");
    assert_int_equal(result.status, MACHINE_OK);
    assert_int_equal(result.attempt, 1);
    task = task_of(machine, 2);
    assert_int_equal(task.state, MACHINE_TASK_ASSIGNED);
    assert_string_equal(task.drone, "h:1");
    assert_int_equal(task.attempt, 1);
    assert_int_equal(task.assigned_at_ms, 3000);
    assert_int_equal(drone_of(machine, "h:1").task_count, 1);

    assert_int_equal(update(machine, 2, "h:1", 1, MACHINE_TASK_RUNNING).status, MACHINE_OK);
    task = task_of(machine, 2);
    assert_int_equal(task.state, MACHINE_TASK_RUNNING);
    assert_int_equal(task.finished_at_ms, 0);
    assert_int_equal(drone_of(machine, "h:1").task_count, 1);

    assert_int_equal(update(machine, 2, "h:1", 1, MACHINE_TASK_FAILED).status, MACHINE_OK);
    task = task_of(machine, 2);
    assert_int_equal(task.state, MACHINE_TASK_FAILED);
    assert_string_equal(task.detail, "why");
    assert_int_equal(task.finished_at_ms, 4000);
    assert_int_equal(drone_of(machine, "h:1").task_count, 0);
    machine_destroy(machine);
}

/* A machine with drones h:1 and h:2 and task 3, which is in `from` on h:1. */
static struct machine *machine_with_task(enum machine_task_state from)
{
    struct machine *machine = machine_create();
    register_drone(machine, "h:1");
    register_drone(machine, "h:2");
    submit(machine, "text");
    if (from >= MACHINE_TASK_ASSIGNED)
        assign(machine, 3, "h:1");
    if (from >= MACHINE_TASK_RUNNING)
        update(machine, 3, "h:1", 1, MACHINE_TASK_RUNNING);
    if (from >= MACHINE_TASK_SUCCEEDED)
        update(machine, 3, "h:1", 1, from);
    assert_int_equal(task_of(machine, 3).state, from);
    return machine;
}

static void test_tasks_move_forward_only(void **state)
{
    (void)state;
    for (enum machine_task_state from = MACHINE_TASK_PENDING; from <= MACHINE_TASK_LOST; from++)
        for (enum machine_task_state to = MACHINE_TASK_RUNNING; to <= MACHINE_TASK_LOST; to++) {
            struct machine *machine = machine_with_task(from);
            bool is_allowed = (from == MACHINE_TASK_ASSIGNED || from == MACHINE_TASK_RUNNING) && to > from;
            struct machine_result result = update(machine, 3, "h:1", 1, to);
            if (result.status != (is_allowed ? MACHINE_OK : MACHINE_CONFLICT))
                fail_msg("%s to %s: status %d", machine_task_state_name(from), machine_task_state_name(to),
                         (int)result.status);
            assert_int_equal(task_of(machine, 3).state, is_allowed ? to : from);
            machine_destroy(machine);
        }
}

static void test_a_task_that_has_not_begun_can_be_given_back(void **state)
{
    (void)state;
    for (enum machine_task_state from = MACHINE_TASK_PENDING; from <= MACHINE_TASK_LOST; from++) {
        struct machine *machine = machine_with_task(from);
        bool is_allowed = from == MACHINE_TASK_ASSIGNED;
        assert_int_equal(update(machine, 3, "h:2", 1, MACHINE_TASK_PENDING).status, MACHINE_CONFLICT);
        assert_int_equal(update(machine, 3, "h:1", 1, MACHINE_TASK_PENDING).status,
                         is_allowed ? MACHINE_OK : MACHINE_CONFLICT);
        assert_int_equal(task_of(machine, 3).state, is_allowed ? MACHINE_TASK_PENDING : from);
        if (is_allowed) {
            assert_int_equal(drone_of(machine, "h:1").task_count, 0);
            assert_int_equal(assign(machine, 3, "h:2").attempt, 2);
        }
        machine_destroy(machine);
    }
}

static void test_a_drone_gets_no_more_tasks_than_it_can_do(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    register_drone(machine, "h:1"); /* four at once */
    for (uint64_t task = 2; task <= 6; task++)
        assert_int_equal(submit(machine, "text").task, task);
    for (uint64_t task = 2; task <= 5; task++)
        assert_int_equal(assign(machine, task, "h:1").status, MACHINE_OK);
    assert_int_equal(assign(machine, 6, "h:1").status, MACHINE_CONFLICT);
    assert_int_equal(task_of(machine, 6).state, MACHINE_TASK_PENDING);
    update(machine, 2, "h:1", 1, MACHINE_TASK_SUCCEEDED);
    assert_int_equal(assign(machine, 6, "h:1").status, MACHINE_OK);
    machine_destroy(machine);
}

static void test_only_a_pending_task_is_assigned(void **state)
{
    (void)state;
    for (enum machine_task_state from = MACHINE_TASK_PENDING; from <= MACHINE_TASK_LOST; from++) {
        struct machine *machine = machine_with_task(from);
        struct machine_result result = assign(machine, 3, "h:2");
        assert_int_equal(result.status, from == MACHINE_TASK_PENDING ? MACHINE_OK : MACHINE_CONFLICT);
        assert_string_equal(task_of(machine, 3).drone, from == MACHINE_TASK_PENDING ? "h:2" : "h:1");
        assert_int_equal(drone_of(machine, "h:2").task_count, from == MACHINE_TASK_PENDING);
        machine_destroy(machine);
    }
}

static void test_an_update_must_speak_of_the_assignment_that_stands(void **state)
{
    (void)state;
    struct machine *machine = machine_with_task(MACHINE_TASK_ASSIGNED);

    assert_int_equal(update(machine, 3, "h:2", 1, MACHINE_TASK_SUCCEEDED).status, MACHINE_CONFLICT);
    assert_int_equal(update(machine, 3, "h:", 1, MACHINE_TASK_SUCCEEDED).status, MACHINE_CONFLICT);
    assert_int_equal(update(machine, 3, "h:1", 0, MACHINE_TASK_SUCCEEDED).status, MACHINE_CONFLICT);
    assert_int_equal(update(machine, 3, "h:1", 2, MACHINE_TASK_SUCCEEDED).status, MACHINE_CONFLICT);
    assert_int_equal(task_of(machine, 3).state, MACHINE_TASK_ASSIGNED);
    assert_int_equal(update(machine, 3, "h:1", 1, MACHINE_TASK_SUCCEEDED).status, MACHINE_OK);
    machine_destroy(machine);
}

static void test_unknown_tasks_and_drones_are_not_found(void **state)
{
    (void)state;
    struct machine *machine = machine_with_task(MACHINE_TASK_PENDING);
    struct machine_task task;

    assert_int_equal(assign(machine, 99, "h:1").status, MACHINE_NOT_FOUND);
    assert_int_equal(assign(machine, 3, "h:9").status, MACHINE_NOT_FOUND);
    assert_int_equal(task_of(machine, 3).state, MACHINE_TASK_PENDING);
    assert_int_equal(task_of(machine, 3).attempt, 0);
    assert_int_equal(update(machine, 99, "h:1", 1, MACHINE_TASK_RUNNING).status, MACHINE_NOT_FOUND);
    assert_false(machine_task_get(machine, 99, &task));
    machine_destroy(machine);
}

struct visits {
    struct hive_buffer text;
    int left;
};

static bool visit_task(const struct machine_task *task, void *context)
{
    struct visits *visits = context;
    hive_buffer_format(&visits->text, "%" PRIu64 " ", task->number);
    return --visits->left > 0;
}

static void assert_visits(const struct machine *machine, bool all, uint64_t after, int limit,
                          const char *expected)
{
    struct visits visits = {.left = limit};
    hive_buffer_append(&visits.text, "", 0);
    if (all)
        machine_task_each(machine, after, visit_task, &visits);
    else
        machine_task_each_unfinished(machine, visit_task, &visits);
    assert_string_equal(visits.text.data, expected);
    hive_buffer_finish(&visits.text);
}

static void test_schedulers_see_unfinished_tasks_only(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    register_drone(machine, "h:1"); /* entry 1; the tasks are 2 to 6 */
    for (int i = 0; i < 5; i++)
        submit(machine, "text");
    assign(machine, 3, "h:1");
    update(machine, 3, "h:1", 1, MACHINE_TASK_SUCCEEDED);
    assign(machine, 4, "h:1");
    assign(machine, 5, "h:1");
    update(machine, 5, "h:1", 1, MACHINE_TASK_RUNNING);
    assert_visits(machine, false, 0, 100, "2 4 5 6 ");
    assert_visits(machine, false, 0, 2, "2 4 ");
    assert_visits(machine, true, 0, 100, "2 3 4 5 6 ");
    assert_visits(machine, true, 3, 100, "4 5 6 ");
    assert_visits(machine, true, 3, 1, "4 ");
    assert_visits(machine, true, 6, 100, "");
    /* What the lost drone had not started is back in its old place. */
    remove_drone(machine, "h:1");
    assert_visits(machine, false, 0, 100, "2 4 6 ");
    machine_destroy(machine);
}

static void test_unfinished_tasks_are_capped(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    register_drone(machine, "h:1");
    for (int i = 0; i < HIVE_TASKS_UNFINISHED; i++)
        assert_int_equal(submit(machine, "").status, MACHINE_OK);
    struct machine_result result = submit(machine, "");
    assert_int_equal(result.status, MACHINE_FULL);
    assert_int_equal(result.task, 0);
    /* Assigned and running ones count, finished ones do not. */
    assign(machine, 2, "h:1");
    assert_int_equal(submit(machine, "").status, MACHINE_FULL);
    update(machine, 2, "h:1", 1, MACHINE_TASK_RUNNING);
    assert_int_equal(submit(machine, "").status, MACHINE_FULL);
    update(machine, 2, "h:1", 1, MACHINE_TASK_SUCCEEDED);
    assert_int_equal(submit(machine, "").status, MACHINE_OK);
    assert_int_equal(submit(machine, "").status, MACHINE_FULL);
    machine_destroy(machine);
}

static void finish_task(struct machine *machine, uint64_t number)
{
    uint32_t attempt = assign(machine, number, "h:1").attempt;
    assert_int_equal(update(machine, number, "h:1", attempt, MACHINE_TASK_SUCCEEDED).status, MACHINE_OK);
}

static void test_the_tasks_that_finished_first_are_forgotten_first(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_task task;

    register_drone(machine, "h:1");
    uint64_t late = submit(machine, "late").task, first = submit(machine, "first").task;
    uint64_t second = submit(machine, "second").task;
    finish_task(machine, first);
    finish_task(machine, second);
    for (int i = 2; i < HIVE_TASKS_FINISHED; i++)
        finish_task(machine, submit(machine, "").task);
    assert_true(machine_task_get(machine, first, &task));
    finish_task(machine, late); /* the oldest by number, but the last to finish */
    assert_false(machine_task_get(machine, first, &task));
    assert_true(machine_task_get(machine, second, &task));
    assert_true(machine_task_get(machine, late, &task));
    finish_task(machine, submit(machine, "").task);
    assert_false(machine_task_get(machine, second, &task));
    assert_int_equal(machine_task_counts(machine).succeeded, HIVE_TASKS_FINISHED + 2); /* ever */
    machine_destroy(machine);
}

static void test_counts_follow_every_change(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    register_drone(machine, "h:1");
    for (enum machine_task_state end = MACHINE_TASK_RUNNING; end <= MACHINE_TASK_LOST; end++) {
        uint64_t number = submit(machine, "").task;
        assign(machine, number, "h:1");
        update(machine, number, "h:1", 1, end);
    }
    assign(machine, submit(machine, "").task, "h:1");
    submit(machine, "");
    submit(machine, "");
    struct machine_task_counts counts = machine_task_counts(machine);
    assert_int_equal(counts.pending, 2);
    assert_int_equal(counts.assigned, 1);
    assert_int_equal(counts.running, 1);
    assert_int_equal(counts.succeeded, 1);
    assert_int_equal(counts.failed, 1);
    assert_int_equal(counts.stopped, 1);
    assert_int_equal(counts.lost, 1);
    assert_int_equal(drone_of(machine, "h:1").task_count, 2);
    machine_destroy(machine);
}

static void test_ids_are_numbers_and_nothing_else(void **state)
{
    (void)state;
    char id[HIVE_ID_BYTES];
    static const char *const wrong[] = {"",
                                        "task-",
                                        "task-0",
                                        "task--1",
                                        "task-+1",
                                        "task-01",
                                        "task- 1",
                                        "task-1 ",
                                        "task-1x",
                                        "Task-1",
                                        "1",
                                        "task1",
                                        "task-0x1",
                                        "task-1.0",
                                        "tasks-1",
                                        " task-1",
                                        "task-١",
                                        "task-18446744073709551616",
                                        "task-99999999999999999999999999999999999"};

    machine_task_id(12, id);
    assert_string_equal(id, "task-12");
    assert_int_equal(machine_task_number(id), 12);
    machine_task_id(UINT64_MAX, id);
    assert_string_equal(id, "task-18446744073709551615");
    assert_true(machine_task_number(id) == UINT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(machine_task_number(wrong[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_goes_from_pending_to_its_end),
        cmocka_unit_test(test_tasks_move_forward_only),
        cmocka_unit_test(test_a_task_that_has_not_begun_can_be_given_back),
        cmocka_unit_test(test_a_drone_gets_no_more_tasks_than_it_can_do),
        cmocka_unit_test(test_only_a_pending_task_is_assigned),
        cmocka_unit_test(test_an_update_must_speak_of_the_assignment_that_stands),
        cmocka_unit_test(test_unknown_tasks_and_drones_are_not_found),
        cmocka_unit_test(test_schedulers_see_unfinished_tasks_only),
        cmocka_unit_test(test_unfinished_tasks_are_capped),
        cmocka_unit_test(test_the_tasks_that_finished_first_are_forgotten_first),
        cmocka_unit_test(test_counts_follow_every_change),
        cmocka_unit_test(test_ids_are_numbers_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
