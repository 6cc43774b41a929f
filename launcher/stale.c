/* A launcher that is killed takes its nodes along, but its ledger stays. The next one that starts removes it,
 * unless it was named (then it holds data that somebody wants) or, against all odds, a node of it still runs.
 */
#include "stale.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/encoding.h"
#include "hive/file.h"
#include "hive/memory.h"

/* Nodes get their SIGKILL when the launcher dies, but a busy machine may take a moment to carry it out. */
#define DEATH_WAIT_MS  1000
#define DEATH_RETRY_MS 5

/* Lists the pids of the nodes that run, each after a blank. */
static void list_alive(const struct hive_ledger *ledger, struct hive_buffer *pids)
{
    hive_buffer_clear(pids);
    for (size_t i = 0; i < ledger->node_count; i++)
        if (hive_process_is_alive(ledger->nodes[i].process))
            hive_buffer_format(pids, " %d", (int)ledger->nodes[i].process.pid);
}

int stale_check_nodes(const struct hive_ledger *ledger, struct hive_error *error)
{
    struct hive_buffer pids = {0};
    int64_t deadline_ms = hive_clock_monotonic_ms() + DEATH_WAIT_MS;
    list_alive(ledger, &pids);
    while (pids.size > 0 && hive_clock_monotonic_ms() < deadline_ms) {
        poll(NULL, 0, DEATH_RETRY_MS);
        list_alive(ledger, &pids);
    }
    int result = 0;
    if (pids.size > 0)
        result = hive_error_set(
            error, -EBUSY,
            "the launcher of cluster %s (process %d) is gone, but its nodes still run: end them with "
            "'kill -9%s', then start again",
            ledger->name, (int)ledger->launcher.pid, pids.data);
    hive_buffer_finish(&pids);
    return result;
}

int stale_remove(const struct hive_ledger *ledger, struct hive_error *error)
{
    char *path = hive_ledger_path(ledger, "lock");
    int lock = hive_file_lock(path, error);
    free(path);
    if (lock < 0)
        return lock;
    int result = stale_check_nodes(ledger, error);
    if (!result)
        result = hive_file_remove_tree(ledger->directory, error);
    close(lock);
    return result;
}

/* Removes one dead cluster. A lock that is held belongs to a launcher that is just ending. */
static int sweep_one(const struct hive_ledger *ledger, struct report *report, struct hive_error *error)
{
    int result = stale_remove(ledger, error);
    if (!result)
        report_event(report, REPORT_WAIT, "cluster",
                     "removed what was left of %s, whose launcher (process %d) died", ledger->name,
                     (int)ledger->launcher.pid);
    return result == -EWOULDBLOCK ? 0 : result;
}

int stale_remove_fragments(size_t *removed, struct hive_error *error)
{
    int result = 0;
    char *state = hive_file_state_directory(error);
    DIR *directory = state ? opendir(state) : NULL;
    for (struct dirent *entry; directory && !result && (entry = readdir(directory));) {
        if (!hive_is_name(entry->d_name))
            continue;
        struct hive_ledger fragment = {.directory = hive_format("%s/%s", state, entry->d_name)};
        char *lock = hive_ledger_path(&fragment, "lock"),
             *ledger = hive_ledger_path(&fragment, "cluster.json");
        if (access(lock, F_OK) == 0 && access(ledger, F_OK) != 0) {
            result = stale_remove(&fragment, error);
            *removed += result == 0;
            result = result == -EWOULDBLOCK ? 0 : result;
        }
        free(lock);
        free(ledger);
        free(fragment.directory);
    }
    if (directory)
        closedir(directory);
    free(state);
    return result;
}

int stale_sweep(struct report *report, struct hive_error *error)
{
    char **names = NULL;
    size_t count = 0;
    int result = hive_ledger_names(&names, &count, error);
    for (size_t i = 0; i < count; i++) {
        struct hive_ledger ledger = {0};
        struct hive_error damage = {0};
        if (!result && hive_ledger_load(names[i], &ledger, &damage) == -EINVAL)
            report_event(report, REPORT_BAD, "cluster", "%s", damage.message);
        else if (!result && !ledger.keep && !hive_ledger_is_running(&ledger))
            result = sweep_one(&ledger, report, error);
        hive_ledger_finish(&ledger);
        free(names[i]);
    }
    free(names);
    size_t fragments = 0;
    return result ? result : stale_remove_fragments(&fragments, error);
}
