/* A cluster that runs in the background, in this terminal. */
#ifndef LAUNCHER_FOREGROUND_H
#define LAUNCHER_FOREGROUND_H

#include "hive/ledger.h"

/* Shows what its launcher says until the cluster has ended; this terminal's Ctrl-C and end are the cluster's. The windows
 * of tmux that show it are closed then. An exit status. */
int foreground_run(const struct hive_ledger *ledger);

#endif
