/* Places in the ledger are used by the plan, the runs and the watch alike, and only within one turn of the loop. What
 * lasts longer (an order, a request under way) remembers a node's name and looks its place up again. */
#include "roster.h"

#include <unistd.h>

#include "hive/file.h"
#include "hive/memory.h"

/* Makes room for one element at `at`. */
static void *open_gap(void *items, size_t count, size_t bytes, size_t at)
{
    char *moved = hive_realloc(items, count + 1, bytes);
    memmove(moved + (at + 1) * bytes, moved + at * bytes, (count - at) * bytes);
    return moved;
}

static void close_gap(void *items, size_t count, size_t bytes, size_t at)
{
    char *moved = items;
    memmove(moved + at * bytes, moved + (at + 1) * bytes, (count - at - 1) * bytes);
}

void roster_insert(struct supervisor *supervisor, struct hive_ledger_node *node)
{
    struct hive_ledger *ledger = supervisor->ledger;
    size_t count = ledger->node_count, at = count;
    while (node->role == HIVE_ROLE_QUEEN && at > 0 && ledger->nodes[at - 1].role == HIVE_ROLE_DRONE)
        at--;
    ledger->nodes = open_gap(ledger->nodes, count, sizeof *ledger->nodes, at);
    supervisor->plan = open_gap(supervisor->plan, count, sizeof *supervisor->plan, at);
    supervisor->runs = open_gap(supervisor->runs, count, sizeof *supervisor->runs, at);
    ledger->nodes[at] = *node;
    supervisor->plan[at] = (struct plan_node){.role = node->role, .want = PLAN_WANT_RUNNING};
    supervisor->runs[at] = (struct run){.was_started = supervisor->is_ready};
    watch_insert_node(supervisor->watch, at);
    ledger->node_count++;
    supervisor->is_dirty = true;
    *node = (struct hive_ledger_node){0};
}

void roster_remove(struct supervisor *supervisor, size_t at)
{
    struct hive_ledger *ledger = supervisor->ledger;
    struct hive_ledger_node gone = ledger->nodes[at];
    struct hive_error error = {0};
    /* Whoever has rules for links to it gets a table without them. */
    for (size_t i = 0; i < ledger->node_count; i++)
        if (links_heal(&supervisor->links, ledger->nodes[i].name, gone.name))
            link_push_change(supervisor, ledger->nodes[i].name);
    links_heal(&supervisor->links, gone.name, NULL);
    watch_remove_node(supervisor->watch, at);
    close_gap(ledger->nodes, ledger->node_count, sizeof *ledger->nodes, at);
    close_gap(supervisor->plan, ledger->node_count, sizeof *supervisor->plan, at);
    close_gap(supervisor->runs, ledger->node_count, sizeof *supervisor->runs, at);
    ledger->node_count--;
    supervisor->is_dirty = true;
    if (hive_file_remove_tree(gone.data_directory, &error))
        report_event(supervisor->report, REPORT_BAD, gone.name, "%s", error.message);
    unlink(gone.log_path);
    report_event(supervisor->report, REPORT_PLAIN, gone.name, "is no part of the cluster any more");
    hive_ledger_node_finish(&gone);
}

bool roster_find(const struct supervisor *supervisor, const char *name, size_t *at)
{
    const struct hive_ledger_node *node = hive_ledger_node(supervisor->ledger, name);
    *at = node ? (size_t)(node - supervisor->ledger->nodes) : 0;
    return node != NULL;
}
