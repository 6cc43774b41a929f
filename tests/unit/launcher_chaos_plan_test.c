/* A plan of faults is drawn from a seed, and never takes away more than the group can bear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "launcher/chaos_plan.h"

#define ALL   0xffU
#define SEEDS 300

static struct chaos_wish wish_of(uint64_t seed, size_t queens)
{
    return (struct chaos_wish){
        .seed = seed, .queens = queens, .kinds = ALL, .for_ms = 60000, .every_ms = 1000};
}

/* Whether two faults overlap at a moment, and what they take away then. */
static size_t away_at(const struct chaos_plan *plan, int64_t at_ms, uint64_t gone, size_t *wiped)
{
    size_t leaders = 0;
    *wiped = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct chaos_fault *fault = &plan->faults[i];
        if (fault->at_ms > at_ms || fault->until_ms <= at_ms || !chaos_fault_cost(fault))
            continue;
        *wiped += fault->kind == CHAOS_WIPE;
        if (fault->is_leader)
            leaders++;
        else
            gone |= fault->victims;
    }
    return (size_t)__builtin_popcountll(gone) + leaders;
}

static void a_majority_stays_whatever_the_seed(void **state)
{
    (void)state;
    size_t most = 0, faults = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (size_t queens = 3; queens <= 7; queens++) {
            struct chaos_wish wish = wish_of(seed, queens);
            wish.gone = queens == 7; /* one is down from the beginning */
            struct chaos_plan plan;
            chaos_plan_make(&plan, &wish);
            faults += plan.count;
            for (size_t i = 0; i < plan.count; i++) {
                size_t wiped, away = away_at(&plan, plan.faults[i].at_ms, wish.gone, &wiped);
                assert_true(away <= (queens - 1) / 2);
                assert_true(wiped <= 1);
                assert_true(plan.faults[i].until_ms <= wish.for_ms);
                assert_true(plan.faults[i].victims >> queens == 0);
                if (queens == 7 && away > most)
                    most = away;
            }
            chaos_plan_finish(&plan);
        }
    }
    assert_int_equal(most, 3); /* and all that can be borne is used */
    assert_true(faults > 40 * SEEDS * 5);
}

static void harsh_takes_more_but_never_two_disks(void **state)
{
    (void)state;
    size_t most = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct chaos_wish wish = wish_of(seed, 5);
        struct chaos_plan plan;
        wish.is_harsh = true;
        chaos_plan_make(&plan, &wish);
        for (size_t i = 0; i < plan.count; i++) {
            size_t wiped, away = away_at(&plan, plan.faults[i].at_ms, 0, &wiped);
            assert_true(away <= 5);
            assert_true(wiped <= 1);
            most = away > most ? away : most;
        }
        chaos_plan_finish(&plan);
    }
    assert_true(most > 2);
}

static void the_same_seed_draws_the_same(void **state)
{
    (void)state;
    struct chaos_plan one, same, other;
    struct chaos_wish wish = wish_of(42, 5);
    chaos_plan_make(&one, &wish);
    chaos_plan_make(&same, &wish);
    wish.seed = 43;
    chaos_plan_make(&other, &wish);
    assert_int_equal(one.count, same.count);
    assert_memory_equal(one.faults, same.faults, one.count * sizeof *one.faults);
    assert_true(one.count != other.count ||
                memcmp(one.faults, other.faults, one.count * sizeof *one.faults) != 0);
    chaos_plan_finish(&one);
    chaos_plan_finish(&same);
    chaos_plan_finish(&other);
}

static void only_kinds_that_were_asked_for_and_all_of_them(void **state)
{
    (void)state;
    struct chaos_wish wish = wish_of(1, 5);
    struct chaos_plan plan;
    size_t seen[CHAOS_KINDS] = {0};
    wish.for_ms = 600000;
    wish.kinds = ALL & ~(1U << CHAOS_WIPE);
    chaos_plan_make(&plan, &wish);
    for (size_t i = 0; i < plan.count; i++) {
        seen[plan.faults[i].kind]++;
        assert_true(i == 0 || plan.faults[i].at_ms >= plan.faults[i - 1].at_ms);
    }
    for (int kind = 0; kind < CHAOS_KINDS; kind++)
        assert_int_equal(seen[kind] > 0, kind != CHAOS_WIPE);
    chaos_plan_finish(&plan);
}

static void a_group_without_a_spare_queen_is_left_alone(void **state)
{
    (void)state;
    struct chaos_wish wish = wish_of(1, 2);
    struct chaos_plan plan;
    chaos_plan_make(&plan, &wish);
    assert_true(plan.count > 0);
    for (size_t i = 0; i < plan.count; i++)
        assert_int_equal(chaos_fault_cost(&plan.faults[i]), 0);
    chaos_plan_finish(&plan);
}

static void kinds_are_words(void **state)
{
    (void)state;
    const char *good[] = {"cut", "kill"}, *bad[] = {"kill", "explode"};
    struct hive_error error;
    unsigned kinds;
    assert_int_equal(chaos_kinds_parse(&(struct hive_strings){good, 2}, &kinds, &error), 0);
    assert_int_equal(kinds, 1U << CHAOS_CUT | 1U << CHAOS_KILL);
    assert_true(chaos_kinds_parse(&(struct hive_strings){bad, 2}, &kinds, &error) < 0);
    assert_non_null(strstr(error.message, "'explode'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_majority_stays_whatever_the_seed),
        cmocka_unit_test(harsh_takes_more_but_never_two_disks),
        cmocka_unit_test(the_same_seed_draws_the_same),
        cmocka_unit_test(only_kinds_that_were_asked_for_and_all_of_them),
        cmocka_unit_test(a_group_without_a_spare_queen_is_left_alone),
        cmocka_unit_test(kinds_are_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
