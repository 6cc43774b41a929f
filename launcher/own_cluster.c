/* A cluster for one verb: a launcher of its own, that ends when the verb does, however that ends. */
#include "own_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "spawn.h"

#define START_MS 30000 /* for a cluster to be ready */
#define LOOK_MS  100

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
static void show_output(int file)
{
    char text[512];
    ssize_t bytes;
    for (off_t offset = 0; (bytes = pread(file, text, sizeof text, offset)) > 0; offset += bytes)
        fwrite(text, 1, (size_t)bytes, stderr);
}

static int await_ready(struct own_cluster *own, const struct own_cluster_wish *wish,
                       struct lesson_stage *stage, struct hive_error *error)
{
    int64_t until_ms = hive_clock_monotonic_ms() + START_MS;
    bool is_open = false;
    while (hive_clock_monotonic_ms() < until_ms) {
        if (waitpid(own->launcher.pid, NULL, WNOHANG) != 0) {
            own->launcher.pid = 0;
            return hive_error_set(error, -ECHILD, "the cluster for %s did not start", wish->purpose);
        }
        if (!is_open && find_cluster(own))
            is_open = lesson_stage_open(stage, own->name, error) == 0;
        if (is_open && is_ready(stage))
            return 0;
        if (is_open && dead_node(stage))
            return hive_error_set(error, -ECHILD, "%s of the cluster for %s died at its start",
                                  dead_node(stage), wish->purpose);
        poll(NULL, 0, LOOK_MS);
    }
    return hive_error_set(error, -ETIMEDOUT, "the cluster for %s was not ready after %d s", wish->purpose,
                          START_MS / 1000);
}

int own_cluster_start(struct own_cluster *own, const struct own_cluster_wish *wish,
                      struct lesson_stage *stage, struct hive_error *error)
{
    char output[] = "/tmp/hive-own-XXXXXX";
    int file = mkostemp(output, O_CLOEXEC);
    if (file < 0)
        return hive_error_set(error, -errno, "cannot make a file in /tmp: %s", strerror(errno));
    size_t count = wish->options ? wish->options->count : 0;
    char **argv = hive_calloc(count + 6, sizeof *argv);
    size_t argc = 0;
    argv[argc++] = spawn_path_beside("launcher");
    argv[argc++] = hive_format("--queens=%lld", (long long)wish->queens);
    argv[argc++] = hive_format("--drones=%lld", (long long)wish->drones);
    for (size_t i = 0; i < count; i++)
        argv[argc++] = hive_strdup(wish->options->items[i]);
    const struct spawn spawn = {.argv = argv, .log_path = output, .death_signal = SIGTERM};
    int result = spawn_start(&spawn, &own->launcher, error);
    unlink(output); /* both have it open; whoever is killed from here on leaves nothing */
    if (!result) {
        result = await_ready(own, wish, stage, error);
        if (result)
            show_output(file);
    }
    close(file);
    for (size_t i = 0; i < argc; i++)
        free(argv[i]);
    free(argv);
    return result;
}

void own_cluster_end(const struct own_cluster *own)
{
    if (own->launcher.pid <= 0)
        return;
    hive_process_signal(own->launcher, SIGTERM);
    waitpid(own->launcher.pid, NULL, 0);
}
