/* The tasks: listings that come in pages, what is kept of them, and the keys of their screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hivetop/keys.h"
#include "hivetop/tasks.h"
#include "tests/unit/hivetop_fixture.h"
#include "tests/unit/hivetop_picture.h"

/* A page of tasks `first`, `first` + 1 … in that state. */
static uint64_t take(struct task_list *list, int first, int count, enum task_state state, bool has_more)
{
    struct hive_buffer page = {0};
    uint64_t next = 1;
    struct hive_error error = {0};
    hive_buffer_append_text(&page, "{\"tasks\":[");
    for (int i = first; i < first + count; i++)
        hive_buffer_format(&page, "%s{\"id\":\"task-%d\",\"text\":\"text of %d\",\"state\":\"%s\"}",
                           i > first ? "," : "", i, i, task_state_names[state]);
    hive_buffer_append_text(&page, "],\"next\":");
    if (has_more)
        hive_buffer_format(&page, "\"task-%d\"}", first + count - 1);
    else
        hive_buffer_append_text(&page, "null}");
    if (task_list_take(list, page.data, page.size, &next, &error))
        fail_msg("%s", error.message);
    hive_buffer_finish(&page);
    return next;
}

static void a_listing_is_asked_for_from_what_may_have_changed_on(void **state)
{
    (void)state;
    struct task_list list = {0};
    uint64_t after;
    task_list_begin(&list, false, &after);
    assert_int_equal(after, 0);
    assert_int_equal(take(&list, 10, 5, TASK_SUCCEEDED, true), 14);
    assert_int_equal(take(&list, 15, 3, TASK_PENDING, true), 17);
    assert_int_equal(take(&list, 18, 2, TASK_SUCCEEDED, false), 0);
    assert_int_equal(list.count, 10);

    task_list_begin(&list, false, &after);
    assert_int_equal(after, 14);
    take(&list, 15, 3, TASK_FAILED, true);
    take(&list, 18, 4, TASK_SUCCEEDED, false);
    assert_int_equal(list.count, 12);
    assert_int_equal(task_list_find(&list, 15)->state, TASK_FAILED);
    task_list_begin(&list, false, &after);
    assert_int_equal(after, 21); /* all are finished */
    take(&list, 22, 0, TASK_PENDING, false);
    assert_int_equal(list.count, 12);

    task_list_begin(&list, true, &after); /* the queens forget what was finished long ago */
    assert_int_equal(after, 0);
    take(&list, 17, 5, TASK_SUCCEEDED, false);
    assert_int_equal(list.count, 5);
    assert_null(task_list_find(&list, 16));
    assert_string_equal(task_list_find(&list, 17)->text, "text of 17");
    task_list_finish(&list);
}

static void of_more_than_can_be_kept_the_newest_are(void **state)
{
    (void)state;
    struct task_list list = {0};
    uint64_t after;
    for (int round = 0; round < 2; round++) {
        task_list_begin(&list, true, &after);
        int at = (int)after + 1;
        for (; at + 1000 < 50000; at += 1000) {
            take(&list, at, 1000, TASK_PENDING, true);
            assert_true(list.count <= TASK_LIST_MOST);
        }
        take(&list, at, 50001 - at, TASK_PENDING, false);
        assert_int_equal(list.items[list.count - 1]->number, 50000);
        assert_in_range(list.count, TASK_LIST_MOST / 2, TASK_LIST_MOST);
        for (size_t i = 1; i < list.count; i++)
            assert_int_equal(list.items[i]->number, list.items[i - 1]->number + 1);
    }
    assert_true(list.is_cut);
    take(&list, 1, 10, TASK_PENDING, true); /* what is too old does not push out what is newer */
    assert_int_equal(list.items[list.count - 1]->number, 50000);
    task_list_finish(&list);
}

