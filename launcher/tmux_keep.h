/* The windows of tmux that show a cluster, while it runs. */
#ifndef LAUNCHER_TMUX_KEEP_H
#define LAUNCHER_TMUX_KEEP_H

#include "hive/ledger.h"

/* Set for the program that sees to the windows: its own has no mark yet when it begins. */
#define TMUX_KEEP_VARIABLE "HIVE_TMUX"

/* A node that has, or had, a pane. */
struct tmux_kept {
    char name[HIVE_NAME_BYTES];
    int starts;
    pid_t pid;
};

struct tmux_keep {
    bool is_shown;           /* this program runs in one of the windows that were made for the cluster */
    char window[16];         /* of nodes that came later */
    struct tmux_kept *nodes; /* owned */
    size_t count;
};

void tmux_keep_begin(struct tmux_keep *keep, const struct hive_ledger *ledger);
void tmux_keep_end(struct tmux_keep *keep);

/* Gives nodes that are new in the ledger a pane. (That of a node that was removed closes by itself.) */
void tmux_keep_look(struct tmux_keep *keep, const struct hive_ledger *ledger);

/* Closes all windows of the cluster; fine where there are none, or no tmux. */
void tmux_close(const struct hive_ledger *ledger);

#endif
