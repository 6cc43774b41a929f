/* The ledger: what is written is read again, damage is named, and the one running cluster is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/file.h"
#include "hive/json.h"
#include "hive/ledger.h"
#include "hive/memory.h"

/* Each test has a state directory of its own. */
static char state_home[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(state_home, sizeof state_home, "/tmp/hive-ledger-test-XXXXXX");
    assert_non_null(mkdtemp(state_home));
    setenv("XDG_STATE_HOME", state_home, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return hive_file_remove_tree(state_home, NULL);
}

static char *make_cluster_directory(const char *name)
{
    char *path = hive_format("%s/hive/%s", state_home, name);
    assert_int_equal(hive_file_make_directories(path, 0700, NULL), 0);
    return path;
}

static void write_file(const char *cluster, const char *file, const char *text)
{
    char *directory = make_cluster_directory(cluster), *path = hive_format("%s/%s", directory, file);
    assert_int_equal(hive_file_write(path, text, strlen(text), 0600, NULL), 0);
    free(path);
    free(directory);
}

static void save_cluster(const char *name, struct hive_process launcher)
{
    struct hive_ledger ledger = {.directory = make_cluster_directory(name), .launcher = launcher};
    snprintf(ledger.name, sizeof ledger.name, "%s", name);
    struct hive_error error;
    if (hive_ledger_save(&ledger, &error))
        fail_msg("%s", error.message);
    hive_ledger_finish(&ledger);
}

/* A process that has ended, and whose pid is free again. */
static struct hive_process ended_process(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        pause();
    struct hive_process process = hive_process_of(pid);
    assert_int_not_equal(process.started_at, 0);
    assert_int_equal(hive_process_signal(process, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return process;
}

static void a_saved_ledger_is_loaded_as_it_was(void **state)
{
    (void)state;
    char data_directory[] = "/var/data/\"q1\"", log_path[] = "/var/log/q1.log", program[] = "/old/hive";
    struct hive_ledger_node nodes[] = {
        {.name = "q1",
         .role = HIVE_ROLE_QUEEN,
         .state = HIVE_NODE_RUNNING,
         .address = "127.0.0.1:8080",
         .process = {.pid = 4711, .started_at = 123456789012},
         .starts = 2,
         .changed_at_ms = 1790000000001,
         .data_directory = data_directory,
         .log_path = log_path,
         .program = program},
        {.name = "d1",
         .role = HIVE_ROLE_DRONE,
         .state = HIVE_NODE_DEAD,
         .address = "[::1]:5001",
         .exit_status = 0x8b},
    };
    struct hive_ledger saved = {.name = "alpha",
                                .directory = make_cluster_directory("alpha"),
                                .keep = true,
                                .founded = true,
                                .can_fault = true,
                                .launcher = {.pid = 4700, .started_at = 42},
                                .created_at_ms = 1790000000000,
                                .nodes = nodes,
                                .node_count = 2};
    struct hive_error error;
    assert_int_equal(hive_ledger_save(&saved, &error), 0);

    struct hive_ledger loaded;
    if (hive_ledger_load("alpha", &loaded, &error))
        fail_msg("%s", error.message);
    assert_string_equal(loaded.name, "alpha");
    assert_string_equal(loaded.directory, saved.directory);
    assert_true(loaded.keep);
    assert_true(loaded.founded);
    assert_true(loaded.can_fault);
    assert_int_equal(loaded.launcher.pid, 4700);
    assert_int_equal(loaded.launcher.started_at, 42);
    assert_int_equal(loaded.created_at_ms, 1790000000000);
    assert_int_equal(loaded.node_count, 2);

    struct hive_ledger_node *node = hive_ledger_node(&loaded, "q1");
    assert_non_null(node);
    assert_int_equal(node->role, HIVE_ROLE_QUEEN);
    assert_int_equal(node->state, HIVE_NODE_RUNNING);
    assert_string_equal(node->address, "127.0.0.1:8080");
    assert_int_equal(node->process.pid, 4711);
    assert_int_equal(node->process.started_at, 123456789012);
    assert_int_equal(node->starts, 2);
    assert_int_equal(node->changed_at_ms, 1790000000001);
    assert_string_equal(node->data_directory, "/var/data/\"q1\"");
    assert_string_equal(node->log_path, "/var/log/q1.log");
    assert_string_equal(node->program, "/old/hive");

    node = hive_ledger_node(&loaded, "d1");
    assert_non_null(node);
    assert_int_equal(node->role, HIVE_ROLE_DRONE);
    assert_int_equal(node->state, HIVE_NODE_DEAD);
    assert_int_equal(node->exit_status, 0x8b);
    assert_null(node->data_directory);
    assert_null(node->program);
    assert_null(hive_ledger_node(&loaded, "d2"));

    char *json = hive_ledger_json(&loaded), *expected = hive_ledger_json(&saved);
    assert_string_equal(json, expected);
    free(json);
    free(expected);
    hive_ledger_finish(&loaded);
    free(saved.directory);
}

static void a_node_is_written_alone_as_it_stands_in_the_ledger(void **state)
{
    (void)state;
    struct hive_ledger_node node = {.name = "q1", .address = "127.0.0.1:8080"};
    struct hive_ledger ledger = {.nodes = &node, .node_count = 1};
    char *whole = hive_ledger_json(&ledger), *part = hive_ledger_node_json(&node);
    assert_non_null(strstr(whole, part));
    free(whole);
    free(part);
}

static void a_damaged_ledger_is_named(void **state)
{
    (void)state;
#define HEAD "{\"version\":1,\"name\":\"x\",\"launcher\":{\"pid\":1,\"started_at\":1},"
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"", "x/cluster.json"},
        {"{\"version\":1,", "x/cluster.json"},
        {"[]", "x/cluster.json"},
        {"{\"version\":2}", "version"},
        {"{\"version\":1,\"name\":\"x\",\"nodes\":[]}", "launcher"},
        {HEAD "\"nodes\":{}}", "nodes"},
        {HEAD "\"nodes\":[7]}", "node 1"},
        {HEAD "\"nodes\":[{\"name\":\"q1\",\"role\":\"king\"}]}", "king"},
        {HEAD
         "\"nodes\":[{\"name\":\"q1\",\"role\":\"queen\",\"state\":\"dead\",\"address\":\"a:1\",\"pid\":-1,"
         "\"started_at\":0}]}",
         "pid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file("x", "cluster.json", cases[i].text);
        struct hive_ledger ledger;
        struct hive_error error;
        assert_int_equal(hive_ledger_load("x", &ledger, &error), -EINVAL);
        assert_null(ledger.nodes);
        if (!strstr(error.message, cases[i].names) || !strstr(error.message, "x/cluster.json"))
            fail_msg("case %zu: %s", i, error.message);
    }
}

static void a_text_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char *text = hive_format(
        "{\"version\":1,\"name\":\"%0100d\",\"launcher\":{\"pid\":1,\"started_at\":1},\"nodes\":[]}", 1);
    write_file("x", "cluster.json", text);
    free(text);
    struct hive_ledger ledger;
    struct hive_error error;
    assert_int_equal(hive_ledger_load("x", &ledger, &error), -EINVAL);
    assert_non_null(strstr(error.message, "\"name\""));
}

static void an_unknown_cluster_is_told_with_those_there_are(void **state)
{
    (void)state;
    struct hive_ledger ledger;
    struct hive_error error;
    assert_int_equal(hive_ledger_load("beta", &ledger, &error), -ENOENT);
    assert_non_null(strstr(error.message, "launcher"));

    save_cluster("zeta", (struct hive_process){0});
    save_cluster("alpha", (struct hive_process){0});
    assert_int_equal(hive_ledger_load("beta", &ledger, &error), -ENOENT);
    assert_non_null(strstr(error.message, "'beta'"));
    assert_non_null(strstr(error.message, "alpha, zeta"));
}

static void a_name_never_leads_out_of_the_state_directory(void **state)
{
    (void)state;
    write_file("../escaped", "cluster.json", "{}");
    struct hive_ledger ledger;
    assert_int_equal(hive_ledger_load("../escaped", &ledger, NULL), -ENOENT);
}

static void the_names_are_sorted_and_only_those_with_a_ledger(void **state)
{
    (void)state;
    save_cluster("b", (struct hive_process){0});
    save_cluster("a", (struct hive_process){0});
    free(make_cluster_directory("nodes"));
    write_file(".hidden", "cluster.json", "{}");
    char **names;
    size_t count;
    assert_int_equal(hive_ledger_names(&names, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "b");
    free(names[0]);
    free(names[1]);
    free(names);
}

static void without_a_state_directory_there_are_no_clusters(void **state)
{
    (void)state;
    char **names;
    size_t count;
    assert_int_equal(hive_ledger_names(&names, &count, NULL), 0);
    assert_int_equal(count, 0);
}

static void none_running_is_told_with_the_way_to_start_one(void **state)
{
    (void)state;
    struct hive_ledger ledger;
    struct hive_error error;
    assert_int_equal(hive_ledger_find_running(&ledger, &error), -ENOENT);
    assert_non_null(strstr(error.message, "launcher --queens"));
    save_cluster("stopped", (struct hive_process){0});
    assert_int_equal(hive_ledger_find_running(&ledger, &error), -ENOENT);
}

static void the_only_running_cluster_is_found_among_stale_and_damaged_ones(void **state)
{
    (void)state;
    struct hive_process self = hive_process_of(getpid()), other_start = self;
    other_start.started_at++; /* this pid, but of another process */
    save_cluster("alive", self);
    save_cluster("killed", ended_process());
    save_cluster("reused", other_start);
    write_file("damaged", "cluster.json", "{");

    struct hive_ledger ledger;
    struct hive_error error;
    if (hive_ledger_find_running(&ledger, &error))
        fail_msg("%s", error.message);
    assert_string_equal(ledger.name, "alive");
    assert_true(hive_ledger_is_running(&ledger));
    hive_ledger_finish(&ledger);

    assert_int_equal(hive_ledger_load("killed", &ledger, NULL), 0);
    assert_false(hive_ledger_is_running(&ledger));
    hive_ledger_finish(&ledger);
}

static void a_damaged_ledger_is_mentioned_where_nothing_runs(void **state)
{
    (void)state;
    write_file("damaged", "cluster.json", "{");
    struct hive_ledger ledger;
    struct hive_error error;
    assert_int_equal(hive_ledger_find_running(&ledger, &error), -ENOENT);
    assert_non_null(strstr(error.message, "damaged/cluster.json"));
}

static void several_running_clusters_must_be_chosen_from(void **state)
{
    (void)state;
    save_cluster("b", hive_process_of(getpid()));
    save_cluster("a", hive_process_of(getpid()));
    struct hive_ledger ledger;
    struct hive_error error;
    assert_int_equal(hive_ledger_find_running(&ledger, &error), -EEXIST);
    assert_non_null(strstr(error.message, "--cluster"));
    assert_non_null(strstr(error.message, "a, b"));
}

static void the_token_is_read_from_its_file(void **state)
{
    (void)state;
    char token[HIVE_TOKEN_BYTES];
    struct hive_error error;
    struct hive_ledger ledger = {.directory = make_cluster_directory("x")};
    assert_int_equal(hive_ledger_token(&ledger, token, &error), -ENOENT);
    write_file("x", "token", "5ecre7\n");
    assert_int_equal(hive_ledger_token(&ledger, token, &error), 0);
    assert_string_equal(token, "5ecre7");

    static const char *const bad[] = {"", "\n", "two words", "caf\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("x", "token", bad[i]);
        assert_int_equal(hive_ledger_token(&ledger, token, &error), -EINVAL);
        assert_non_null(strstr(error.message, "x/token"));
    }
    char long_token[HIVE_TOKEN_BYTES + 1];
    memset(long_token, 'a', HIVE_TOKEN_BYTES);
    long_token[HIVE_TOKEN_BYTES] = '\0';
    write_file("x", "token", long_token);
    assert_int_equal(hive_ledger_token(&ledger, token, &error), -EINVAL);
    write_file("x", "token", long_token + 1);
    assert_int_equal(hive_ledger_token(&ledger, token, &error), 0);
    hive_ledger_finish(&ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_saved_ledger_is_loaded_as_it_was),
        TEST(a_node_is_written_alone_as_it_stands_in_the_ledger),
        TEST(a_damaged_ledger_is_named),
        TEST(a_text_that_does_not_fit_is_refused),
        TEST(an_unknown_cluster_is_told_with_those_there_are),
        TEST(a_name_never_leads_out_of_the_state_directory),
        TEST(the_names_are_sorted_and_only_those_with_a_ledger),
        TEST(without_a_state_directory_there_are_no_clusters),
        TEST(none_running_is_told_with_the_way_to_start_one),
        TEST(the_only_running_cluster_is_found_among_stale_and_damaged_ones),
        TEST(a_damaged_ledger_is_mentioned_where_nothing_runs),
        TEST(several_running_clusters_must_be_chosen_from),
        TEST(the_token_is_read_from_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
