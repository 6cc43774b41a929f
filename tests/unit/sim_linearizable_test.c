/* The judge of the simulator's histories, judged: by histories whose verdict is plain, by histories that were made by a register that
 * is one, and by a slow judge that tries everything. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hive/linearizable.h"
#include "hive/memory.h"
#include "sim/random.h"

/* ---- histories by hand ---- */

static struct hive_history history;

static uint64_t begin(enum hive_history_type type)
{
    return hive_history_invoke(&history, &(struct hive_history_op){.type = type},
                               (int64_t)history.order * 1000);
}

static uint64_t begin_if(enum hive_history_type type, enum hive_history_condition condition, uint64_t index)
{
    return hive_history_invoke(
        &history, &(struct hive_history_op){.type = type, .condition = condition, .condition_index = index},
        (int64_t)history.order * 1000);
}

static void end(uint64_t number, struct hive_history_op answer)
{
    hive_history_return(&history, number, &answer, (int64_t)history.order * 1000);
}

static void written(uint64_t number, uint64_t index, bool created)
{
    end(number, (struct hive_history_op){.outcome = HIVE_HISTORY_DONE, .index = index, .created = created});
}

static void refuted(uint64_t number, enum hive_history_status status, uint64_t index)
{
    end(number, (struct hive_history_op){.outcome = HIVE_HISTORY_DONE, .status = status, .index = index});
}

static void saw(uint64_t number, uint64_t value, uint64_t index)
{
    end(number, (struct hive_history_op){.outcome = HIVE_HISTORY_DONE,
                                         .status = value ? HIVE_HISTORY_OK : HIVE_HISTORY_NOT_FOUND,
                                         .seen = value,
                                         .index = index});
}

static void lost(uint64_t number)
{
    end(number, (struct hive_history_op){.outcome = HIVE_HISTORY_UNKNOWN});
}

/* One after the other. */
static uint64_t put(uint64_t index, bool created)
{
    uint64_t number = begin(HIVE_HISTORY_PUT);
    written(number, index, created);
    return number;
}

static void read_sees(uint64_t value, uint64_t index)
{
    saw(begin(HIVE_HISTORY_READ), value, index);
}

/* The verdict on the history so far, which is begun anew. */
static enum hive_linearizable_verdict judge(void)
{
    struct hive_buffer why = {0};
    enum hive_linearizable_verdict verdict = hive_linearizable_check(&history, 0, &why);
    assert_int_equal(verdict == HIVE_LINEARIZABLE_YES, why.size == 0);
    hive_buffer_finish(&why);
    hive_history_finish(&history);
    return verdict;
}

static void test_nothing_and_one_thing_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES);
    read_sees(0, 0);
    uint64_t a = put(5, true), b = put(7, false);
    read_sees(b, 7);
    written(begin(HIVE_HISTORY_DELETE), 9, false);
    read_sees(0, 0);
    refuted(begin(HIVE_HISTORY_DELETE), HIVE_HISTORY_NOT_FOUND, 0);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES);

    a = put(5, true);
    b = put(7, false);
    read_sees(a, 5); /* stale */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    a = put(5, true);
    read_sees(0, 0); /* lost */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, true);
    put(4, false); /* indexes rise */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, true);
    put(7, true); /* it was there */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, false); /* it was not */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, true);
    refuted(begin(HIVE_HISTORY_DELETE), HIVE_HISTORY_NOT_FOUND, 0);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    read_sees(1, 5); /* itself: nobody put that */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(0, true); /* done without a trace */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    a = put(5, true);
    read_sees(a, 6);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    (void)b;
}

static void test_what_overlaps_may_come_in_either_order(void **state)
{
    (void)state;
    for (int case_number = 0; case_number < 4; case_number++) {
        uint64_t a = put(5, true), b = begin(HIVE_HISTORY_PUT), r = begin(HIVE_HISTORY_READ), s = 0;
        saw(r, case_number & 1 ? b : a, case_number & 1 ? 8 : 5);
        s = begin(HIVE_HISTORY_READ);
        saw(s, case_number & 2 ? b : a, case_number & 2 ? 8 : 5);
        written(b, 8, false);
        /* But not back again: the second read came after the first. */
        assert_int_equal(judge(), case_number == 1 ? HIVE_LINEARIZABLE_NO : HIVE_LINEARIZABLE_YES);
    }
}

