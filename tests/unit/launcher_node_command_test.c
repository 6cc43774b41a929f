/* What a node is started with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/buffer.h"
#include "hive/memory.h"
#include "launcher/node_command.h"

static char directory[] = "/state/lab", data[] = "/state/lab/data/q1";

static struct hive_ledger_node nodes[] = {
    {.name = "q1", .role = HIVE_ROLE_QUEEN, .address = "127.0.0.1:8080", .data_directory = data},
    {.name = "q2", .role = HIVE_ROLE_QUEEN, .address = "127.0.0.1:8081", .data_directory = data},
    {.name = "d1", .role = HIVE_ROLE_DRONE, .address = "127.0.0.1:5001", .data_directory = data},
};
static const struct hive_ledger ledger = {
    .name = "lab", .directory = directory, .nodes = nodes, .node_count = 3};

static void expect_command_of(const struct hive_ledger *of, const struct hive_ledger_node *node,
                              const struct node_command_options *options, const char *expected)
{
    struct hive_buffer line = {0};
    char **argv = node_command_make(of, node, options);
    for (char **argument = argv; *argument; argument++)
        hive_buffer_format(&line, "%s%s", line.size ? " " : "", *argument);
    assert_string_equal(line.data, expected);
    node_command_free(argv);
    hive_buffer_finish(&line);
}

static void expect_command(size_t node, const struct node_command_options *options, const char *expected)
{
    expect_command_of(&ledger, &nodes[node], options, expected);
}

static void a_queen_is_told_of_all_queens_its_data_and_the_token(void **state)
{
    (void)state;
    expect_command(
        0, &(struct node_command_options){.hive = "/bin/hive"},
        "/bin/hive --queen --queen-list 127.0.0.1:8080 127.0.0.1:8081 --data-dir /state/lab/data/q1 "
        "--listen 127.0.0.1:8080 --token-file /state/lab/token");
}

static void a_drone_is_told_of_all_queens_its_name_and_the_token(void **state)
{
    (void)state;
    expect_command(2, &(struct node_command_options){.hive = "/bin/hive"},
                   "/bin/hive --queen-host 127.0.0.1:8080 127.0.0.1:8081 --name d1 "
                   "--listen 127.0.0.1:5001 --token-file /state/lab/token");
}

static void timers_go_to_queens_and_the_log_level_to_all(void **state)
{
    (void)state;
    const struct node_command_options options = {.hive = "hive",
                                                 .election_timeout = {.min_ms = 300, .max_ms = 600},
                                                 .heartbeat_ms = 75,
                                                 .log_level = "debug"};
    expect_command(
        1, &options,
        "hive --queen --queen-list 127.0.0.1:8080 127.0.0.1:8081 --data-dir /state/lab/data/q1 "
        "--election-timeout 300-600 --heartbeat 75 --listen 127.0.0.1:8081 --token-file /state/lab/token "
        "--log-level debug");
    expect_command(2, &options,
                   "hive --queen-host 127.0.0.1:8080 127.0.0.1:8081 --name d1 --listen 127.0.0.1:5001 "
                   "--token-file /state/lab/token --log-level debug");
}

static void who_begins_in_a_founded_group_joins_those_who_are_there(void **state)
{
    (void)state;
    struct hive_ledger_node some[] = {
        {.name = "q1", .role = HIVE_ROLE_QUEEN, .address = "127.0.0.1:8080", .state = HIVE_NODE_DEAD},
        {.name = "q2", .role = HIVE_ROLE_QUEEN, .address = "127.0.0.1:8081", .state = HIVE_NODE_PAUSED},
        {.name = "q3", .role = HIVE_ROLE_QUEEN, .address = "127.0.0.1:8082", .state = HIVE_NODE_RUNNING},
        {.name = "q4",
         .role = HIVE_ROLE_QUEEN,
         .address = "127.0.0.1:8083",
         .state = HIVE_NODE_STOPPED,
         .data_directory = data},
    };
    const struct hive_ledger founded = {
        .name = "lab", .directory = directory, .founded = true, .nodes = some, .node_count = 4};
    const struct hive_ledger alone = {
        .name = "lab", .directory = directory, .founded = true, .nodes = some + 3, .node_count = 1};
    const struct node_command_options options = {.hive = "hive"};
    expect_command_of(&founded, &some[3], &options,
                      "hive --queen --join 127.0.0.1:8082 127.0.0.1:8080 127.0.0.1:8081 --data-dir "
                      "/state/lab/data/q1 --listen 127.0.0.1:8083 --token-file /state/lab/token");
    /* Nobody is there to be joined. */
    expect_command_of(&alone, &some[3], &options,
                      "hive --queen --queen-list 127.0.0.1:8083 --data-dir /state/lab/data/q1 --listen "
                      "127.0.0.1:8083 --token-file /state/lab/token");
}

