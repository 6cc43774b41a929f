/* A drone's table of tasks: done once for each id and attempt, never beyond capacity, and everybody who asked
 * is told. */
#include "drone/workload.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REMEMBERED 4

/* What a caller was told. */
struct told {
    sem_t arrived;
    int times, code;
    enum machine_task_state state;
    char detail[64];
};

static void tell(const struct task_answer *answer, void *context)
{
    struct told *told = context;
    told->times++;
    told->code = answer->code;
    told->state = answer->state;
    snprintf(told->detail, sizeof told->detail, "%s", answer->detail);
    sem_post(&told->arrived);
}

static void await_told(struct told *told)
{
    while (sem_wait(&told->arrived) == -1 && errno == EINTR)
        ;
}

/* Drivers whose work the test sees and steers. */
static int started; /* written by the task thread; read once its answer arrived */
static struct task *held;
static sem_t gate, entered;

static int check_any(const cJSON *spec, struct hive_error *error)
{
    (void)spec;
    (void)error;
    return 0;
}

static void start_and_succeed(struct task *task)
{
    started++;
    task_report(task, MACHINE_TASK_SUCCEEDED, "");
}

static void start_and_fail(struct task *task)
{
    started++;
    task_report(task, MACHINE_TASK_FAILED, task_spec(task)->valuestring);
}

static void start_and_run(struct task *task)
{
    started++;
    held = task;
    task_report(task, MACHINE_TASK_RUNNING, "");
}

static void start_and_block(struct task *task)
{
    started++;
    sem_post(&entered);
    while (sem_wait(&gate) == -1 && errno == EINTR)
        ;
    task_report(task, MACHINE_TASK_SUCCEEDED, "");
}

static void start_and_last_until_the_end(struct task *task)
{
    started++;
    sem_post(&entered);
    while (!task_is_stopping(task))
        sched_yield();
    task_report(task, MACHINE_TASK_SUCCEEDED, "");
}

static const struct driver succeeding = {"succeed", check_any, start_and_succeed};
static const struct driver failing = {"fail", check_any, start_and_fail};
static const struct driver running = {"run", check_any, start_and_run};
static const struct driver blocking = {"block", check_any, start_and_block};
static const struct driver lasting = {"last", check_any, start_and_last_until_the_end};

static struct workload *workload;

static void submit(const struct driver *driver, const char *id, uint32_t attempt, struct told *told)
{
    *told = (struct told){0};
    sem_init(&told->arrived, 0, 0);
    struct task_order order = {.id = id,
                               .attempt = attempt,
                               .queen = "127.0.0.1:1",
                               .driver = driver,
                               .spec = cJSON_CreateString("the spec")};
    workload_submit(workload, &order, tell, told);
    assert_null(order.spec);
}

/* Submits and waits for the answer. */
static struct told do_task(const struct driver *driver, const char *id, uint32_t attempt)
{
    struct told told;
    submit(driver, id, attempt, &told);
    await_told(&told);
    return told;
}

static void set_up(int capacity)
{
    struct hive_error error;
    started = 0;
    held = NULL;
    sem_init(&gate, 0, 0);
    sem_init(&entered, 0, 0);
    workload = workload_create(capacity, REMEMBERED);
    assert_int_equal(workload_start(workload, &error), 0);
}

static int set_up_roomy(void **state)
{
    (void)state;
    set_up(100);
    return 0;
}

static int set_up_for_two(void **state)
{
    (void)state;
    set_up(2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    workload_destroy(workload);
    return 0;
}

static void assert_health(const char *expected)
{
    struct hive_buffer json = {0};
    workload_health_json(workload, &json);
    assert_string_equal(json.data, expected);
    hive_buffer_finish(&json);
}

static void the_same_attempt_is_done_once_and_answered_alike(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct told told = do_task(&succeeding, "task-1", 1);
        assert_int_equal(told.code, 0);
        assert_int_equal(told.state, MACHINE_TASK_SUCCEEDED);
    }
    assert_int_equal(started, 1);
    assert_health(",\"running\":0,\"done\":1,\"failed\":0,\"tasks\":[]");
}

static void a_later_attempt_is_done_again(void **state)
{
    (void)state;
    do_task(&succeeding, "task-1", 1);
    assert_int_equal(do_task(&succeeding, "task-1", 2).code, 0);
    assert_int_equal(do_task(&succeeding, "task-2", 1).code, 0);
    assert_int_equal(started, 3);
}

static void a_queen_that_asks_again_and_again_does_not_pile_up_calls(void **state)
{
    (void)state;
    enum { CALLS = 20 };
    static struct told told[CALLS];
    submit(&blocking, "task-1", 1, &told[0]);
    while (sem_wait(&entered) == -1 && errno == EINTR)
        ;
    for (int i = 1; i < CALLS; i++)
        submit(&blocking, "task-1", 1, &told[i]);
    int waiting = 0;
    for (int i = 0; i < CALLS; i++) {
        waiting += told[i].times == 0;
        assert_true(told[i].times == 0 || told[i].code == -EBUSY);
    }
    assert_in_range(waiting, 1, 2);
    assert_int_equal(told[CALLS - 1].times, 0); /* it is the old calls that are given up */
    sem_post(&gate);
    await_told(&told[CALLS - 1]);
    assert_int_equal(told[CALLS - 1].state, MACHINE_TASK_SUCCEEDED);
    assert_int_equal(started, 1);
}

static void an_attempt_that_a_later_one_overtook_is_refused(void **state)
{
    (void)state;
    do_task(&succeeding, "task-1", 3);
    assert_int_equal(do_task(&succeeding, "task-1", 2).code, -ESTALE);
    assert_int_equal(do_task(&succeeding, "task-1", 3).code, 0);
    assert_int_equal(started, 1);
}