static void test_what_is_unknown_happens_once_or_never_and_at_any_time(void **state)
{
    (void)state;
    uint64_t a = put(5, true), b = begin(HIVE_HISTORY_PUT);
    lost(b);
    read_sees(a, 5);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES); /* never */

    a = put(5, true);
    b = begin(HIVE_HISTORY_PUT);
    lost(b);
    read_sees(a, 5);
    read_sees(b, 9);
    read_sees(b, 9);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES); /* late */

    a = put(5, true);
    b = begin(HIVE_HISTORY_PUT);
    lost(b);
    read_sees(b, 9);
    uint64_t c = put(11, false);
    read_sees(b, 9); /* again */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);

    a = put(5, true);
    b = begin(HIVE_HISTORY_PUT);
    lost(b);
    read_sees(b, 9);
    c = put(11, false);
    read_sees(c, 11);
    read_sees(b, 12); /* applied a second time: another index */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);

    b = begin(HIVE_HISTORY_PUT);
    lost(b);
    read_sees(b, 9);
    read_sees(0, 0); /* gone, although nobody deletes */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);

    b = begin(HIVE_HISTORY_PUT);
    lost(b);
    read_sees(b, 9);
    lost(begin(HIVE_HISTORY_DELETE));
    read_sees(0, 0);
    put(12, true);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES);
    (void)a, (void)c;
}

/* A retry under the same key is one operation: it may not be told of a conflict with itself, nor happen again. */
static void test_a_retry_that_is_applied_twice_is_found(void **state)
{
    (void)state;
    uint64_t a = put(5, true), b = begin(HIVE_HISTORY_PUT), c = put(9, false);
    written(b, 7, false);
    read_sees(b, 12); /* both tries were applied, at 7 and at 12 */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);

    a = put(5, true);
    b = begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5);
    refuted(b, HIVE_HISTORY_CONFLICT, 7); /* with itself */
    read_sees(b, 7);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    (void)a, (void)c;
}

static void test_what_was_refused_never_happened(void **state)
{
    (void)state;
    uint64_t a = put(5, true), b = begin(HIVE_HISTORY_PUT);
    end(b, (struct hive_history_op){.outcome = HIVE_HISTORY_REFUSED});
    read_sees(a, 5);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES);
    a = put(5, true);
    b = begin(HIVE_HISTORY_PUT);
    end(b, (struct hive_history_op){.outcome = HIVE_HISTORY_REFUSED});
    read_sees(b, 7);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    b = begin(HIVE_HISTORY_PUT);
    refuted(b, HIVE_HISTORY_REJECTED, 0);
    read_sees(b, 7);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
}

static void test_conditions(void **state)
{
    (void)state;
    written(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_ABSENT, 0), 5, true);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_ABSENT, 0), HIVE_HISTORY_CONFLICT, 5);
    written(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), 6, false);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), HIVE_HISTORY_CONFLICT, 6);
    written(begin_if(HIVE_HISTORY_DELETE, HIVE_HISTORY_IF_EXISTS, 0), 7, false);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_EXISTS, 0), HIVE_HISTORY_CONFLICT, 0);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES);

    put(5, true);
    written(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_ABSENT, 0), 6, true);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, true);
    put(6, false);
    written(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), 7, false); /* a lost update */
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, true);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), HIVE_HISTORY_CONFLICT, 5);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
    put(5, true);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 4), HIVE_HISTORY_CONFLICT, 6);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);

    /* A conflict that tells of a change nobody else saw. */
    put(5, true);
    lost(begin(HIVE_HISTORY_PUT));
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), HIVE_HISTORY_CONFLICT, 8);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), HIVE_HISTORY_CONFLICT, 8);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_YES);
    put(5, true);
    lost(begin(HIVE_HISTORY_PUT));
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), HIVE_HISTORY_CONFLICT, 8);
    refuted(begin_if(HIVE_HISTORY_PUT, HIVE_HISTORY_IF_INDEX, 5), HIVE_HISTORY_CONFLICT, 9);
    assert_int_equal(judge(), HIVE_LINEARIZABLE_NO);
}

