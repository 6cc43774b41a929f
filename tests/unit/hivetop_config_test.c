/* The configuration file: read, written in one step, and never spoilt. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hive/file.h"
#include "hive/memory.h"
#include "hivetop/config.h"

struct scene {
    char directory[64];
    char *path;
    struct config config;
    struct hive_error error;
};

static int setup(void **state)
{
    struct scene *scene = hive_calloc(1, sizeof *scene);
    snprintf(scene->directory, sizeof scene->directory, "/tmp/hivetop-config-XXXXXX");
    if (!mkdtemp(scene->directory))
        return -1;
    scene->path = hive_format("%s/hive/hivetop.conf", scene->directory);
    scene->config.settings = (struct settings){.interval_ms = 500, .has_mouse = true};
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    config_finish(&scene->config);
    hive_file_remove_tree(scene->directory, NULL);
    free(scene->path);
    free(scene);
    return 0;
}

static void write_file(const struct scene *scene, const char *text)
{
    char *directory = hive_format("%s/hive", scene->directory);
    assert_int_equal(hive_file_make_directories(directory, 0700, NULL), 0);
    assert_int_equal(hive_file_write(scene->path, text, strlen(text), 0600, NULL), 0);
    free(directory);
}

static void assert_file(const struct scene *scene, const char *text)
{
    struct hive_buffer content = {0};
    assert_int_equal(hive_file_read(scene->path, 65536, &content, NULL), 0);
    assert_string_equal(content.data, text);
    hive_buffer_finish(&content);
}

static int load(struct scene *scene)
{
    return config_load(&scene->config, scene->path, &scene->error);
}

static void no_file_is_fine_and_the_first_change_makes_one(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(load(scene), 0);
    struct settings settings = scene->config.settings;
    assert_int_equal(settings.interval_ms, 500);
    settings.interval_ms = 2000;
    assert_int_equal(config_save(&scene->config, &settings, &scene->error), 0);
    assert_file(scene, "interval = 2000ms\n"); /* what is as it always was is not pinned down */
}

static void settings_are_read(void **state)
{
    struct scene *scene = *state;
    write_file(scene,
               "# mine\n\n theme= dark \ninterval = 2\nsort = lag\nreverse = on\ndetails=on\nmouse = off\n");
    assert_int_equal(load(scene), 0);
    const struct settings *settings = &scene->config.settings;
    assert_string_equal(settings->theme, "dark");
    assert_int_equal(settings->interval_ms, 2000);
    assert_int_equal(settings->sort, SORT_LAG);
    assert_true(settings->is_sort_reversed && settings->has_details && !settings->has_mouse);
}

static void only_what_changed_is_written_and_the_rest_stays(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "# mine\nlater = 7\nsort = lag\n\ninterval = 2\n");
    assert_int_equal(load(scene), 0);
    struct settings settings = scene->config.settings;
    settings.sort = SORT_TERM;
    snprintf(settings.theme, sizeof settings.theme, "mono");
    assert_int_equal(config_save(&scene->config, &settings, &scene->error), 0);
    assert_file(scene, "# mine\nlater = 7\nsort = term\n\ninterval = 2\ntheme = mono\n");

    struct stat facts; /* nothing temporary is left */
    char *left = hive_format("%s.tmp", scene->path);
    assert_int_equal(stat(left, &facts), -1);
    free(left);
    settings.sort = SORT_NAME; /* a second time: against what is in the file now */
    assert_int_equal(config_save(&scene->config, &settings, &scene->error), 0);
    assert_file(scene, "# mine\nlater = 7\nsort = name\n\ninterval = 2\ntheme = mono\n");
}

static void assert_damaged(struct scene *scene, const char *text, const char *what)
{
    write_file(scene, text);
    assert_int_equal(load(scene), -EINVAL);
    assert_non_null(strstr(scene->error.message, what));
    struct settings settings = scene->config.settings;
    settings.interval_ms = 5000;
    assert_true(config_save(&scene->config, &settings, &scene->error) < 0);
    assert_non_null(strstr(scene->error.message, scene->path));
    assert_file(scene, text);
    config_finish(&scene->config);
    scene->config.settings = (struct settings){.interval_ms = 500, .has_mouse = true};
}

static void a_damaged_file_is_told_and_left_alone(void **state)
{
    struct scene *scene = *state;
    assert_damaged(scene, "theme = dark\nsort = sideways\n", "line 2");
    assert_damaged(scene, "interval = 0.5\nsort\n", "line 2");
    assert_damaged(scene, "interval = 1000000\n", "line 1");
    assert_damaged(scene, "mouse = maybe\n", "line 1");
    assert_damaged(scene,
                   "theme = none of those that there are, and a very long name that fits nowhere at all\n",
                   "line 1");

    write_file(scene, "nonsense\nsort = lag\n"); /* its good lines count */
    assert_int_equal(load(scene), -EINVAL);
    assert_int_equal(scene->config.settings.sort, SORT_LAG);
}

static void a_link_stays_one(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "sort = lag\n");
    char *link = hive_format("%s/link", scene->directory);
    assert_int_equal(symlink(scene->path, link), 0);
    assert_int_equal(config_load(&scene->config, link, &scene->error), 0);
    struct settings settings = scene->config.settings;
    settings.sort = SORT_RTT;
    assert_int_equal(config_save(&scene->config, &settings, &scene->error), 0);
    struct stat facts;
    assert_int_equal(lstat(link, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    assert_file(scene, "sort = rtt\n");
    free(link);
}

static void the_usual_place_follows_the_environment(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "sort = lag\n");
    setenv("XDG_CONFIG_HOME", scene->directory, 1);
    assert_int_equal(config_load(&scene->config, NULL, &scene->error), 0);
    assert_int_equal(scene->config.settings.sort, SORT_LAG);
    unsetenv("XDG_CONFIG_HOME");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_file_is_fine_and_the_first_change_makes_one),
        TEST(settings_are_read),
        TEST(only_what_changed_is_written_and_the_rest_stays),
        TEST(a_damaged_file_is_told_and_left_alone),
        TEST(a_link_stays_one),
        TEST(the_usual_place_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
