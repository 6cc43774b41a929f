/* Menus, the palette and its way of finding, and the mouse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hivetop/fuzzy.h"
#include "hivetop/tag.h"
#include "tests/unit/hivetop_scene.h"

/* ---- fuzzy ---- */

static void a_few_letters_in_their_order_fit(void **state)
{
    (void)state;
    assert_int_equal(fuzzy_score("", "anything"), 0);
    assert_int_equal(fuzzy_score("  ", "anything"), 0);
    assert_true(fuzzy_score("kln", "Kill the node") > 0);
    assert_true(fuzzy_score("ki no", "Kill the node") > 0);
    assert_int_equal(fuzzy_score("nk", "Kill the node"), -1);
    assert_int_equal(fuzzy_score("kk", "Kill"), -1);
    assert_int_equal(fuzzy_score("x", ""), -1);
}

static void words_and_rows_of_letters_fit_better(void **state)
{
    (void)state;
    assert_true(fuzzy_score("kill", "Kill: a node") > fuzzy_score("kill", "k i l l"));
    assert_true(fuzzy_score("node", "the node") > fuzzy_score("node", "another dune"));
    assert_true(fuzzy_score("q1", "q1") > fuzzy_score("q1", "q21"));
    assert_true(fuzzy_score("cl", "xcx cl") > fuzzy_score("cl", "xcx l")); /* not the first "c" that comes */
}

/* ---- palette ---- */

static struct menu_line first_line(struct scene *scene, size_t *count)
{
    static struct menu_line lines[MENU_LINES];
    *count = menu_lines(&scene->ui, &scene->model, lines);
    return lines[0];
}

static void the_palette_does_what_the_key_would(void **state)
{
    struct scene *scene = *state;
    size_t count;
    press(scene, "j:");
    assert_int_equal(scene->ui.mode, UI_MENU);
    assert_string_equal(first_line(scene, &count).hint,
                        "Enter"); /* the commands in the table's order, then … */
    assert_true(count > 20);
    press(scene, "kill");
    assert_string_equal(first_line(scene, &count).hint, "K");
    assert_true(scene_shows(scene, ":kill"));
    assert_int_equal(press(scene, "\r"), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_DIALOG);
    assert_string_equal(scene->ui.action.node, "q2");
    press_key(scene, KEYS_ESCAPE);
    assert_int_equal(press(scene, ":quit\r"), REACTION_QUIT);
}

static void the_palette_finds_nodes_by_name_and_address(void **state)
{
    struct scene *scene = *state;
    press(scene, ":d3\r");
    assert_string_equal(selected(scene), "d3");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    press(scene, ":8082\r");
    assert_string_equal(selected(scene), "q3");
}

static void the_palette_has_the_themes(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(press(scene, ":theme trit\r"), REACTION_THEME | REACTION_CONFIG);
    assert_string_equal(scene->ui.theme, "tritanopia");
}

static void the_palette_moves_and_closes(void **state)
{
    struct scene *scene = *state;
    size_t count;
    press(scene, ":q");
    first_line(scene, &count);
    for (int i = 0; i < 1000; i++)
        press_key(scene, KEYS_DOWN);
    assert_int_equal(scene->ui.menu.at, count - 1);
    press(scene, "5"); /* what is left begins at its first line */
    assert_int_equal(scene->ui.menu.at, 0);
    press_key(scene, KEYS_UP);
    assert_int_equal(scene->ui.menu.at, 0);
    press(scene, "zzzz");
    first_line(scene, &count);
    assert_int_equal(count, 0);
    assert_true(scene_shows(scene, "nothing fits"));
    assert_int_equal(press(scene, "\r"), REACTION_NONE);
    press(scene, ":");
    press_key(scene, KEYS_ESCAPE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
}

static void thousands_of_nodes_do_not_overflow_the_palette(void **state)
{
    struct scene *scene = *state;
    char address[HIVE_ADDRESS_BYTES];
    size_t count;
    for (int i = 0; i < 1000; i++) {
        snprintf(address, sizeof address, "10.0.0.1:%d", 1000 + i);
        model_add(&scene->model, HIVE_ROLE_DRONE, address);
    }
    press(scene, ":");
    first_line(scene, &count);
    assert_int_equal(count, MENU_LINES);
    press(scene, "10.0.0.1:1777\r");
    assert_string_equal(ui_selected(&scene->ui, &scene->model, NULL)->address, "10.0.0.1:1777");
}

/* ---- menus ---- */

static void a_signal_goes_to_the_node_that_was_selected_when_the_menu_opened(void **state)
{
    struct scene *scene = *state;
    static const enum action_kind kinds[] = {ACTION_STOP, ACTION_KILL, ACTION_PAUSE, ACTION_RESUME};
    press(scene, "j");
    for (int i = 0; i < 4; i++) {
        press_key(scene, KEYS_F9);
        assert_true(scene_shows(scene, "Send to q2"));
        for (int j = 0; j < i; j++)
            press(scene, "j");
        assert_int_equal(press(scene, "\r"), REACTION_NONE);
        assert_int_equal(scene->ui.mode, UI_DIALOG);
        assert_int_equal(scene->ui.action.kind, kinds[i]);
        assert_string_equal(scene->ui.action.node, "q2");
        press(scene, "n");
    }
    struct hive_ledger_node nodes[8];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 3);
    press_key(scene, KEYS_F9);
    nodes[1].process.pid = 9999;
    model_take_ledger(&scene->model, &ledger);
    press(scene, "\r");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_string_equal(scene->ui.status, "q2 is another process by now; nothing was done");
}

