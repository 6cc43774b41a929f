/* What keys do: pressed one after the other on a model, without a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>

#include "hivetop/help.h"
#include "hivetop/keys.h"
#include "tests/unit/hivetop_scene.h"

static void the_selection_moves_over_queens_and_drones(void **state)
{
    struct scene *scene = *state;
    assert_string_equal(selected(scene), "q1");
    press(scene, "jj");
    assert_string_equal(selected(scene), "q3");
    press(scene, "k");
    assert_string_equal(selected(scene), "q2");
    press(scene, "G");
    assert_string_equal(selected(scene), "d3");
    press(scene, "j");
    assert_string_equal(selected(scene), "d3");
    press(scene, "g");
    assert_string_equal(selected(scene), "q1");
    press(scene, "k");
    assert_string_equal(selected(scene), "q1");
    ui_key(&scene->ui, &scene->model, KEYS_PAGE_DOWN);
    assert_string_equal(selected(scene), "q5");
    ui_key(&scene->ui, &scene->model, KEYS_DOWN);
    assert_string_equal(selected(scene), "d1");
    ui_key(&scene->ui, &scene->model, KEYS_PAGE_UP);
    assert_string_equal(selected(scene), "q2");
}

static void the_selection_stays_on_its_node_when_others_come_and_go(void **state)
{
    struct scene *scene = *state;
    press(scene, "jjj");
    struct hive_ledger_node nodes[6];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 1);
    nodes[0] = fixture_ledger_node('q', 4); /* q1 is gone, and the order is another one */
    nodes[3] = fixture_ledger_node('q', 9);
    model_take_ledger(&scene->model, &ledger);
    assert_string_equal(selected(scene), "q4");
    ledger.node_count = 0;
    model_take_ledger(&scene->model, &ledger);
    assert_null(ui_selected(&scene->ui, &scene->model, NULL));
    assert_int_equal(press(scene, "jkGgKPRK"), REACTION_NONE);
}

static void no_lower_case_letter_changes_anything(void **state)
{
    struct scene *scene = *state;
    for (const struct key *key = keys_table; key->name; key++) {
        for (size_t i = 0; i < 4 && key->codes[i]; i++) {
            if (key->codes[i] < 128 && islower(key->codes[i]))
                assert_false(key->changes);
        }
    }
    for (int key = 'a'; key <= 'z'; key++) {
        unsigned reactions = ui_key(&scene->ui, &scene->model, key);
        assert_int_equal(reactions & (REACTION_ACT | REACTION_SUBMIT | REACTION_CLUSTER), REACTION_NONE);
        assert_int_not_equal(scene->ui.mode, UI_DIALOG);
        assert_int_not_equal(scene->ui.mode, UI_INPUT);
        assert_int_not_equal(scene->ui.mode, UI_MENU);
        scene->ui.mode = UI_TABLES;
    }
}

static void every_key_is_in_the_table_once_and_explained(void **state)
{
    (void)state;
    for (const struct key *key = keys_table; key->name; key++) {
        assert_non_null(key->help);
        assert_non_null(key->word);
        assert_true(strlen(key->name) <= 9); /* the help's column */
        for (size_t i = 0; key->act && i < 4 && key->codes[i]; i++)
            assert_ptr_equal(keys_find(key->codes[i]), key);
        assert_true(key == keys_table || key->group >= key[-1].group); /* each chapter of the help once */
    }
    assert_null(keys_find(KEYS_OTHER));
    assert_null(keys_find(0));
}

static void quit_quits_but_not_from_help_dialog_or_input(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(press(scene, "q"), REACTION_QUIT);
    assert_int_equal(press(scene, "?q"), REACTION_NONE);
    assert_int_equal(press(scene, "Kq"), REACTION_NONE);
    assert_int_equal(press(scene, "Sq"), REACTION_NONE);
    assert_string_equal(scene->ui.input, "q");
}

static void the_help_and_the_manual_have_every_key(void **state)
{
    (void)state;
    struct help_line lines[HELP_LINES];
    struct hive_buffer manual = {0};
    int count = help_make(lines), at = 0;
    assert_in_range(count, 1, HELP_LINES);
    help_append_manual(&manual);
    for (const struct key *key = keys_table; key->name; key++) {
        while (at < count && lines[at].key != key)
            at++;
        assert_true(at < count);
        assert_non_null(strstr(manual.data, key->help));
    }
    hive_buffer_finish(&manual);
}

