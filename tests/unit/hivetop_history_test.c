/* The last hour in memory: any moment of it looks as it did, a jump is quick, and it stays within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "hivetop/history.h"
#include "hivetop/pack.h"
#include "hivetop/rewind.h"
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

/* Also where the two clocks of the model were not read at the same moment. */
static void each_election_is_gone_to_once(void **state)
{
    (void)state;
    struct past past;
    struct rewind rewind;
    struct ui ui;
    past_begin(&past, true);
    ui_init(&ui, PAST_STEP_MS);
    rewind_init(&rewind, &past.model, NULL);
    rewind_begin(&rewind, &ui);
    past.model.listener = history_hear;
    past.model.listener_context = &rewind.history;
    for (int i = 0; i < 99; i++) /* before the clock is set */
        past_step(&past);
    enum { ELECTIONS = 4 };
    struct fixture_queen queen = {.term = 7, .last = past.log, .commit = past.log, .applied = past.log};
    for (int i = 0; i < ELECTIONS; i++) {
        int64_t at_ms = 10000 * (i + 1);
        queen.transitions[2 * i] = (struct fixture_transition){-at_ms, 4 + i, HIVE_RAFT_CANDIDATE};
        queen.transitions[2 * i + 1] = (struct fixture_transition){-at_ms - 40, 4 + i, HIVE_RAFT_FOLLOWER};
    }
    fixture_answer_queen(&past.model, 1, PAST_QUEENS, PAST_DRONES, &queen);
    for (size_t i = 1; i < past.model.timeline.count; i++) /* nobody else stood */
        past.model.timeline.lanes[i].roles.count = 0;
    static const int stops[] = {4, 3, 2, 1, 1, 2, 3, 4, 4}; /* there is none before, and none after */
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        model_set_time(&past.model, past.model.now_ms + 299, past.model.unix_ms + 1);
        rewind_seek(&rewind, &ui, i < 5 ? SEEK_PREVIOUS_ELECTION : SEEK_NEXT_ELECTION, past.model.now_ms);
        int64_t at_ms = rewind_model(&rewind)->unix_ms - FIXTURE_UNIX_MS - REWIND_ELECTION_MS;
        assert_in_range(at_ms, 10000 * stops[i], 10000 * stops[i] + 300);
    }
    rewind_finish(&rewind);
    model_finish(&past.model);
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
        cmocka_unit_test(each_election_is_gone_to_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
