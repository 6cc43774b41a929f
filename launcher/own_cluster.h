/* A cluster that a verb starts for itself, and ends. Main thread only: it dies with the thread that started it. */
#ifndef LAUNCHER_OWN_CLUSTER_H
#define LAUNCHER_OWN_CLUSTER_H

#include "hive/error.h"
#include "hive/options.h"
#include "hive/process.h"
#include "lesson_stage.h"

struct own_cluster {
    struct hive_process launcher; /* pid 0: none was started */
    char name[HIVE_NAME_BYTES];
};

struct own_cluster_wish {
    const char *purpose; /* for messages: "this lesson" */
    int64_t queens, drones;
    const struct hive_strings *options; /* further ones of `launcher`; or NULL */
};

/* Returns when all nodes answer and have a leader; `stage` is then open on it. 0, or a negative errno with a message,
 * and what the launcher said on standard error. Call own_cluster_end in every case. */
int own_cluster_start(struct own_cluster *own, const struct own_cluster_wish *wish,
                      struct lesson_stage *stage, struct hive_error *error);
void own_cluster_end(const struct own_cluster *own);

#endif
