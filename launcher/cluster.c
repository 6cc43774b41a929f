/* Taking and giving back a cluster. Two locks keep launchers apart: the cluster's own, held for the
 * launcher's whole life, and a short one over the state directory (the gate), held while names and ports are
 * chosen or a directory is removed, so that two launchers that start at once do not choose the same. */
#include "cluster.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/encoding.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "hive/random.h"
#include "layout.h"
#include "names.h"
#include "stale.h"

#define GATE_WAIT_MS  10000 /* far longer than any launcher holds it */
#define GATE_RETRY_MS 5

static int try_gate(const char *state, struct hive_error *error)
{
    char *path = hive_format("%s/.lock", state); /* no cluster's name starts with a dot */
    int gate = hive_file_lock(path, error);
    free(path);
    return gate;
}

/* Waits for the gate: a descriptor to close, or a negative errno. */
static int take_gate(const char *state, struct hive_error *error)
{
    int64_t deadline_ms = hive_clock_monotonic_ms() + GATE_WAIT_MS;
    int gate;
    while ((gate = try_gate(state, error)) == -EWOULDBLOCK && hive_clock_monotonic_ms() < deadline_ms)
        poll(NULL, 0, GATE_RETRY_MS);
    return gate;
}

int cluster_try_gate(struct hive_error *error)
{
    char *state = hive_file_state_directory(error);
    int gate = state ? try_gate(state, error) : -ENOENT;
    free(state);
    return gate;
}

int cluster_take_gate(struct hive_error *error)
{
    char *state = hive_file_state_directory(error);
    int gate = state ? hive_file_make_directories(state, 0700, error) : -ENOENT;
    if (gate == 0)
        gate = take_gate(state, error);
    free(state);
    return gate;
}

/* Makes the directory and takes its lock. -EWOULDBLOCK: another launcher has it. */
static int take_directory(struct cluster *cluster, const char *state, const char *name,
                          struct hive_error *error)
{
    struct sockaddr_un address;
    free(cluster->ledger.directory);
    cluster->ledger.directory = hive_format("%s/%s", state, name);
    snprintf(cluster->ledger.name, sizeof cluster->ledger.name, "%s", name);
    char *path = hive_ledger_path(&cluster->ledger, "control.sock");
    int result = 0;
    if (strlen(path) >= sizeof address.sun_path)
        result = hive_error_set(
            error, -ENAMETOOLONG,
            "the path %s is longer than the %zu bytes that a socket may have: set XDG_STATE_HOME to "
            "a shorter directory, or choose a shorter --name",
            path, sizeof address.sun_path - 1);
    if (!result)
        result = hive_file_make_directories(cluster->ledger.directory, 0700, error);
    free(path);
    if (result)
        return result;
    path = hive_ledger_path(&cluster->ledger, "lock");
    cluster->lock = hive_file_lock(path, error);
    if (cluster->lock < 0 && cluster->lock != -EWOULDBLOCK && !cluster->is_resumed) {
        unlink(path); /* the disk may be full: nothing is left of what was just made */
        rmdir(cluster->ledger.directory);
    }
    free(path);
    return cluster->lock < 0 ? cluster->lock : 0;
}

/* The next free name. A directory without a ledger whose lock is held belongs to a launcher that is just
 * going. */
static int take_next_name(struct cluster *cluster, const char *state, struct hive_error *error)
{
    char **taken = NULL, name[HIVE_NAME_BYTES];
    size_t count = 0;
    int result = hive_ledger_names(&taken, &count, error);
    while (!result) {
        names_choose(taken, count, name);
        result = take_directory(cluster, state, name, error);
        if (result != -EWOULDBLOCK)
            break;
        taken = hive_realloc(taken, count + 1, sizeof *taken);
        taken[count++] = hive_strdup(name);
        result = 0;
    }
    for (size_t i = 0; i < count; i++)
        free(taken[i]);
    free(taken);
    return result;
}

/* The cluster that was asked for by name: as its ledger says where there is one. */
static int take_named(struct cluster *cluster, const char *state, const struct cluster_options *options,
                      struct report *report, struct hive_error *error)
{
    if (strcmp(options->name, "nodes") == 0)
        return hive_error_set(error, -EINVAL,
                              "a cluster cannot be called 'nodes': nodes that were started by hand keep "
                              "their data under that name; choose another");
    if (!hive_is_name(options->name))
        return hive_error_set(
            error, -EINVAL,
            "'%s' is no name for a cluster: take up to %d letters, digits, '.', '_' or '-', and begin "
            "with a letter or digit",
            options->name, HIVE_NAME_BYTES - 1);
    int result = hive_ledger_load(options->name, &cluster->ledger, error);
    if (result && result != -ENOENT)
        return result;
    cluster->is_resumed = result == 0;
    if (cluster->is_resumed && hive_ledger_is_running(&cluster->ledger))
        return hive_error_set(error, -EBUSY,
                              "cluster %s runs already: its launcher is process %d; end it with "
                              "'launcher stop --cluster %s', or choose another --name",
                              options->name, (int)cluster->ledger.launcher.pid, options->name);
    result = take_directory(cluster, state, options->name, error);
    if (!result && cluster->is_resumed)
        result = stale_check_nodes(&cluster->ledger, error);
    if (!result && cluster->is_resumed && cluster->ledger.launcher.pid)
        report_event(report, REPORT_WAIT, "cluster",
                     "%s was not ended cleanly: its launcher, process %d, died", options->name,
                     (int)cluster->ledger.launcher.pid);
    return result;
}

