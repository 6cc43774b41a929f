/* The rules: which ones are taken, what they do to a message, and that asking and replacing go on at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "faults/faults.h"
#include "hive/api.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"

#define PEER  "127.0.0.1:8081"
#define OTHER "127.0.0.1:8082"
#define TRIES 20000

static struct faults *faults;

static int set_up(void **state)
{
    (void)state;
    hive_log_configure(HIVE_LOG_ERROR, HIVE_LOG_TEXT);
    faults = faults_create("127.0.0.1:8080", true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    faults_destroy(faults);
    return 0;
}

static int set(const char *rules, struct hive_error *error)
{
    struct hive_buffer json = {0};
    hive_buffer_format(&json, "{\"rules\":[%s]}", rules);
    int code = faults_set(faults, json.data, json.size, error);
    hive_buffer_finish(&json);
    return code;
}

static void must_set(const char *rules)
{
    struct hive_error error = {{0}};
    if (set(rules, &error))
        fail_msg("%s: %s", rules, error.message);
}

static void check_rules(const char *expected)
{
    struct hive_buffer json = {0};
    faults_append(faults, &json);
    assert_string_equal(json.data, expected);
    hive_buffer_finish(&json);
}

static void test_without_rules_all_messages_pass(void **state)
{
    (void)state;
    assert_int_equal(faults_judge(faults, PEER), 0);
    check_rules("[]");
    must_set("{\"to\":\"" PEER "\",\"cut\":true}");
    assert_int_equal(faults_judge(faults, OTHER), 0);
    must_set("");
    assert_int_equal(faults_judge(faults, PEER), 0);
}

static void test_a_cut_lets_nothing_through(void **state)
{
    (void)state;
    must_set("{\"to\":\"" PEER "\",\"cut\":true,\"delay_ms\":5}");
    for (int i = 0; i < 1000; i++)
        assert_true(faults_judge(faults, PEER) == FAULTS_LOST);
}

static void test_a_delay_keeps_within_its_jitter_and_reaches_both_ends(void **state)
{
    (void)state;
    int64_t least_ms = INT64_MAX, most_ms = 0;
    must_set("{\"to\":\"" PEER "\",\"delay_ms\":50,\"jitter_ms\":10}");
    for (int i = 0; i < TRIES; i++) {
        int64_t delay_ms = faults_judge(faults, PEER);
        least_ms = delay_ms < least_ms ? delay_ms : least_ms;
        most_ms = delay_ms > most_ms ? delay_ms : most_ms;
    }
    assert_int_equal(least_ms, 40);
    assert_int_equal(most_ms, 60);
    must_set("{\"to\":\"" PEER "\",\"delay_ms\":1,\"jitter_ms\":5}");
    for (int i = 0; i < 1000; i++) /* nothing arrives before it was sent */
        assert_in_range(faults_judge(faults, PEER), 0, 6);
}

static int count_losses(const char *percent)
{
    char rule[128];
    int lost = 0;
    snprintf(rule, sizeof rule, "{\"to\":\"" PEER "\",\"loss_percent\":%s}", percent);
    must_set(rule);
    for (int i = 0; i < TRIES; i++)
        lost += faults_judge(faults, PEER) != 0;
    return lost;
}

static void test_what_is_lost_is_sent_again_later_and_later(void **state)
{
    (void)state;
    int seen[3] = {0};
    count_losses("50");
    for (int i = 0; i < 1000; i++) {
        int64_t late_ms = faults_judge(faults, PEER);
        seen[0] += late_ms == 200;
        seen[1] += late_ms == 600;
        seen[2] += late_ms == 1400;
        assert_int_equal(late_ms % 200, late_ms == FAULTS_LOST ? INT64_MAX % 200 : 0);
    }
    /* A quarter, an eighth, a sixteenth. */
    assert_in_range(seen[0], 150, 350);
    assert_in_range(seen[1], 65, 185);
    assert_in_range(seen[2], 20, 105);
    must_set("{\"to\":\"" PEER "\",\"loss_percent\":100}");
    assert_true(faults_judge(faults, PEER) == FAULTS_LOST); /* nothing ever gets there */
}

static void test_as_many_are_lost_as_the_rule_says(void **state)
{
    (void)state;
    assert_int_equal(count_losses("0"), 0);
    assert_int_equal(count_losses("100"), TRIES);
    /* More than ten standard deviations to each side. */
    assert_in_range(count_losses("30"), TRIES * 26 / 100, TRIES * 34 / 100);
    assert_in_range(count_losses("0.5"), TRIES / 1000, TRIES * 12 / 1000);
}

static void test_addresses_have_one_spelling(void **state)
{
    (void)state;
    must_set("{\"to\":\"localhost:8081\",\"loss_percent\":12.5},{\"to\":\"127.0.0.1:80\",\"cut\":false}");
    check_rules(
        "[{\"to\":\"127.0.0.1:80\",\"cut\":false,\"delay_ms\":0,\"jitter_ms\":0,\"loss_percent\":0},"
        "{\"to\":\"127.0.0.1:8081\",\"cut\":false,\"delay_ms\":0,\"jitter_ms\":0,\"loss_percent\":12.5}]");
}

