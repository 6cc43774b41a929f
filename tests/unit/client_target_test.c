/* Where the verbs and the dashboard look for the cluster: what was said, then the environment, then what runs
 * here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "hive/api.h"
#include "hive/file.h"
#include "hive/ledger.h"
#include "hive/memory.h"

static char state_home[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(state_home, sizeof state_home, "/tmp/hive-target-test-XXXXXX");
    assert_non_null(mkdtemp(state_home));
    setenv("XDG_STATE_HOME", state_home, 1);
    unsetenv("HIVE_CONNECT");
    unsetenv("HIVE_TOKEN");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return hive_file_remove_tree(state_home, NULL);
}

/* A cluster of a drone and two queens, the first of which is paused. */
static void save_cluster(const char *name, bool runs, const char *token)
{
    struct hive_ledger_node nodes[] = {
        {.name = "d1", .role = HIVE_ROLE_DRONE, .state = HIVE_NODE_RUNNING, .address = "127.0.0.1:5001"},
        {.name = "q1", .role = HIVE_ROLE_QUEEN, .state = HIVE_NODE_PAUSED, .address = "127.0.0.1:8080"},
        {.name = "q2", .role = HIVE_ROLE_QUEEN, .state = HIVE_NODE_RUNNING, .address = "127.0.0.1:8081"},
    };
    struct hive_ledger ledger = {
        .directory = hive_format("%s/hive/%s", state_home, name), .nodes = nodes, .node_count = 3};
    snprintf(ledger.name, sizeof ledger.name, "%s", name);
    if (runs)
        ledger.launcher = hive_process_of(getpid());
    assert_int_equal(hive_file_make_directories(ledger.directory, 0700, NULL), 0);
    assert_int_equal(hive_ledger_save(&ledger, NULL), 0);
    if (token) {
        char *path = hive_ledger_path(&ledger, "token");
        assert_int_equal(hive_file_write(path, token, strlen(token), 0600, NULL), 0);
        free(path);
    }
    free(ledger.directory);
}

static void find(const char *const *connect, const char *cluster, struct hive_target *target)
{
    struct hive_strings list = {0};
    for (; connect && connect[list.count]; list.count++)
        continue;
    list.items = (const char **)(uintptr_t)connect;
    struct hive_error error;
    if (hive_target_find(&list, cluster, target, &error))
        fail_msg("%s", error.message);
}

static void the_addresses_that_were_said_come_first(void **state)
{
    (void)state;
    save_cluster("alpha", true, "ledgers");
    setenv("HIVE_CONNECT", "10.0.0.1:1", 1);
    setenv("HIVE_TOKEN", "environments", 1);
    struct hive_target target;
    find((const char *const[]){"127.0.0.1:8090", "[::1]:08091", NULL}, NULL, &target);
    assert_int_equal(target.count, 2);
    assert_string_equal(target.addresses[0], "127.0.0.1:8090");
    assert_string_equal(target.addresses[1], "[::1]:8091");
    assert_string_equal(target.token, "environments");
    hive_target_finish(&target);
}

static void a_bad_address_is_told_with_the_right_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"localhost", "127.0.0.1:0", "", "127.0.0.1:99999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *items[] = {"127.0.0.1:8080", bad[i]};
        struct hive_strings list = {items, 2};
        struct hive_target target;
        struct hive_error error;
        assert_int_equal(hive_target_find(&list, NULL, &target, &error), -EINVAL);
        assert_non_null(strstr(error.message, "--connect"));
        assert_null(target.addresses);
    }
}

static void the_environment_comes_before_the_ledger(void **state)
{
    (void)state;
    save_cluster("alpha", true, "ledgers");
    setenv("HIVE_CONNECT", "127.0.0.1:8090, 127.0.0.1:8091", 1);
    struct hive_target target;
    find(NULL, NULL, &target);
    assert_int_equal(target.count, 2);
    assert_string_equal(target.addresses[1], "127.0.0.1:8091");
    assert_string_equal(target.token, "");
    hive_target_finish(&target);

    static const char *const bad[] = {",", "nonsense"};
    for (size_t i = 0; i < 2; i++) {
        setenv("HIVE_CONNECT", bad[i], 1);
        struct hive_error error;
        assert_int_equal(hive_target_find(NULL, NULL, &target, &error), -EINVAL);
        assert_non_null(strstr(error.message, "$HIVE_CONNECT"));
    }
}

static void the_running_cluster_is_found_with_its_queens_and_token(void **state)
{
    (void)state;
    save_cluster("alpha", true, "ledgers\n");
    save_cluster("beta", false, NULL);
    setenv("HIVE_TOKEN", "environments", 1);
    struct hive_target target;
    find(NULL, NULL, &target);
    assert_int_equal(target.count, 2);
    assert_string_equal(target.addresses[0], "127.0.0.1:8081"); /* runs */
    assert_string_equal(target.addresses[1], "127.0.0.1:8080"); /* is paused */
    assert_string_equal(target.token, "ledgers");
    hive_target_finish(&target);
}

static void a_named_cluster_comes_before_the_environment(void **state)
{
    (void)state;
    save_cluster("alpha", true, NULL);
    save_cluster("beta", true, "betas");
    setenv("HIVE_CONNECT", "127.0.0.1:8090", 1);
    struct hive_target target;
    find(NULL, "beta", &target);
    assert_int_equal(target.count, 2);
    assert_string_equal(target.token, "betas");
    hive_target_finish(&target);

    find((const char *const[]){"127.0.0.1:8095", NULL}, "beta", &target); /* through other addresses */
    assert_int_equal(target.count, 1);
    assert_string_equal(target.addresses[0], "127.0.0.1:8095");
    assert_string_equal(target.token, "betas");
    hive_target_finish(&target);
}

static void a_named_cluster_that_does_not_run_is_told(void **state)
{
    (void)state;
    save_cluster("beta", false, NULL);
    struct hive_target target;
    struct hive_error error;
    assert_int_equal(hive_target_find(NULL, "beta", &target, &error), -ENOENT);
    assert_non_null(strstr(error.message, "launcher --name beta"));
    assert_int_equal(hive_target_find(NULL, "gamma", &target, &error), -ENOENT);
    assert_non_null(strstr(error.message, "beta"));
    assert_int_equal(hive_target_find(NULL, NULL, &target, &error), -ENOENT);
    assert_non_null(strstr(error.message, "--connect"));
}

static void a_damaged_token_is_an_error_and_a_missing_one_is_none(void **state)
{
    (void)state;
    struct hive_target target;
    struct hive_error error;
    save_cluster("alpha", true, NULL);
    find(NULL, NULL, &target);
    assert_string_equal(target.token, "");
    hive_target_finish(&target);
    save_cluster("alpha", true, "\n");
    assert_int_equal(hive_target_find(NULL, NULL, &target, &error), -EINVAL);
    assert_non_null(strstr(error.message, "alpha/token"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_addresses_that_were_said_come_first),
        TEST(a_bad_address_is_told_with_the_right_form),
        TEST(the_environment_comes_before_the_ledger),
        TEST(the_running_cluster_is_found_with_its_queens_and_token),
        TEST(a_named_cluster_comes_before_the_environment),
        TEST(a_named_cluster_that_does_not_run_is_told),
        TEST(a_damaged_token_is_an_error_and_a_missing_one_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