static void nonsense_is_refused_or_left_out(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"",     "[]", "{}", "{\"tasks\":{}}", "{\"tasks\":[],\"next\":7}",
                                           "nginx"};
    struct task_list list = {0};
    struct hive_error error;
    uint64_t after, next = 7;
    task_list_begin(&list, true, &after);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        assert_int_equal(task_list_take(&list, nonsense[i], strlen(nonsense[i]), &next, &error), -EINVAL);
    static const char odd[] =
        "{\"tasks\":[1,{},{\"id\":\"task-x\",\"state\":\"pending\"},{\"id\":\"job-7\",\"state\":\"pending\"},"
        "{\"id\":\"task-99999999999999999999999999\",\"state\":\"pending\"},"
        "{\"id\":\"task-5\",\"state\":\"dreaming\",\"kind\":\"container\",\"attempt\":-1}],\"next\":\"task-"
        "1\"}";
    assert_int_equal(task_list_take(&list, odd, sizeof odd - 1, &next, &error), 0);
    assert_int_equal(next, 5); /* and never back, which would have no end */
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0]->state, TASK_OTHER);
    assert_string_equal(list.items[0]->kind, "container");
    task_list_finish(&list);
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct hive_buffer json = {0};
    struct task task;
    hive_buffer_append_text(&json, "{\"id\":\"task-1\",\"state\":\"pending\",\"text\":\"x");
    for (int i = 0; i < 1000; i++)
        hive_buffer_append_text(&json, "\xe8\x9c\x82");
    hive_buffer_append_text(&json, "\"}");
    assert_int_equal(task_parse(json.data, json.size, TASK_TEXT_BYTES, &task, NULL), 0);
    assert_int_equal(strlen(task.text), 1 + (TASK_TEXT_BYTES - 1) / 3 * 3);
    task_finish(&task);
    assert_int_equal(task_parse(json.data, json.size, HIVE_TASK_TEXT_BYTES, &task, NULL), 0);
    assert_int_equal(strlen(task.text), 3001);
    task_finish(&task);
    hive_buffer_finish(&json);
}

/* ---- the screen ---- */

struct scene {
    struct model model;
    struct source source;
    struct ui ui;
    struct tasks tasks;
};

/* 100 tasks, from 1 to 90 done, the others pending. */
static int open_scene(void **state)
{
    struct scene *scene = hive_calloc(1, sizeof *scene);
    uint64_t after;
    fixture_calm(&scene->model, 3, 1);
    ui_init(&scene->ui, 500);
    tasks_init(&scene->tasks, NULL, &scene->source, &scene->model);
    scene->ui.tasks = &scene->tasks;
    scene->ui.screen = UI_SCREEN_TASKS;
    task_list_begin(&scene->tasks.list, true, &after);
    take(&scene->tasks.list, 1, 90, TASK_SUCCEEDED, true);
    take(&scene->tasks.list, 91, 10, TASK_PENDING, false);
    scene->tasks.is_complete = true;
    tasks_update(&scene->tasks);
    tasks_resize(&scene->tasks, 80, 24);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    tasks_finish(&scene->tasks);
    model_finish(&scene->model);
    free(scene);
    return 0;
}

static void press(struct scene *scene, const char *keys)
{
    for (; *keys; keys++)
        ui_key(&scene->ui, &scene->model, (unsigned char)*keys);
}

static uint64_t selected(const struct scene *scene)
{
    return scene->tasks.shown[tasks_selected(&scene->tasks)]->number;
}

static void the_newest_stays_selected_until_another_one_is(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(selected(scene), 100);
    take(&scene->tasks.list, 101, 5, TASK_PENDING, true);
    tasks_update(&scene->tasks);
    assert_int_equal(selected(scene), 105);
    press(scene, "jj");
    assert_int_equal(selected(scene), 103);
    take(&scene->tasks.list, 106, 5, TASK_PENDING, true);
    tasks_update(&scene->tasks);
    assert_int_equal(selected(scene), 103);
    press(scene, "kkkkkkkkkkkk");
    assert_int_equal(selected(scene), 110);
    press(scene, "G");
    assert_int_equal(selected(scene), 1);
    press(scene, "j");
    assert_int_equal(selected(scene), 1);
    ui_key(&scene->ui, &scene->model, KEYS_PAGE_UP);
    assert_in_range(selected(scene), 15, 25);
    press(scene, "g");
    assert_int_equal(selected(scene), 110);
    take(&scene->tasks.list, 111, 1, TASK_PENDING, true);
    tasks_update(&scene->tasks);
    assert_int_equal(selected(scene), 111);
}

