/* What the dashboard believes: whom it calls down, paused or silent, what it tells of elections, how it
 * counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/json.h"
#include "hivetop/model_json.h"
#include "hivetop/summary.h"
#include "tests/unit/hivetop_fixture.h"

/* ---- who is down, paused, silent ---- */

static void a_refused_connection_means_down_and_one_answer_means_back(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct node *node = fixture_node(&model, "q2");
    model_take_failure(&model, node, -ECONNREFUSED, "connection refused");
    assert_int_equal(node->condition, CONDITION_DOWN);
    assert_note(node, "refused");
    assert_int_equal(count_events(&model, "q2 went down: refused"), 1);
    model_take_failure(&model, node, -ECONNREFUSED, "connection refused");
    assert_int_equal(model.events.count, 1);
    struct fixture_queen again = follower;
    again.pid = 5000;
    fixture_answer_queen(&model, 2, 3, 0, &again);
    assert_int_equal(node->condition, CONDITION_UP);
    assert_int_equal(count_events(&model, "q2 came back (pid 5000)"), 1);
    assert_int_equal(model.events.count, 2);
    model_finish(&model);
}

static void one_missed_answer_is_no_alarm_two_are(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct node *node = fixture_node(&model, "q2");
    model_take_failure(&model, node, -ETIMEDOUT, "timed out after 375 ms");
    assert_int_equal(node->condition, CONDITION_UP);
    assert_note(node, "timed out");
    assert_int_equal(model.events.count, 0);
    model_take_failure(&model, node, -ETIMEDOUT, "timed out after 375 ms");
    assert_int_equal(node->condition, CONDITION_SILENT);
    assert_int_equal(count_events(&model, "q2 does not answer: timed out after 375 ms"), 1);
    fixture_answer_queen(&model, 2, 3, 0, &follower);
    assert_int_equal(count_events(&model, "q2 answers again"), 1);
    model_finish(&model);
}

static void the_ledger_knows_how_a_node_ended(void **state)
{
    (void)state;
    static const struct {
        enum hive_node_state state;
        int exit_status;
        const char *note;
    } ends[] = {{HIVE_NODE_DEAD, SIGKILL, "signal 9"},
                {HIVE_NODE_DEAD, 1 << 8, "exit 1"},
                {HIVE_NODE_STOPPED, 0, "stopped"},
                {HIVE_NODE_STOPPED, SIGKILL, "killed"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct model model;
        struct hive_ledger_node nodes[3];
        struct hive_ledger ledger = fixture_ledger(nodes, 3, 0);
        fixture_calm(&model, 3, 0);
        nodes[1].state = ends[i].state;
        nodes[1].exit_status = ends[i].exit_status;
        nodes[1].process = (struct hive_process){0};
        model_take_ledger(&model, &ledger);
        struct node *node = fixture_node(&model, "q2");
        assert_int_equal(node->condition, CONDITION_DOWN); /* without waiting for a poll to fail */
        assert_note(node, ends[i].note);
        assert_int_equal(model.events.count, 1);
        model_finish(&model);
    }
}

static void a_new_process_is_not_believed_by_the_old_ones_answer(void **state)
{
    (void)state;
    struct model model;
    struct hive_ledger_node nodes[3];
    struct hive_ledger ledger = fixture_ledger(nodes, 3, 0);
    fixture_calm(&model, 3, 0);
    struct node *node = fixture_node(&model, "q1");
    nodes[0].state = HIVE_NODE_DEAD;
    nodes[0].process = (struct hive_process){0};
    model_take_ledger(&model, &ledger);
    nodes[0] = fixture_ledger_node('q', 1);
    nodes[0].process.pid = 5000;
    model_take_ledger(&model, &ledger);
    assert_int_equal(node->condition, CONDITION_DOWN);
    struct summary summary;
    summary_of(&model, &summary);
    assert_null(summary.leader); /* its old answer said LEADER */
    model_finish(&model);
}

static void a_starting_node_is_neither_down_nor_news(void **state)
{
    (void)state;
    struct model model = {0};
    struct hive_ledger_node nodes[1];
    struct hive_ledger ledger = fixture_ledger(nodes, 1, 0);
    nodes[0].state = HIVE_NODE_STARTING;
    model_take_ledger(&model, &ledger);
    struct node *node = fixture_node(&model, "q1");
    model_take_failure(&model, node, -ECONNREFUSED, "connection refused");
    assert_int_equal(node->condition, CONDITION_STARTING);
    assert_int_equal(model.events.count, 0);
    fixture_answer_queen(&model, 1, 1, 0, &follower);
    assert_int_equal(node->condition, CONDITION_UP);
    assert_int_equal(count_events(&model, "q1 is up"), 1);
    model_finish(&model);
}

static void a_paused_node_is_called_paused_until_it_answers(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct node *node = fixture_node(&model, "q1");
    model_take_stopped(&model, node, true);
    assert_int_equal(node->condition, CONDITION_PAUSED);
    assert_note(node, "SIGSTOP");
    assert_int_equal(count_events(&model, "q1 was paused"), 1);
    model_take_stopped(&model, node, false);
    assert_int_equal(node->condition, CONDITION_PAUSED); /* what it said before it slept is of no worth */
    fixture_answer_queen(&model, 1, 3, 0, &follower);
    assert_int_equal(node->condition, CONDITION_UP);
    assert_int_equal(count_events(&model, "q1 answers again"), 1);
    model_finish(&model);
}

/* ---- the nodes ---- */

static void queens_come_first_and_numbers_count_as_numbers(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 12, 11);
    assert_int_equal(model.queen_count, 12);
    for (int i = 0; i < 12; i++)
        assert_int_equal(strtol(model.nodes[i]->name + 1, NULL, 10), i + 1);
    for (int i = 0; i < 11; i++)
        assert_int_equal(strtol(model.nodes[12 + i]->name + 1, NULL, 10), i + 1);
    model_finish(&model);
}

