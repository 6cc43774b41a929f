/* Faults, when their time has come: done through the launcher of the cluster, and undone again. Each has a thread of its own, as some
 * orders take their time. */
#ifndef LAUNCHER_CHAOS_STRIKE_H
#define LAUNCHER_CHAOS_STRIKE_H

#include "chaos_plan.h"
#include "chaos_watch.h"
#include "hive/api.h"
#include "hive/ledger.h"

struct chaos_strikes;

/* Tells what happened, in words; from any thread, one at a time. */
typedef void chaos_say(void *context, const char *text);

struct chaos_stage {
    const struct hive_ledger *ledger; /* its queens come first */
    const struct hive_target *target;
    struct chaos_watch *watch;
    char (*names)[HIVE_NAME_BYTES]; /* of the queens */
    size_t queens, spare;
    uint64_t gone;
    int64_t began_ms; /* monotonic; faults count from here */
    size_t fault_count;
    chaos_say *say;
    void *context;
};

struct chaos_strikes *chaos_strikes_create(const struct chaos_stage *stage);

/* Does it, and undoes it at its end. False: it cannot be borne at this moment, or nobody leads; nothing was done. */
bool chaos_strike(struct chaos_strikes *strikes, const struct chaos_fault *fault);

/* Undoes everything, and returns when that is done. */
void chaos_strikes_end(struct chaos_strikes *strikes);

/* So many of that kind were done. */
size_t chaos_strikes_count(const struct chaos_strikes *strikes, enum chaos_kind kind);

void chaos_strikes_finish(struct chaos_strikes *strikes);

/* Heals all links, lets go on who is paused, and starts who is down. False: an order failed, and *error says why. */
bool chaos_restore(const struct hive_ledger *ledger, struct hive_error *error);

#endif
