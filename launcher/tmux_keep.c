/* Whoever shows the launcher's words in tmux sees to the other windows, too: they come with nodes and go with the
 * cluster. */
#include "tmux_keep.h"

#include <stdlib.h>
#include <string.h>

#include "hive/memory.h"
#include "tmux_call.h"
#include "tmux_pane.h"

#define OUTPUT_BYTES (64 * 1024)

static void remember(struct tmux_keep *keep, const struct hive_ledger *ledger)
{
    keep->nodes = hive_realloc(keep->nodes, ledger->node_count, sizeof *keep->nodes);
    keep->count = ledger->node_count;
    for (size_t i = 0; i < keep->count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        keep->nodes[i] = (struct tmux_kept){.starts = node->starts, .pid = node->process.pid};
        memcpy(keep->nodes[i].name, node->name, sizeof node->name);
    }
}

/* Forgets the nodes that no pane has as its title: they have come since the windows were made. */
static void forget_unshown(struct tmux_keep *keep, const char *directory)
{
    struct hive_error ignored;
    struct hive_strings words = {0};
    char *panes = hive_calloc(OUTPUT_BYTES, 1);
    tmux_call_add(&words, "tmux", "list-panes", "-a", "-F", "#{@hive} shows #{pane_title}.");
    tmux_call_run(&words, panes, OUTPUT_BYTES, &ignored);
    for (size_t i = 0; i < keep->count;) {
        char *line = hive_format("%s shows %s.", directory, keep->nodes[i].name);
        if (strstr(panes, line))
            i++;
        else
            keep->nodes[i] = keep->nodes[--keep->count];
        free(line);
    }
    free(panes);
}

void tmux_keep_begin(struct tmux_keep *keep, const struct hive_ledger *ledger)
{
    *keep = (struct tmux_keep){.is_shown = getenv(TMUX_KEEP_VARIABLE) != NULL};
    remember(keep, ledger);
    if (keep->is_shown)
        forget_unshown(keep, ledger->directory);
}

void tmux_keep_end(struct tmux_keep *keep)
{
    free(keep->nodes);
}

/* A pane that somebody has closed stays closed; but a node that was removed may have given its name to another one. */
static bool is_known(const struct tmux_keep *keep, const struct hive_ledger_node *node)
{
    for (size_t i = 0; i < keep->count; i++) {
        const struct tmux_kept *kept = &keep->nodes[i];
        bool is_other = node->starts < kept->starts || (node->starts == kept->starts && node->process.pid &&
                                                        kept->pid && node->process.pid != kept->pid);
        if (strcmp(kept->name, node->name) == 0)
            return !is_other;
    }
    return false;
}

/* Beside the others that came later, or where there is no room in a window of its own. */
static void show(struct tmux_keep *keep, struct tmux *tmux, const char *node)
{
    struct tmux_place place;
    if (*keep->window && tmux_split(tmux, keep->window, "-v", 50, node, &place) == 0) {
        tmux_add(tmux, "tmux", "select-layout", "-t", keep->window, "tiled");
        tmux_call(tmux, NULL, 0);
        return;
    }
    tmux_begin_window(tmux, node);
    tmux_add_attach(tmux, node);
    if (tmux_make(tmux, node, true, &place) == 0)
        memcpy(keep->window, place.window, sizeof keep->window);
    else
        fprintf(stderr, "launcher: %s gets no pane: %s\n", node, tmux->error->message);
}

void tmux_keep_look(struct tmux_keep *keep, const struct hive_ledger *ledger)
{
    struct hive_ledger now;
    struct hive_error ignored;
    struct tmux tmux;
    if (!keep->is_shown || hive_ledger_load(ledger->name, &now, NULL))
        return;
    tmux_init(&tmux, &now, &ignored);
    for (size_t i = 0; i < now.node_count; i++)
        if (!is_known(keep, &now.nodes[i]))
            show(keep, &tmux, now.nodes[i].name);
    remember(keep, &now);
    tmux_finish(&tmux);
    hive_ledger_finish(&now);
}

void tmux_close(const struct hive_ledger *ledger)
{
    struct hive_error ignored;
    struct hive_strings words = {0};
    char *windows = hive_calloc(OUTPUT_BYTES, 1), *rest = windows, own[16] = "";
    tmux_call_add(&words, "tmux", "list-windows", "-a", "-F", "#{window_id} #{@hive}");
    if (tmux_call_run(&words, windows, OUTPUT_BYTES, &ignored) == 0 && getenv("TMUX_PANE")) {
        tmux_call_add(&words, "tmux", "display-message", "-p", "-t", getenv("TMUX_PANE"), "#{window_id}");
        tmux_call_run(&words, own, sizeof own, &ignored);
    }
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *mark = strchr(line, ' ');
        if (!mark || strcmp(mark + 1, ledger->directory) != 0)
            continue;
        *mark = '\0';
        if (strcmp(line, own) == 0)
            continue; /* it closes when this program ends */
        tmux_call_add(&words, "tmux", "kill-window", "-t", line);
        tmux_call_run(&words, NULL, 0, &ignored);
    }
    free(windows);
}
