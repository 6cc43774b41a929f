/* The lanes tell what queens were at every moment: also between two polls, before anybody watched, and in the past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hivetop/timeline.h"

#define START INT64_C(1790000000000) /* a whole second */
#define Q1    "127.0.0.1:8080"
#define Q2    "127.0.0.1:8081"

static struct hive_health health_of(int64_t pid, int64_t uptime_ms, struct hive_transition *transitions,
                                    size_t count)
{
    return (struct hive_health){
        .pid = pid, .uptime_ms = uptime_ms, .transitions = transitions, .transition_count = count};
}

/* The last `count` cells as letters. */
static void check(const struct timeline *timeline, const char *address, int64_t until_ms, int64_t cell_ms,
                  const char *wanted)
{
    static const char letters[] = " -#?zxC";
    enum lane_state cells[64];
    char text[65] = "";
    int count = (int)strlen(wanted);
    timeline_cells(timeline, address, until_ms, cell_ms, cells, count);
    for (int i = 0; i < count; i++)
        text[i] = letters[cells[i]];
    assert_string_equal(text, wanted);
}

static void roles_are_known_from_before_anybody_watched(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_transition told[] = {{START - 9000, 0, HIVE_RAFT_FOLLOWER, ""},
                                     {START - 5500, 1, HIVE_RAFT_CANDIDATE, ""},
                                     {START - 5400, 1, HIVE_RAFT_LEADER, ""}};
    struct hive_health health = health_of(7, 9000, told, 3);
    timeline_take_health(&timeline, Q1, &health, START);
    check(&timeline, Q1, START, 1000, "   ---C######");
    check(&timeline, Q1, START - 5000, 1000, "  ---C#"); /* the past, as it was */
    check(&timeline, Q1, START, 5000, " C##");
    check(&timeline, Q2, START, 1000, "   ");
    timeline_finish(&timeline);
}

static void an_election_between_two_polls_shows_though_nothing_changed(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_transition told[] = {{START, 3, HIVE_RAFT_LEADER, ""},
                                     {START + 2300, 3, HIVE_RAFT_FOLLOWER, ""},
                                     {START + 2400, 4, HIVE_RAFT_CANDIDATE, ""},
                                     {START + 2400, 4, HIVE_RAFT_LEADER, ""}}; /* in the same millisecond */
    struct hive_health health = health_of(7, 0, told, 1);
    timeline_take_health(&timeline, Q1, &health, START);
    health.transition_count = 4;
    timeline_take_health(&timeline, Q1, &health, START + 5000);
    check(&timeline, Q1, START + 5000, 1000, "##C###");
    timeline_finish(&timeline);
}

static void what_is_not_there_is_nothing_else(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_transition told[] = {{START, 3, HIVE_RAFT_LEADER, ""}};
    struct hive_health health = health_of(7, 0, told, 1);
    timeline_take_health(&timeline, Q1, &health, START);
    timeline_take_condition(&timeline, Q1, CONDITION_PAUSED, START + 2000);
    timeline_take_health(&timeline, Q1, &health, START + 4000);
    timeline_take_condition(&timeline, Q1, CONDITION_SILENT, START + 6000);
    check(&timeline, Q1, START + 7000, 1000, "##zz##??");
    timeline_take_health(&timeline, Q1, &health, START + 8000); /* she was there all the time */
    timeline_take_condition(&timeline, Q1, CONDITION_DOWN, START + 9000);
    check(&timeline, Q1, START + 10000, 1000, "##zz#####xx");
    timeline_finish(&timeline);
}

static void a_new_process_says_since_when_it_runs(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_transition first[] = {{START, 3, HIVE_RAFT_LEADER, ""}};
    struct hive_health health = health_of(7, 0, first, 1);
    timeline_take_health(&timeline, Q1, &health, START);
    timeline_take_condition(&timeline, Q1, CONDITION_DOWN, START + 2000);
    timeline_take_condition(&timeline, Q1, CONDITION_SILENT, START + 5000); /* too busy starting */
    struct hive_transition second[] = {{START + 4100, 3, HIVE_RAFT_FOLLOWER, ""}};
    health = health_of(8, 3000, second, 1);
    timeline_take_health(&timeline, Q1, &health, START + 7000);
    check(&timeline, Q1, START + 7000, 1000, "##xx----");
    struct hive_transition third[] = {{START + 9500, 3, HIVE_RAFT_FOLLOWER, ""}};
    health = health_of(9, 500, third, 1); /* gone and back between two polls */
    timeline_take_health(&timeline, Q1, &health, START + 10000);
    check(&timeline, Q1, START + 10000, 1000, "##xx-----x-");
    timeline_finish(&timeline);
}

static void terms_begin_where_somebody_was_first_in_them(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_transition one[] = {{START - 9000, 1, HIVE_RAFT_LEADER, ""},
                                    {START + 300, 3, HIVE_RAFT_FOLLOWER, ""}};
    struct hive_transition two[] = {{START - 8000, 1, HIVE_RAFT_FOLLOWER, ""},
                                    {START - 10, 2, HIVE_RAFT_CANDIDATE, ""},
                                    {START + 200, 3, HIVE_RAFT_CANDIDATE, ""},
                                    {START + 260, 3, HIVE_RAFT_LEADER, ""}};
    struct hive_health health = health_of(7, 9000, one, 2);
    timeline_take_health(&timeline, Q1, &health, START + 1000);
    health = health_of(8, 9000, two, 4);
    timeline_take_health(&timeline, Q2, &health, START + 1000);
    struct term_start terms[4];
    assert_int_equal(timeline_terms(&timeline, START + 1000, terms, 4), 3);
    assert_int_equal(terms[0].term, 1);
    assert_true(terms[0].from_ms == START - 9000);
    assert_int_equal(terms[1].term, 2);
    assert_true(terms[1].from_ms == START - 10);
    assert_int_equal(terms[2].term, 3);
    assert_true(terms[2].from_ms == START + 200);
    assert_int_equal(timeline_terms(&timeline, START, terms, 4), 2); /* the past knows no later term */
    assert_int_equal(timeline_terms(&timeline, START + 1000, terms, 2), 2);
    assert_int_equal(terms[0].term, 2);
    assert_int_equal(terms[1].term, 3);
    timeline_finish(&timeline);
}