static void one_address_is_enough_to_find_the_cluster(void **state)
{
    (void)state;
    struct model model = {0};
    model_set_time(&model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    model_add(&model, HIVE_ROLE_QUEEN, "127.0.0.1:8080");
    struct fixture_queen leader = {.state = HIVE_RAFT_LEADER, .term = 3};
    fixture_answer_queen(&model, 1, 3, 2, &leader);
    assert_int_equal(model.node_count, 5);
    assert_int_equal(model.queen_count, 3);
    assert_non_null(model_node_named(&model, ":8082")); /* all on one host: the port is name enough */
    assert_non_null(model_node_named(&model, ":5002"));
    model_add(&model, HIVE_ROLE_QUEEN, "10.0.0.1:8080");
    assert_non_null(model_node_named(&model, "127.0.0.1:8082"));
    model_finish(&model);
}

static void two_names_of_one_node_become_one(void **state)
{
    (void)state;
    struct model model = {0};
    model_set_time(&model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    model_add(&model, HIVE_ROLE_QUEEN, "localhost:8080");
    struct hive_health health = {.ready = true, .mode = HIVE_MODE_QUEEN, .address = "127.0.0.1:8080"};
    model_take_health(&model, model.nodes[0], &health, 100);
    assert_int_equal(model.node_count, 1);
    assert_string_equal(model.nodes[0]->address, "127.0.0.1:8080");
    model_add(&model, HIVE_ROLE_QUEEN, "localhost:8080");
    assert_int_equal(model.node_count, 2);
    health = (struct hive_health){.ready = true, .mode = HIVE_MODE_QUEEN, .address = "127.0.0.1:8080"};
    model_take_health(&model, model_node(&model, "localhost:8080"), &health, 100);
    assert_int_equal(model.node_count, 1);
    model_finish(&model);
}

static void a_given_address_may_be_a_drones(void **state)
{
    (void)state;
    struct model model = {0};
    model_set_time(&model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    model_add(&model, HIVE_ROLE_QUEEN, "127.0.0.1:5001");
    struct hive_health health = {.ready = true,
                                 .mode = HIVE_MODE_DRONE,
                                 .id = "worker",
                                 .address = "127.0.0.1:5001",
                                 .queen = "127.0.0.1:8080"};
    model_take_health(&model, model.nodes[0], &health, 100);
    assert_int_equal(model.node_count, 2);
    assert_int_equal(model.queen_count, 1);
    assert_string_equal(model.nodes[0]->address, "127.0.0.1:8080");
    assert_string_equal(model.nodes[1]->name, "worker"); /* it gave itself one */
    model_finish(&model);
}

static void no_answer_adds_nodes_beyond_the_cap(void **state)
{
    (void)state;
    struct model model = {0};
    char address[HIVE_ADDRESS_BYTES];
    for (int i = 0; i < HIVE_NODES; i++) {
        struct node *node = hive_calloc(1, sizeof *node);
        snprintf(node->address, sizeof node->address, "10.0.0.1:%d", i + 1);
        model.nodes = hive_realloc(model.nodes, model.node_count + 1, sizeof *model.nodes);
        model.nodes[model.node_count++] = node;
    }
    snprintf(address, sizeof address, "10.0.0.2:1");
    model_add(&model, HIVE_ROLE_DRONE, address);
    assert_int_equal(model.node_count, HIVE_NODES);
    model_finish(&model);
}

/* ---- the cluster ---- */

static void the_leader_is_the_one_of_the_newest_term_that_answers(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    fixture_calm(&model, 5, 0);
    struct fixture_queen leader = {.state = HIVE_RAFT_LEADER, .term = 4, .last = 30, .commit = 25};
    fixture_answer_queen(&model, 2, 5, 0, &leader);
    summary_of(&model, &summary);
    assert_string_equal(summary.leader->name, "q2");
    assert_int_equal(summary.term, 4);
    assert_int_equal(summary.commit, 25);
    model_take_failure(&model, fixture_node(&model, "q2"), -ECONNREFUSED, "connection refused");
    model_take_failure(&model, fixture_node(&model, "q1"), -ECONNREFUSED, "connection refused");
    summary_of(&model, &summary);
    assert_null(summary.leader);
    assert_int_equal(summary.queens_up, 3);
    assert_int_equal(summary.spare, 0);
    model_take_failure(&model, fixture_node(&model, "q3"), -ECONNREFUSED, "connection refused");
    summary_of(&model, &summary);
    assert_int_equal(summary.spare, -1);
    model_finish(&model);
}

static void a_cluster_that_is_just_starting_has_not_lost_its_quorum(void **state)
{
    (void)state;
    struct model model = {0};
    struct summary summary;
    struct hive_ledger_node nodes[3];
    struct hive_ledger ledger = fixture_ledger(nodes, 3, 0);
    model_take_ledger(&model, &ledger);
    summary_of(&model, &summary);
    assert_false(summary.is_known);
    for (int i = 0; i < 3; i++)
        nodes[i].state = HIVE_NODE_STARTING;
    model_take_ledger(&model, &ledger);
    model_take_failure(&model, fixture_node(&model, "q1"), -ECONNREFUSED, "connection refused");
    summary_of(&model, &summary);
    assert_false(summary.is_known);
    nodes[0].state = HIVE_NODE_DEAD;
    model_take_ledger(&model, &ledger);
    summary_of(&model, &summary);
    assert_true(summary.is_known);
    model_finish(&model);
}

static void the_quorum_counts_members_not_processes(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    fixture_calm(&model, 3, 0);
    struct fixture_queen leader = {.state = HIVE_RAFT_LEADER, .term = 3};
    fixture_answer_queen(&model, 1, 7, 0, &leader);
    summary_of(&model, &summary);
    assert_int_equal(summary.queens, 7);
    assert_int_equal(summary.needed, 4);
    assert_int_equal(summary.spare, -1);
    model_finish(&model);
}

static void lag_is_by_the_leaders_account_and_else_by_the_last_answer(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    bool is_stale;
    fixture_troubled(&model);
    summary_of(&model, &summary);
    assert_int_equal(summary_lag(&summary, fixture_node(&model, "q3"), &is_stale), 0);
    assert_int_equal(summary_lag(&summary, fixture_node(&model, "q4"), &is_stale), 22);
    assert_false(is_stale);
    assert_int_equal(summary_lag(&summary, fixture_node(&model, "q5"), &is_stale), 112);
    assert_true(is_stale);
    summary.leader = NULL;
    assert_int_equal(summary_lag(&summary, fixture_node(&model, "q1"), &is_stale), -1);
    model_finish(&model);
}

static void the_rate_is_that_of_the_last_seconds(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct fixture_queen leader = {.state = HIVE_RAFT_LEADER, .term = 3, .commit = 20};
    assert_true(model_rate(&model) < 0);
    for (int i = 1; i <= 40; i++) {
        model_set_time(&model, FIXTURE_NOW_MS + 500 * i, FIXTURE_UNIX_MS + 500 * i);
        leader.commit = 20 + 50 * (uint64_t)i;
        fixture_answer_queen(&model, 1, 3, 0, &leader);
    }
    assert_int_equal((int)(model_rate(&model) + 0.5), 100);
    for (int i = 41; i <= 60; i++) {
        model_set_time(&model, FIXTURE_NOW_MS + 500 * i, FIXTURE_UNIX_MS + 500 * i);
        fixture_answer_queen(&model, 1, 3, 0, &leader);
    }
    assert_int_equal((int)model_rate(&model), 0);
    leader.commit = 3; /* another cluster */
    fixture_answer_queen(&model, 1, 3, 0, &leader);
    assert_true(model_rate(&model) < 1);
    model_finish(&model);
}

static void json_tells_what_the_screen_shows(void **state)
{
    (void)state;
    struct model model;
    struct hive_buffer text = {0};
    fixture_troubled(&model);
    model_json(&model, &text);
    assert_null(strchr(text.data, '\n'));
    cJSON *json = cJSON_Parse(text.data);
    assert_non_null(json);
    assert_string_equal(cJSON_GetObjectItem(json, "leader")->valuestring, "q3");
    assert_int_equal(cJSON_GetObjectItem(json, "term")->valueint, 14);
    assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "quorum"), "spare")->valueint, 0);
    cJSON *queens = cJSON_GetObjectItem(json, "queens"), *drones = cJSON_GetObjectItem(json, "drones");
    assert_int_equal(cJSON_GetArraySize(queens), 5);
    assert_int_equal(cJSON_GetArraySize(drones), 4);
    cJSON *q4 = cJSON_GetArrayItem(queens, 3), *d4 = cJSON_GetArrayItem(drones, 3);
    assert_string_equal(cJSON_GetObjectItem(q4, "state")->valuestring, "paused");
    assert_int_equal(cJSON_GetObjectItem(q4, "lag")->valueint, 22);
    assert_int_equal(cJSON_GetObjectItem(q4, "age_ms")->valueint, 9500);
    assert_string_equal(cJSON_GetObjectItem(d4, "leader_says")->valuestring, "lost");
    assert_string_equal(cJSON_GetObjectItem(d4, "note")->valuestring, "signal 11");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "events")), (int)model.events.count);
    cJSON_Delete(json);
    hive_buffer_finish(&text);
    model_finish(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_means_down_and_one_answer_means_back),
        cmocka_unit_test(one_missed_answer_is_no_alarm_two_are),
        cmocka_unit_test(the_ledger_knows_how_a_node_ended),
        cmocka_unit_test(a_new_process_is_not_believed_by_the_old_ones_answer),
        cmocka_unit_test(a_starting_node_is_neither_down_nor_news),
        cmocka_unit_test(a_paused_node_is_called_paused_until_it_answers),
        cmocka_unit_test(queens_come_first_and_numbers_count_as_numbers),
        cmocka_unit_test(one_address_is_enough_to_find_the_cluster),
        cmocka_unit_test(two_names_of_one_node_become_one),
        cmocka_unit_test(a_given_address_may_be_a_drones),
        cmocka_unit_test(no_answer_adds_nodes_beyond_the_cap),
        cmocka_unit_test(the_leader_is_the_one_of_the_newest_term_that_answers),
        cmocka_unit_test(a_cluster_that_is_just_starting_has_not_lost_its_quorum),
        cmocka_unit_test(the_quorum_counts_members_not_processes),
        cmocka_unit_test(lag_is_by_the_leaders_account_and_else_by_the_last_answer),
        cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
        cmocka_unit_test(json_tells_what_the_screen_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
