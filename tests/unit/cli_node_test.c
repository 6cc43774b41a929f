/* The command line of a node: what the tutorial types works as it stands, and every wrong combination is
 * refused with what to type instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/node.h"
#include "hive/file.h"
#include "hive/memory.h"

static const struct hive_command command = {
    .name = "hive", .summary = "", .synopsis = "", .options = cli_node_options};

static char directory[64];
static struct cli_node node;
static struct node_config config;
static struct hive_error error;
static char *typed;                 /* the words of the last command line, which the result points into */
static struct hive_buffer warnings; /* what the last configure logged */

static int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/hive-node-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    setenv("XDG_STATE_HOME", directory, 1);
    unsetenv("HIVE_TOKEN");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cli_node_finish(&node);
    hive_buffer_finish(&warnings);
    free(typed);
    typed = NULL;
    return hive_file_remove_tree(directory, NULL);
}

/* Parses and configures, and keeps what goes to standard error meanwhile. */
static int configure(const char *line)
{
    char *words[32], *rest;
    int count = 0;
    free(typed);
    typed = hive_strdup(line);
    for (char *word = strtok_r(typed, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    cli_node_finish(&node);
    node = CLI_NODE_DEFAULTS;
    error = (struct hive_error){{0}};

    char *path = hive_format("%s/warnings", directory);
    int terminal = dup(STDERR_FILENO);
    assert_non_null(freopen(path, "w", stderr));
    int result = hive_options_parse(&command, count, words, &node, NULL, &error);
    if (!result)
        result = cli_node_configure(&node, &config, &error);
    fflush(stderr);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    assert_int_equal(hive_file_read(path, 65536, &warnings, NULL), 0);
    free(path);
    return result;
}

static void configure_well(const char *line)
{
    if (configure(line))
        fail_msg("%s: %s", line, error.message);
}

static char *write_token(const char *text, mode_t mode)
{
    char *path = hive_format("%s/token", directory);
    assert_int_equal(hive_file_write(path, text, strlen(text), mode, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void the_tutorials_queen_runs_as_typed(void **state)
{
    (void)state;
    configure_well("hive --queen --interface lo --port 8080 --queen-list 127.0.0.1:8081 127.0.0.1:8082");
    assert_int_equal(config.mode, HIVE_MODE_QUEEN);
    assert_string_equal(config.listen.host, "127.0.0.1");
    assert_int_equal(config.listen.port, 8080);
    assert_string_equal(config.address, "127.0.0.1:8080");
    assert_int_equal(config.queens.count, 2);
    assert_string_equal(config.queens.items[0], "127.0.0.1:8081");
    assert_string_equal(config.queens.items[1], "127.0.0.1:8082");
    assert_null(config.token);
    assert_string_equal(config.data_directory + strlen(directory), "/hive/nodes/127.0.0.1_8080");
    assert_int_equal(config.election_timeout.min_ms, 150);
    assert_int_equal(config.election_timeout.max_ms, 300);
    assert_int_equal(config.heartbeat_ms, 50);
    assert_int_equal(config.drone_heartbeat_ms, 1000);
    assert_int_equal(config.drone_suspect_ms, 2000);
    assert_int_equal(config.drone_lost_ms, 5000);
    assert_int_equal(config.request_timeout_ms, 5000);
    assert_int_equal(warnings.size, 0);
}

static void the_tutorials_drone_runs_as_typed(void **state)
{
    (void)state;
    configure_well("hive --queen-host 127.0.0.1:8080 --interface lo --port 5001");
    assert_int_equal(config.mode, HIVE_MODE_DRONE);
    assert_string_equal(config.address, "127.0.0.1:5001");
    assert_int_equal(config.queens.count, 1);
    assert_string_equal(config.queens.items[0], "127.0.0.1:8080");
    assert_null(config.name);
    assert_int_equal(config.capacity, 4);
    assert_int_equal(config.register_ms, 1000);
    assert_null(config.data_directory);
    assert_int_equal(warnings.size, 0);
}

static void defaults_are_loopback_and_the_port_of_the_mode(void **state)
{
    (void)state;
    configure_well("hive --queen");
    assert_string_equal(config.address, "127.0.0.1:8080");
    assert_int_equal(config.queens.count, 0);
    configure_well("hive --queen-host 127.0.0.1:8080 --queen-host 127.0.0.1:8081,127.0.0.1:8082");
    assert_string_equal(config.address, "127.0.0.1:5001");
    assert_int_equal(config.queens.count, 3);
}

static void all_queens_can_be_given_the_same_list(void **state)
{
    (void)state;
    configure_well(
        "hive --queen --port 8081 --queen-list 127.0.0.1:8080 127.0.0.1:8081 localhost:8082 127.0.0.1:8080 "
        "LocalHost:8081");
    assert_int_equal(config.queens.count, 2);
    assert_string_equal(config.queens.items[0], "127.0.0.1:8080");
    assert_string_equal(config.queens.items[1], "127.0.0.1:8082");
}

static void there_are_four_ways_to_a_group(void **state)
{
    (void)state;
    configure_well("hive --queen --queen-list 127.0.0.1:8081 127.0.0.1:8082");
    assert_int_equal(config.queens.count, 2);
    assert_int_equal(config.join.count, 0);
    assert_false(config.standby);
    assert_null(config.restore);
    configure_well("hive --queen --join localhost:8081,127.0.0.1:8081 --join 127.0.0.1:8082,127.0.0.1:8080");
    assert_int_equal(config.queens.count, 0);
    assert_int_equal(config.join.count, 2);
    assert_string_equal(config.join.items[0], "127.0.0.1:8081");
    assert_string_equal(config.join.items[1], "127.0.0.1:8082");
    assert_int_equal(warnings.size, 0);
    configure_well("hive --queen --standby");
    assert_true(config.standby);
    configure_well("hive --queen --restore backup");
    assert_string_equal(config.restore, "backup");
}

static void snapshots_and_leases_are_set_here(void **state)
{
    (void)state;
    configure_well("hive --queen");
    assert_int_equal(config.snapshot_entries, 10000);
    assert_int_equal(config.snapshot_bytes, 64 * 1024 * 1024);
    assert_false(config.read_lease);
    assert_int_equal(config.clock_drift_percent, 10);
    configure_well("hive --queen --snapshot-entries 7 --snapshot-bytes 0 --read-lease --clock-drift 25");
    assert_int_equal(config.snapshot_entries, 7);
    assert_int_equal(config.snapshot_bytes, 0);
    assert_true(config.read_lease);
    assert_int_equal(config.clock_drift_percent, 25);
}

static void listen_and_advertise_override(void **state)
{
    (void)state;
    configure_well("hive --queen --interface lo --port 1 --listen localhost:8090");
    assert_string_equal(config.listen.host, "127.0.0.1");
    assert_string_equal(config.address, "127.0.0.1:8090");
    configure_well("hive --queen --listen [::1]:8090");
    assert_string_equal(config.address, "[::1]:8090");
    configure_well(
        "hive --queen --advertise queen.example:80 --queen-list queen.example:80 other.example:80");
    assert_string_equal(config.address, "queen.example:80");
    assert_int_equal(config.listen.port, 8080);
    assert_int_equal(config.queens.count, 1);
    configure_well("hive --queen-host 127.0.0.1:8080 --port 0");
    assert_string_equal(config.address, "");
    assert_int_equal(config.listen.port, 0);
}

static void every_wrong_combination_is_told_with_what_to_type(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"hive", "--queen-host"},
        {"hive --port 8080", "--queen"},
        {"hive --queen --queen-host 127.0.0.1:8080", "exclude"},
        {"hive --queen-host 127.0.0.1:8080 --queen-list 127.0.0.1:8081", "--queen-list is for queens"},
        {"hive --queen --name q1", "--name is for drones"},
        {"hive --queen --capacity 2", "--capacity is for drones"},
        {"hive --queen-host 127.0.0.1:8080 --name a/b", "cannot be a name"},
        {"hive --queen-host 127.0.0.1:8080 --capacity 0", "--capacity"},
        {"hive --queen-host 127.0.0.1", "--queen-host: "},
        {"hive --queen-host 127.0.0.1:0", "port 0"},
        {"hive --queen-host 127.0.0.1:5001", "itself"},
        {"hive --queen --queen-list 127.0.0.1", "--queen-list: "},
        {"hive --queen --listen 8080", "--listen: "},
        {"hive --queen --advertise 127.0.0.1:0", "port 0"},
        {"hive --queen --port 0", "port of its own"},
        {"hive --queen --port 65536", "--port"},
        {"hive --queen --interface nope0", "lo"},
        {"hive --queen --heartbeat 150", "--election-timeout"},
        {"hive --queen --heartbeat 1s", "--election-timeout"},
        {"hive --queen --election-timeout 40-300", "--heartbeat"},
        {"hive --queen --drone-heartbeat 2s", "--drone-suspect"},
        {"hive --queen --drone-suspect 5s", "--drone-lost"},
        {"hive --queen --data-dir=", "--data-dir"},
        {"hive --queen --listen 0.0.0.0:8080", "--advertise"},
        {"hive --queen --listen 0.0.0.0:8080 --advertise 127.0.0.1:8080", "--token-file"},
        {"hive --queen --log-level loud", "--log-level"},
        {"hive --queen --join 127.0.0.1:8081 --queen-list 127.0.0.1:8081", "--queen-list and --join exclude"},
        {"hive --queen --standby --queen-list 127.0.0.1:8081", "--queen-list and --standby exclude"},
        {"hive --queen --join 127.0.0.1:8081 --standby", "--join and --standby exclude"},
        {"hive --queen --restore f --queen-list 127.0.0.1:8081", "--queen-list and --restore exclude"},
        {"hive --queen --restore f --join 127.0.0.1:8081", "--join and --restore exclude"},
        {"hive --queen --restore f --standby", "--standby and --restore exclude"},
        {"hive --queen --restore=", "--restore is empty"},
        {"hive --queen --join 127.0.0.1:8080", "--join names this queen herself"},
        {"hive --queen --join 127.0.0.1", "--join: "},
        {"hive --queen-host 127.0.0.1:8080 --join 127.0.0.1:8081", "--join is for queens"},
        {"hive --queen-host 127.0.0.1:8080 --standby", "--standby is for queens"},
        {"hive --queen-host 127.0.0.1:8080 --restore f", "--restore is for queens"},
        {"hive --queen --clock-drift 91", "--clock-drift"},
        {"hive --queen --snapshot-entries -1", "--snapshot-entries"},
        {"hive --queen --snapshot-bytes many", "--snapshot-bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (configure(cases[i].line) != -EINVAL || !strstr(error.message, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].line, error.message);
}

static void too_large_a_group_is_refused(void **state)
{
    (void)state;
    struct hive_buffer line = {0};
    hive_buffer_append_text(&line, "hive --queen --queen-list 127.0.0.1:9000");
    for (int i = 1; i < HIVE_QUEENS; i++)
        hive_buffer_format(&line, ",127.0.0.1:%d", 9000 + i);
    assert_int_equal(configure(line.data), -EINVAL);
    assert_non_null(strstr(error.message, "too large"));
    hive_buffer_finish(&line);
}

static void beyond_loopback_token_and_insecure_are_demanded(void **state)
{
    (void)state;
    static const char line[] = "hive --queen --listen 0.0.0.0:8080 --advertise 10.0.0.1:8080";
    char more[256];
    assert_int_equal(configure(line), -EINVAL);
    assert_non_null(strstr(error.message, "token"));

    snprintf(more, sizeof more, "%s --insecure", line);
    assert_int_equal(configure(more), -EINVAL);
    assert_non_null(strstr(error.message, "token"));

    setenv("HIVE_TOKEN", "5ecre7", 1);
    assert_int_equal(configure(line), -EINVAL);
    assert_non_null(strstr(error.message, "TLS is not built yet"));
    assert_non_null(strstr(error.message, "--insecure"));

    configure_well(more);
    assert_true(config.insecure);
    assert_string_equal(config.token, "5ecre7");
    assert_string_equal(config.address, "10.0.0.1:8080");
}

static void the_token_file_is_read_and_comes_before_the_environment(void **state)
{
    (void)state;
    setenv("HIVE_TOKEN", "environments", 1);
    char *path = write_token("files\n", 0600), line[256];
    snprintf(line, sizeof line, "hive --queen --token-file %s", path);
    configure_well(line);
    assert_string_equal(config.token, "files");
    assert_int_equal(warnings.size, 0);
    configure_well("hive --queen");
    assert_string_equal(config.token, "environments");
    setenv("HIVE_TOKEN", "", 1);
    configure_well("hive --queen");
    assert_null(config.token);
    free(path);
}

static void a_bad_token_is_told_with_its_place(void **state)
{
    (void)state;
    char *path = write_token("\n", 0600), line[256];
    snprintf(line, sizeof line, "hive --queen --token-file %s", path);
    assert_int_equal(configure(line), -EINVAL);
    assert_non_null(strstr(error.message, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(configure(line), -ENOENT);
    assert_non_null(strstr(error.message, path));
    setenv("HIVE_TOKEN", "two words", 1);
    assert_int_equal(configure("hive --queen"), -EINVAL);
    assert_non_null(strstr(error.message, "$HIVE_TOKEN"));
    free(path);
}

static void a_token_file_that_others_can_read_is_warned_of(void **state)
{
    (void)state;
    char *path = write_token("5ecre7", 0644), line[256];
    snprintf(line, sizeof line, "hive --queen --token-file %s", path);
    configure_well(line);
    assert_non_null(strstr(warnings.data, path));
    assert_null(strstr(warnings.data, "5ecre7"));
    free(path);
}

static void an_even_group_is_warned_of(void **state)
{
    (void)state;
    configure_well("hive --queen --queen-list 127.0.0.1:8081");
    assert_non_null(strstr(warnings.data, "even number of queens"));
    configure_well("hive --queen --queen-list 127.0.0.1:8081 --log-level error");
    assert_int_equal(warnings.size, 0);
    configure_well("hive --queen-host 127.0.0.1:8081 --log-level info");
    assert_int_equal(warnings.size, 0);
}

static void a_place_for_the_log_is_demanded(void **state)
{
    (void)state;
    char *home = hive_strdup(getenv("HOME"));
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(configure("hive --queen"), -ENOENT);
    assert_non_null(strstr(error.message, "--data-dir"));
    configure_well("hive --queen --data-dir /tmp/somewhere");
    assert_string_equal(config.data_directory, "/tmp/somewhere");
    setenv("HOME", "/home/someone", 1);
    configure_well("hive --queen");
    assert_string_equal(config.data_directory, "/home/someone/.local/state/hive/nodes/127.0.0.1_8080");
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tutorials_queen_runs_as_typed),
        TEST(the_tutorials_drone_runs_as_typed),
        TEST(defaults_are_loopback_and_the_port_of_the_mode),
        TEST(all_queens_can_be_given_the_same_list),
        TEST(there_are_four_ways_to_a_group),
        TEST(snapshots_and_leases_are_set_here),
        TEST(listen_and_advertise_override),
        TEST(every_wrong_combination_is_told_with_what_to_type),
        TEST(too_large_a_group_is_refused),
        TEST(beyond_loopback_token_and_insecure_are_demanded),
        TEST(the_token_file_is_read_and_comes_before_the_environment),
        TEST(a_bad_token_is_told_with_its_place),
        TEST(a_token_file_that_others_can_read_is_warned_of),
        TEST(an_even_group_is_warned_of),
        TEST(a_place_for_the_log_is_demanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