static void elections_can_be_walked(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_transition told[] = {{START + 1000, 1, HIVE_RAFT_CANDIDATE, ""},
                                     {START + 1300, 2, HIVE_RAFT_CANDIDATE, ""},
                                     {START + 1700, 3, HIVE_RAFT_CANDIDATE, ""},
                                     {START + 1800, 3, HIVE_RAFT_LEADER, ""},
                                     {START + 9000, 4, HIVE_RAFT_CANDIDATE, ""}};
    struct hive_health health = health_of(7, 10000, told, 5);
    timeline_take_health(&timeline, Q1, &health, START + 10000);
    assert_true(timeline_election_before(&timeline, START + 10000) == START + 9000);
    assert_true(timeline_election_before(&timeline, START + 9000) == START + 1000);
    assert_true(timeline_election_before(&timeline, START + 1000) == 0);
    assert_true(timeline_election_after(&timeline, START) == START + 1000);
    assert_true(timeline_election_after(&timeline, START + 1000) == START + 9000);
    assert_true(timeline_election_after(&timeline, START + 9000) == 0);
    timeline_finish(&timeline);
}

static void the_rate_of_commits_is_known_for_every_moment(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    struct hive_health health = {.pid = 7, .raft_state = HIVE_RAFT_LEADER, .term = 1};
    double rates[8];
    for (int i = 0; i <= 8; i++) { /* 100 a second, and from the second second on nothing more */
        health.log_commit = 1000 + (i < 4 ? (uint64_t)i * 50 : 200);
        timeline_take_health(&timeline, Q1, &health, START + 500 * i);
    }
    timeline_rates(&timeline, START + 3999, 1000, rates, 5);
    assert_true(rates[0] < 0); /* nobody looked */
    assert_float_equal(rates[1], 100, 0.01);
    assert_float_equal(rates[2], 100, 0.01);
    assert_float_equal(rates[3], 0, 0.01);
    assert_float_equal(rates[4], 0, 0.01);
    timeline_rates(&timeline, START + 1750, 1000, rates, 2); /* a moment of the past */
    assert_float_equal(rates[1], 100, 0.01);
    health.raft_state = HIVE_RAFT_FOLLOWER; /* one that lags tells nothing new */
    health.log_commit = 1000;
    timeline_take_health(&timeline, Q2, &health, START + 4500);
    timeline_rates(&timeline, START + 4500, 500, rates, 1);
    timeline_rates(&timeline, START + 4499, 500, rates, 1);
    assert_float_equal(rates[0], 0, 0.01);
    timeline_take_health(&timeline, Q1, &health, START + 60000); /* nobody looked for long */
    timeline_rates(&timeline, START + 59000, 1000, rates, 1);
    assert_true(rates[0] < 0);
    timeline_finish(&timeline);
}

static void it_is_bounded_in_time_and_number(void **state)
{
    (void)state;
    struct timeline timeline = {0}, copy;
    struct hive_transition told = {.term = 1, .state = HIVE_RAFT_LEADER};
    for (int64_t i = 0; i < 3 * TIMELINE_COMMITS; i++) {
        told.time_ms = START + 300 * i;
        told.term++;
        struct hive_health health = health_of(7, 0, &told, 1);
        timeline_take_health(&timeline, Q1, &health, told.time_ms);
    }
    assert_int_equal(timeline.lanes[0].roles.count, TIMELINE_SPANS);
    assert_in_range(timeline.commit_count, 1, TIMELINE_COMMITS);
    timeline_copy(&timeline, &copy);
    told.time_ms += 2 * TIMELINE_KEPT_MS;
    told.term++;
    struct hive_health health = health_of(7, 0, &told, 1);
    timeline_take_health(&timeline, Q1, &health, told.time_ms);
    assert_int_equal(timeline.lanes[0].roles.count, 2); /* what she was, and is */
    assert_int_equal(copy.lanes[0].roles.count, TIMELINE_SPANS);
    char address[HIVE_ADDRESS_BYTES];
    for (int i = 0; i < 2 * TIMELINE_LANES; i++) {
        snprintf(address, sizeof address, "127.0.0.1:%d", 9000 + i);
        timeline_take_health(&timeline, address, &health, told.time_ms + i);
    }
    assert_int_equal(timeline.count, TIMELINE_LANES);
    check(&timeline, address, told.time_ms + 2 * TIMELINE_LANES, 1000, "#");
    check(&timeline, Q1, told.time_ms + 2 * TIMELINE_LANES, 1000, " "); /* gone for longest */
    timeline_finish(&timeline);
    timeline_finish(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_known_from_before_anybody_watched),
        cmocka_unit_test(an_election_between_two_polls_shows_though_nothing_changed),
        cmocka_unit_test(what_is_not_there_is_nothing_else),
        cmocka_unit_test(a_new_process_says_since_when_it_runs),
        cmocka_unit_test(terms_begin_where_somebody_was_first_in_them),
        cmocka_unit_test(elections_can_be_walked),
        cmocka_unit_test(the_rate_of_commits_is_known_for_every_moment),
        cmocka_unit_test(it_is_bounded_in_time_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
