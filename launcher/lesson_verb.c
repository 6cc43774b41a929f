/* `launcher lesson [NAME]`: lists the lessons, or plays one: on the cluster that is named, or on one of its own, which ends with it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "lesson.h"
#include "spawn.h"

#define START_MS 30000 /* for a cluster to be ready */
#define LOOK_MS  100

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

/* ---- a cluster of its own ---- */

struct own_cluster {
    struct hive_process launcher;
    char name[HIVE_NAME_BYTES];
};

/* The cluster of that launcher, once its ledger is there. */
static bool find_cluster(struct own_cluster *own)
{
    char **names = NULL;
    size_t count = 0;
    hive_ledger_names(&names, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        struct hive_ledger ledger = {0};
        if (!own->name[0] && hive_ledger_load(names[i], &ledger, NULL) == 0 &&
            ledger.launcher.pid == own->launcher.pid &&
            ledger.launcher.started_at == own->launcher.started_at)
            snprintf(own->name, sizeof own->name, "%s", names[i]);
        hive_ledger_finish(&ledger);
        free(names[i]);
    }
    free(names);
    return own->name[0];
}

/* The first node that died by itself, or NULL. */
static const char *dead_node(const struct lesson_stage *stage)
{
    for (size_t i = 0; i < stage->ledger.node_count; i++)
        if (stage->ledger.nodes[i].state == HIVE_NODE_DEAD)
            return stage->ledger.nodes[i].name;
    return NULL;
}

static bool is_ready(struct lesson_stage *stage)
{
    struct hive_buffer leader = {0};
    lesson_stage_look(stage);
    lesson_stage_value(stage, "leader", &leader);
    bool is_ready = leader.size > 0;
    for (size_t i = 0; i < stage->ledger.node_count && is_ready; i++)
        is_ready = stage->healths[i] != NULL;
    hive_buffer_finish(&leader);
    return is_ready;
}

/* What the launcher wrote before it gave up. */
static void show_output(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        fputs(line, stderr);
    if (file)
        fclose(file);
}

static int await_ready(struct own_cluster *own, struct lesson_stage *stage, struct hive_error *error)
{
    int64_t until_ms = hive_clock_monotonic_ms() + START_MS;
    bool is_open = false;
    while (hive_clock_monotonic_ms() < until_ms) {
        if (waitpid(own->launcher.pid, NULL, WNOHANG) != 0) {
            own->launcher.pid = 0;
            return hive_error_set(error, -ECHILD, "the cluster for this lesson did not start");
        }
        if (!is_open && find_cluster(own))
            is_open = lesson_stage_open(stage, own->name, error) == 0;
        if (is_open && is_ready(stage))
            return 0;
        if (is_open && dead_node(stage))
            return hive_error_set(error, -ECHILD, "%s of the cluster for this lesson died at its start",
                                  dead_node(stage));
        poll(NULL, 0, LOOK_MS);
    }
    return hive_error_set(error, -ETIMEDOUT, "the cluster for this lesson was not ready after %d s",
                          START_MS / 1000);
}

static int start(const struct lesson *lesson, struct own_cluster *own, struct lesson_stage *stage,
                 struct hive_error *error)
{
    char output[] = "/tmp/hive-lesson-XXXXXX";
    int file = mkstemp(output);
    if (file < 0)
        return hive_error_set(error, -errno, "cannot make a file in /tmp: %s", strerror(errno));
    close(file);
    char **argv = hive_calloc(lesson->options.count + 6, sizeof *argv);
    size_t argc = 0;
    argv[argc++] = spawn_path_beside("launcher");
    argv[argc++] = hive_format("--queens=%lld", (long long)lesson->queens);
    argv[argc++] = hive_format("--drones=%lld", (long long)lesson->drones);
    for (size_t i = 0; i < lesson->options.count; i++)
        argv[argc++] = hive_strdup(lesson->options.items[i]);
    const struct spawn spawn = {.argv = argv, .log_path = output, .death_signal = SIGTERM};
    int result = spawn_start(&spawn, &own->launcher, error);
    if (!result) {
        result = await_ready(own, stage, error);
        if (result)
            show_output(output);
    }
    unlink(output);
    for (size_t i = 0; i < argc; i++)
        free(argv[i]);
    free(argv);
    return result;
}

static void end(const struct own_cluster *own)
{
    if (own->launcher.pid <= 0)
        return;
    hive_process_signal(own->launcher, SIGTERM);
    waitpid(own->launcher.pid, NULL, 0);
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
        result = start(lesson, &own, &stage, &error);
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
    end(&own);
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
