/* Whom a word means, and what a group survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "launcher/survival.h"
#include "launcher/targets.h"

static struct hive_ledger_node nodes[] = {
    {.name = "q1", .role = HIVE_ROLE_QUEEN}, {.name = "q2", .role = HIVE_ROLE_QUEEN},
    {.name = "q3", .role = HIVE_ROLE_QUEEN}, {.name = "q4", .role = HIVE_ROLE_QUEEN},
    {.name = "d1", .role = HIVE_ROLE_DRONE}, {.name = "d2", .role = HIVE_ROLE_DRONE},
};
static const struct hive_ledger ledger = {.name = "lab", .nodes = nodes, .node_count = 6};

/* q1 still believes that she leads; q3 was paused, q4 is joining. */
static struct census_queen queens[] = {
    {.name = "q1", .has_answered = true, .is_leader = true, .is_voter = true, .term = 3},
    {.name = "q2", .has_answered = true, .is_leader = true, .is_voter = true, .term = 4},
    {.name = "q4", .has_answered = true, .term = 4},
};
static const struct census census = {.queens = queens, .count = 3};

/* What the word means: places as digits, or the error's number. */
static const char *find(const char *word, struct targets_question question)
{
    static char text[16];
    size_t found[6], count;
    struct hive_error error;
    question.ledger = &ledger;
    int result = targets_find(&question, word, found, &count, &error);
    if (result) {
        snprintf(text, sizeof text, "%d", result);
        return text;
    }
    for (size_t i = 0; i < count; i++)
        text[i] = (char)('0' + found[i]);
    text[count] = '\0';
    return text;
}

static bool is_even(size_t node, void *context)
{
    (void)context;
    return node % 2 == 0;
}

static bool is_nobody(size_t node, void *context)
{
    (void)context;
    (void)node;
    return false;
}

static void a_name_is_that_node(void **state)
{
    (void)state;
    char missing[16];
    snprintf(missing, sizeof missing, "%d", -ENOENT);
    assert_string_equal(find("d1", (struct targets_question){.can = is_nobody}), "4");
    assert_string_equal(find("d9", (struct targets_question){0}), missing);
    assert_string_equal(find("", (struct targets_question){0}), missing);
    assert_false(targets_is_word("q1"));
    assert_true(targets_is_word("random"));
    assert_false(targets_is_word(""));
}

static void the_leader_is_the_one_of_the_newest_term(void **state)
{
    (void)state;
    assert_string_equal(find("leader", (struct targets_question){.census = &census}), "1");
    assert_true(targets_needs_census("leader"));
    assert_true(targets_needs_census("follower"));
    assert_false(targets_needs_census("random"));
}

static void a_follower_votes_answers_and_does_not_lead(void **state)
{
    (void)state;
    char none[16];
    snprintf(none, sizeof none, "%d", -EAGAIN);
    assert_string_equal(find("follower", (struct targets_question){.census = &census}), none);
    queens[0].is_leader = false;
    assert_string_equal(find("follower", (struct targets_question){.census = &census}), "0");
    queens[0].is_leader = true;
    const struct census empty = {0};
    assert_string_equal(find("leader", (struct targets_question){.census = &empty}), none);
    assert_string_equal(find("follower", (struct targets_question){.census = &empty}), none);
}

static void random_is_anybody_who_is_fit(void **state)
{
    (void)state;
    char none[16];
    snprintf(none, sizeof none, "%d", -EAGAIN);
    assert_string_equal(find("random", (struct targets_question){.random = 0}), "0");
    assert_string_equal(find("random", (struct targets_question){.random = 5}), "5");
    assert_string_equal(find("random", (struct targets_question){.random = 6}), "0");
    assert_string_equal(find("random", (struct targets_question){.random = 1, .can = is_even}), "2");
    assert_string_equal(find("random", (struct targets_question){.can = is_nobody}), none);
}

static void several_are_meant_only_where_that_makes_sense(void **state)
{
    (void)state;
    char missing[16];
    snprintf(missing, sizeof missing, "%d", -ENOENT);
    assert_string_equal(find("queens", (struct targets_question){.is_many = true}), "0123");
    assert_string_equal(find("drones", (struct targets_question){.is_many = true, .can = is_nobody}), "45");
    assert_string_equal(find("all", (struct targets_question){.is_many = true}), "012345");
    assert_string_equal(find("all", (struct targets_question){0}), missing);
}

static void a_majority_of_those_who_stay_must_live(void **state)
{
    (void)state;
    static const struct {
        struct survival group;
        bool removal, absence;
    } cases[] = {
        {{.voters = 5, .live = 5, .is_voter = true, .is_live = true}, true, true},
        {{.voters = 5, .live = 4, .is_voter = true, .is_live = true}, true, true},
        {{.voters = 5, .live = 3, .is_voter = true, .is_live = true}, false, false},
        {{.voters = 5, .live = 3, .is_voter = true}, true, true}, /* the dead one */
        {{.voters = 4, .live = 3, .is_voter = true, .is_live = true}, true, false},
        {{.voters = 3, .live = 2, .is_voter = true, .is_live = true}, false, false},
        {{.voters = 3, .live = 2, .is_voter = true}, true, true},
        {{.voters = 3, .live = 1, .is_voter = true}, false, false},
        {{.voters = 2, .live = 2, .is_voter = true, .is_live = true}, true, false},
        {{.voters = 2, .live = 1, .is_voter = true}, true, false},
        {{.voters = 1, .live = 1, .is_voter = true, .is_live = true}, false, false},
        {{.voters = 3, .live = 1}, true, true}, /* who has no vote takes none away */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(survival_of_removal(&cases[i].group), cases[i].removal);
        assert_int_equal(survival_of_absence(&cases[i].group), cases[i].absence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_that_node),
        cmocka_unit_test(the_leader_is_the_one_of_the_newest_term),
        cmocka_unit_test(a_follower_votes_answers_and_does_not_lead),
        cmocka_unit_test(random_is_anybody_who_is_fit),
        cmocka_unit_test(several_are_meant_only_where_that_makes_sense),
        cmocka_unit_test(a_majority_of_those_who_stay_must_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
