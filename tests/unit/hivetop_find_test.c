/* Finding, sorting, marking, and which panel gets the keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hivetop/rows.h"
#include "tests/unit/hivetop_scene.h"

/* ---- finding ---- */

static void what_is_typed_is_found_while_it_is_typed(void **state)
{
    struct scene *scene = *state;
    press(scene, "jjj/");
    assert_int_equal(scene->ui.mode, UI_FIND);
    press(scene, "d");
    assert_string_equal(selected(scene), "d1");
    press(scene, "2");
    assert_string_equal(selected(scene), "d2");
    assert_true(scene_shows(scene, "find: d2"));
    press_key(scene, KEYS_BACKSPACE);
    assert_string_equal(selected(scene), "d1"); /* from where one stood, not from where one got */
    press(scene, "xy");
    assert_string_equal(selected(scene), "q4");
    assert_true(scene_shows(scene, "nothing fits"));
    press_key(scene, KEYS_ESCAPE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_string_equal(selected(scene), "q4");
    assert_string_equal(scene->ui.find, "");
}

static void next_and_previous_go_round(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(press(scene, "n"), REACTION_NONE);
    assert_non_null(strstr(scene->ui.status, "press /"));
    press(scene, "/:500\r");
    assert_string_equal(selected(scene), "d1");
    press(scene, "nn");
    assert_string_equal(selected(scene), "d3");
    press(scene, "n");
    assert_string_equal(selected(scene), "d1");
    press(scene, "N");
    assert_string_equal(selected(scene), "d3");
    press(scene, "/zzz\rn");
    assert_string_equal(selected(scene), "d3");
    assert_string_equal(scene->ui.status, "nothing has \"zzz\" in it");
}

static void a_node_is_found_by_all_that_its_row_says(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *text, *node;
    } cases[] = {{"leader", "q1"}, {"127.0.0.1:8083", "q4"}, {"task-30", "d3"}, {"paused", "q3"}};
    model_take_stopped(&scene->model, fixture_node(&scene->model, "q3"), true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        press(scene, "/");
        press(scene, cases[i].text);
        press(scene, "\r");
        assert_string_equal(selected(scene), cases[i].node);
    }
}

/* ---- sorting ---- */

