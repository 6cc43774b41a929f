/* Every way in which consensus can be seen to be broken is found, told once, with its evidence, and stays. What looks like it and is
 * lawful: hivetop_checks_lawful_test.c. */
#include "tests/unit/hivetop_checks_scene.h"

#include "hivetop/keys.h"
#include "hivetop/model_json.h"
#include "hivetop/render.h"

#define SAME  "1a2b3c4d5e6f7081"
#define OTHER "3c4d00000000ffff"

static void nothing_is_claimed_before_something_was_compared(void **state)
{
    (void)state;
    struct model model;
    char line[256];
    open_model(&model);
    checks_line(&model.checks, line, sizeof line);
    assert_string_equal(line, "consensus: not compared yet");
    SAYS(&model, .number = 1, .digests = {{100, 3, SAME}});
    SAYS(&model, .number = 1, .digests = {{100, 3, SAME}}); /* that one agrees with itself proves nothing */
    assert_false(checks_holds(&model.checks) || checks_is_broken(&model.checks));
    SAYS(&model, .number = 2, .digests = {{100, 3, SAME}, {96, 3, SAME}});
    assert_true(checks_holds(&model.checks));
    SAYS(&model, .number = 2, .digests = {{100, 3, SAME}, {96, 3, SAME}}); /* again: nothing new */
    SAYS(&model, .number = 3, .digests = {{100, 3, SAME}, {96, 3, SAME}});
    checks_line(&model.checks, line, sizeof line);
    assert_string_equal(line, "consensus holds: 3 hashes agree");
    model_finish(&model);
}

static void logs_that_disagree_are_found(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .digests = {{90210, 14, SAME}});
    SAYS(&model, .number = 4, .digests = {{90210, 14, OTHER}});
    assert_found(&model, CHECKS_LOGS_DISAGREE,
                 "q2 and q4 disagree at index 90210: term 14 1a2b3c4d5e6f7081 / term 14 3c4d00000000ffff");
    model_finish(&model);
}

static void another_term_at_a_committed_index_is_found_although_no_hash_differs(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .digests = {{100, 3, SAME}});
    SAYS(&model, .number = 2, .digests = {{100, 4, SAME}});
    assert_int_equal(model.checks.finding_count, 1);
    assert_int_equal(model.checks.findings[0].kind, CHECKS_LOGS_DISAGREE);
    model_finish(&model);
}

/* The other one was asked long ago, and has told newer ones since. */
static void logs_are_compared_at_indexes_of_earlier_polls(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .applied = 65536, .digests = {{65536, 3, SAME}, {65520, 3, SAME}});
    for (uint64_t i = 1; i <= 2000; i++)
        SAYS(&model, .number = 1, .applied = 65536 + 17 * i, .digests = {{65536 + 17 * i, 3, SAME}});
    SAYS(&model, .number = 2, .applied = 70000, .digests = {{70000, 3, SAME}, {65536, 3, OTHER}});
    assert_int_equal(model.checks.finding_count, 1);
    assert_int_equal(model.checks.findings[0].kind, CHECKS_LOGS_DISAGREE);
    model_finish(&model);
}

static void who_changes_the_past_is_found(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .digests = {{96, 3, SAME}});
    SAYS(&model, .number = 1, .digests = {{96, 3, OTHER}});
    assert_int_equal(model.checks.finding_count, 1);
    assert_non_null(strstr(model.checks.findings[0].text, "q1 and itself disagree at index 96"));
    model_finish(&model);
}

static void two_leaders_of_a_term_are_found(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 15);
    SAYS(&model, .number = 3, .state = HIVE_RAFT_LEADER, .term = 15);
    assert_found(&model, CHECKS_TWO_LEADERS, "q1 and q3 have both led term 15");
    SAYS(&model, .number = 3, .state = HIVE_RAFT_LEADER, .term = 15);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 15);
    assert_int_equal(model.checks.finding_count, 1); /* it is the same one */
    model_finish(&model);
}

/* Neither leads when it is asked. */
static void two_leaders_between_two_polls_are_found(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .term = 9,
         .transitions = {{5, 7, HIVE_RAFT_LEADER, ""}, {6, 9, HIVE_RAFT_FOLLOWER, ""}});
    SAYS(&model, .number = 2, .term = 9,
         .transitions = {{5, 7, HIVE_RAFT_LEADER, ""}, {6, 8, HIVE_RAFT_FOLLOWER, ""}});
    assert_found(&model, CHECKS_TWO_LEADERS, "q1 and q2 have both led term 7");
    model_finish(&model);
}

