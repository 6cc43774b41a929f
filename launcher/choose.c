/* A cluster that has ended, or whose launcher died, still has logs and a ledger to look at. */
#include "choose.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "hive/options.h"

/* The only cluster that there is, running or not; -ENOENT and `error` as it was where there are more or none. */
static int find_only(struct hive_ledger *ledger, struct hive_error *error)
{
    char **names = NULL;
    size_t count = 0;
    int result = hive_ledger_names(&names, &count, NULL);
    if (!result)
        result = count == 1 ? hive_ledger_load(names[0], ledger, error) : -ENOENT;
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return result;
}

int choose_cluster(const char *name, struct hive_ledger *ledger)
{
    struct hive_error error = {0};
    int result = name ? hive_ledger_load(name, ledger, &error) : hive_ledger_find_running(ledger, &error);
    if (result == -ENOENT && !name)
        result = find_only(ledger, &error);
    if (!result)
        return HIVE_EXIT_OK;
    fprintf(stderr, "launcher: %s\n", error.message);
    return result == -EEXIST ? HIVE_EXIT_USAGE : HIVE_EXIT_UNAVAILABLE;
}

const char *choose_word(const struct hive_ledger_node *node)
{
    bool was_killed = WIFSIGNALED(node->exit_status) && WTERMSIG(node->exit_status) == SIGKILL;
    return node->state == HIVE_NODE_STOPPED && was_killed ? "killed" : hive_node_state_names[node->state];
}