static void programs_faults_and_further_arguments(void **state)
{
    (void)state;
    static char program[] = "/old/hive";
    struct hive_ledger_node some[] = {nodes[0], nodes[2]};
    some[0].program = program;
    const struct hive_ledger lab = {
        .name = "lab", .directory = directory, .can_fault = true, .nodes = some, .node_count = 2};
    static const char *queen_arguments[] = {"--log-level", "debug"}, *drone_arguments[] = {"--capacity", "9"};
    const struct node_command_options options = {
        .hive = "hive",
        .log_level = "info",
        .queen_arguments = {queen_arguments, 2},
        .drone_arguments = {drone_arguments, 2},
    };
    expect_command_of(
        &lab, &some[0], &options,
        "/old/hive --queen --queen-list 127.0.0.1:8080 --data-dir /state/lab/data/q1 --listen "
        "127.0.0.1:8080 --token-file /state/lab/token --log-level info --enable-faults --log-level debug");
    expect_command_of(&lab, &some[1], &options,
                      "hive --queen-host 127.0.0.1:8080 --name d1 --listen 127.0.0.1:5001 --token-file "
                      "/state/lab/token --log-level info --enable-faults --capacity 9");
}

static void many_queens_get_more_time_unless_times_were_given(void **state)
{
    (void)state;
    static const struct {
        size_t queens;
        int64_t min_ms, max_ms, heartbeat_ms;
    } expected[] = {{1, 0, 0, 0}, {15, 0, 0, 0}, {16, 300, 600, 100}, {64, 1200, 2400, 400}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct node_command_options options = {0};
        assert_int_equal(node_command_allow_time(&options, expected[i].queens), expected[i].max_ms > 0);
        assert_int_equal(options.election_timeout.min_ms, expected[i].min_ms);
        assert_int_equal(options.election_timeout.max_ms, expected[i].max_ms);
        assert_int_equal(options.heartbeat_ms, expected[i].heartbeat_ms);
    }
    struct node_command_options given = {.heartbeat_ms = 20};
    assert_false(node_command_allow_time(&given, 64));
    assert_int_equal(given.heartbeat_ms, 20);
    given = (struct node_command_options){.election_timeout = {100, 200}};
    assert_false(node_command_allow_time(&given, 64));
    assert_int_equal(given.heartbeat_ms, 0);
}

static void variables_take_the_place_of_those_of_the_same_name(void **state)
{
    (void)state;
    char a[] = "A=1", ab[] = "AB=2", c[] = "C=3";
    char *inherited[] = {a, ab, c, NULL};
    static const char *given[] = {"A=x", "D=", "A=y=z"};
    const struct node_command_options options = {.environment = {given, 3}};
    static const char *const expected[] = {"AB=2", "C=3", "D=", "A=y=z", NULL};
    char **environment = node_command_environment(inherited, &options);
    for (size_t i = 0; i < sizeof expected / sizeof *expected - 1; i++)
        assert_string_equal(environment[i], expected[i]);
    assert_null(environment[4]);
    node_command_free(environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queen_is_told_of_all_queens_its_data_and_the_token),
        cmocka_unit_test(a_drone_is_told_of_all_queens_its_name_and_the_token),
        cmocka_unit_test(who_begins_in_a_founded_group_joins_those_who_are_there),
        cmocka_unit_test(programs_faults_and_further_arguments),
        cmocka_unit_test(variables_take_the_place_of_those_of_the_same_name),
        cmocka_unit_test(many_queens_get_more_time_unless_times_were_given),
        cmocka_unit_test(timers_go_to_queens_and_the_log_level_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
