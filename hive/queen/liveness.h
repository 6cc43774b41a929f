/* Which drones are alive: a table of what their answers to heartbeats, or the absence of answers, say. It
 * sends nothing itself. The reconciler's thread writes it under the reconciler's lock, and reads it without.
 */
#ifndef QUEEN_LIVENESS_H
#define QUEEN_LIVENESS_H

#include "queen/view.h"

struct live_drone {
    char *address, *name, *secret; /* owned */
    uint32_t capacity, task_count;
    uint64_t registered_index;
    bool was_seen;        /* by this leader, since it leads */
    bool is_suspect;      /* gets no new tasks */
    bool is_asked;        /* a heartbeat is under way */
    bool is_leaving;      /* its removal was proposed */
    int running;          /* tasks, by its own last word */
    int64_t last_seen_ms; /* monotonic; start of the leadership or registration before that */
    int64_t heartbeat_due_ms;
    int64_t avoid_until_ms; /* it refuses tasks, though it is healthy */
};

struct liveness {
    struct live_drone *drones; /* in byte order of the addresses */
    size_t count;
    int64_t heartbeat_ms, suspect_ms, lost_ms;
};

void liveness_finish(struct liveness *liveness);

/* Takes over who is registered; what is known of those that stay is kept. */
void liveness_update(struct liveness *liveness, const struct view *view, int64_t now_ms);

/* This queen leads from now on: nobody was seen yet, everybody has a full period to answer. */
void liveness_start_leading(struct liveness *liveness, int64_t now_ms);

/* The drone at that address, or NULL. */
struct live_drone *liveness_find(const struct liveness *liveness, const char *address);

/* A heartbeat was answered. */
void liveness_seen(struct live_drone *drone, int running, int64_t now_ms);

/* Marks the silent as suspect. Gives the next drone that is lost and not leaving yet, or NULL. */
struct live_drone *liveness_judge(struct liveness *liveness, int64_t now_ms);

/* A random drone among those that are healthy and have room, or NULL; counts the task as its own. */
struct live_drone *liveness_pick(struct liveness *liveness, int64_t now_ms);

/* When something is due next. */
int64_t liveness_due_ms(const struct liveness *liveness);

#endif