static void test_bad_rules_are_refused_with_a_sentence_and_change_nothing(void **state)
{
    static const struct {
        const char *rules, *part;
    } bad[] = {
        {"{\"cut\":true}", "\"to\""},
        {"{\"to\":\"q1\",\"cut\":true}", "rule 1: \"to\""},
        {"{\"to\":\"127.0.0.1:0\"}", "port"},
        {"{\"to\":\"" PEER "\",\"loss_percent\":101}", "\"loss_percent\" must be a number from 0 to 100"},
        {"{\"to\":\"" PEER "\",\"loss_percent\":-1}", "\"loss_percent\""},
        {"{\"to\":\"" PEER "\",\"loss_percent\":\"10\"}", "\"loss_percent\""},
        {"{\"to\":\"" PEER "\"},{\"to\":\"" OTHER "\",\"delay_ms\":-1}", "rule 2: \"delay_ms\""},
        {"{\"to\":\"" PEER "\",\"delay_ms\":60001}", "\"delay_ms\""},
        {"{\"to\":\"" PEER "\",\"jitter_ms\":-5}", "\"jitter_ms\""},
        {"{\"to\":\"" PEER "\",\"cut\":1}", "\"cut\""},
        {"{\"to\":\"" PEER "\",\"loss\":10}", "\"loss\" is not known"},
        {"{\"to\":\"" PEER "\"},{\"to\":\"localhost:8081\"}", "two rules for " PEER},
        {"7", "object"},
    };
    (void)state;
    must_set("{\"to\":\"" PEER "\",\"cut\":true}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hive_error error = {{0}};
        assert_int_equal(set(bad[i].rules, &error), -EINVAL);
        if (!strstr(error.message, bad[i].part))
            fail_msg("%s: %s", bad[i].rules, error.message);
        assert_true(faults_judge(faults, PEER) == FAULTS_LOST);
    }
    struct hive_error error;
    assert_int_equal(faults_set(faults, NULL, 0, &error), -EINVAL);
    assert_int_equal(faults_set(faults, "{}", 2, &error), -EINVAL);
    assert_int_equal(faults_set(faults, "{\"rules\":[],\"x\":1}", 18, &error), -EINVAL);
}

static void test_there_is_a_cap_on_rules_and_it_is_named(void **state)
{
    (void)state;
    struct hive_buffer json = {0};
    for (int i = 1; i <= HIVE_FAULTS; i++)
        hive_buffer_format(&json, "%s{\"to\":\"127.0.0.1:%d\"}", i > 1 ? "," : "", i);
    must_set(json.data);
    hive_buffer_append_text(&json, ",{\"to\":\"" PEER "\"}");
    struct hive_error error = {{0}};
    assert_int_equal(set(json.data, &error), -EINVAL);
    assert_non_null(strstr(error.message, "4160 rules at most, not 4161"));
    hive_buffer_finish(&json);
}

static void test_where_faults_are_not_enabled_nothing_can_be_set(void **state)
{
    (void)state;
    struct hive_error error;
    struct faults *disabled = faults_create(PEER, false);
    assert_false(faults_is_enabled(disabled));
    assert_false(faults_is_enabled(NULL));
    assert_int_equal(faults_set(disabled, "{\"rules\":[]}", 12, &error), -EINVAL);
    assert_int_equal(faults_judge(NULL, PEER), 0);
    faults_destroy(disabled);
}

static atomic_bool is_over;

static void *judge_until_over(void *argument)
{
    (void)argument;
    while (!is_over) {
        int64_t fate = faults_judge(faults, PEER);
        if (fate != 0 && fate != 7 && fate != FAULTS_LOST)
            abort();
    }
    return NULL;
}

static void test_rules_are_replaced_while_messages_are_judged(void **state)
{
    (void)state;
    pthread_t threads[3];
    is_over = false;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, judge_until_over, NULL);
    for (int i = 0; i < 500; i++) {
        must_set("{\"to\":\"" PEER "\",\"cut\":true}");
        must_set("{\"to\":\"" PEER "\",\"delay_ms\":7},{\"to\":\"" OTHER "\",\"cut\":true}");
        must_set("");
    }
    is_over = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

#define RULES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULES(test_without_rules_all_messages_pass),
        RULES(test_a_cut_lets_nothing_through),
        RULES(test_a_delay_keeps_within_its_jitter_and_reaches_both_ends),
        RULES(test_what_is_lost_is_sent_again_later_and_later),
        RULES(test_as_many_are_lost_as_the_rule_says),
        RULES(test_addresses_have_one_spelling),
        RULES(test_bad_rules_are_refused_with_a_sentence_and_change_nothing),
        RULES(test_there_is_a_cap_on_rules_and_it_is_named),
        RULES(test_where_faults_are_not_enabled_nothing_can_be_set),
        RULES(test_rules_are_replaced_while_messages_are_judged),
    };
    return cmocka_run_group_tests_name("faults_table", tests, NULL, NULL);
}
