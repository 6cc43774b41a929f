/* What the events panel tells: elections, also those between two polls, and what the user did; each once and
 * in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hivetop_fixture.h"

static void each_role_change_is_told_once(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct fixture_queen queen = {
        .state = HIVE_RAFT_FOLLOWER, .term = 3, .transitions = {{5000, 3, HIVE_RAFT_FOLLOWER}}};
    fixture_answer_queen(&model, 2, 3, 0, &queen);
    assert_int_equal(model.events.count, 0); /* that it began as a follower is no news */
    queen.transitions[1] = (struct fixture_transition){300, 4, HIVE_RAFT_CANDIDATE};
    for (int polls = 0; polls < 3; polls++)
        fixture_answer_queen(&model, 2, 3, 0, &queen);
    assert_int_equal(count_events(&model, "q2 is a candidate in term 4"), 1);
    queen.transitions[2] = (struct fixture_transition){200, 4, HIVE_RAFT_LEADER};
    for (int polls = 0; polls < 3; polls++)
        fixture_answer_queen(&model, 2, 3, 0, &queen);
    assert_int_equal(count_events(&model, "q2 is LEADER of term 4"), 1);
    assert_int_equal(model.events.count, 2);
    model_finish(&model);
}

static void elections_between_two_polls_are_told_in_the_order_of_time(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct fixture_queen second = {.state = HIVE_RAFT_FOLLOWER,
                                   .term = 6,
                                   .transitions = {{900, 4, HIVE_RAFT_CANDIDATE},
                                                   {800, 4, HIVE_RAFT_LEADER},
                                                   {500, 5, HIVE_RAFT_FOLLOWER}}};
    struct fixture_queen third = {.state = HIVE_RAFT_LEADER,
                                  .term = 6,
                                  .transitions = {{850, 4, HIVE_RAFT_FOLLOWER},
                                                  {600, 5, HIVE_RAFT_CANDIDATE},
                                                  {550, 5, HIVE_RAFT_FOLLOWER},
                                                  {200, 6, HIVE_RAFT_CANDIDATE},
                                                  {150, 6, HIVE_RAFT_LEADER}}};
    fixture_answer_queen(&model, 3, 3, 0, &third);
    fixture_answer_queen(&model, 2, 3, 0, &second);
    static const char *const wanted[] = {
        "q2 is a candidate in term 4", "q2 is LEADER of term 4",    "q3 is a candidate in term 5",
        "q3 follows in term 5",        "q2 stepped down in term 5", "q3 is a candidate in term 6",
        "q3 is LEADER of term 6",
    };
    assert_int_equal(model.events.count, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < model.events.count; i++)
        assert_string_equal(model.events.items[i].text, wanted[i]);
    model_finish(&model);
}

static void asking_ahead_of_an_election_is_told_once_a_term(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct fixture_queen queen = {
        .state = HIVE_RAFT_CANDIDATE,
        .term = 3,
        .transitions = {{900, 3, HIVE_RAFT_FOLLOWER}, {800, 3, HIVE_RAFT_CANDIDATE}}};
    fixture_answer_queen(&model, 2, 3, 0, &queen);
    for (int i = 2; i < 6; i += 2) { /* it gets no answer and asks again and again */
        queen.transitions[i] = (struct fixture_transition){900 - 100 * i, 3, HIVE_RAFT_FOLLOWER};
        queen.transitions[i + 1] = (struct fixture_transition){850 - 100 * i, 3, HIVE_RAFT_CANDIDATE};
        fixture_answer_queen(&model, 2, 3, 0, &queen);
    }
    assert_int_equal(model.events.count, 1);
    assert_string_equal(model.events.items[0].text, "q2 asks whether it would win term 4");
    queen.transitions[6] = (struct fixture_transition){100, 4, HIVE_RAFT_CANDIDATE};
    fixture_answer_queen(&model, 2, 3, 0, &queen);
    assert_int_equal(model.events.count, 2);
    assert_string_equal(model.events.items[1].text, "q2 is a candidate in term 4");
    model_finish(&model);
}