static int write_token(const struct hive_ledger *ledger, struct hive_error *error)
{
    char token[64 + 1];
    hive_random_hex(token, sizeof token - 1);
    char *path = hive_ledger_path(ledger, "token");
    int result = hive_file_write(path, token, sizeof token - 1, 0600, error);
    free(path);
    return result;
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    size_t entries = 0;
    while (directory && readdir(directory))
        entries++;
    if (directory)
        closedir(directory);
    return entries <= 2; /* "." and ".." */
}

/* True where no queen has data any more: somebody has emptied them all, to begin anew. */
static bool has_lost_its_data(const struct hive_ledger *ledger)
{
    for (size_t i = 0; i < ledger->node_count; i++)
        if (ledger->nodes[i].role == HIVE_ROLE_QUEEN && !is_empty(ledger->nodes[i].data_directory))
            return false;
    return true;
}

/* Of a cluster that was being removed when its launcher was killed, under a name that is given anew now. */
static int remove_remains(const struct hive_ledger *ledger, struct hive_error *error)
{
    static const char *const parts[] = {"data", "logs"};
    int result = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !result; i++) {
        char *path = hive_ledger_path(ledger, parts[i]);
        result = hive_file_remove_tree(path, error);
        free(path);
    }
    return result;
}

/* What the directory of a cluster holds. */
static int furnish(struct cluster *cluster, const struct cluster_options *options, struct hive_error *error)
{
    struct hive_ledger *ledger = &cluster->ledger;
    int result =
        cluster->is_resumed ? layout_check(ledger, options, error) : layout_make(ledger, options, error);
    if (!result)
        result = layout_set_programs(ledger, options->programs, error);
    if (result)
        return result;
    if (!cluster->is_resumed) {
        result = remove_remains(ledger, error);
        if (result)
            return result;
        ledger->created_at_ms = hive_clock_unix_ms();
        ledger->keep = options->name != NULL;
    }
    ledger->launcher = hive_process_of(getpid());
    ledger->can_fault = options->can_fault;
    if (has_lost_its_data(ledger))
        ledger->founded = false;
    for (size_t i = 0; i < ledger->node_count; i++) {
        ledger->nodes[i].state = HIVE_NODE_STOPPED;
        ledger->nodes[i].process = (struct hive_process){0};
    }
    char *logs = hive_ledger_path(ledger, "logs");
    result = hive_file_make_directories(logs, 0700, error);
    free(logs);
    for (size_t i = 0; i < ledger->node_count && !result; i++)
        result = hive_file_make_directories(ledger->nodes[i].data_directory, 0700, error);
    if (!result)
        result = write_token(ledger, error);
    return result ? result : hive_ledger_save(ledger, error);
}

static void release(struct cluster *cluster)
{
    if (cluster->lock >= 0)
        close(cluster->lock);
    cluster->lock = -1;
    hive_ledger_finish(&cluster->ledger);
}

int cluster_open(struct cluster *cluster, const struct cluster_options *options, struct report *report,
                 struct hive_error *error)
{
    *cluster = (struct cluster){.lock = -1};
    char *state = hive_file_state_directory(error);
    if (!state)
        return -ENOENT;
    int gate = -1, result = hive_file_make_directories(state, 0700, error);
    if (result)
        goto out;
    result = gate = take_gate(state, error);
    if (gate < 0)
        goto out;
    result = stale_sweep(report, error);
    if (!result)
        result = options->name ? take_named(cluster, state, options, report, error)
                               : take_next_name(cluster, state, error);
    if (!result)
        result = furnish(cluster, options, error);
    if (result) {
        if (cluster->lock >= 0 && !cluster->is_resumed)
            hive_file_remove_tree(cluster->ledger.directory, NULL);
        release(cluster);
    }
out:
    if (gate >= 0)
        close(gate);
    free(state);
    return result;
}

int cluster_close(struct cluster *cluster, struct hive_error *error)
{
    struct hive_ledger *ledger = &cluster->ledger;
    int result;
    ledger->launcher = (struct hive_process){0};
    if (ledger->keep) {
        result = hive_ledger_save(ledger, error);
    } else {
        int gate = cluster_take_gate(error);
        result = gate < 0 ? gate : hive_file_remove_tree(ledger->directory, error);
        if (gate >= 0)
            close(gate);
    }
    release(cluster);
    return result;
}
