/* What clients saw is judged right: what was lost, what was stale, what was never cleared up. And who led when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/chaos_reigns.h"
#include "launcher/chaos_verdict.h"

static struct hive_history history;
static struct chaos_sight sight;
static struct chaos_verdict verdict;

static int begin_case(void **state)
{
    (void)state;
    sight = (struct chaos_sight){.digests_compared = 1};
    return 0;
}

static int end_case(void **state)
{
    (void)state;
    hive_history_finish(&history);
    hive_buffer_finish(&sight.difference);
    chaos_verdict_finish(&verdict);
    return 0;
}

static uint64_t begin(enum hive_history_type type, unsigned key)
{
    return hive_history_invoke(&history, &(struct hive_history_op){.type = type, .key = key},
                               (int64_t)history.order);
}

static void end(uint64_t number, enum hive_history_outcome outcome, struct hive_history_op answer)
{
    answer.outcome = outcome;
    hive_history_return(&history, number, &answer, (int64_t)history.order);
}

static uint64_t put(unsigned key, uint64_t index, bool created)
{
    uint64_t number = begin(HIVE_HISTORY_PUT, key);
    end(number, HIVE_HISTORY_DONE, (struct hive_history_op){.index = index, .created = created});
    return number;
}

static void read_sees(unsigned key, uint64_t number, uint64_t index)
{
    end(begin(HIVE_HISTORY_READ, key), HIVE_HISTORY_DONE,
        (struct hive_history_op){
            .status = number ? HIVE_HISTORY_OK : HIVE_HISTORY_NOT_FOUND, .seen = number, .index = index});
}

static void judge(bool has_recovered)
{
    const struct chaos_evidence evidence = {.history = &history,
                                            .keys = 2,
                                            .sight = &sight,
                                            .has_recovered = has_recovered,
                                            .trouble = "q2 does not answer"};
    chaos_verdict_make(&verdict, &evidence);
}

static void what_is_right_is_right(void **state)
{
    (void)state;
    put(0, 5, true);
    uint64_t last = put(0, 6, false), lost = begin(HIVE_HISTORY_PUT, 1), refused = begin(HIVE_HISTORY_PUT, 1);
    uint64_t vain = begin(HIVE_HISTORY_DELETE, 1);
    end(vain, HIVE_HISTORY_DONE, (struct hive_history_op){.status = HIVE_HISTORY_NOT_FOUND});
    end(lost, HIVE_HISTORY_UNKNOWN, (struct hive_history_op){0});
    end(refused, HIVE_HISTORY_REFUSED, (struct hive_history_op){0});
    end(begin(HIVE_HISTORY_READ, 1), HIVE_HISTORY_UNKNOWN, (struct hive_history_op){0});
    read_sees(0, last, 6);
    read_sees(1, lost, 7); /* it did happen */
    judge(true);
    assert_int_equal(verdict.status, HIVE_EXIT_OK);
    assert_int_equal(verdict.acknowledged, 2);
    assert_int_equal(verdict.unknown, 1);
    assert_int_equal(verdict.refused, 1);
    assert_int_equal(verdict.declined, 1);
    assert_int_equal(verdict.lost, 0);
    assert_int_equal(verdict.reads, 2);
    assert_int_equal(verdict.reads_failed, 1);
}

static void the_longest_time_without_an_answer_is_told(void **state)
{
    (void)state;
    static const int64_t answered_ms[] = {1000, 1200, 4700, 5000};
    for (size_t i = 0; i < 4; i++) {
        uint64_t number = begin(HIVE_HISTORY_PUT, 0);
        const struct hive_history_op answer = {
            .outcome = HIVE_HISTORY_DONE, .index = 5 + i, .created = i == 0};
        hive_history_return(&history, number, &answer, answered_ms[i] * 1000);
        if (i == 1) /* what is refused does not count */
            end(begin(HIVE_HISTORY_PUT, 0), HIVE_HISTORY_REFUSED, (struct hive_history_op){0});
    }
    judge(true);
    assert_int_equal(verdict.longest_ms, 3500);
}