static void a_failure_is_told_with_its_reason_each_time(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct told told = do_task(&failing, "task-1", 1);
        assert_int_equal(told.code, 0);
        assert_int_equal(told.state, MACHINE_TASK_FAILED);
        assert_string_equal(told.detail, "the spec");
    }
    assert_int_equal(started, 1);
    assert_health(",\"running\":0,\"done\":1,\"failed\":1,\"tasks\":[]");
}

static void beyond_its_capacity_a_drone_is_busy_until_a_task_ends(void **state)
{
    (void)state;
    do_task(&running, "task-1", 1);
    struct task *first = held;
    do_task(&running, "task-2", 1);
    struct task *second = held;
    assert_health(
        ",\"running\":2,\"done\":0,\"failed\":0,\"tasks\":[{\"id\":\"task-1\",\"state\":\"running\"},"
        "{\"id\":\"task-2\",\"state\":\"running\"}]");
    assert_int_equal(do_task(&succeeding, "task-3", 1).code, -EBUSY);
    assert_int_equal(do_task(&running, "task-1", 1).code, 0); /* a repeated call needs no room */

    task_report(first, MACHINE_TASK_SUCCEEDED, "");
    assert_int_equal(do_task(&succeeding, "task-3", 1).code, 0);
    task_report(second, MACHINE_TASK_SUCCEEDED, "");
    assert_health(",\"running\":0,\"done\":3,\"failed\":0,\"tasks\":[]");
}

static void a_long_task_is_told_as_running_and_later_as_what_it_became(void **state)
{
    (void)state;
    assert_int_equal(do_task(&running, "task-1", 1).state, MACHINE_TASK_RUNNING);
    assert_int_equal(do_task(&running, "task-1", 1).state, MACHINE_TASK_RUNNING);
    task_report(held, MACHINE_TASK_FAILED, "out of luck");
    struct told told = do_task(&running, "task-1", 1);
    assert_int_equal(told.state, MACHINE_TASK_FAILED);
    assert_string_equal(told.detail, "out of luck");
    assert_int_equal(started, 1);
}

static void a_call_repeated_before_the_outcome_waits_for_it(void **state)
{
    (void)state;
    struct told first, second;
    submit(&blocking, "task-1", 1, &first);
    while (sem_wait(&entered) == -1 && errno == EINTR)
        ;
    submit(&blocking, "task-1", 1, &second);
    assert_int_equal(first.times + second.times, 0);
    sem_post(&gate);
    await_told(&first);
    await_told(&second);
    assert_int_equal(first.state, MACHINE_TASK_SUCCEEDED);
    assert_int_equal(second.state, MACHINE_TASK_SUCCEEDED);
    assert_int_equal(started, 1);
}

static void only_the_newest_outcomes_are_remembered(void **state)
{
    (void)state;
    char id[32];
    for (int i = 0; i <= REMEMBERED; i++) {
        snprintf(id, sizeof id, "task-%d", i);
        do_task(&succeeding, id, 1);
    }
    int before = started;
    do_task(&succeeding, "task-1", 1);
    assert_int_equal(started, before);
    do_task(&succeeding, "task-0", 1);
    assert_int_equal(started, before + 1);
}

static void a_running_task_is_remembered_however_many_end_meanwhile(void **state)
{
    (void)state;
    char id[32];
    do_task(&running, "task-long", 1);
    for (int i = 0; i < 3 * REMEMBERED; i++) {
        snprintf(id, sizeof id, "task-%d", i);
        do_task(&succeeding, id, 1);
    }
    int before = started;
    assert_int_equal(do_task(&running, "task-long", 1).state, MACHINE_TASK_RUNNING);
    assert_int_equal(started, before);
}

static void a_drone_that_stops_refuses_what_has_not_begun(void **state)
{
    (void)state;
    struct told begun, queued;
    submit(&lasting, "task-1", 1, &begun);
    while (sem_wait(&entered) == -1 && errno == EINTR)
        ;
    submit(&succeeding, "task-2", 1, &queued);
    workload_stop(workload);
    await_told(&begun);
    await_told(&queued);
    assert_int_equal(begun.code, 0);
    assert_int_equal(begun.state, MACHINE_TASK_SUCCEEDED);
    assert_int_equal(queued.code, -ESHUTDOWN);
    assert_int_equal(do_task(&succeeding, "task-3", 1).code, -ESHUTDOWN);
    assert_int_equal(do_task(&lasting, "task-1", 1).code, 0); /* what was done is still told */
    assert_int_equal(started, 1);
}

int main(void)
{
#define roomy(test)   cmocka_unit_test_setup_teardown(test, set_up_roomy, tear_down)
#define for_two(test) cmocka_unit_test_setup_teardown(test, set_up_for_two, tear_down)
    const struct CMUnitTest tests[] = {
        roomy(the_same_attempt_is_done_once_and_answered_alike),
        roomy(a_later_attempt_is_done_again),
        roomy(a_queen_that_asks_again_and_again_does_not_pile_up_calls),
        roomy(an_attempt_that_a_later_one_overtook_is_refused),
        roomy(a_failure_is_told_with_its_reason_each_time),
        for_two(beyond_its_capacity_a_drone_is_busy_until_a_task_ends),
        roomy(a_long_task_is_told_as_running_and_later_as_what_it_became),
        roomy(a_call_repeated_before_the_outcome_waits_for_it),
        roomy(only_the_newest_outcomes_are_remembered),
        roomy(a_running_task_is_remembered_however_many_end_meanwhile),
        roomy(a_drone_that_stops_refuses_what_has_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
