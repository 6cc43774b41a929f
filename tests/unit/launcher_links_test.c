/* Links: the table of rules, and how a person writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "launcher/link_text.h"
#include "launcher/links.h"

static const struct link_change cut = {.kind = LINK_CUT};
static const struct link_change slow = {.kind = LINK_DELAY, .delay_ms = 50, .jitter_ms = 10};
static const struct link_change lossy = {.kind = LINK_LOSE, .loss_percent = 12.5};
static const struct link_change quick = {.kind = LINK_DELAY};
static const struct link_change sure = {.kind = LINK_LOSE};

static void a_rule_is_about_one_direction(void **state)
{
    (void)state;
    struct links links = {0};
    assert_true(links_change(&links, "q1", "q2", &cut));
    assert_non_null(links_find(&links, "q1", "q2"));
    assert_null(links_find(&links, "q2", "q1"));
    assert_non_null(links_find(&links, "q1", NULL));
    assert_null(links_find(&links, NULL, "q1"));
    links_finish(&links);
}

static void changes_of_one_direction_add_up(void **state)
{
    (void)state;
    struct links links = {0};
    links_change(&links, "q1", "q2", &slow);
    links_change(&links, "q1", "q2", &lossy);
    links_change(&links, "q1", "q2", &cut);
    assert_int_equal(links.count, 1);
    const struct link *link = links_find(&links, "q1", "q2");
    assert_true(link->is_cut);
    assert_int_equal(link->delay_ms, 50);
    assert_int_equal(link->jitter_ms, 10);
    assert_true(link->loss_percent == 12.5);
    links_finish(&links);
}

static void a_rule_that_does_nothing_any_more_goes(void **state)
{
    (void)state;
    struct links links = {0};
    links_change(&links, "q1", "q2", &slow);
    links_change(&links, "q1", "q2", &lossy);
    links_change(&links, "q1", "q2", &quick);
    assert_int_equal(links.count, 1);
    links_change(&links, "q1", "q2", &sure);
    assert_int_equal(links.count, 0);
    links_change(&links, "q1", "q2", &sure);
    assert_int_equal(links.count, 0);
    links_finish(&links);
}

static void healing_takes_what_was_named(void **state)
{
    (void)state;
    struct links links = {0};
    static const char *const names[] = {"q1", "q2", "d1"};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            if (i != j)
                links_change(&links, names[i], names[j], &cut);
    assert_true(links_heal(&links, "q1", "q2"));
    assert_false(links_heal(&links, "q1", "q2"));
    assert_int_equal(links.count, 5);
    assert_true(links_heal(&links, NULL, "d1"));
    assert_int_equal(links.count, 3);
    assert_null(links_find(&links, NULL, "d1"));
    assert_true(links_heal(&links, "d1", NULL));
    assert_int_equal(links.count, 1);
    assert_non_null(links_find(&links, "q2", "q1"));
    assert_true(links_heal(&links, NULL, NULL));
    assert_int_equal(links.count, 0);
    links_finish(&links);
}

static void the_table_has_an_end(void **state)
{
    (void)state;
    struct links links = {0};
    char from[16];
    for (int i = 0; i < LINKS_MAX; i++) {
        snprintf(from, sizeof from, "d%d", i);
        assert_true(links_change(&links, from, "q1", &cut));
    }
    assert_false(links_change(&links, "q2", "q1", &cut));
    assert_true(links_change(&links, "d7", "q1", &slow)); /* no new one */
    links_finish(&links);
}

static void a_node_is_told_its_own_rules_by_address(void **state)
{
    (void)state;
    struct hive_ledger_node nodes[] = {{.name = "q1", .address = "127.0.0.1:1"},
                                       {.name = "q2", .address = "127.0.0.1:2"}};
    const struct hive_ledger ledger = {.nodes = nodes, .node_count = 2};
    struct links links = {0};
    struct hive_buffer json = {0};
    links_append_faults(&json, &links, &ledger, "q1");
    assert_string_equal(json.data, "{\"rules\":[]}");
    links_change(&links, "q2", "q1", &cut);
    links_change(&links, "q1", "gone", &cut);
    links_change(&links, "q1", "q2", &slow);
    links_change(&links, "q1", "q2", &lossy);
    hive_buffer_clear(&json);
    links_append_faults(&json, &links, &ledger, "q1");
    assert_string_equal(json.data,
                        "{\"rules\":[{\"to\":\"127.0.0.1:2\",\"cut\":false,\"delay_ms\":50,\"jitter_ms\":10,"
                        "\"loss_percent\":12.5}]}");
    hive_buffer_finish(&json);
    links_finish(&links);
}

