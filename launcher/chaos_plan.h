/* What shall happen, drawn from a seed before anything does: the same seed and the same size give the same plan. Pure. */
#ifndef LAUNCHER_CHAOS_PLAN_H
#define LAUNCHER_CHAOS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/limits.h"
#include "hive/options.h"

enum chaos_kind {
    CHAOS_KILL,     /* and start again */
    CHAOS_PAUSE,    /* and resume */
    CHAOS_STOP,     /* and start again */
    CHAOS_WIPE,     /* the disk is empty; it is over when she has a vote again */
    CHAOS_CUT,      /* some queens from the others */
    CHAOS_DELAY,    /* what all send each other */
    CHAOS_LOSE,     /* a part of that */
    CHAOS_TRANSFER, /* the leader hands over: nothing to undo */
};
#define CHAOS_KINDS 8
extern const char *const chaos_kind_names[CHAOS_KINDS];

enum chaos_way {
    CHAOS_BOTH_WAYS,
    CHAOS_OUTWARD,
    CHAOS_INWARD
}; /* of a cut, as those who are cut off see it */

struct chaos_fault {
    int64_t at_ms, until_ms; /* since the beginning */
    enum chaos_kind kind;
    bool is_leader; /* whoever leads then; */
    uint64_t
        victims; /* else these: bit 0 is the first queen. What they are missed by, the group can bear or not */
    enum chaos_way way;
    int64_t delay_ms, jitter_ms;
    int percent;
};

struct chaos_wish {
    uint64_t seed;
    size_t queens;
    uint64_t gone;  /* queens that are away all the time */
    unsigned kinds; /* a bit for each */
    int64_t for_ms, every_ms;
    bool is_harsh; /* more than a minority may be away at once, but never have lost their disks */
};

struct chaos_plan {
    struct chaos_fault *faults; /* by at_ms */
    size_t count;
};

/* How many queens may be away at the same time. */
size_t chaos_plan_spare(const struct chaos_wish *wish);

/* Without --harsh no more queens than a minority are ever away at the same time, those not counted that a leader's name
 * hides: of these each counts as one more. At most one is without her disk. */
void chaos_plan_make(struct chaos_plan *plan, const struct chaos_wish *wish);
void chaos_plan_finish(struct chaos_plan *plan);

/* How many queens it takes away. */
size_t chaos_fault_cost(const struct chaos_fault *fault);

/* "kill,pause" as bits; -EINVAL names the word that is none. */
int chaos_kinds_parse(const struct hive_strings *words, unsigned *kinds, struct hive_error *error);

/* A fault of the plan in words: "kill leader", "cut q1 q2 (one way, out)". */
void chaos_fault_describe(const struct chaos_fault *fault, char (*names)[HIVE_NAME_BYTES],
                          struct hive_buffer *text);

#endif
