/* The logs' screen as somebody reads it: whose lines, in which order, which of them, and where one looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hivetop_logs_scene.h"

/* Rows of the screen that have the text. */
static int count_rows(struct logs_scene *scene, const char *text)
{
    int count = 0;
    for (const char *at = screen_text(scene, 80, 24); (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* Lines "line N" of q1, from `first` on, one a second. */
static void log_lines(const struct logs_scene *scene, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char text[64];
        snprintf(text, sizeof text, "info line %d.", i);
        log_at(scene, "q1", 1000 * i, text);
    }
}

static void several_nodes_are_merged_by_time_with_their_names_in_front(void **state)
{
    struct logs_scene *scene = *state;
    log_at(scene, "q1", 1000, "info first");
    log_at(scene, "q2", 2000, "info second");
    log_at(scene, "d1", 2000, "info third");
    append(scene, "q1", "Assertion failed\n");
    log_at(scene, "q1", 3000, "info fourth");
    turn(scene);
    assert_shows(scene, "=LOG q1 ===");
    assert_shows(scene, "14:13:21.000 I first\n               A"); /* alone it needs no name */
    press(scene, "a");
    assert_shows(scene, "LOG of all 4 nodes");
    assert_shows(scene, "q1 14:13:21.000 I first\n"
                        "q1                Assertion failed\n"
                        "q2 14:13:22.000 I second\n"
                        "d1 14:13:22.000 I third\n"
                        "q1 14:13:23.000 I fourth\n");
    log_at(scene, "q3", 2500, "info late"); /* what is written later may be of earlier */
    assert_shows(scene, "I third\nq3 14:13:22.500 I late\nq1 14:13:23.000 I fourth\n");
    press(scene, "a");
    assert_hides(scene, "second");
}

static void the_marked_nodes_are_shown_or_the_selected_one_and_tab_goes_on(void **state)
{
    struct logs_scene *scene = *state;
    ui_mark(&scene->ui, fixture_node(&scene->model, "q3"));
    ui_mark(&scene->ui, fixture_node(&scene->model, "d1"));
    turn(scene);
    assert_shows(scene, "=LOG q3 d1 ===");
    scene->ui.screen = UI_SCREEN_MAIN;
    turn(scene);
    assert_int_equal(scene->logs.file_count, 0); /* nobody looks: nothing is open */
    memset(scene->ui.marked, 0, sizeof scene->ui.marked);
    ui_select(&scene->ui, fixture_node(&scene->model, "q2"));
    scene->ui.screen = UI_SCREEN_LOGS;
    turn(scene);
    assert_shows(scene, "=LOG q2 ===");
    press_code(scene, KEYS_TAB);
    assert_shows(scene, "=LOG q3 ===");
    press_code(scene, KEYS_TAB);
    press_code(scene, KEYS_TAB);
    assert_shows(scene, "=LOG q1 ===");
    press_code(scene, KEYS_BACK_TAB);
    assert_shows(scene, "=LOG d1 ===");
}

static void it_follows_until_somebody_scrolls_and_again_from_the_end_on(void **state)
{
    struct logs_scene *scene = *state;
    log_lines(scene, 1, 50);
    turn(scene);
    assert_shows(scene, "following");
    assert_shows(scene, "line 50.");
    assert_hides(scene, "line 29.");
    log_lines(scene, 51, 1);
    assert_shows(scene, "line 51.");
    press(scene, "k");
    assert_hides(scene, "line 51.");
    assert_shows(scene, " 1 newer ");
    log_lines(scene, 52, 10);
    assert_shows(scene, " 11 newer ");
    assert_shows(scene, "line 50.\n");
    press_code(scene, KEYS_PAGE_UP);
    assert_shows(scene, "line 30.\n");
    press(scene, "g");
    assert_shows(scene, "line 1.\n");
    assert_shows(scene, "line 21.\n");
    assert_hides(scene, "line 22.");
    press(scene, "kkk"); /* at the top there is no further up, and no key is lost on the way back */
    press(scene, "j");
    assert_shows(scene, "line 22.");
    press(scene, "G");
    assert_shows(scene, "line 61.");
    assert_shows(scene, "following");
    press(scene, "F");
    log_lines(scene, 62, 1);
    assert_hides(scene, "line 62.");
    press(scene, "F");
    assert_shows(scene, "line 62.");
    press(scene, "kkkjjjjjj");
    assert_shows(scene, " 0 newer ");
}

static void the_filter_takes_effect_while_it_is_typed(void **state)
{
    struct logs_scene *scene = *state;
    log_at(scene, "q1", 1000, "info apple pie");
    log_at(scene, "q1", 2000, "info banana");
    log_at(scene, "q1", 3000, "info cherry PIE");
    turn(scene);
    press(scene, "fpi");
    assert_hides(scene, "banana");
    assert_shows(scene, "apple pie");
    assert_shows(scene, "cherry PIE");
    press(scene, "q"); /* is typed, and quits nothing */
    assert_shows(scene, "No line fits the filter");
    press_code(scene, KEYS_BACKSPACE);
    press_code(scene, KEYS_ENTER);
    log_at(scene, "q1", 4000, "info plum");
    log_at(scene, "q1", 5000, "info pieces");
    assert_hides(scene, "plum");
    assert_shows(scene, "pieces");
    assert_shows(scene, "filter: pi");
    press_code(scene, KEYS_ESCAPE);
    assert_shows(scene, "plum");
    press(scene, "&!~^(ban|apple)");
    press_code(scene, KEYS_ENTER);
    assert_hides(scene, "banana");
    assert_hides(scene, "apple pie");
    assert_shows(scene, "cherry");
    press(scene, "fx");
    assert_hides(scene, "cherry PIE\n ");
    press_code(scene, KEYS_ESCAPE); /* back to the filter before */
    assert_shows(scene, "cherry");
    assert_shows(scene, "filter: !~^(ban|apple)");
}

static void expressions_that_are_none_or_too_much_work_are_told(void **state)
{
    struct logs_scene *scene = *state;
    static const struct {
        const char *typed, *said;
    } cases[] = {{"f~(", "not an expression yet"},
                 {"f~(a)\\1", "no references back"},
                 {"f~(a{99}){99}", "one short {count}"},
                 {"f~a{32767}", ""},
                 {"f~a{327670}", "one short {count}"}};
    log_at(scene, "q1", 1000, "info apple");
    turn(scene);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        press(scene, cases[i].typed);
        assert_shows(scene, cases[i].said);
        press_code(scene, KEYS_ESCAPE);
    }
    assert_shows(scene, "apple");
}

static void what_is_looked_for_is_highlighted_and_gone_to(void **state)
{
    struct logs_scene *scene = *state;
    log_lines(scene, 1, 100);
    turn(scene);
    press(scene, "/ne 2");
    assert_shows(scene, "I line 29.");
    press_code(scene, KEYS_ENTER);
    assert_true(logs_is_found(&scene->logs, scene->logs.merge.shown[scene->logs.merge.first + 28]));
    press(scene, "n");
    assert_true(logs_is_found(&scene->logs, scene->logs.merge.shown[scene->logs.merge.first + 27]));
    press(scene, "N");
    assert_true(logs_is_found(&scene->logs, scene->logs.merge.shown[scene->logs.merge.first + 28]));
    press(scene, "N");
    assert_shows(scene, "no newer line has \"ne 2\"");
    struct cells cells;
    render(&scene->model, &scene->ui, 80, 24, false, &cells);
    int found = 0;
    for (int i = 0; i < 80 * 24; i++)
        found += cells.grid[i].style == STYLE_FOUND;
    assert_int_equal(found, 10 * 4); /* lines 20 to 29 are in sight, and "ne 2" has four columns */
    cells_finish(&cells);
    press_code(scene, KEYS_ESCAPE);
    assert_int_equal(scene->logs.find.source[0], 0);
    press_code(scene, KEYS_ESCAPE);
    assert_int_equal(scene->ui.screen, UI_SCREEN_MAIN);
}

static void levels_leave_out_what_is_less_bad_but_not_the_words_of_the_dying(void **state)
{
    struct logs_scene *scene = *state;
    log_at(scene, "q1", 1000, "debug d-line");
    log_at(scene, "q1", 2000, "info i-line");
    log_at(scene, "q1", 3000, "warning w-line");
    log_at(scene, "q1", 4000, "error e-line");
    append(scene, "q1", "Assertion failed\n");
    turn(scene);
    static const char *const lines[] = {"D d-line", "I i-line", "W w-line", "E e-line"};
    for (int level = 3; level >= 0; level--) {
        press(scene, (char[]){(char)('1' + level), '\0'});
        for (int i = 0; i < 4; i++)
            assert_int_equal(count_rows(scene, lines[i]), i >= level);
        assert_shows(scene, "Assertion failed");
    }
}

static void long_lines_are_cut_shifted_or_wrapped(void **state)
{
    struct logs_scene *scene = *state;
    char text[400] = "info begin ";
    for (size_t at = strlen(text); at < 300; at++)
        text[at] = (char)('a' + at % 26);
    snprintf(text + 300, sizeof text - 300, " end");
    log_lines(scene, 1, 40);
    log_at(scene, "q1", 100000, text);
    turn(scene);
    assert_shows(scene, "begin ");
    assert_hides(scene, " end\n");
    for (int i = 0; i < 16; i++)
        press_code(scene, KEYS_RIGHT);
    assert_shows(scene, " end\n");
    assert_hides(scene, "begin");
    press(scene, "w");
    assert_shows(scene, "begin ");
    assert_shows(scene, " end\n");
    press(scene, "k"); /* by rows, not by lines */
    assert_shows(scene, "begin ");
    assert_hides(scene, " end\n");
    press(scene, "kkk");
    assert_shows(scene, "begin ");
    press(scene, "k");
    assert_hides(scene, "begin ");
    press(scene, "jjjjj");
    assert_shows(scene, " end\n");
}

static void times_are_of_day_ages_or_left_out(void **state)
{
    struct logs_scene *scene = *state;
    log_at(scene, "q1", -90000, "info something");
    turn(scene);
    assert_shows(scene, "14:11:50.000 I something");
    press(scene, "T");
    assert_shows(scene, "\n 90s I something");
    press(scene, "T");
    assert_shows(scene, "\nI something");
    press(scene, "T");
    assert_shows(scene, "14:11:50.000 I something");
}

static void the_past_has_no_later_lines(void **state)
{
    struct logs_scene *scene = *state;
    log_lines(scene, 1, 10);
    scene->ui.shown_ms = FIXTURE_UNIX_MS + 7000;
    assert_shows(scene, "line 7.");
    assert_hides(scene, "line 8.");
    scene->ui.shown_ms = 0;
    assert_shows(scene, "line 10.");
}

static void with_gaps_in_what_was_read_only_what_is_complete_shows(void **state)
{
    struct logs_scene *scene = *state;
    struct hive_buffer text = {0};
    char time[HIVE_CLOCK_TEXT_BYTES];
    for (int i = 0; i < 20000; i++) { /* of q1 only the end is read at first; of q2 all */
        hive_clock_format(FIXTURE_UNIX_MS + i, time);
        hive_buffer_format(&text, "%s info a line of q1 with some more words behind it, %d\n", time, i);
    }
    append_bytes(scene, "q1", text.data, text.size);
    log_at(scene, "q2", 10, "info early");
    log_at(scene, "q2", 30000, "info late");
    press(scene, "a");
    size_t begin, end;
    logs_range(&scene->logs, &begin, &end);
    for (size_t i = begin; i < end; i++)
        assert_string_not_equal(scene->logs.merge.shown[i]->text, "early");
    press(scene, "g");
    assert_shows(scene, "q2 14:13:20.010 I early");
    logs_range(&scene->logs, &begin, &end);
    assert_int_equal(end - begin, 20002);
    hive_buffer_finish(&text);
}

static void without_log_files_the_screen_says_why(void **state)
{
    struct logs_scene *scene = *state;
    char *path = scene_path(scene, "q1");
    assert_shows(scene, "Nothing was logged yet.");
    unlink(path);
    press(scene, "aa");
    scene->ui.screen = UI_SCREEN_MAIN;
    turn(scene);
    scene->ui.screen = UI_SCREEN_LOGS;
    assert_shows(scene, "q1 has no log file: ");
    press(scene, "a");
    assert_shows(scene, "(q1 has no log file)");
    source_finish(&scene->source);
    turn(scene);
    assert_shows(scene, "There are no log files to read here");
    assert_shows(scene, "without --connect");
    free(path);
}

static void what_is_shown_is_saved_to_a_new_file(void **state)
{
    struct logs_scene *scene = *state;
    struct hive_buffer saved = {0};
    char *path = hive_format("%s/saved", scene->directory),
         *in_none = hive_format("%s/no/x", scene->directory);
    log_at(scene, "q1", 1000, "warning apple");
    log_at(scene, "q1", 2000, "info banana");
    append(scene, "q1", "Assertion of an apple\n");
    press(scene, "fapple");
    press_code(scene, KEYS_ENTER);
    press(scene, "s");
    assert_shows(scene, "save to: hive-a-2026");
    press_code(scene, KEYS_CONTROL_U);
    press(scene, path);
    press_code(scene, KEYS_ENTER);
    assert_shows(scene, "2 lines saved to ");
    assert_int_equal(hive_file_read(path, 4096, &saved, NULL), 0);
    assert_string_equal(saved.data, "q1 2026-09-21T14:13:21.000Z warning apple\nq1 Assertion of an apple\n");
    press(scene, "s");
    press_code(scene, KEYS_CONTROL_U);
    press(scene, path);
    press_code(scene, KEYS_ENTER);
    assert_shows(scene, "is there already: nothing was saved");
    press(scene, "s");
    press_code(scene, KEYS_CONTROL_U);
    press(scene, in_none);
    press_code(scene, KEYS_ENTER);
    assert_shows(scene, "nothing was saved: ");
    press(scene, "s");
    press_code(scene, KEYS_ESCAPE);
    assert_shows(scene, "nothing was saved");
    free(path);
    free(in_none);
    hive_buffer_finish(&saved);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        LOGS_TEST(several_nodes_are_merged_by_time_with_their_names_in_front),
        LOGS_TEST(the_marked_nodes_are_shown_or_the_selected_one_and_tab_goes_on),
        LOGS_TEST(it_follows_until_somebody_scrolls_and_again_from_the_end_on),
        LOGS_TEST(the_filter_takes_effect_while_it_is_typed),
        LOGS_TEST(expressions_that_are_none_or_too_much_work_are_told),
        LOGS_TEST(what_is_looked_for_is_highlighted_and_gone_to),
        LOGS_TEST(levels_leave_out_what_is_less_bad_but_not_the_words_of_the_dying),
        LOGS_TEST(long_lines_are_cut_shifted_or_wrapped),
        LOGS_TEST(times_are_of_day_ages_or_left_out),
        LOGS_TEST(the_past_has_no_later_lines),
        LOGS_TEST(with_gaps_in_what_was_read_only_what_is_complete_shows),
        LOGS_TEST(without_log_files_the_screen_says_why),
        LOGS_TEST(what_is_shown_is_saved_to_a_new_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