static void a_node_is_added_after_it_was_said_which(void **state)
{
    struct scene *scene = *state;
    press(scene, "A");
    assert_true(scene_shows(scene, "Add a node"));
    assert_int_equal(press(scene, "\r"), REACTION_ACT);
    assert_int_equal(scene->ui.action.kind, ACTION_ADD_DRONE);
    press(scene, "Aj");
    assert_int_equal(press(scene, "\r"), REACTION_ACT);
    assert_int_equal(scene->ui.action.kind, ACTION_ADD_QUEEN);
    press(scene, "A");
    assert_int_equal(press_key(scene, KEYS_ESCAPE), REACTION_NONE);
    scene->ui.no_actions = "nobody here could do it";
    press(scene, "A");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_string_equal(scene->ui.status, "nobody here could do it");
}

static void the_clusters_that_run_are_offered(void **state)
{
    struct scene *scene = *state;
    char names[3][HIVE_NAME_BYTES] = {"alpha", "hive-a", "zeta"};
    assert_int_equal(press(scene, "C"), REACTION_CLUSTERS);
    ui_offer_clusters(&scene->ui, &scene->model, names, 3);
    assert_int_equal(scene->ui.menu.at, 1); /* this one */
    assert_true(scene_shows(scene, "this one"));
    assert_int_equal(press(scene, "j\r"), REACTION_CLUSTER);
    assert_string_equal(scene->ui.cluster, "zeta");
    ui_offer_clusters(&scene->ui, &scene->model, names, 0);
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_string_equal(scene->ui.status, "no cluster runs on this machine");
}

static bool is_on_screen(struct scene *scene, int columns, int rows, const char *text)
{
    struct cells cells;
    struct hive_buffer screen = {0};
    render(&scene->model, &scene->ui, columns, rows, false, &cells);
    cells_print(&cells, &screen);
    bool is_there = strstr(screen.data, text);
    assert_true(cells.cursor_column < columns && cells.cursor_row < rows);
    hive_buffer_finish(&screen);
    cells_finish(&cells);
    return is_there;
}

static void menus_fit_into_every_screen(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *keys, *chosen;
    } menus[] = {{"A", "a queen"}, {":kill", "Kill: kill"}};
    for (size_t i = 0; i < 2; i++) {
        press(scene, menus[i].keys);
        if (i == 0)
            press(scene, "j");
        for (int columns = 20; columns <= 200; columns += 3) {
            for (int rows = 5; rows <= 60; rows += 2) /* the chosen line is in sight */
                assert_true(is_on_screen(scene, columns, rows, menus[i].chosen));
        }
        press_key(scene, KEYS_ESCAPE);
    }
}

/* ---- mouse ---- */

/* The first cell of the screen with this tag, clicked (or turned on). */
static unsigned point(struct scene *scene, uint32_t tag, int wheel)
{
    struct cells cells;
    bool is_there = false;
    render(&scene->model, &scene->ui, 80, 24, false, &cells);
    for (int i = 0; i < 80 * 24; i++)
        is_there = is_there || cells.grid[i].tag == tag;
    cells_finish(&cells);
    assert_true(is_there);
    return ui_mouse(&scene->ui, &scene->model, tag, wheel);
}

