/* The reconciler: the replicated state says what should be, the drones say what is, and this thread, on the
 * leader, makes the two meet. It heartbeats the drones (in parallel, outside of the log), removes those that
 * are lost, gives pending tasks to drones, and records what became of them. Everything it decides goes
 * through the log like any client's write; it keeps nothing that a new leader could not find out again. On
 * followers it only knows who is registered. */
#ifndef QUEEN_RECONCILER_H
#define QUEEN_RECONCILER_H

#include "queen/queen.h"

struct reconciler;

struct reconciler_config {
    struct queen *queen;
    const char *token;     /* or NULL; like `address`, must outlive the reconciler */
    const char *address;   /* of this queen */
    struct faults *faults; /* or NULL */
    int64_t heartbeat_ms, suspect_ms, lost_ms;
};

struct reconciler *reconciler_start(const struct reconciler_config *config);

/* Drones, tasks or the role changed. Any thread; never blocks. */
void reconciler_notify(struct reconciler *reconciler);

/* Ends the thread; notifications may still come. */
void reconciler_stop(struct reconciler *reconciler);
void reconciler_destroy(struct reconciler *reconciler);

/* See queen_each_drone and queen_find_drone. */
void reconciler_each_drone(struct reconciler *reconciler,
                           bool (*visit)(const struct queen_drone *drone, void *context), void *context);
bool reconciler_find_drone(struct reconciler *reconciler, const char *address, struct queen_drone *drone);

#endif
