/* What the screen looks like: whole screens at five sizes, compared with tests/screen/NAME.txt. After a
 * wanted change HIVE_WRITE_SCREENS=1 build/unit/hivetop_screen_test (from the project's root) writes them
 * anew; read the difference before it goes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "hivetop/keys.h"
#include "tests/unit/hivetop_fixture.h"
#include "tests/unit/hivetop_picture.h"

static const struct {
    int columns, rows;
} sizes[] = {{160, 50}, {80, 24}, {60, 15}, {40, 10}, {20, 5}};
#define SIZES (sizeof sizes / sizeof *sizes)

static bool is_unicode;

static void compare(const struct model *model, const struct ui *ui, const char *name, int columns, int rows)
{
    picture_compare(model, ui, name, columns, rows, is_unicode);
}

static void compare_all_sizes(const struct model *model, const struct ui *ui, const char *name)
{
    for (size_t i = 0; i < SIZES; i++)
        compare(model, ui, name, sizes[i].columns, sizes[i].rows);
}

static void press(struct ui *ui, const struct model *model, const char *keys)
{
    for (; *keys; keys++)
        ui_key(ui, model, *keys);
}

static void a_troubled_cluster_shows_every_state(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    press(&ui, &model, "jj");
    compare_all_sizes(&model, &ui, "troubled");
    model_finish(&model);
}

static void a_selected_drone_is_in_sight_on_every_screen(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    press(&ui, &model, "G");
    compare_all_sizes(&model, &ui, "last-drone");
    model_finish(&model);
}

static void many_nodes_scroll(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 30, 60);
    ui_init(&ui, 500);
    press(&ui, &model, "jjjjjjjjjjjjjjjjjjjj");
    compare(&model, &ui, "many", 80, 24);
    compare(&model, &ui, "many", 60, 15);
    model_finish(&model);
}

static void the_dialog_names_node_pid_and_what_is_at_stake(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    press(&ui, &model, "jjK");
    compare_all_sizes(&model, &ui, "dialog");
    model_finish(&model);
}

static void the_help_is_made_from_the_key_table(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 5, 3);
    ui_init(&ui, 500);
    press(&ui, &model, "?");
    compare_all_sizes(&model, &ui, "help");
    model_finish(&model);
}

static void a_task_is_typed_in_the_last_line(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 5, 3);
    ui_init(&ui, 500);
    press(&ui, &model, "Sprint this and that, and then some more of it");
    compare(&model, &ui, "input", 80, 24);
    compare(&model, &ui, "input", 40, 10);
    compare(&model, &ui, "input", 20, 5);
    model_finish(&model);
}

static void a_cluster_that_nobody_answers_for_shows_that(void **state)
{
    (void)state;
    struct model model = {0};
    struct ui ui;
    model_set_time(&model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    model_add(&model, HIVE_ROLE_QUEEN, "10.1.2.3:8080");
    model_add(&model, HIVE_ROLE_QUEEN, "queen.example.org:8080");
    model_take_failure(&model, model.nodes[0], -ECONNREFUSED, "connection refused");
    ui_init(&ui, 500);
    compare(&model, &ui, "nobody", 80, 24);
    compare(&model, &ui, "nobody", 40, 10);
    model_finish(&model);
}

static void a_print_out_has_no_keys_and_no_selection(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    ui.is_print_out = true;
    compare(&model, &ui, "print-out", 80, 24);
    model_finish(&model);
}

/* Two queens lead one term: it stays on top of whatever is shown. */
static void broken_consensus_is_a_line_that_stays(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    model.checks.finding_count = 1;
    struct checks_finding *finding = &model.checks.findings[0];
    finding->time_ms = FIXTURE_UNIX_MS - 3000;
    snprintf(finding->text, sizeof finding->text, "two leaders in term 14: q3 and q4");
    compare_all_sizes(&model, &ui, "broken");
    model_finish(&model);
}

static void details_tell_all_that_is_known(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    press(&ui, &model, "jj\r");
    compare(&model, &ui, "details", 160, 45);
    compare(&model, &ui, "details", 80, 24);
    compare(&model, &ui, "details", 40, 10);
    press(&ui, &model, "G");
    compare(&model, &ui, "details-drone", 80, 24);
    model_finish(&model);
}

static void the_past_is_shown_as_such(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    ui.is_frozen = true;
    ui.shown_ms = FIXTURE_UNIX_MS - 30000;
    ui.live_ms = FIXTURE_UNIX_MS;
    model_set_time(&model, FIXTURE_NOW_MS, ui.shown_ms);
    compare(&model, &ui, "past", 80, 24);
    model_finish(&model);
}

static void rows_are_sorted_found_and_marked(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    ui.sort = SORT_COMMIT;
    ui.is_sort_reversed = true;
    press(&ui, &model, "j j ");
    snprintf(ui.find, sizeof ui.find, "q5");
    compare(&model, &ui, "sorted", 80, 24);
    model_finish(&model);
}

static void where_the_locale_has_them_blocks_are_drawn_in_unicode(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    fixture_troubled(&model);
    ui_init(&ui, 500);
    is_unicode = true;
    compare(&model, &ui, "unicode", 80, 24);
    compare(&model, &ui, "unicode", 160, 45);
    is_unicode = false;
    model_finish(&model);
    setlocale(LC_CTYPE, "C");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_troubled_cluster_shows_every_state),
        cmocka_unit_test(a_selected_drone_is_in_sight_on_every_screen),
        cmocka_unit_test(many_nodes_scroll),
        cmocka_unit_test(the_dialog_names_node_pid_and_what_is_at_stake),
        cmocka_unit_test(the_help_is_made_from_the_key_table),
        cmocka_unit_test(a_task_is_typed_in_the_last_line),
        cmocka_unit_test(a_cluster_that_nobody_answers_for_shows_that),
        cmocka_unit_test(a_print_out_has_no_keys_and_no_selection),
        cmocka_unit_test(broken_consensus_is_a_line_that_stays),
        cmocka_unit_test(details_tell_all_that_is_known),
        cmocka_unit_test(the_past_is_shown_as_such),
        cmocka_unit_test(rows_are_sorted_found_and_marked),
        cmocka_unit_test(where_the_locale_has_them_blocks_are_drawn_in_unicode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
