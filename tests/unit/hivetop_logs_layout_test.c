/* The screens of logs and tasks at every size from 20x5 to 200x60: nothing is drawn twice or torn; and as they were
 * approved (see hivetop_screen_test.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "hivetop/tasks.h"
#include "tests/unit/hivetop_logs_scene.h"

static const struct {
    int columns, rows;
} sizes[] = {{160, 50}, {80, 24}, {60, 15}, {40, 10}, {20, 5}};

static void compare_all_sizes(struct logs_scene *scene, const char *name, bool is_unicode)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        scene_resize(scene, sizes[i].columns, sizes[i].rows);
        turn(scene);
        picture_compare(&scene->model, &scene->ui, name, sizes[i].columns, sizes[i].rows, is_unicode);
    }
}

/* Lines of all kinds, also with what is wide, long, broken or dangerous. */
static void write_logs(const struct logs_scene *scene)
{
    log_at(scene, "q1", -4000, "info started mode=QUEEN address=127.0.0.1:8080 version=0.2.0 pid=4711");
    log_at(scene, "q2", -3990, "info started mode=QUEEN address=127.0.0.1:8081 version=0.2.0 pid=4712");
    log_at(scene, "q3", -3980, "debug timer armed ms=212");
    log_at(scene, "q1", -3000, "info raft state changed state=CANDIDATE term=2 reason=\"election timeout\"");
    log_at(scene, "q2", -2995, "info raft state changed state=FOLLOWER term=2");
    log_at(scene, "q1", -2990, "info raft state changed state=LEADER term=2 reason=\"votes won\"");
    log_at(scene, "q3", -2000,
           "warning a peer does not answer peer=127.0.0.1:8081 failure=\"timed out after 300 ms\" since=3 "
           "what=\"a longer line than most screens have columns, which is cut or goes on below\"");
    log_at(scene, "q1", -1000,
           "info wrote key=\"\xe8\x9c\x82\xe8\x9c\x9c \xe5\xa5\xb3\xe7\x8e\x8b bees\" bytes=12");
    log_at(scene, "q2", -500, "error disk is full path=/var/lib/hive");
    append(scene, "q2", "Assertion 'log->last >= log->commit' failed.\n\033[2J\001\xff\xfe\x80 garbage\n");
}

static void sweep(struct logs_scene *scene, int step, bool is_unicode)
{
    for (int rows = 5; rows <= 60; rows += step) {
        for (int columns = 20; columns <= 200; columns += step) {
            struct cells cells;
            scene_resize(scene, columns, rows);
            render(&scene->model, &scene->ui, columns, rows, is_unicode, &cells);
            picture_check(&cells, columns, rows);
            cells_finish(&cells);
        }
    }
}

static void logs_look_as_approved(void **state)
{
    struct logs_scene *scene = *state;
    write_logs(scene);
    press(scene, "a");
    compare_all_sizes(scene, "logs", false);
    press(scene, "w");
    compare_all_sizes(scene, "logs-wrapped", false);
    press(scene, "2ffa");
    compare_all_sizes(scene, "logs-filter", false);
}

static void logs_never_overflow(void **state)
{
    struct logs_scene *scene = *state;
    bool is_utf8 = setlocale(LC_CTYPE, "C.UTF-8");
    write_logs(scene);
    turn(scene);
    for (int i = 0; i < 2; i++) {
        sweep(scene, 1, is_utf8 && i);
        press(scene, "aw");
        press_code(scene, KEYS_RIGHT);
    }
    static const char *const scripts[] = {"/bee", "s", "f~(", "wTk", "wk"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        press(scene, scripts[i]);
        sweep(scene, 3, is_utf8);
        press_code(scene, KEYS_ESCAPE);
    }
    source_finish(&scene->source);
    turn(scene);
    sweep(scene, 3, false);
    setlocale(LC_CTYPE, "C");
}

/* Characters of two columns are neither torn at the edge nor lost. */
static void wide_characters_wrap_whole(void **state)
{
    struct logs_scene *scene = *state;
    struct hive_buffer text = {0};
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    hive_buffer_append_text(&text, "info x");
    for (int i = 0; i < 100; i++)
        hive_buffer_append_text(&text, "\xe8\x9c\x82");
    log_at(scene, "q1", 0, text.data);
    press(scene, "w");
    for (int columns = 20; columns <= 120; columns++) {
        struct cells cells;
        scene_resize(scene, columns, 60);
        render(&scene->model, &scene->ui, columns, 60, true, &cells);
        int bees = 0;
        for (int i = 0; i < columns * 60; i++)
            bees += cells.grid[i].rune == 0x8702;
        assert_int_equal(bees, 100);
        picture_check(&cells, columns, 60);
        int width = logs_layout_make(&scene->logs, columns).width;
        assert_int_equal(
            logs_line_rows(&scene->logs, scene->logs.merge.shown[scene->logs.merge.first], width),
            1 + (100 - (width - 1) / 2 + width / 2 - 1) / (width / 2));
        cells_finish(&cells);
    }
    hive_buffer_finish(&text);
    setlocale(LC_CTYPE, "C");
}

