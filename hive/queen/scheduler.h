/* Which step each unfinished task needs next, and which of these steps are under way. The reconciler's thread
 * owns it. */
#ifndef QUEEN_SCHEDULER_H
#define QUEEN_SCHEDULER_H

#include "queen/liveness.h"
#include "queen/view.h"

enum scheduler_step {
    SCHEDULER_NOTHING,
    SCHEDULER_ASSIGN, /* propose that `drone` gets it */
    SCHEDULER_SEND,   /* hand it to `drone`, or ask how it is getting on: the drone answers the same id and
                         attempt with   what it remembers */
};

struct scheduler_item {
    uint64_t task;
    bool is_busy;          /* a step is under way */
    bool is_listed;        /* in the newest view */
    int64_t not_before_ms; /* monotonic: after a step that did not help */
    int refusals;          /* how often its drone would not take it */
};

struct scheduler {
    struct scheduler_item *items; /* rising task numbers */
    size_t count;
};

void scheduler_finish(struct scheduler *scheduler);

/* Takes over which tasks are unfinished. */
void scheduler_update(struct scheduler *scheduler, const struct view *view);

/* What `task` needs now; a step other than NOTHING is under way from here on, until scheduler_done. */
enum scheduler_step scheduler_next(struct scheduler *scheduler, const struct view_task *task,
                                   struct liveness *liveness, int64_t now_ms, struct live_drone **drone);

/* The step of that task is over; the next one may start at `not_before_ms`. */
void scheduler_done(struct scheduler *scheduler, uint64_t task, int64_t not_before_ms);

/* The drone answered, and would not take the task. True where that was once too often: it is to be given back. */
bool scheduler_is_refused(struct scheduler *scheduler, uint64_t task);

/* When a postponed step is due next; INT64_MAX for none. */
int64_t scheduler_due_ms(const struct scheduler *scheduler, int64_t now_ms);

#endif
