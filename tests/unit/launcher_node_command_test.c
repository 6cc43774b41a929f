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

static void expect_command(size_t node, const struct node_command_options *options, const char *expected)
{
    struct hive_buffer line = {0};
    char **argv = node_command_make(&ledger, &nodes[node], options);
    for (char **argument = argv; *argument; argument++)
        hive_buffer_format(&line, "%s%s", line.size ? " " : "", *argument);
    assert_string_equal(line.data, expected);
    node_command_free(argv);
    hive_buffer_finish(&line);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queen_is_told_of_all_queens_its_data_and_the_token),
        cmocka_unit_test(a_drone_is_told_of_all_queens_its_name_and_the_token),
        cmocka_unit_test(timers_go_to_queens_and_the_log_level_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