static void a_restarted_queen_tells_only_what_is_new(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct fixture_queen queen = {.state = HIVE_RAFT_LEADER,
                                  .term = 4,
                                  .transitions = {{900, 4, HIVE_RAFT_CANDIDATE}, {800, 4, HIVE_RAFT_LEADER}}};
    fixture_answer_queen(&model, 2, 3, 0, &queen);
    size_t count = model.events.count;
    queen = (struct fixture_queen){.state = HIVE_RAFT_LEADER,
                                   .term = 5,
                                   .pid = 5000,
                                   .transitions = {{300, 4, HIVE_RAFT_FOLLOWER},
                                                   {200, 5, HIVE_RAFT_CANDIDATE},
                                                   {100, 5, HIVE_RAFT_LEADER}}};
    fixture_answer_queen(&model, 2, 3, 0, &queen);
    assert_int_equal(model.events.count, count + 3);
    assert_int_equal(count_events(&model, "q2 came back (pid 5000)"), 1);
    assert_int_equal(count_events(&model, "q2 is LEADER of term 5"), 1);
    model_finish(&model);
}

/* q2 as another process, by the ledger. */
static void restart_in_ledger(struct model *model)
{
    struct hive_ledger_node nodes[3];
    struct hive_ledger ledger = fixture_ledger(nodes, 3, 0);
    nodes[1].process.pid = 5000;
    model_take_ledger(model, &ledger);
}

static void die_in_ledger(struct model *model)
{
    struct hive_ledger_node nodes[3];
    struct hive_ledger ledger = fixture_ledger(nodes, 3, 0);
    nodes[1].state = HIVE_NODE_DEAD;
    nodes[1].process = (struct hive_process){0};
    model_take_ledger(model, &ledger);
}

static void time_out(struct model *model)
{
    struct node *node = fixture_node(model, "q2");
    for (int polls = 0; polls < MODEL_SILENT_AFTER; polls++)
        model_take_failure(model, node, -ETIMEDOUT, "timed out after 375 ms");
    assert_int_equal(node->condition, CONDITION_SILENT);
}

/* The poller does not take the new process's answers before the ledger tells of it. */
static void answer_unknown(struct model *model)
{
    for (int polls = 0; polls < MODEL_SILENT_AFTER; polls++)
        model_take_failure(model, fixture_node(model, "q2"), -EPROTO, "another process answers there");
}

static void sleep_by_signal(struct model *model)
{
    model_take_stopped(model, fixture_node(model, "q2"), true);
}

static void answer_as_another(struct model *model)
{
    struct fixture_queen queen = follower;
    queen.pid = 5000;
    fixture_answer_queen(model, 2, 3, 0, &queen);
}

/* Whatever was seen on the way, in whichever order: a busy machine shows them all. */
static void a_restart_is_told_as_one_and_once(void **state)
{
    (void)state;
    typedef void (*step)(struct model *);
    static const step ways[][6] = {
        {answer_as_another},
        {die_in_ledger, restart_in_ledger, answer_as_another},
        {die_in_ledger, restart_in_ledger, time_out, answer_as_another},
        {die_in_ledger, answer_unknown, restart_in_ledger, answer_as_another},
        {die_in_ledger, answer_as_another, restart_in_ledger, time_out, answer_as_another},
        {time_out, answer_as_another},
        {restart_in_ledger, answer_as_another},
        {answer_as_another, restart_in_ledger, answer_as_another},
        {sleep_by_signal, restart_in_ledger, answer_as_another},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct model model;
        fixture_calm(&model, 3, 0);
        for (size_t at = 0; at < 6 && ways[i][at]; at++)
            ways[i][at](&model);
        answer_as_another(&model);
        if (count_events(&model, "q2 came back (pid 5000)") != 1 || count_events(&model, "answers again") ||
            count_events(&model, "another process"))
            fail_msg("way %zu", i);
        model_finish(&model);
    }
}

static void who_fell_silent_and_is_the_same_process_answers_again(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    answer_as_another(&model);
    time_out(&model);
    answer_as_another(&model);
    assert_int_equal(count_events(&model, "q2 came back"), 1);
    assert_int_equal(count_events(&model, "q2 answers again"), 1);
    model_finish(&model);
}

static void polls_that_a_paused_node_slept_through_do_not_count(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct node *node = fixture_node(&model, "q2");
    sleep_by_signal(&model);
    for (int polls = 0; polls < MODEL_SILENT_AFTER; polls++)
        model_take_failure(&model, node, -ETIMEDOUT, "timed out after 375 ms");
    model_take_stopped(&model, node, false);
    assert_int_equal(node->condition, CONDITION_PAUSED);
    fixture_answer_queen(&model, 2, 3, 0, &follower);
    assert_int_equal(count_events(&model, "does not answer"), 0);
    assert_int_equal(count_events(&model, "q2 answers again"), 1);
    model_finish(&model);
}

