/* What to do next: what is wanted of each node, minus what is there. Pure: the clock reading is an argument
 * and nothing is done here, so that every rule of starting and ending has a unit test without a process. */
#ifndef LAUNCHER_PLAN_H
#define LAUNCHER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/ledger.h"

enum plan_want { PLAN_WANT_DOWN, PLAN_WANT_RUNNING, PLAN_WANT_PAUSED };
enum plan_have { PLAN_HAVE_DOWN, PLAN_HAVE_RUNNING, PLAN_HAVE_PAUSED };

struct plan_node {
    enum hive_role role;
    enum plan_want want;
    enum plan_have have;
    bool again;          /* a restart: goes down first, whatever is wanted after that */
    bool by_force;       /* goes down by SIGKILL, without being asked before */
    bool was_asked;      /* SIGTERM is sent */
    bool was_killed;     /* SIGKILL is sent */
    int64_t asked_at_ms; /* when it was asked; monotonic */
};

enum plan_action {
    PLAN_START,
    PLAN_ASK,  /* SIGTERM, and SIGCONT where it is paused */
    PLAN_KILL, /* SIGKILL: by force, or because the grace time is over */
    PLAN_PAUSE,
    PLAN_RESUME,
};

struct plan_step {
    size_t node;
    enum plan_action action;
};

struct plan_rules {
    bool is_ending;   /* the whole cluster goes down: queens stay until no drone is left */
    int64_t now_ms;   /* monotonic */
    int64_t grace_ms; /* from SIGTERM to SIGKILL */
};

/* Writes what is to be done now, in order, to `steps` (room for `count`) and returns how many. `*due_ms` is
 * the time at which to ask again if nothing happens before; INT64_MAX: never. */
size_t plan_make(const struct plan_node *nodes, size_t count, const struct plan_rules *rules,
                 struct plan_step *steps, int64_t *due_ms);

/* Notes that a step was done, so that it is not planned again. */
void plan_note(struct plan_node *node, enum plan_action action, int64_t now_ms);

/* Notes that the node is down. True where that was wanted; if it was not, it stays down from here on. */
bool plan_note_down(struct plan_node *node);

/* True where nothing is left to do for the node. */
bool plan_is_settled(const struct plan_node *node);

#endif
