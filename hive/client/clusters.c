/* Which clusters are there, and which of them is meant when nobody said: so that `hivetop` and `hive status`
 * need no arguments on a machine where one cluster runs. */
#include "client/clusters.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "hive/encoding.h"
#include "hive/file.h"
#include "hive/ledger.h"
#include "hive/memory.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static void join(struct hive_buffer *list, const char *name)
{
    hive_buffer_format(list, "%s%s", list->size ? ", " : "", name);
}

int hive_ledger_names(char ***names, size_t *count, struct hive_error *error)
{
    *names = NULL;
    *count = 0;
    char *state = hive_file_state_directory(error);
    if (!state)
        return -ENOENT;

    int result = 0;
    DIR *directory = opendir(state);
    if (!directory) {
        if (errno != ENOENT) /* no cluster was ever started here */
            result = hive_error_set(error, -errno, "cannot list %s: %s", state, strerror(errno));
        goto out;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!hive_is_name(entry->d_name))
            continue;
        char *path = hive_format("%s/%s/cluster.json", state, entry->d_name);
        if (access(path, F_OK) == 0) {
            *names = hive_realloc(*names, *count + 1, sizeof **names);
            (*names)[(*count)++] = hive_strdup(entry->d_name);
        }
        free(path);
    }
    closedir(directory);
    if (*count)
        qsort(*names, *count, sizeof **names, compare_names);

out:
    free(state);
    return result;
}

int hive_clusters_unknown(const char *name, struct hive_error *error)
{
    char **names;
    size_t count;
    if (hive_ledger_names(&names, &count, error))
        return -ENOENT;
    struct hive_buffer list = {0};
    for (size_t i = 0; i < count; i++)
        join(&list, names[i]);
    if (count)
        hive_error_set(error, -ENOENT, "there is no cluster named '%.80s' here; there are: %s", name,
                       list.data);
    else
        hive_error_set(error, -ENOENT,
                       "there is no cluster named '%.80s' here: start one with 'launcher --name NAME'", name);
    hive_buffer_finish(&list);
    free_names(names, count);
    return -ENOENT;
}

int hive_ledger_find_running(struct hive_ledger *ledger, struct hive_error *error)
{
    *ledger = (struct hive_ledger){0};
    char **names;
    size_t count, running = 0;
    int result = hive_ledger_names(&names, &count, error);
    if (result)
        return result;

    struct hive_buffer list = {0};
    struct hive_error damage = {{0}};
    for (size_t i = 0; i < count; i++) {
        struct hive_ledger candidate;
        struct hive_error failure = {{0}};
        int loaded = hive_ledger_load(names[i], &candidate, &failure);
        if (loaded == -ENOENT) /* removed since it was listed */
            continue;
        if (loaded) {
            damage = failure;
            continue;
        }
        if (hive_ledger_is_running(&candidate)) {
            join(&list, candidate.name);
            if (running++ == 0) {
                *ledger = candidate;
                continue;
            }
        }
        hive_ledger_finish(&candidate);
    }

    if (running == 0)
        result =
            hive_error_set(error, -ENOENT,
                           "no cluster runs here: start one with 'launcher --queens 5 --drones 3', or name a "
                           "queen with --connect HOST:PORT%s%s",
                           damage.message[0] ? "; and " : "", damage.message);
    else if (running > 1) {
        hive_ledger_finish(ledger);
        result = hive_error_set(error, -EEXIST,
                                "several clusters run here: choose one with --cluster NAME: %s", list.data);
    }
    hive_buffer_finish(&list);
    free_names(names, count);
    return result;
}