static void the_event_list_keeps_the_newest(void **state)
{
    (void)state;
    struct events events = {0};
    for (int i = 0; i < EVENT_CAPACITY; i++)
        events_add(&events, 10 * i, EVENT_INFO, "%d", 10 * i);
    events_add(&events, -1, EVENT_INFO, "too old");
    assert_string_equal(events.items[0].text, "0");
    events_add(&events, 55, EVENT_INFO, "between");
    assert_int_equal(events.count, EVENT_CAPACITY);
    assert_string_equal(events.items[0].text, "10");
    for (size_t i = 1; i < events.count; i++)
        assert_true(events.items[i - 1].time_ms <= events.items[i].time_ms);
    assert_string_equal(events.items[5].text, "between");
    events_finish(&events);
}

static void what_the_user_did_is_told_as_his_doing(void **state)
{
    (void)state;
    struct model model;
    struct hive_ledger_node nodes[3];
    struct hive_ledger ledger = fixture_ledger(nodes, 3, 0);
    fixture_calm(&model, 3, 0);
    struct node *node = fixture_node(&model, "q2");
    struct action kill = {.kind = ACTION_KILL, .node = "q2", .process = nodes[1].process};
    model_take_action(&model, &kill);
    assert_note(node, "killing");
    model_take_failure(&model, node, -ECONNREFUSED,
                       "connection refused"); /* noticed before the launcher answers */
    model_take_action_done(&model, &kill);
    nodes[1].state = HIVE_NODE_DEAD;
    nodes[1].process = (struct hive_process){0};
    nodes[1].exit_status = SIGKILL;
    model_take_ledger(&model, &ledger);
    assert_note(node, "killed by you");
    assert_int_equal(model.events.count, 1);
    assert_string_equal(model.events.items[0].text, "q2 killed by you (pid 4712)");

    struct action restart = {.kind = ACTION_RESTART, .node = "q2"};
    model_take_action(&model, &restart);
    nodes[1] = fixture_ledger_node('q', 2);
    nodes[1].process.pid = 5000;
    model_take_ledger(&model, &ledger);
    struct fixture_queen again = follower;
    again.pid = 5000;
    fixture_answer_queen(&model, 2, 3, 0, &again);
    model_take_action_done(&model, &restart);
    assert_int_equal(count_events(&model, "q2 restarted by you"), 1);
    assert_int_equal(count_events(&model, "q2 came back (pid 5000)"), 1);
    assert_note(node, "");

    model_take_failure(&model, node, -ECONNREFUSED, "connection refused"); /* this time it was not the user */
    assert_int_equal(count_events(&model, "q2 went down"), 1);
    model_finish(&model);
}

static void an_action_that_failed_leaves_no_trace_on_the_node(void **state)
{
    (void)state;
    struct model model;
    fixture_calm(&model, 3, 0);
    struct action pause = {.kind = ACTION_PAUSE, .node = "q2", .process = {.pid = 4712, .started_at = 1000}};
    model_take_action(&model, &pause);
    model_take_action_failed(&model, &pause, "it is another process");
    assert_note(fixture_node(&model, "q2"), "");
    assert_int_equal(count_events(&model, "q2 was not paused: it is another process"), 1);
    model_finish(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_change_is_told_once),
        cmocka_unit_test(elections_between_two_polls_are_told_in_the_order_of_time),
        cmocka_unit_test(asking_ahead_of_an_election_is_told_once_a_term),
        cmocka_unit_test(a_restarted_queen_tells_only_what_is_new),
        cmocka_unit_test(a_restart_is_told_as_one_and_once),
        cmocka_unit_test(who_fell_silent_and_is_the_same_process_answers_again),
        cmocka_unit_test(polls_that_a_paused_node_slept_through_do_not_count),
        cmocka_unit_test(the_event_list_keeps_the_newest),
        cmocka_unit_test(what_the_user_did_is_told_as_his_doing),
        cmocka_unit_test(an_action_that_failed_leaves_no_trace_on_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