static void states_filter_and_escape_shows_all_then_leaves(void **state)
{
    struct scene *scene = *state;
    static const size_t counts[] = {10, 0, 0, 90, 100};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        press(scene, "f");
        assert_int_equal(scene->tasks.shown_count, counts[i]);
    }
    press(scene, "2");
    assert_int_equal(scene->tasks.shown_count, 10);
    press(scene, "G");
    assert_int_equal(selected(scene), 91);
    press(scene, "4"); /* nothing went wrong: keys have nothing to go to, and do no harm */
    press(scene, "jkgGn\r");
    ui_key(&scene->ui, &scene->model, KEYS_ESCAPE);
    assert_int_equal(scene->tasks.shown_count, 100);
    assert_int_equal(scene->ui.screen, UI_SCREEN_TASKS);
    ui_key(&scene->ui, &scene->model, KEYS_ESCAPE);
    assert_int_equal(scene->ui.screen, UI_SCREEN_MAIN);
}

static void find_goes_to_the_next_older_one_around_the_end(void **state)
{
    struct scene *scene = *state;
    press(scene, "/of 4");
    assert_int_equal(selected(scene), 49);
    press(scene, "5");
    assert_int_equal(selected(scene), 45);
    press(scene, "q"); /* is typed */
    assert_int_equal(selected(scene), 100);
    ui_key(&scene->ui, &scene->model, KEYS_BACKSPACE);
    ui_key(&scene->ui, &scene->model, KEYS_BACKSPACE);
    ui_key(&scene->ui, &scene->model, KEYS_ENTER);
    press(scene, "nn");
    assert_int_equal(selected(scene), 47);
    press(scene, "NNN");
    assert_int_equal(selected(scene), 4); /* "of 4" itself, around the end */
    press(scene, "/nowhere\r");
    press(scene, "n");
    assert_string_equal(scene->tasks.status, "no task has \"nowhere\" in it");
}

static void details_stay_with_their_task_and_scroll(void **state)
{
    struct scene *scene = *state;
    ui_key(&scene->ui, &scene->model, KEYS_ENTER);
    take(&scene->tasks.list, 101, 5, TASK_PENDING, true);
    tasks_update(&scene->tasks);
    char *text = picture_text(&scene->model, &scene->ui, 80, 24, false);
    assert_non_null(strstr(text, "TASK task-100 "));
    assert_non_null(strstr(text, "text of 100"));
    free(text);
    struct task *details = &scene->tasks.details;
    struct hive_buffer json = {0};
    hive_buffer_append_text(&json,
                            "{\"id\":\"task-100\",\"state\":\"failed\",\"detail\":\"why\",\"text\":\"");
    for (int i = 0; i < 200; i++)
        hive_buffer_format(&json, "row %d of it\\n", i);
    hive_buffer_append_text(&json, "\"}");
    assert_int_equal(task_parse(json.data, json.size, HIVE_TASK_TEXT_BYTES, details, NULL), 0);
    hive_buffer_finish(&json);
    press(scene, "jj");
    text = picture_text(&scene->model, &scene->ui, 80, 24, false);
    assert_non_null(strstr(text, "row 16 of it"));
    assert_null(strstr(text, " state "));
    free(text);
    press(scene, "G");
    text = picture_text(&scene->model, &scene->ui, 80, 24, false);
    assert_non_null(strstr(text, "row 199 of it"));
    free(text);
    press(scene, "k"); /* no key is lost at the end */
    text = picture_text(&scene->model, &scene->ui, 80, 24, false);
    assert_null(strstr(text, "row 199 of it"));
    free(text);
    ui_key(&scene->ui, &scene->model, KEYS_ESCAPE);
    assert_false(scene->tasks.has_details);
    assert_int_equal(selected(scene), 100);
}

#define SCREEN_TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_is_asked_for_from_what_may_have_changed_on),
        cmocka_unit_test(of_more_than_can_be_kept_the_newest_are),
        cmocka_unit_test(nonsense_is_refused_or_left_out),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        SCREEN_TEST(the_newest_stays_selected_until_another_one_is),
        SCREEN_TEST(states_filter_and_escape_shows_all_then_leaves),
        SCREEN_TEST(find_goes_to_the_next_older_one_around_the_end),
        SCREEN_TEST(details_stay_with_their_task_and_scroll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
