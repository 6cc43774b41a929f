/* The last hour in memory: any moment of it looks as it did, a jump is quick, and it stays within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "hivetop/history.h"
#include "hivetop/pack.h"
#include "tests/unit/hivetop_past.h"

#define STEPS 300 /* two and a half minutes: three segments */

static void listen_to(struct past *past, struct history *history)
{
    history_begin(history, &past->model);
    past->model.listener = history_hear;
    past->model.listener_context = history;
}

static void assert_same_past(bool has_ledger)
{
    static char *pictures[STEPS];
    struct past past;
    struct history history;
    struct history_cursor cursor = {0};
    history_init(&history, HISTORY_BYTES);
    past_begin(&past, has_ledger);
    listen_to(&past, &history);
    for (int i = 0; i < STEPS; i++) {
        past_step(&past);
        pictures[i] = past_picture(&past.model);
    }
    assert_true(history.count >= 3);
    for (int i = 0; i < STEPS; i++) {
        int at = i < STEPS / 2 ? i : i * 7919 % STEPS; /* forward, then here and there */
        history_seek(&history, &cursor, FIXTURE_NOW_MS + (at + 1) * PAST_STEP_MS);
        char *picture = past_picture(cursor.model);
        assert_string_equal(picture, pictures[at]);
        free(picture);
    }
    for (int i = 0; i < STEPS; i++)
        free(pictures[i]);
    history_cursor_finish(&cursor);
    history_finish(&history);
    model_finish(&past.model);
}

static void every_moment_looks_as_it_did(void **state)
{
    (void)state;
    assert_same_past(true);
}

static void also_where_nodes_tell_of_each_other(void **state)
{
    (void)state;
    assert_same_past(false);
}

static void between_two_answers_time_goes_on(void **state)
{
    (void)state;
    struct past past;
    struct history history;
    struct history_cursor cursor = {0};
    history_init(&history, HISTORY_BYTES);
    past_begin(&past, true);
    listen_to(&past, &history);
    past_step(&past);
    history_seek(&history, &cursor, past.model.now_ms + 123);
    assert_int_equal(cursor.model->now_ms, past.model.now_ms + 123);
    assert_int_equal(cursor.model->unix_ms, past.model.unix_ms + 123);
    history_seek(&history, &cursor, 5); /* before all that is known: the first moment */
    assert_int_equal(cursor.model->now_ms, FIXTURE_NOW_MS);
    assert_false(fixture_node(cursor.model, "q1")->has_health);
    history_cursor_finish(&cursor);
    history_finish(&history);
    model_finish(&past.model);
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void an_hour_fits_and_a_jump_is_quick(void **state)
{
    (void)state;
    struct past past;
    struct history history;
    struct history_cursor cursor = {0};
    double longest_ms = 0;
    history_init(&history, HISTORY_BYTES);
    past_begin(&past, true);
    listen_to(&past, &history);
    for (int i = 0; i < 3600000 / PAST_STEP_MS + 300; i++)
        past_step(&past);
    int64_t reach_ms = past.model.now_ms - history_first_ms(&history);
    assert_in_range(reach_ms, HISTORY_MS, HISTORY_MS + 2 * HISTORY_SEGMENT_MS);
    for (int i = 0; i < 50; i++) {
        double before_ms = cpu_ms();
        history_seek(&history, &cursor, past.model.now_ms - (i * 48271 % 3600) * INT64_C(1000));
        double took_ms = cpu_ms() - before_ms;
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
    }
    print_message("an hour of 5 + 3 nodes: %.1f MB, longest jump %.1f ms\n",
                  (double)history_bytes(&history) / 1e6, longest_ms);
    assert_true(history_bytes(&history) < HISTORY_BYTES / 2);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    assert_true(longest_ms < 50);
#endif
    history_cursor_finish(&cursor);
    history_finish(&history);
    model_finish(&past.model);
}

static void it_stays_within_its_bytes(void **state)
{
    (void)state;
    struct past past;
    struct history history;
    struct history_cursor cursor = {0};
    history_init(&history, 400000);
    past_begin(&past, true);
    listen_to(&past, &history);
    history_seek(&history, &cursor, past.model.now_ms);
    for (int i = 0; i < 2400; i++)
        past_step(&past);
    assert_true(history.dropped > 0);
    assert_true(history_bytes(&history) < 600000); /* and the segment that is being filled */
    assert_true(history_first_ms(&history) > FIXTURE_NOW_MS);
    history_seek(&history, &cursor, FIXTURE_NOW_MS + 1); /* forgotten: the first that is left */
    assert_int_equal(cursor.model->now_ms, history_first_ms(&history));

    history_begin(&history, &past.model); /* another cluster: the cursor notices */
    history_seek(&history, &cursor, past.model.now_ms - 1000);
    assert_int_equal(cursor.model->now_ms, past.model.now_ms);
    history_cursor_finish(&cursor);
    history_finish(&history);
    model_finish(&past.model);
}

static void packing_is_exact(void **state)
{
    (void)state;
    unsigned char before[300], now[300], out[300];
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        size_t before_bytes = (seed = seed * 1103515245 + 12345) >> 8 & 0xff;
        size_t bytes = (seed = seed * 1103515245 + 12345) >> 8 & 0xff;
        memset(out, 0, sizeof out);
        for (size_t i = 0; i < sizeof now; i++) {
            seed = seed * 1103515245 + 12345;
            before[i] = (unsigned char)(seed >> 16 & 3);
            now[i] = seed >> 20 & 7 ? before[i] : (unsigned char)(seed >> 24);
        }
        memcpy(out, before, before_bytes);
        struct hive_buffer packed = {0};
        pack_bytes(&packed, before, before_bytes, now, bytes);
        pack_signed(&packed, INT64_MIN + round);
        pack_number(&packed, UINT64_MAX - (uint64_t)round);
        struct unpack in = {.at = (unsigned char *)packed.data,
                            .end = (unsigned char *)packed.data + packed.size};
        unpack_bytes(&in, out, bytes);
        assert_memory_equal(out, now, bytes);
        assert_true(unpack_signed(&in) == INT64_MIN + round);
        assert_true(unpack_number(&in) == UINT64_MAX - (uint64_t)round);
        assert_ptr_equal(in.at, in.end);
        hive_buffer_finish(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_moment_looks_as_it_did),
        cmocka_unit_test(also_where_nodes_tell_of_each_other),
        cmocka_unit_test(between_two_answers_time_goes_on),
        cmocka_unit_test(an_hour_fits_and_a_jump_is_quick),
        cmocka_unit_test(it_stays_within_its_bytes),
        cmocka_unit_test(packing_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