static void expect_order(struct scene *scene, enum ui_panel panel, const char *wanted)
{
    const struct node *rows[16];
    char names[128] = "";
    size_t count = rows_make(&scene->ui, &scene->model, panel, rows);
    for (size_t i = 0; i < count; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.8s", i ? " " : "", rows[i]->name);
    assert_string_equal(names, wanted);
}

static void rows_are_sorted_by_the_column_that_was_chosen(void **state)
{
    struct scene *scene = *state;
    fixture_node(&scene->model, "q2")->health.log_commit = 12;
    fixture_node(&scene->model, "q4")->health.log_commit = 7;
    expect_order(scene, UI_PANEL_QUEENS, "q1 q2 q3 q4 q5");
    assert_int_equal(press(scene, ">>>>"), REACTION_CONFIG);
    assert_int_equal(scene->ui.sort, SORT_COMMIT);
    assert_string_equal(scene->ui.status, "sorted by commit");
    expect_order(scene, UI_PANEL_QUEENS, "q4 q2 q1 q3 q5"); /* equal ones by name */
    expect_order(scene, UI_PANEL_DRONES, "d1 d2 d3");       /* they have no such column */
    press(scene, "I");
    expect_order(scene, UI_PANEL_QUEENS, "q5 q3 q1 q2 q4");
    press(scene, "I<");
    assert_int_equal(scene->ui.sort, SORT_LAST);
    press(scene, "<<<<");
    assert_int_equal(scene->ui.sort, SORT_AGE); /* around the end */
}

static void drones_have_columns_of_their_own(void **state)
{
    struct scene *scene = *state;
    press(scene, "G");
    while (scene->ui.sort != SORT_DONE)
        press(scene, ">");
    fixture_node(&scene->model, "d1")->health.done = 99;
    expect_order(scene, UI_PANEL_DRONES, "d2 d3 d1");
    expect_order(scene, UI_PANEL_QUEENS, "q1 q2 q3 q4 q5");
    press(scene, "\t\t"); /* events, queens */
    press(scene, ">");
    assert_int_equal(scene->ui.sort, SORT_NAME); /* queens have no such column: from the beginning */
}

static void the_selection_moves_as_the_rows_stand(void **state)
{
    struct scene *scene = *state;
    fixture_node(&scene->model, "q4")->health.log_commit = 7;
    scene->ui.sort = SORT_COMMIT;
    assert_string_equal(selected(scene), "q4"); /* nothing was selected yet: the first row */
    press(scene, "j");
    assert_string_equal(selected(scene), "q1");
    press(scene, "k");
    assert_string_equal(selected(scene), "q4");
}

/* ---- marks ---- */

static void two_nodes_can_be_marked(void **state)
{
    struct scene *scene = *state;
    struct model *model = &scene->model;
    press(scene, " j ");
    assert_true(ui_is_marked(&scene->ui, fixture_node(model, "q1")));
    assert_true(ui_is_marked(&scene->ui, fixture_node(model, "q2")));
    press(scene, "j "); /* a third one: the first is marked no longer */
    assert_false(ui_is_marked(&scene->ui, fixture_node(model, "q1")));
    assert_true(ui_is_marked(&scene->ui, fixture_node(model, "q2")));
    assert_true(ui_is_marked(&scene->ui, fixture_node(model, "q3")));
    assert_true(scene_shows(scene, "q3   + "));
    press(scene, "k ");
    assert_false(ui_is_marked(&scene->ui, fixture_node(model, "q2")));
    assert_true(ui_is_marked(&scene->ui, fixture_node(model, "q3")));
    press_key(scene, KEYS_ESCAPE);
    assert_false(ui_is_marked(&scene->ui, fixture_node(model, "q3")));
}

/* ---- panels ---- */

static void tab_goes_through_the_panels_and_back(void **state)
{
    struct scene *scene = *state;
    press(scene, "j\t");
    assert_string_equal(selected(scene), "d1");
    press(scene, "j\t");
    assert_int_equal(scene->ui.panel, UI_PANEL_EVENTS);
    assert_string_equal(selected(scene), "d2");
    press(scene, "\t");
    assert_string_equal(selected(scene), "q2"); /* where one was there */
    press(scene, "\t");
    assert_string_equal(selected(scene), "d2");
    press_key(scene, KEYS_BACK_TAB);
    assert_int_equal(scene->ui.panel, UI_PANEL_QUEENS);
}

static void a_panel_without_nodes_is_passed_over(void **state)
{
    struct scene *scene = *state;
    struct hive_ledger_node nodes[5];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 0);
    model_take_ledger(&scene->model, &ledger);
    press(scene, "\t");
    assert_int_equal(scene->ui.panel, UI_PANEL_EVENTS);
    press_key(scene, KEYS_BACK_TAB);
    assert_int_equal(scene->ui.panel, UI_PANEL_QUEENS);
}

static void add_events(struct scene *scene, int count)
{
    for (int i = 1; i <= count; i++)
        events_add(&scene->model.events, FIXTURE_UNIX_MS + i, EVENT_INFO, "happening %d of many", i);
}

static void events_scroll_and_stay_where_they_were_scrolled_to(void **state)
{
    struct scene *scene = *state;
    struct model *model = &scene->model;
    events_finish(&model->events);
    add_events(scene, 40);
    scene->ui.event_rows = 5;
    press(scene, "\t\t");
    press(scene, "kkk");
    assert_int_equal(ui_last_event(&scene->ui, model), 36);
    add_events(scene, 2); /* further ones come, two of them from before */
    assert_string_equal(model->events.items[ui_last_event(&scene->ui, model)].text, "happening 37 of many");
    press_key(scene, KEYS_PAGE_UP);
    assert_string_equal(model->events.items[ui_last_event(&scene->ui, model)].text, "happening 32 of many");
    press(scene, "g");
    assert_int_equal(ui_last_event(&scene->ui, model), 4); /* the panel stays full */
    press(scene, "G");
    assert_int_equal(scene->ui.event_serial, 0); /* with the newest again, also when more come */
    press(scene, "k");
    press_key(scene, KEYS_ESCAPE);
    assert_int_equal(scene->ui.event_serial, 0);
}

