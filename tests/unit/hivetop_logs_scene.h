/* Nodes with log files in a directory of the test's own, and somebody who reads them on a screen. */
#ifndef TESTS_HIVETOP_LOGS_SCENE_H
#define TESTS_HIVETOP_LOGS_SCENE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hivetop/keys.h"
#include "hivetop/logs.h"
#include "tests/unit/hivetop_fixture.h"
#include "tests/unit/hivetop_picture.h"

struct logs_scene {
    char directory[64];
    struct model model;
    struct source source;
    struct ui ui;
    struct logs logs;
};

static inline char *scene_path(const struct logs_scene *scene, const char *name)
{
    return hive_format("%s/%s.log", scene->directory, name);
}

/* Writes to the end of a node's log. */
static inline void append_bytes(const struct logs_scene *scene, const char *name, const void *data,
                                size_t bytes)
{
    char *path = scene_path(scene, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, bytes), bytes);
    close(fd);
    free(path);
}

static inline void append(const struct logs_scene *scene, const char *name, const char *text)
{
    append_bytes(scene, name, text, strlen(text));
}

/* A line as a node writes it, so many milliseconds after FIXTURE_UNIX_MS. */
static inline void log_at(const struct logs_scene *scene, const char *name, int64_t after_ms,
                          const char *text)
{
    char time[HIVE_CLOCK_TEXT_BYTES], *line;
    hive_clock_format(FIXTURE_UNIX_MS + after_ms, time);
    line = hive_format("%s %s\n", time, text);
    append(scene, name, line);
    free(line);
}

static inline void scene_resize(struct logs_scene *scene, int columns, int rows)
{
    logs_resize(&scene->logs, columns, rows);
}

/* 3 queens and 1 drone with empty logs; q1 is selected, and the logs' screen is open (but nothing was read yet). */
static inline int open_scene(void **state)
{
    struct logs_scene *scene = hive_calloc(1, sizeof *scene);
    snprintf(scene->directory, sizeof scene->directory, "/tmp/hive-logs-XXXXXX");
    assert_non_null(mkdtemp(scene->directory));
    fixture_calm(&scene->model, 3, 1);
    snprintf(scene->source.cluster, sizeof scene->source.cluster, "hive-a");
    scene->source.log_count = scene->model.node_count;
    scene->source.logs = hive_calloc(scene->source.log_count, sizeof *scene->source.logs);
    for (size_t i = 0; i < scene->model.node_count; i++) {
        const char *name = scene->model.nodes[i]->name;
        memcpy(scene->source.logs[i].node, name, HIVE_NAME_BYTES - 1);
        scene->source.logs[i].path = scene_path(scene, name);
        append(scene, name, "");
    }
    ui_init(&scene->ui, 500);
    logs_init(&scene->logs, false);
    scene->ui.logs = &scene->logs;
    scene->ui.screen = UI_SCREEN_LOGS;
    scene_resize(scene, 80, 24);
    *state = scene;
    return 0;
}

static inline int close_scene(void **state)
{
    struct logs_scene *scene = *state;
    logs_finish(&scene->logs);
    source_finish(&scene->source);
    model_finish(&scene->model);
    assert_int_equal(hive_file_remove_tree(scene->directory, NULL), 0);
    free(scene);
    return 0;
}

#define LOGS_TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

/* Time goes on, and all that is to be read is read. */
static inline void turn(struct logs_scene *scene)
{
    model_set_time(&scene->model, scene->model.now_ms + LOGS_LOOK_MS, scene->model.unix_ms);
    while (logs_turn(&scene->logs, &scene->ui, &scene->model, &scene->source) == 0)
        continue;
}

static inline void press_code(struct logs_scene *scene, int key)
{
    ui_key(&scene->ui, &scene->model, key);
    turn(scene);
}

static inline void press(struct logs_scene *scene, const char *keys)
{
    for (; *keys; keys++)
        press_code(scene, (unsigned char)*keys);
}

/* What is on the screen; stays until the next call. */
static inline const char *screen_text(struct logs_scene *scene, int columns, int rows)
{
    static char text[64 * 1024];
    scene_resize(scene, columns, rows);
    turn(scene);
    char *picture = picture_text(&scene->model, &scene->ui, columns, rows, false);
    snprintf(text, sizeof text, "%s", picture);
    free(picture);
    return text;
}

static inline void assert_shows(struct logs_scene *scene, const char *text)
{
    const char *screen = screen_text(scene, 80, 24);
    if (!strstr(screen, text))
        fail_msg("'%s' does not show:\n%s", text, screen);
}

static inline void assert_hides(struct logs_scene *scene, const char *text)
{
    const char *screen = screen_text(scene, 80, 24);
    if (strstr(screen, text))
        fail_msg("'%s' shows:\n%s", text, screen);
}

#endif