static void a_lost_write_is_found(void **state)
{
    (void)state;
    uint64_t first = put(0, 5, true);
    put(0, 6, false);
    put(0, 7, false);
    read_sees(0, first, 5);
    judge(true);
    assert_int_equal(verdict.status, HIVE_EXIT_FAILED);
    assert_int_equal(verdict.lost, 2);
    assert_int_equal(verdict.keys_wrong, 1);
    assert_non_null(strstr(verdict.findings.data, "key 0: 2 acknowledged writes are not there any more"));
}

static void a_key_that_is_gone_is_lost_unless_it_was_deleted(void **state)
{
    (void)state;
    put(0, 5, true);
    read_sees(0, 0, 0);
    put(1, 6, true);
    end(begin(HIVE_HISTORY_DELETE, 1), HIVE_HISTORY_UNKNOWN, (struct hive_history_op){0});
    read_sees(1, 0, 0);
    judge(true);
    assert_int_equal(verdict.status, HIVE_EXIT_FAILED);
    assert_int_equal(verdict.lost, 1);
    assert_int_equal(verdict.keys_wrong, 1);
}

static void a_stale_read_is_found_though_nothing_is_lost(void **state)
{
    (void)state;
    uint64_t first = put(0, 5, true), last = put(0, 6, false);
    read_sees(0, first, 5);
    read_sees(0, last, 6);
    judge(true);
    assert_int_equal(verdict.status, HIVE_EXIT_FAILED);
    assert_int_equal(verdict.lost, 0);
    assert_int_equal(verdict.keys_wrong, 1);
}

static void logs_that_differ_and_queens_that_stay_away_are_failures(void **state)
{
    (void)state;
    uint64_t number = put(0, 5, true);
    read_sees(0, number, 5);
    judge(false);
    assert_int_equal(verdict.status, HIVE_EXIT_FAILED);
    assert_non_null(strstr(verdict.findings.data, "did not recover: q2 does not answer"));
    chaos_verdict_finish(&verdict);
    hive_buffer_append_text(&sight.difference, "the logs of q1 and q2 differ");
    judge(true);
    assert_int_equal(verdict.status, HIVE_EXIT_FAILED);
    assert_int_equal(verdict.keys_wrong, 0);
}

static void the_verdict_is_told_in_words_and_in_json(void **state)
{
    (void)state;
    char names[5][HIVE_NAME_BYTES] = {"q1", "q2", "q3", "q4", "q5"};
    struct chaos_fault faults[] = {
        {.at_ms = 900, .until_ms = 2000, .kind = CHAOS_CUT, .victims = 5, .way = CHAOS_INWARD},
        {.kind = CHAOS_KILL, .is_leader = true}};
    const struct chaos_plan plan = {faults, 2};
    const struct chaos_course course = {
        .cluster = "lab", .plan = &plan, .names = names, .faults = {1, [CHAOS_CUT] = 2}, .seed = 9};
    put(0, 5, true);
    read_sees(0, 0, 0);
    const struct chaos_evidence evidence = {
        .history = &history, .keys = 1, .sight = &sight, .has_recovered = true};
    chaos_verdict_make(&verdict, &evidence);
    struct hive_buffer text = {0};
    chaos_verdict_describe(&verdict, &evidence, &course, &text);
    assert_non_null(strstr(text.data, "SOMETHING IS WRONG\n  faults      3: kill 1, cut 2\n"));
    assert_non_null(strstr(text.data, "1 acknowledged, 0 unknown, 0 refused, 0 without effect; 1 lost"));
    assert_non_null(strstr(text.data, "NOT LINEARIZABLE"));
    hive_buffer_finish(&text);
    cJSON *json = chaos_verdict_json(&verdict, &evidence, &course);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "plan"), 0);
    assert_string_equal(cJSON_GetObjectItem(first, "fault")->valuestring, "cut q1 q3 (one way, in)");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "linearizable")));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "ok")));
    assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "writes"), "lost")->valueint, 1);
    cJSON_Delete(json);
}

