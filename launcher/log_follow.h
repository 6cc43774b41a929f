/* Waits for something to happen to the logs of a cluster. */
#ifndef LAUNCHER_LOG_FOLLOW_H
#define LAUNCHER_LOG_FOLLOW_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "hive/ledger.h"

struct log_follow {
    struct hive_process launcher;
    char *ledger;                /* owned: path */
    ino_t ledger_inode;          /* of the one that was seen last */
    struct timespec ledger_time; /* likewise: numbers of inodes are used again */
    int changes;                 /* inotify; -1: there is none, and it looks now and then */
    int end;                     /* pidfd of the launcher; -1: it is gone */
};

void log_follow_begin(struct log_follow *follow, const struct hive_ledger *ledger);
void log_follow_end(struct log_follow *follow);

/* Returns when a log or the ledger has changed, or may have, or `descriptor` (-1: none) can be read. False: the cluster
 * has ended, or nobody reads what this program says. */
bool log_follow_wait(struct log_follow *follow, int descriptor);

/* True the first time, and then whenever the ledger was written since the time before. */
bool log_follow_has_new_ledger(struct log_follow *follow);

#endif
