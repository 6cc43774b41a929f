/* What every window and every pane has in common. */
#include "tmux_pane.h"

#include <errno.h>
#include <stdlib.h>

#include "hive/memory.h"
#include "spawn.h"
#include "tmux_call.h"
#include "tmux_keep.h"

void tmux_init(struct tmux *tmux, const struct hive_ledger *ledger, struct hive_error *error)
{
    *tmux = (struct tmux){.ledger = ledger,
                          .launcher = spawn_path_beside("launcher"),
                          .hivetop = spawn_path_beside("hivetop"),
                          .error = error};
}

void tmux_finish(struct tmux *tmux)
{
    free(tmux->launcher);
    free(tmux->hivetop);
}

int tmux_call(struct tmux *tmux, char *output, size_t bytes)
{
    return tmux_call_run(&tmux->words, output, bytes, tmux->error);
}

/* Panes get the environment of tmux's server, which may be that of another day. */
void tmux_add_environment(struct tmux *tmux)
{
    static const char *const names[] = {"HOME",     "XDG_STATE_HOME", "XDG_CONFIG_HOME",
                                        "NO_COLOR", "LC_ALL",         "LANG"};
    const size_t count = sizeof names / sizeof *names;
    tmux_add(tmux, "env");
    for (size_t i = 0; i < count; i++)
        if (!getenv(names[i]))
            tmux_add(tmux, "-u", names[i]);
    for (size_t i = 0; i < count; i++) {
        char *text = getenv(names[i]) ? hive_format("%s=%s", names[i], getenv(names[i])) : NULL;
        tmux_add(tmux, text);
        free(text);
    }
}

void tmux_add_attach(struct tmux *tmux, const char *node)
{
    tmux_add_environment(tmux);
    if (!node)
        tmux_add(tmux, TMUX_KEEP_VARIABLE "=1");
    tmux_add(tmux, tmux->launcher, "attach", "--cluster", tmux->ledger->name, node);
}

static int set_option(struct tmux *tmux, const char *window, const char *name, const char *value)
{
    tmux_add(tmux, "tmux", "set-option", "-w", "-t", window, name, value);
    return tmux_call(tmux, NULL, 0);
}

static int mark(struct tmux *tmux, const char *window)
{
    int result = set_option(tmux, window, "@hive", tmux->ledger->directory);
    if (!result)
        result = set_option(tmux, window, "remain-on-exit", "off");
    if (!result)
        result = set_option(tmux, window, "pane-border-status", "top");
    return result ? result : set_option(tmux, window, "pane-border-format", " #{pane_title} ");
}

void tmux_begin_window(struct tmux *tmux, const char *name)
{
    tmux_add(tmux, "tmux", "new-window", "-d", "-P", "-F", "#{window_id} #{pane_id}", "-n", name);
    if (*tmux->session) {
        char *target = hive_format("=%s:", tmux->session);
        tmux_add(tmux, "-t", target);
        free(target);
    }
}

int tmux_make(struct tmux *tmux, const char *title, bool is_window, struct tmux_place *place)
{
    char output[256];
    int result = tmux_call(tmux, output, sizeof output);
    if (!result && sscanf(output, "%15s %15s", place->window, place->pane) != 2)
        result = hive_error_set(tmux->error, -EIO, "tmux answers '%s', and not what it made", output);
    if (!result && is_window)
        result = mark(tmux, place->window);
    if (!result) {
        tmux_add(tmux, "tmux", "select-pane", "-t", place->pane, "-T", title);
        result = tmux_call(tmux, NULL, 0);
    }
    return result;
}

int tmux_split(struct tmux *tmux, const char *pane, const char *direction, size_t percent, const char *node,
               struct tmux_place *place)
{
    char size[32];
    snprintf(size, sizeof size, "%zu%%", percent);
    tmux_add(tmux, "tmux", "split-window", "-d", "-P", "-F", "#{window_id} #{pane_id}", direction, "-l", size,
             "-t", pane);
    tmux_add_attach(tmux, node);
    return tmux_make(tmux, node, false, place);
}