static void delays_are_read_however_they_are_typed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t delay_ms, jitter_ms;
    } cases[] = {
        {"50ms±10ms", 50, 10},
        {"50ms±10", 50, 10},
        {"50±10", 50, 10},
        {"50ms+-10ms", 50, 10},
        {"50ms+/-10", 50, 10},
        {"50ms~10ms", 50, 10},
        {"50 ms ± 10 ms", 50, 10},
        {"50", 50, 0},
        {"50ms", 50, 0},
        {"1.5s", 1500, 0},
        {"1s~0.25s", 1000, 250},
        {"200ms±20%", 200, 40},
        {"0", 0, 0},
        {"60s", 60000, 0},
        {"5±5", 5, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct link_change change = {.kind = LINK_CUT};
        if (link_text_parse_delay(cases[i].text, &change, NULL))
            fail_msg("'%s' was refused", cases[i].text);
        assert_int_equal(change.kind, LINK_DELAY);
        assert_int_equal(change.delay_ms, cases[i].delay_ms);
        assert_int_equal(change.jitter_ms, cases[i].jitter_ms);
    }
    static const char *const wrong[] = {
        "",    "ms",  "-5",      "50x", "50ms±", "50ms10",         "±5",    "61s", "5±6", "0x10",
        "1e3", "50%", "50ms±5x", "5 0", "inf",   "50ms±10ms more", "1.2.3", ".",   "~10", "50ms±-5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct link_change change;
        struct hive_error error;
        if (!link_text_parse_delay(wrong[i], &change, &error))
            fail_msg("'%s' was taken", wrong[i]);
        assert_non_null(strstr(error.message, "±"));
    }
}

static void losses_are_parts_of_a_hundred(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double percent;
    } cases[] = {{"10%", 10}, {"10", 10}, {"0.5%", 0.5}, {"0", 0}, {"100%", 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct link_change change = {.kind = LINK_CUT};
        assert_int_equal(link_text_parse_loss(cases[i].text, &change, NULL), 0);
        assert_int_equal(change.kind, LINK_LOSE);
        assert_true(change.loss_percent == cases[i].percent);
    }
    static const char *const wrong[] = {"", "%", "101%", "-1", "100.1%", "ten", "10 percent", "10%%"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct link_change change;
        if (!link_text_parse_loss(wrong[i], &change, NULL))
            fail_msg("'%s' was taken", wrong[i]);
    }
}

static void a_rule_is_told_in_words(void **state)
{
    (void)state;
    char text[64];
    link_text_format(&(struct link){.is_cut = true, .delay_ms = 5}, text, sizeof text);
    assert_string_equal(text, "cut");
    link_text_format(&(struct link){.delay_ms = 50}, text, sizeof text);
    assert_string_equal(text, "50 ms");
    link_text_format(&(struct link){.delay_ms = 50, .jitter_ms = 10, .loss_percent = 2.5}, text, sizeof text);
    assert_string_equal(text, "50 ms ± 10 ms, loses 2.5 %");
    link_text_format(&(struct link){.loss_percent = 10}, text, sizeof text);
    assert_string_equal(text, "loses 10 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_about_one_direction),
        cmocka_unit_test(changes_of_one_direction_add_up),
        cmocka_unit_test(a_rule_that_does_nothing_any_more_goes),
        cmocka_unit_test(healing_takes_what_was_named),
        cmocka_unit_test(the_table_has_an_end),
        cmocka_unit_test(a_node_is_told_its_own_rules_by_address),
        cmocka_unit_test(delays_are_read_however_they_are_typed),
        cmocka_unit_test(losses_are_parts_of_a_hundred),
        cmocka_unit_test(a_rule_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