static void events_are_found_from_the_newest_back(void **state)
{
    struct scene *scene = *state;
    events_finish(&scene->model.events);
    add_events(scene, 40);
    scene->ui.event_rows = 5;
    press(scene, "\t\t/ing 1");
    assert_int_equal(ui_last_event(&scene->ui, &scene->model), 18); /* 19 */
    press(scene, "\rn");
    assert_int_equal(ui_last_event(&scene->ui, &scene->model), 17);
    press(scene, "NN");
    assert_int_equal(ui_last_event(&scene->ui, &scene->model), 0); /* around the end: 1 */
}

static void e_shows_all_events_and_back(void **state)
{
    struct scene *scene = *state;
    press(scene, "G");
    press(scene, "e");
    assert_true(scene->ui.has_all_events);
    assert_int_equal(scene->ui.panel, UI_PANEL_EVENTS);
    press(scene, "e");
    assert_false(scene->ui.has_all_events);
    assert_int_equal(scene->ui.panel, UI_PANEL_DRONES);
    press(scene, "e");
    press_key(scene, KEYS_ESCAPE);
    assert_false(scene->ui.has_all_events);
}

static void escape_closes_one_thing_at_a_time(void **state)
{
    struct scene *scene = *state;
    press(scene, " /d\r\r");
    assert_true(scene->ui.has_details);
    press_key(scene, KEYS_ESCAPE);
    assert_false(scene->ui.has_details);
    assert_string_equal(scene->ui.find, "d");
    press_key(scene, KEYS_ESCAPE);
    assert_string_equal(scene->ui.find, "");
    assert_true(ui_is_marked(&scene->ui, fixture_node(&scene->model, "q1")));
    press_key(scene, KEYS_ESCAPE);
    assert_false(ui_is_marked(&scene->ui, fixture_node(&scene->model, "q1")));
}

/* ---- what others carry out ---- */

static void keys_of_time_say_where_to_go(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *key;
        enum seek_kind seek;
    } cases[] = {{"z", SEEK_FREEZE},        {"[", SEEK_BACK},
                 {"]", SEEK_FORWARD},       {"{", SEEK_PREVIOUS_ELECTION},
                 {"}", SEEK_NEXT_ELECTION}, {"0", SEEK_LIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(press(scene, cases[i].key), REACTION_SEEK);
        assert_int_equal(scene->ui.seek, cases[i].seek);
    }
}

static void the_address_or_the_details_are_copied(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(press(scene, "jy"), REACTION_COPY);
    assert_string_equal(scene->ui.copy, "127.0.0.1:8081");
    assert_int_equal(press(scene, "\ry"), REACTION_COPY);
    assert_non_null(strstr(scene->ui.copy, "name: q2\naddress: 127.0.0.1:8081\nstate: up\npid: 4712\n"));
    assert_non_null(strstr(scene->ui.copy, "\nterm: 3\n"));
    press(scene, "Gy");
    assert_non_null(strstr(scene->ui.copy, "\nrunning: task-300\n"));
}

static void logs_and_tasks_open_only_where_there_are_some(void **state)
{
    struct scene *scene = *state;
    press(scene, "l");
    assert_int_equal(scene->ui.screen, UI_SCREEN_MAIN);
    assert_string_equal(scene->ui.status, "there are no logs to show here");
    press(scene, "t");
    assert_string_equal(scene->ui.status, "there are no tasks to show here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_typed_is_found_while_it_is_typed),
        TEST(next_and_previous_go_round),
        TEST(a_node_is_found_by_all_that_its_row_says),
        TEST(rows_are_sorted_by_the_column_that_was_chosen),
        TEST(drones_have_columns_of_their_own),
        TEST(the_selection_moves_as_the_rows_stand),
        TEST(two_nodes_can_be_marked),
        TEST(tab_goes_through_the_panels_and_back),
        TEST(a_panel_without_nodes_is_passed_over),
        TEST(events_scroll_and_stay_where_they_were_scrolled_to),
        TEST(events_are_found_from_the_newest_back),
        TEST(e_shows_all_events_and_back),
        TEST(escape_closes_one_thing_at_a_time),
        TEST(keys_of_time_say_where_to_go),
        TEST(the_address_or_the_details_are_copied),
        TEST(logs_and_tasks_open_only_where_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