static void help_scrolls_within_its_lines(void **state)
{
    struct scene *scene = *state;
    press(scene, "?kkk");
    assert_int_equal(scene->ui.help_first, 0);
    for (int i = 0; i < 1000; i++)
        press(scene, "j");
    struct help_line lines[HELP_LINES];
    assert_int_equal(scene->ui.help_first, help_make(lines) - scene->ui.page_rows);
    assert_int_equal(scene->ui.mode, UI_HELP);
    press(scene, "g");
    assert_int_equal(scene->ui.help_first, 0);
    press(scene, " ");
    assert_int_equal(scene->ui.help_first, scene->ui.page_rows);
    press(scene, "x");
    assert_int_equal(scene->ui.mode, UI_TABLES);
}

static void a_task_is_typed_corrected_and_submitted(void **state)
{
    struct scene *scene = *state;
    press(scene, "Sone two  three");
    ui_key(&scene->ui, &scene->model, KEYS_CONTROL_W);
    assert_string_equal(scene->ui.input, "one two  ");
    ui_key(&scene->ui, &scene->model, KEYS_CONTROL_W);
    assert_string_equal(scene->ui.input, "one ");
    ui_key(&scene->ui, &scene->model, 0xe9);
    ui_key(&scene->ui, &scene->model, 0x20ac);
    ui_key(&scene->ui, &scene->model, 0x1f41d);
    assert_string_equal(scene->ui.input, "one \xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d");
    ui_key(&scene->ui, &scene->model, KEYS_BACKSPACE);
    ui_key(&scene->ui, &scene->model, KEYS_BACKSPACE);
    ui_key(&scene->ui, &scene->model, KEYS_UP); /* not for typing */
    assert_string_equal(scene->ui.input, "one \xc3\xa9");
    assert_int_equal(ui_key(&scene->ui, &scene->model, KEYS_ENTER), REACTION_SUBMIT);
    assert_int_equal(scene->ui.mode, UI_TABLES);

    press(scene, "Sabc");
    ui_key(&scene->ui, &scene->model, KEYS_CONTROL_U);
    assert_int_equal(ui_key(&scene->ui, &scene->model, KEYS_ENTER), REACTION_NONE); /* nothing to submit */
    press(scene, "Sabc");
    assert_int_equal(ui_key(&scene->ui, &scene->model, KEYS_ESCAPE), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
}

static void a_text_that_is_too_long_stays_whole(void **state)
{
    struct scene *scene = *state;
    press(scene, "S");
    for (int i = 0; i < 3 * UI_INPUT_BYTES; i++)
        ui_key(&scene->ui, &scene->model, 0x20ac);
    assert_int_equal(strlen(scene->ui.input), (UI_INPUT_BYTES - 1) / 3 * 3);
    ui_key(&scene->ui, &scene->model, KEYS_CONTROL_U);
    for (int i = 0; i < 2 * UI_INPUT_BYTES; i++)
        press(scene, "a");
    assert_int_equal(strlen(scene->ui.input), UI_INPUT_BYTES - 1);
}

static void the_interval_changes_in_steps_and_stops_at_its_ends(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(press(scene, "+"), REACTION_INTERVAL | REACTION_CONFIG);
    assert_int_equal(scene->ui.interval_ms, 1000);
    press(scene, "--");
    assert_int_equal(scene->ui.interval_ms, 200);
    press(scene, "-----");
    assert_int_equal(scene->ui.interval_ms, 100);
    press(scene, "++++++++++++");
    assert_int_equal(scene->ui.interval_ms, 60000);
}

static void a_status_goes_with_the_next_key_or_with_time(void **state)
{
    struct scene *scene = *state;
    press(scene, "Kn");
    assert_true(ui_has_status(&scene->ui, &scene->model));
    ui_key(&scene->ui, &scene->model, KEYS_RESIZE);
    assert_true(ui_has_status(&scene->ui, &scene->model));
    press(scene, "j");
    assert_false(ui_has_status(&scene->ui, &scene->model));
    press(scene, "Kn");
    model_set_time(&scene->model, FIXTURE_NOW_MS + UI_STATUS_SHOW_MS, FIXTURE_UNIX_MS);
    assert_false(ui_has_status(&scene->ui, &scene->model));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_selection_moves_over_queens_and_drones),
        TEST(the_selection_stays_on_its_node_when_others_come_and_go),
        TEST(no_lower_case_letter_changes_anything),
        TEST(every_key_is_in_the_table_once_and_explained),
        TEST(quit_quits_but_not_from_help_dialog_or_input),
        TEST(the_help_and_the_manual_have_every_key),
        TEST(help_scrolls_within_its_lines),
        TEST(a_task_is_typed_corrected_and_submitted),
        TEST(a_text_that_is_too_long_stays_whole),
        TEST(the_interval_changes_in_steps_and_stops_at_its_ends),
        TEST(a_status_goes_with_the_next_key_or_with_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