static void what_goes_back_within_a_process_is_found(void **state)
{
    (void)state;
    static const struct {
        struct said before, now;
        enum checks_kind kind;
        const char *evidence;
    } cases[] = {
        {{.number = 2, .term = 15},
         {.number = 2, .term = 14},
         CHECKS_TERM_BACK,
         "q2 went back from term 15 to term 14"},
        {{.number = 2, .commit = 90210, .applied = 90000},
         {.number = 2, .commit = 90209, .applied = 90000},
         CHECKS_COMMIT_BACK,
         "q2 went back from commit 90210 to commit 90209"},
        {{.number = 2, .commit = 90210, .applied = 90000},
         {.number = 2, .commit = 90210, .applied = 89999},
         CHECKS_APPLIED_BACK,
         "q2 went back from applied 90000 to applied 89999"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model;
        open_model(&model);
        hear(&model, cases[i].before);
        hear(&model, cases[i].now);
        assert_found(&model, cases[i].kind, cases[i].evidence);
        model_finish(&model);
    }
}

static void what_was_on_the_disk_and_is_gone_after_a_restart_is_found(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .term = 15);
    SAYS(&model, .number = 2, .term = 14, .process = 1);
    assert_found(&model, CHECKS_TERM_BACK, "q2 went back from term 15 to term 14 after a restart");
    model_finish(&model);

    open_model(&model);
    SAYS(&model, .number = 2, .commit = 90210, .snapshot = 90000);
    SAYS(&model, .number = 2, .commit = 89000, .snapshot = 89000, .process = 1);
    assert_int_equal(model.checks.finding_count, 2);
    assert_string_equal(model.checks.findings[0].text,
                        "q2 went back from commit 90000 to commit 89000 after a restart");
    assert_int_equal(model.checks.findings[1].kind, CHECKS_APPLIED_BACK);
    model_finish(&model);
}

/* Its own vote was on the disk before it led, whatever it says of that. */
static void a_term_that_was_led_does_not_go_back(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .term = 15, .durable_term = 1, .state = HIVE_RAFT_LEADER);
    SAYS(&model, .number = 2, .term = 14, .process = 1);
    assert_found(&model, CHECKS_TERM_BACK, "q2 went back from term 15 to term 14 after a restart");
    model_finish(&model);
}

static void what_is_applied_beyond_the_commit_is_found(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 5, .commit = 100, .applied = 101);
    assert_found(&model, CHECKS_APPLIED_TOO_MUCH, "q5 has applied 101, which is beyond its commit index 100");
    model_finish(&model);
}

/* However long it goes on well afterwards. */
static void a_finding_stays_and_is_shown_everywhere(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    struct hive_buffer text = {0}, json = {0};
    open_model(&model);
    ui_init(&ui, 500);
    SAYS(&model, .number = 1, .digests = {{100, 3, SAME}});
    SAYS(&model, .number = 2, .digests = {{100, 3, OTHER}});
    for (int i = 0; i < 1000; i++)
        SAYS(&model, .number = 1 + i % 2, .digests = {{100, 3, i % 2 ? OTHER : SAME}});
    assert_int_equal(model.checks.finding_count, 1);
    for (int with_evidence = 0; with_evidence < 2; with_evidence++) {
        struct cells cells;
        hive_buffer_clear(&text);
        render(&model, &ui, 120, 40, false, &cells);
        cells_print(&cells, &text);
        cells_finish(&cells);
        assert_non_null(strstr(text.data, "CONSENSUS BROKEN"));
        assert_non_null(
            strstr(text.data, "q1 and q2 disagree at index 100: term 3 " SAME " / term 3 " OTHER));
        assert_null(strstr(text.data, "holds"));
        assert_int_equal(ui.mode, with_evidence ? UI_EVIDENCE : UI_TABLES);
        if (!with_evidence)
            ui_key(&ui, &model, 'c');
    }
    ui_key(&ui, &model, 'c');
    assert_int_equal(ui.mode, UI_TABLES);
    model_json(&model, &json);
    assert_non_null(strstr(json.data, "\"holds\":false"));
    assert_non_null(strstr(json.data, "\"kind\":\"logs-disagree\""));
    hive_buffer_finish(&text);
    hive_buffer_finish(&json);
    model_finish(&model);
}

static void findings_are_bounded_and_the_first_ones_stay(void **state)
{
    (void)state;
    struct model model;
    char line[256];
    open_model(&model);
    for (uint64_t i = 0; i < CHECKS_FINDINGS + 7; i++)
        SAYS(&model, .number = 1, .term = 500 - i);
    assert_int_equal(model.checks.finding_count, CHECKS_FINDINGS);
    assert_string_equal(model.checks.findings[0].text, "q1 went back from term 500 to term 499");
    assert_int_equal(model.checks.more, 6);
    checks_line(&model.checks, line, sizeof line);
    assert_non_null(strstr(line, "CONSENSUS BROKEN (and 21 more) "));
    model_finish(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_claimed_before_something_was_compared),
        cmocka_unit_test(logs_that_disagree_are_found),
        cmocka_unit_test(another_term_at_a_committed_index_is_found_although_no_hash_differs),
        cmocka_unit_test(logs_are_compared_at_indexes_of_earlier_polls),
        cmocka_unit_test(who_changes_the_past_is_found),
        cmocka_unit_test(two_leaders_of_a_term_are_found),
        cmocka_unit_test(two_leaders_between_two_polls_are_found),
        cmocka_unit_test(what_goes_back_within_a_process_is_found),
        cmocka_unit_test(what_was_on_the_disk_and_is_gone_after_a_restart_is_found),
        cmocka_unit_test(a_term_that_was_led_does_not_go_back),
        cmocka_unit_test(what_is_applied_beyond_the_commit_is_found),
        cmocka_unit_test(a_finding_stays_and_is_shown_everywhere),
        cmocka_unit_test(findings_are_bounded_and_the_first_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