/* ---- who led ---- */

static void take(struct chaos_reigns *reigns, size_t queen, uint64_t term, enum hive_raft_state now,
                 struct hive_transition *told, size_t count, int64_t now_ms)
{
    const struct hive_health health = {
        .term = term, .raft_state = now, .transitions = told, .transition_count = count};
    chaos_reigns_take(reigns, queen, &health, now_ms);
}

static void times_without_a_leader_begin_with_the_fault_and_end_with_the_election(void **state)
{
    (void)state;
    struct chaos_reigns reigns = {0};
    struct hive_transition one[] = {{.time_ms = 900, .term = 1, .state = HIVE_RAFT_LEADER}};
    struct hive_transition two[] = {{.time_ms = 2300, .term = 3, .state = HIVE_RAFT_LEADER},
                                    {.time_ms = 3000, .term = 3, .state = HIVE_RAFT_FOLLOWER}};
    struct hive_transition three[] = {{.time_ms = 3500, .term = 4, .state = HIVE_RAFT_LEADER}};
    assert_int_equal(chaos_reigns_leader(&reigns), -1);
    take(&reigns, 0, 1, HIVE_RAFT_LEADER, one, 1, 1000);
    assert_int_equal(chaos_reigns_leader(&reigns), 0);
    chaos_reigns_lose(&reigns, 0, 2000);
    assert_int_equal(chaos_reigns_leader(&reigns), -1);
    take(&reigns, 0, 1, HIVE_RAFT_LEADER, one, 1, 2100); /* she was cut off, and does not know it yet */
    assert_int_equal(chaos_reigns_leader(&reigns), -1);
    take(&reigns, 1, 3, HIVE_RAFT_FOLLOWER, two, 2, 3100);
    take(&reigns, 2, 4, HIVE_RAFT_LEADER, three, 1, 3600);
    take(&reigns, 2, 4, HIVE_RAFT_LEADER, three, 1, 3700);
    assert_int_equal(chaos_reigns_leader(&reigns), 2);
    assert_int_equal(chaos_reigns_elections(&reigns, 1000, 5000), 2);
    struct chaos_gaps gaps = chaos_reigns_gaps(&reigns, 1000, 5000);
    assert_int_equal(gaps.count, 2);
    assert_int_equal(gaps.p50_ms, 300);
    assert_int_equal(gaps.max_ms, 500);
    assert_int_equal(gaps.total_ms, 800);
    chaos_reigns_finish(&reigns);
}

static void a_leader_who_was_away_for_a_moment_goes_on(void **state)
{
    (void)state;
    struct chaos_reigns reigns = {0};
    struct hive_transition one[] = {{.time_ms = 900, .term = 1, .state = HIVE_RAFT_LEADER}};
    take(&reigns, 0, 1, HIVE_RAFT_LEADER, one, 1, 1000);
    chaos_reigns_lose(&reigns, 0, 2000);
    chaos_reigns_return(&reigns, 0);
    take(&reigns, 0, 1, HIVE_RAFT_LEADER, one, 1, 2100);
    assert_int_equal(chaos_reigns_leader(&reigns), 0);
    assert_int_equal(chaos_reigns_elections(&reigns, 0, 5000), 1);
    assert_int_equal(chaos_reigns_gaps(&reigns, 1000, 5000).total_ms, 100);
    chaos_reigns_finish(&reigns);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin_case, end_case)
    const struct CMUnitTest tests[] = {
        CASE(what_is_right_is_right),
        CASE(the_longest_time_without_an_answer_is_told),
        CASE(a_lost_write_is_found),
        CASE(a_key_that_is_gone_is_lost_unless_it_was_deleted),
        CASE(a_stale_read_is_found_though_nothing_is_lost),
        CASE(logs_that_differ_and_queens_that_stay_away_are_failures),
        CASE(the_verdict_is_told_in_words_and_in_json),
        cmocka_unit_test(times_without_a_leader_begin_with_the_fault_and_end_with_the_election),
        cmocka_unit_test(a_leader_who_was_away_for_a_moment_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
