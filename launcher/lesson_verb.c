/* `launcher lesson [NAME]`: lists the lessons, or plays one: on the cluster that is named, or on one of its own, which ends with it. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "command.h"

#include "hive/json.h"
#include "hive/memory.h"
#include "lesson.h"
#include "own_cluster.h"

struct lesson_options {
    const char *cluster;
    bool is_auto, is_json, is_check;
};

const struct hive_option lesson_options[] = {
    {"cluster", 'c', HIVE_OPTION_STRING, .offset = offsetof(struct lesson_options, cluster),
     .argument = "NAME",
     .help = "Play it on this cluster, which must be large enough; default: on one that is started for it",
     .completion = "cluster"},
    {"auto", 'a', HIVE_OPTION_FLAG, .offset = offsetof(struct lesson_options, is_auto),
     .help = "Wait for nobody"},
    {"check", 0, HIVE_OPTION_FLAG, .offset = offsetof(struct lesson_options, is_check),
     .help = "Only read the lesson, and say what is wrong with it"},
    {"json", 0, HIVE_OPTION_FLAG, .offset = offsetof(struct lesson_options, is_json),
     .help = "Print the list as JSON"},
    {0},
};

static int fail(enum hive_exit status, const struct hive_error *error)
{
    fflush(stdout);
    fprintf(stderr, "launcher: %s\n", error->message);
    return status;
}

/* ---- the list ---- */

static int list(bool is_json)
{
    struct hive_strings names = {0};
    cJSON *array = cJSON_CreateArray();
    int status = HIVE_EXIT_OK;
    lesson_names(&names);
    for (size_t i = 0; i < names.count; i++) {
        struct hive_error error;
        struct lesson lesson = {0};
        char *path = NULL;
        if (lesson_find(names.items[i], &path, &error) || lesson_load(path, &lesson, &error)) {
            status = fail(HIVE_EXIT_FAILED, &error);
        } else if (is_json) {
            cJSON *item = cJSON_CreateObject();
            cJSON_AddStringToObject(item, "name", names.items[i]);
            cJSON_AddStringToObject(item, "title", lesson.title);
            cJSON_AddStringToObject(item, "about", lesson.about);
            cJSON_AddNumberToObject(item, "queens", (double)lesson.queens);
            cJSON_AddNumberToObject(item, "drones", (double)lesson.drones);
            cJSON_AddStringToObject(item, "path", path);
            cJSON_AddItemToArray(array, item);
        } else {
            printf("%-20s %s\n", names.items[i], lesson.about[0] ? lesson.about : lesson.title);
        }
        lesson_finish(&lesson);
        free(path);
    }
    if (!is_json && !names.count)
        puts("there are no lessons");
    char *text = hive_json_print_and_delete(array);
    if (is_json)
        puts(text);
    free(text);
    hive_strings_finish(&names);
    return status;
}

/* ---- playing ---- */

static int check_size(const struct lesson *lesson, const struct lesson_stage *stage, struct hive_error *error)
{
    int64_t queens = 0, drones = 0;
    for (size_t i = 0; i < stage->ledger.node_count; i++)
        *(stage->ledger.nodes[i].role == HIVE_ROLE_QUEEN ? &queens : &drones) += 1;
    if (queens >= lesson->queens && drones >= lesson->drones)
        return 0;
    return hive_error_set(error, -EINVAL,
                          "this lesson needs %lld queens and %lld drones, and cluster %s has %lld and %lld: "
                          "'launcher add' adds more",
                          (long long)lesson->queens, (long long)lesson->drones, stage->cluster,
                          (long long)queens, (long long)drones);
}

static int play(const struct lesson *lesson, const struct lesson_options *options)
{
    struct hive_error error = {0};
    struct lesson_stage stage = {0};
    struct own_cluster own = {0};
    int status, result;
    if (options->cluster) {
        result = lesson_stage_open(&stage, options->cluster, &error);
        if (!result)
            result = check_size(lesson, &stage, &error);
    } else {
        printf("starting %lld queens and %lld drones …\n", (long long)lesson->queens,
               (long long)lesson->drones);
        fflush(stdout);
        const struct own_cluster_wish wish = {.purpose = "this lesson",
                                              .queens = lesson->queens,
                                              .drones = lesson->drones,
                                              .options = &lesson->options};
        result = own_cluster_start(&own, &wish, &stage, &error);
    }
    if (result) {
        status = fail(HIVE_EXIT_UNAVAILABLE, &error);
    } else {
        const char *no_color = getenv("NO_COLOR");
        printf("watch it in another terminal: hivetop --cluster %s\n\n", stage.cluster);
        const struct lesson_run run = {.lesson = lesson,
                                       .stage = &stage,
                                       .is_auto = options->is_auto,
                                       .has_colour = isatty(STDOUT_FILENO) && !(no_color && no_color[0])};
        status = lesson_play(&run);
    }
    lesson_stage_close(&stage);
    own_cluster_end(&own);
    return status;
}

int lesson_run_verb(const struct hive_command *command, int argc, char **argv)
{
    struct lesson_options options = {0};
    struct hive_strings arguments = {0};
    struct hive_error error;
    struct lesson lesson = {0};
    char *path = NULL;
    int status, result = hive_options_parse(command, argc, argv, &options, &arguments, &error);
    if (result)
        status = result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    else if (arguments.count == 0)
        status = list(options.is_json);
    else if (lesson_find(arguments.items[0], &path, &error))
        status = fail(HIVE_EXIT_NOT_FOUND, &error);
    else if (lesson_load(path, &lesson, &error))
        status = fail(HIVE_EXIT_FAILED, &error);
    else if (options.is_check)
        status = HIVE_EXIT_OK;
    else
        status = play(&lesson, &options);
    lesson_finish(&lesson);
    free(path);
    hive_strings_finish(&arguments);
    return status;
}
