/* Whoever shows the launcher's words in tmux sees to the other windows, too: they come with nodes and go with the
 * cluster. */
#include "tmux_keep.h"

#include <stdlib.h>
#include <string.h>

#include "hive/memory.h"
#include "tmux_call.h"
#include "tmux_pane.h"

#define OUTPUT_BYTES (64 * 1024)

static void forget(struct tmux_keep *keep)
{
    for (size_t i = 0; i < keep->count; i++)
        free(keep->names[i]);
    free(keep->names);
    keep->names = NULL;
    keep->count = 0;
}

static void remember(struct tmux_keep *keep, const struct hive_ledger *ledger)
{
    forget(keep);
    keep->names = hive_calloc(ledger->node_count, sizeof *keep->names);
    for (; keep->count < ledger->node_count; keep->count++)
        keep->names[keep->count] = hive_strdup(ledger->nodes[keep->count].name);
}

void tmux_keep_begin(struct tmux_keep *keep, const struct hive_ledger *ledger)
{
    char mark[4096] = "";
    struct hive_error ignored;
    struct hive_strings words = {0};
    *keep = (struct tmux_keep){0};
    remember(keep, ledger);
    if (!getenv("TMUX") || !getenv("TMUX_PANE"))
        return;
    tmux_call_add(&words, "tmux", "display-message", "-p", "-t", getenv("TMUX_PANE"), "#{@hive}", NULL);
    keep->is_shown =
        tmux_call_run(&words, mark, sizeof mark, &ignored) == 0 && !strcmp(mark, ledger->directory);
}

void tmux_keep_end(struct tmux_keep *keep)
{
    forget(keep);
}

static bool has_pane(const struct tmux_keep *keep, const char *name)
{
    for (size_t i = 0; i < keep->count; i++)
        if (strcmp(keep->names[i], name) == 0)
            return true;
    return false;
}

/* Beside the others that came later, or where there is no room in a window of its own. */
static void show(struct tmux_keep *keep, struct tmux *tmux, const char *node)
{
    struct tmux_place place;
    if (*keep->window && tmux_split(tmux, keep->window, "-v", 50, node, &place) == 0) {
        tmux_add(tmux, "tmux", "select-layout", "-t", keep->window, "tiled", NULL);
        tmux_call(tmux, NULL, 0);
        return;
    }
    tmux_begin_window(tmux, node);
    tmux_add_attach(tmux, node);
    if (tmux_make(tmux, node, true, &place) == 0)
        memcpy(keep->window, place.window, sizeof keep->window);
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
        if (!has_pane(keep, now.nodes[i].name))
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
    tmux_call_add(&words, "tmux", "list-windows", "-a", "-F", "#{window_id} #{@hive}", NULL);
    if (tmux_call_run(&words, windows, OUTPUT_BYTES, &ignored) == 0 && getenv("TMUX_PANE")) {
        tmux_call_add(&words, "tmux", "display-message", "-p", "-t", getenv("TMUX_PANE"), "#{window_id}",
                      NULL);
        tmux_call_run(&words, own, sizeof own, &ignored);
    }
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *mark = strchr(line, ' ');
        if (!mark || strcmp(mark + 1, ledger->directory) != 0)
            continue;
        *mark = '\0';
        if (strcmp(line, own) == 0)
            continue; /* it closes when this program ends */
        tmux_call_add(&words, "tmux", "kill-window", "-t", line, NULL);
        tmux_call_run(&words, NULL, 0, &ignored);
    }
    free(windows);
}
