/* The table of drones: registration, renewal, removal and what it does to their tasks. */
#include "unit/machine_apply.h"

static struct machine_result register_with(struct machine *machine, const char *name, const char *secret,
                                           uint32_t capacity, int64_t time_ms)
{
    return apply(machine, (struct machine_command){.type = MACHINE_DRONE_REGISTER,
                                                   .time_ms = time_ms,
                                                   .drone = bytes_of("h:1"),
                                                   .name = bytes_of(name),
                                                   .version = bytes_of(name),
                                                   .secret = bytes_of(secret),
                                                   .capacity = capacity});
}

static void test_registering_again_replaces_what_is_known(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    struct machine_result result = register_with(machine, "one", "s", 2, 50);
    assert_int_equal(result.status, MACHINE_OK);
    assert_true(result.created);
    result = register_with(machine, "two", "t", 3, 60);
    assert_false(result.created);
    struct machine_drone drone = drone_of(machine, "h:1");
    assert_string_equal(drone.address, "h:1");
    assert_string_equal(drone.name, "two");
    assert_string_equal(drone.version, "two");
    assert_string_equal(drone.secret, "t");
    assert_int_equal(drone.capacity, 3);
    assert_int_equal(drone.registered_at_ms, 60);
    assert_int_equal(drone.registered_index, 2);
    assert_int_equal(machine_drone_count(machine), 1);
    machine_destroy(machine);
}

static void test_registering_without_a_secret_keeps_the_old_one(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    register_with(machine, "one", "", 2, 50);
    assert_string_equal(drone_of(machine, "h:1").secret, "");
    register_with(machine, "one", "s", 2, 50);
    register_with(machine, "one", "", 2, 50);
    assert_string_equal(drone_of(machine, "h:1").secret, "s");
    /* A drone that was removed is a stranger again. */
    remove_drone(machine, "h:1");
    register_with(machine, "one", "", 2, 50);
    assert_string_equal(drone_of(machine, "h:1").secret, "");
    machine_destroy(machine);
}

static void test_removing_an_unknown_drone_is_not_found(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_drone drone;

    assert_int_equal(remove_drone(machine, "h:1").status, MACHINE_NOT_FOUND);
    register_drone(machine, "h:1");
    assert_int_equal(remove_drone(machine, "h:1").status, MACHINE_OK);
    assert_false(machine_drone_get(machine, "h:1", &drone));
    assert_int_equal(remove_drone(machine, "h:1").status, MACHINE_NOT_FOUND);
    assert_int_equal(machine_drone_count(machine), 0);
    machine_destroy(machine);
}

static void test_a_removed_drones_tasks_wait_again_or_are_lost(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    register_drone(machine, "h:1");
    register_drone(machine, "h:2");
    uint64_t waits = submit(machine, "waits").task, assigned = submit(machine, "assigned").task;
    uint64_t runs = submit(machine, "runs").task, others = submit(machine, "others").task;
    assign(machine, assigned, "h:1");
    assign(machine, runs, "h:1");
    assign(machine, others, "h:2");
    update(machine, runs, "h:1", 1, MACHINE_TASK_RUNNING);
    update(machine, others, "h:2", 1, MACHINE_TASK_RUNNING);
    assert_int_equal(drone_of(machine, "h:1").task_count, 2);
    remove_drone(machine, "h:1");

    assert_int_equal(task_of(machine, waits).state, MACHINE_TASK_PENDING);
    struct machine_task task = task_of(machine, assigned);
    assert_int_equal(task.state, MACHINE_TASK_PENDING);
    assert_int_equal(task.attempt, 1);
    assert_int_equal(task.assigned_at_ms, 0);
    task = task_of(machine, runs);
    assert_int_equal(task.state, MACHINE_TASK_LOST);
    assert_int_equal(task.finished_at_ms, 9000);
    assert_string_not_equal(task.detail, "");
    assert_int_equal(task_of(machine, others).state, MACHINE_TASK_RUNNING);
    struct machine_task_counts counts = machine_task_counts(machine);
    assert_int_equal(counts.pending, 2);
    assert_int_equal(counts.assigned, 0);
    assert_int_equal(counts.running, 1);
    assert_int_equal(counts.lost, 1);

    /* The same address again is a new drone with no tasks, and says nothing about the old assignment. */
    register_drone(machine, "h:1");
    assert_int_equal(drone_of(machine, "h:1").task_count, 0);
    assert_int_equal(update(machine, assigned, "h:1", 1, MACHINE_TASK_RUNNING).status, MACHINE_CONFLICT);
    struct machine_result result = assign(machine, assigned, "h:1");
    assert_int_equal(result.status, MACHINE_OK);
    assert_int_equal(result.attempt, 2);
    assert_int_equal(update(machine, assigned, "h:1", 1, MACHINE_TASK_RUNNING).status, MACHINE_CONFLICT);
    assert_int_equal(update(machine, assigned, "h:1", 2, MACHINE_TASK_RUNNING).status, MACHINE_OK);
    machine_destroy(machine);
}

static bool append_address(const struct machine_drone *drone, void *context)
{
    hive_buffer_format(context, "%s ", drone->address);
    return strcmp(drone->address, "c:1") != 0;
}

static void test_drones_are_listed_in_byte_order_until_told_to_stop(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct hive_buffer text = {0};

    register_drone(machine, "b:10");
    register_drone(machine, "d:1");
    register_drone(machine, "c:1");
    register_drone(machine, "a:9");
    register_drone(machine, "b:1");
    machine_drone_each(machine, append_address, &text);
    assert_string_equal(text.data, "a:9 b:1 b:10 c:1 ");
    hive_buffer_finish(&text);
    machine_destroy(machine);
}

static void test_drones_are_capped_but_renewals_go_on(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    char address[32];

    for (int i = 0; i < HIVE_DRONES; i++) {
        snprintf(address, sizeof address, "h:%d", i);
        assert_int_equal(register_drone(machine, address).status, MACHINE_OK);
    }
    assert_int_equal(register_drone(machine, "one:1").status, MACHINE_FULL);
    assert_int_equal(register_drone(machine, "h:7").status, MACHINE_OK);
    assert_int_equal(machine_drone_count(machine), HIVE_DRONES);
    remove_drone(machine, "h:7");
    assert_int_equal(register_drone(machine, "one:1").status, MACHINE_OK);
    machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registering_again_replaces_what_is_known),
        cmocka_unit_test(test_registering_without_a_secret_keeps_the_old_one),
        cmocka_unit_test(test_removing_an_unknown_drone_is_not_found),
        cmocka_unit_test(test_a_removed_drones_tasks_wait_again_or_are_lost),
        cmocka_unit_test(test_drones_are_listed_in_byte_order_until_told_to_stop),
        cmocka_unit_test(test_drones_are_capped_but_renewals_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
