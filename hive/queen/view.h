/* A copy of the part of the machine that the reconciler works on, taken on the consensus thread, so that the
 * machine stays with its one owner. */
#ifndef QUEEN_VIEW_H
#define QUEEN_VIEW_H

#include "queen/queen.h"

/* Unfinished tasks in one view; the rest come when these are done. */
#define VIEW_TASKS 256

struct view_drone {
    char *address, *name, *secret; /* owned */
    uint32_t capacity, task_count;
    uint64_t registered_index;
};

struct view_task {
    uint64_t number;
    uint32_t attempt;
    enum machine_task_state state;
    char *drone; /* owned; empty while pending */
    char *text;  /* owned; NULL while pending: it is not needed before the task is assigned */
};

struct view {
    bool is_leader;
    raft_term term;
    struct view_drone *drones; /* in byte order of the addresses */
    size_t drone_count;
    struct view_task *tasks; /* unfinished, rising numbers */
    size_t task_count;
};

/* Takes a new view: waits for the consensus thread. False where the queen is stopping; `view` is then empty.
 */
bool view_take(struct queen *queen, struct view *view);
void view_finish(struct view *view);

#endif
