/* Windows and panes of tmux that show a cluster. Windows are marked with the cluster's directory (the option @hive), so
 * that they are found again whatever they are called. */
#ifndef LAUNCHER_TMUX_PANE_H
#define LAUNCHER_TMUX_PANE_H

#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/options.h"

struct tmux {
    const struct hive_ledger *ledger;
    struct hive_strings words;     /* of the command that is being put together */
    char *launcher, *hivetop;      /* owned: paths */
    char session[HIVE_NAME_BYTES]; /* empty: the one that this program runs in */
    size_t columns, rows;          /* of a window */
    size_t shown;                  /* nodes that have a pane */
    struct hive_error *error;
};

/* "@1" and "%2". */
struct tmux_place {
    char window[16], pane[16];
};

void tmux_init(struct tmux *tmux, const struct hive_ledger *ledger, struct hive_error *error);
void tmux_finish(struct tmux *tmux);

/* Appends to the command, up to a NULL; runs it. */
#define tmux_add(tmux, ...) tmux_call_add(&(tmux)->words, __VA_ARGS__)
int tmux_call(struct tmux *tmux, char *output, size_t bytes);

/* Appends the beginning of a program's command line: its environment is this one's. */
void tmux_add_environment(struct tmux *tmux);

/* Appends what follows the node (NULL: the launcher), as the program of a pane. */
void tmux_add_attach(struct tmux *tmux, const char *node);

/* Begins the command for a window in the background; its program is to be appended. */
void tmux_begin_window(struct tmux *tmux, const char *name);

/* Runs a command that makes a window (`is_window`) or a pane with that title. */
int tmux_make(struct tmux *tmux, const char *title, bool is_window, struct tmux_place *place);

/* Divides the pane: the new one, which follows the node, gets `percent` of it. */
int tmux_split(struct tmux *tmux, const char *pane, const char *direction, size_t percent, const char *node,
               struct tmux_place *place);

#endif