/* ---- tasks ---- */

static void list_tasks(struct tasks *tasks)
{
    struct hive_buffer page = {0};
    uint64_t after, next;
    hive_buffer_append_text(&page, "{\"tasks\":[");
    for (int i = 1; i <= 40; i++)
        hive_buffer_format(
            &page,
            "%s{\"id\":\"task-%d\",\"name\":\"%s\",\"text\":\"print number %d to the "
            "log\",\"state\":\"%s\",\"drone\":%s,\"drone_name\":%s,\"attempt\":%d,\"detail\":"
            "\"%s\",\"submitted_at_ms\":%lld,\"assigned_at_ms\":%lld,\"finished_at_ms\":%lld}",
            i > 1 ? "," : "", 10 * i, i % 9 ? "" : "report", i, task_state_names[i % TASK_OTHER],
            i % TASK_OTHER ? "\"127.0.0.1:5001\"" : "null", i % TASK_OTHER ? "\"d1\"" : "null",
            i % TASK_OTHER ? 1 + i % 3 : 0, i % TASK_OTHER == TASK_FAILED ? "the drone is full" : "",
            (long long)FIXTURE_UNIX_MS - 1000 * (50 - i),
            i % TASK_OTHER ? (long long)FIXTURE_UNIX_MS - 900 * (50 - i) : 0,
            i % TASK_OTHER >= TASK_SUCCEEDED ? (long long)FIXTURE_UNIX_MS - 600 * (50 - i) : 0);
    hive_buffer_append_text(&page, "],\"next\":null}");
    task_list_begin(&tasks->list, true, &after);
    assert_int_equal(task_list_take(&tasks->list, page.data, page.size, &next, NULL), 0);
    tasks->is_complete = true;
    tasks->learnt_ms = FIXTURE_NOW_MS;
    snprintf(tasks->address, sizeof tasks->address, "127.0.0.1:8080");
    tasks_update(tasks);
    hive_buffer_finish(&page);
}

static void tasks_look_as_approved_and_never_overflow(void **state)
{
    struct logs_scene *scene = *state;
    struct tasks tasks;
    tasks_init(&tasks, NULL, &scene->source, &scene->model);
    scene->ui.tasks = &tasks;
    scene->ui.screen = UI_SCREEN_TASKS;
    sweep(scene, 3, false); /* nothing is known yet */
    list_tasks(&tasks);
    tasks_resize(&tasks, 80, 24);
    model_set_time(&scene->model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    static const struct {
        const char *keys, *name;
    } scripts[] = {{"jj", "tasks"}, {"fff/full", "tasks-wrong"}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        for (const char *key = scripts[i].keys; *key; key++)
            ui_key(&scene->ui, &scene->model, *key);
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
            picture_compare(&scene->model, &scene->ui, scripts[i].name, sizes[j].columns, sizes[j].rows,
                            false);
        sweep(scene, 1, true);
    }
    ui_key(&scene->ui, &scene->model, KEYS_ENTER);
    ui_key(&scene->ui, &scene->model, KEYS_ENTER);
    picture_compare(&scene->model, &scene->ui, "tasks-details", 80, 24, false);
    picture_compare(&scene->model, &scene->ui, "tasks-details", 40, 10, false);
    sweep(scene, 1, true);
    tasks.address[0] = '\0';
    ui_key(&scene->ui, &scene->model, KEYS_ESCAPE);
    picture_compare(&scene->model, &scene->ui, "tasks-leaderless", 80, 24, false);
    scene->ui.shown_ms = FIXTURE_UNIX_MS - 1000;
    char *text = picture_text(&scene->model, &scene->ui, 80, 24, false);
    assert_non_null(strstr(text, "The tasks are only known as they are now"));
    free(text);
    tasks_finish(&tasks);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        LOGS_TEST(logs_look_as_approved),
        LOGS_TEST(logs_never_overflow),
        LOGS_TEST(wide_characters_wrap_whole),
        LOGS_TEST(tasks_look_as_approved_and_never_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