static void a_click_selects(void **state)
{
    struct scene *scene = *state;
    point(scene, TAG(TAG_NODE, 2), 0);
    assert_string_equal(selected(scene), "q3");
    point(scene, TAG(TAG_NODE, 6), 0);
    assert_string_equal(selected(scene), "d2");
    point(scene, TAG(TAG_PANEL, UI_PANEL_EVENTS), 0);
    assert_int_equal(scene->ui.panel, UI_PANEL_EVENTS);
    ui_mouse(&scene->ui, &scene->model, TAG(TAG_NODE, 4000), 0); /* gone since the frame */
    assert_string_equal(selected(scene), "d2");
}

static void a_click_on_a_title_sorts_and_on_the_same_again_the_other_way(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(point(scene, TAG(TAG_TITLE, SORT_LAG), 0), REACTION_CONFIG);
    assert_int_equal(scene->ui.sort, SORT_LAG);
    assert_false(scene->ui.is_sort_reversed);
    point(scene, TAG(TAG_TITLE, SORT_LAG), 0);
    assert_true(scene->ui.is_sort_reversed);
    point(scene, TAG(TAG_TITLE, SORT_TERM), 0);
    assert_false(scene->ui.is_sort_reversed);
}

static void the_wheel_scrolls_what_it_is_over(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < 30; i++)
        events_add(&scene->model.events, FIXTURE_UNIX_MS + i, EVENT_INFO, "event %d", i);
    point(scene, TAG(TAG_NODE, 0), 1);
    assert_string_equal(selected(scene), "q4");
    point(scene, TAG(TAG_PANEL, UI_PANEL_EVENTS), -1);
    assert_string_equal(selected(scene), "q4");
    assert_int_not_equal(scene->ui.event_serial, 0);
    assert_int_equal(scene->ui.panel, UI_PANEL_QUEENS);
    press(scene, "?");
    ui_mouse(&scene->ui, &scene->model, 0, 1);
    assert_int_equal(scene->ui.help_first, 3);
}

static void the_footer_dialogs_and_menus_take_clicks(void **state)
{
    struct scene *scene = *state;
    point(scene, TAG(TAG_KEY, '?'), 0);
    assert_int_equal(scene->ui.mode, UI_HELP);
    ui_mouse(&scene->ui, &scene->model, 0, 0);
    assert_int_equal(scene->ui.mode, UI_TABLES);
    point(scene, TAG(TAG_KEY, 'K'), 0);
    assert_int_equal(scene->ui.mode, UI_DIALOG);
    assert_int_equal(ui_mouse(&scene->ui, &scene->model, TAG(TAG_NODE, 1), 0), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_DIALOG); /* beside it: nothing */
    assert_int_equal(point(scene, TAG(TAG_ANSWER, 0), 0), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
    press(scene, "K");
    assert_int_equal(point(scene, TAG(TAG_ANSWER, 1), 0), REACTION_ACT);
    press(scene, "A");
    assert_int_equal(point(scene, TAG(TAG_CHOICE, 1), 0), REACTION_ACT);
    assert_int_equal(scene->ui.action.kind, ACTION_ADD_QUEEN);
    press(scene, "A");
    assert_int_equal(ui_mouse(&scene->ui, &scene->model, TAG(TAG_NODE, 1), 0), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_letters_in_their_order_fit),
        cmocka_unit_test(words_and_rows_of_letters_fit_better),
        TEST(the_palette_does_what_the_key_would),
        TEST(the_palette_finds_nodes_by_name_and_address),
        TEST(the_palette_has_the_themes),
        TEST(the_palette_moves_and_closes),
        TEST(thousands_of_nodes_do_not_overflow_the_palette),
        TEST(a_signal_goes_to_the_node_that_was_selected_when_the_menu_opened),
        TEST(a_node_is_added_after_it_was_said_which),
        TEST(the_clusters_that_run_are_offered),
        TEST(menus_fit_into_every_screen),
        TEST(a_click_selects),
        TEST(a_click_on_a_title_sorts_and_on_the_same_again_the_other_way),
        TEST(the_wheel_scrolls_what_it_is_over),
        TEST(the_footer_dialogs_and_menus_take_clicks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
