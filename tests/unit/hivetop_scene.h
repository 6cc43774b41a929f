/* A dashboard without a terminal: a model, the interface's state, and somebody who presses keys. */
#ifndef TESTS_HIVETOP_SCENE_H
#define TESTS_HIVETOP_SCENE_H

#include "hivetop/keys.h"
#include "hivetop/render.h"
#include "tests/unit/hivetop_fixture.h"

struct scene {
    struct model model;
    struct ui ui;
};

#define TEST(name) cmocka_unit_test_setup_teardown(name, calm, finish)

/* 5 queens and 3 drones; q1 leads. */
static inline int calm(void **state)
{
    struct scene *scene = hive_calloc(1, sizeof *scene);
    fixture_calm(&scene->model, 5, 3);
    ui_init(&scene->ui, 500);
    scene->ui.page_rows = 4;
    *state = scene;
    return 0;
}

static inline int finish(void **state)
{
    struct scene *scene = *state;
    model_finish(&scene->model);
    free(scene);
    return 0;
}

static inline unsigned press(struct scene *scene, const char *keys)
{
    unsigned reactions = REACTION_NONE;
    for (; *keys; keys++)
        reactions |= ui_key(&scene->ui, &scene->model, (unsigned char)*keys);
    return reactions;
}

static inline const char *selected(struct scene *scene)
{
    return ui_selected(&scene->ui, &scene->model, NULL)->name;
}

static inline unsigned press_key(struct scene *scene, int key)
{
    return ui_key(&scene->ui, &scene->model, key);
}

/* A screen of 80x24 has this on it. */
static inline bool scene_shows(struct scene *scene, const char *text)
{
    struct cells cells;
    struct hive_buffer screen = {0};
    render(&scene->model, &scene->ui, 80, 24, false, &cells);
    cells_print(&cells, &screen);
    bool is_there = strstr(screen.data, text);
    if (!is_there)
        print_message("not on the screen: %s\n%s", text, screen.data);
    hive_buffer_finish(&screen);
    cells_finish(&cells);
    return is_there;
}

#endif
