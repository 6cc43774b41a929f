/* Clients that wait for their proposal: one a log index, in order. The consensus thread's own. */
#ifndef QUEEN_PENDING_H
#define QUEEN_PENDING_H

#include "queen/answer.h"

struct pending_proposal {
    raft_index index;
    raft_term term;
    size_t bytes;        /* of the command */
    int64_t deadline_ms; /* monotonic */
    queen_done *done;    /* NULL: its client was told "unknown" when its time was over */
    void *context;
};

struct pending {
    struct pending_proposal *items; /* ring */
    size_t first, count, capacity;
    size_t told;  /* of the oldest: their clients were told; the entries still wait to be applied */
    size_t bytes; /* of all, told or not */
};

void pending_finish(struct pending *pending); /* must be empty */

/* `index` is greater than all that wait. */
void pending_push(struct pending *pending, const struct pending_proposal *proposal);

/* The oldest, or NULL; valid until the next call. */
const struct pending_proposal *pending_oldest(const struct pending *pending);
void pending_pop_oldest(struct pending *pending);

/* The oldest whose client was not told yet, or NULL; and: it was told now. */
const struct pending_proposal *pending_untold(const struct pending *pending);
void pending_set_told(struct pending *pending);

/* The newest, likewise. */
const struct pending_proposal *pending_newest(const struct pending *pending);
void pending_pop_newest(struct pending *pending);

#endif