static void test_keys_are_judged_apart(void **state)
{
    (void)state;
    struct hive_buffer why = {0};
    uint64_t a =
        hive_history_invoke(&history, &(struct hive_history_op){.key = 3, .type = HIVE_HISTORY_PUT}, 0);
    written(a, 5, true);
    saw(hive_history_invoke(&history, &(struct hive_history_op){.key = 3, .type = HIVE_HISTORY_READ}, 0), 0,
        0);
    read_sees(0, 0);
    assert_int_equal(hive_linearizable_check(&history, 0, &why), HIVE_LINEARIZABLE_YES);
    assert_int_equal(hive_linearizable_check(&history, 3, &why), HIVE_LINEARIZABLE_NO);
    assert_non_null(strstr(why.data, "read -> not found"));
    hive_buffer_finish(&why);
    hive_history_finish(&history);
}

static void stale(uint64_t number, uint64_t value, uint64_t index, int64_t age_ms, int64_t now_us)
{
    struct hive_history_op answer = {.outcome = HIVE_HISTORY_DONE,
                                     .status = value ? HIVE_HISTORY_OK : HIVE_HISTORY_NOT_FOUND,
                                     .seen = value,
                                     .index = index,
                                     .age_ms = age_ms};
    hive_history_return(&history, number, &answer, now_us);
}

/* A put at 0 to 1 s and one at 2 to 3 s; a stale read at 10 s that saw this, and said that it was so old. */
static bool judge_stale(uint64_t value, uint64_t index, int64_t age_ms, enum hive_history_type second)
{
    struct hive_buffer why = {0};
    struct hive_history_op write = {.type = HIVE_HISTORY_PUT},
                           done = {.outcome = HIVE_HISTORY_DONE, .index = 5};
    hive_history_return(&history, hive_history_invoke(&history, &write, 0), &done, 1000000);
    write.type = second;
    done.index = 7;
    hive_history_return(&history, hive_history_invoke(&history, &write, 2000000), &done, 3000000);
    uint64_t read =
        hive_history_invoke(&history, &(struct hive_history_op){.type = HIVE_HISTORY_STALE_READ}, 10000000);
    stale(read, value, index, age_ms, 10001000);
    write.type = HIVE_HISTORY_PUT;
    done.index = 11;
    hive_history_return(&history, hive_history_invoke(&history, &write, 11000000), &done, 12000000);
    bool verdict = hive_linearizable_check_stale(&history, 0, 10, &why);
    assert_int_equal(verdict, why.size == 0);
    assert_int_equal(hive_linearizable_check(&history, 0, &why),
                     HIVE_LINEARIZABLE_NO); /* none is "created" */
    hive_buffer_finish(&why);
    hive_history_finish(&history);
    return verdict;
}

static void test_stale_reads_are_as_old_as_they_say(void **state)
{
    (void)state;
    assert_true(judge_stale(2, 7, 0, HIVE_HISTORY_PUT));
    assert_true(judge_stale(1, 5, -1, HIVE_HISTORY_PUT)); /* it does not say */
    assert_true(judge_stale(1, 5, 8000, HIVE_HISTORY_PUT));
    assert_true(judge_stale(1, 5, 6940, HIVE_HISTORY_PUT)); /* by a clock that is slow */
    assert_false(judge_stale(1, 5, 6900, HIVE_HISTORY_PUT));
    assert_false(judge_stale(0, 0, 8000, HIVE_HISTORY_PUT)); /* at 2 s the first was there */
    assert_true(judge_stale(0, 0, 10000, HIVE_HISTORY_PUT));
    assert_true(judge_stale(0, 0, 100, HIVE_HISTORY_DELETE));
    assert_true(judge_stale(0, 0, 8000, HIVE_HISTORY_DELETE));
    assert_false(judge_stale(4, 11, 100, HIVE_HISTORY_PUT)); /* the future */
    assert_false(judge_stale(2, 8, 100, HIVE_HISTORY_PUT));
    assert_false(judge_stale(3, 8, 100, HIVE_HISTORY_PUT)); /* a read's */
    assert_false(judge_stale(9, 8, 100, HIVE_HISTORY_PUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_and_one_thing_after_the_other),
        cmocka_unit_test(test_what_overlaps_may_come_in_either_order),
        cmocka_unit_test(test_what_is_unknown_happens_once_or_never_and_at_any_time),
        cmocka_unit_test(test_a_retry_that_is_applied_twice_is_found),
        cmocka_unit_test(test_what_was_refused_never_happened),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_keys_are_judged_apart),
        cmocka_unit_test(test_stale_reads_are_as_old_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
