/* Processes: told apart by their start, and signalled only when it is the very one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/process.h"

static pid_t child;

static int start_child(void **state)
{
    (void)state;
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return child > 0 ? 0 : -1;
}

static int end_child(void **state)
{
    (void)state;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}

/* Waits until the child has died or stopped, as `options` of waitid(2) say, and leaves it a zombie. */
static void await_child(int options)
{
    siginfo_t information;
    assert_int_equal(waitid(P_PID, (id_t)child, &information, options | WNOWAIT), 0);
}

static void this_process_is_alive(void **state)
{
    (void)state;
    struct hive_process process = hive_process_of(getpid());
    assert_int_equal(process.pid, getpid());
    assert_true(process.started_at > 0);
    assert_true(hive_process_is_alive(process));
    assert_false(hive_process_is_stopped(process));
    assert_int_equal(hive_process_signal(process, 0), 0);
}

static void names_with_brackets_do_not_hide_the_start(void **state)
{
    (void)state;
    uint64_t started_at = hive_process_of(getpid()).started_at;
    assert_int_equal(prctl(PR_SET_NAME, ") Z 1 (2) 3"), 0);
    assert_int_equal(hive_process_of(getpid()).started_at, started_at);
}

static void a_zombie_counts_as_none(void **state)
{
    (void)state;
    struct hive_process process = hive_process_of(child);
    assert_true(hive_process_is_alive(process));
    assert_int_equal(hive_process_signal(process, SIGKILL), 0);
    await_child(WEXITED);
    assert_false(hive_process_is_alive(process));
    assert_int_equal(hive_process_of(child).started_at, 0);
    assert_int_equal(hive_process_signal(process, SIGTERM), -ESRCH);
}

static void a_stopped_process_is_alive_and_stopped(void **state)
{
    (void)state;
    struct hive_process process = hive_process_of(child);
    assert_false(hive_process_is_stopped(process));
    assert_int_equal(hive_process_signal(process, SIGSTOP), 0);
    await_child(WSTOPPED);
    assert_true(hive_process_is_alive(process));
    assert_true(hive_process_is_stopped(process));
    assert_int_equal(hive_process_signal(process, SIGCONT), 0);
    await_child(WCONTINUED);
    assert_false(hive_process_is_stopped(process));
}

static void a_reused_pid_is_not_hit(void **state)
{
    (void)state;
    struct hive_process earlier = hive_process_of(child);
    earlier.started_at--;
    assert_false(hive_process_is_alive(earlier));
    assert_false(hive_process_is_stopped(earlier));
    assert_int_equal(hive_process_signal(earlier, SIGKILL), -ESRCH);
    assert_true(hive_process_is_alive(hive_process_of(child)));
}

static void no_process_is_never_hit(void **state)
{
    (void)state;
    /* To kill(2), 0 and -1 would mean the whole group and everybody. */
    for (pid_t pid = -1; pid <= 0; pid++) {
        struct hive_process none = hive_process_of(pid);
        assert_int_equal(none.started_at, 0);
        assert_false(hive_process_is_alive(none));
        assert_int_equal(hive_process_signal(none, SIGTERM), -ESRCH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_process_is_alive),
        cmocka_unit_test(names_with_brackets_do_not_hide_the_start),
        cmocka_unit_test_setup_teardown(a_zombie_counts_as_none, start_child, end_child),
        cmocka_unit_test_setup_teardown(a_stopped_process_is_alive_and_stopped, start_child, end_child),
        cmocka_unit_test_setup_teardown(a_reused_pid_is_not_hit, start_child, end_child),
        cmocka_unit_test(no_process_is_never_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
