/* `launcher --tmux`: a cluster that runs in the background, shown in windows of tmux. */
#ifndef LAUNCHER_TMUX_H
#define LAUNCHER_TMUX_H

#include "hive/error.h"
#include "hive/ledger.h"

/* 0 where tmux can be run; else a message that says what to do. */
int tmux_check(struct hive_error *error);

/* Makes the windows of a cluster that is ready (in a session of their own, or, in a pane of tmux, beside its window) and
 * shows them on this terminal until they are left or closed. An exit status. */
int tmux_run(const char *cluster);

/* Closes the windows of the cluster; fine where there are none, or no tmux. */
void tmux_close(const struct hive_ledger *ledger);

#endif
