/* A launcher in the background: started from a terminal, which is free again once the cluster is ready. */
#ifndef LAUNCHER_DETACH_H
#define LAUNCHER_DETACH_H

#include <stdbool.h>

#include "hive/ledger.h"
#include "report.h"

struct detach {
    int line; /* to the one who waits: the cluster's name once it is ready */
    const struct hive_ledger *ledger;
    struct report *report;
};

/* Divides this process. True in the one that goes to the background, and is to run the cluster. False in the other, when
 * that is ready (`*status` is HIVE_EXIT_OK, `name` the cluster's) or has ended (`*status` is how). */
bool detach_begin(struct detach *detach, int *status, char name[HIVE_NAME_BYTES]);

/* The cluster is ready: tells, and says everything to logs/launcher.log from here on. */
void detach_note_ready(void *detach);

#endif
