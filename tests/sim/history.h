/* What clients did and saw: for each operation when it began, when it ended, and what was answered. Knows nothing of how; linearizable.c
 * says whether it can have been. */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "machine/machine.h"

enum history_type {
    HISTORY_READ,
    HISTORY_STALE_READ,
    HISTORY_PUT,
    HISTORY_DELETE,
};

enum history_outcome {
    HISTORY_UNKNOWN, /* also while it is under way: it may have happened, or still happen, once at most */
    HISTORY_DONE,
    HISTORY_REFUSED, /* certainly it did not happen, and never will */
};

#define HISTORY_NEVER UINT64_MAX

struct history_op {
    /* What is asked for. Each put writes a value of its own: its number. */
    unsigned client, key;
    enum history_type type;
    enum machine_condition condition; /* of a put or a delete */
    uint64_t condition_index;

    /* Filled in by history_invoke and history_return. */
    uint64_t number; /* from 1 */
    int64_t invoked_us, returned_us;
    uint64_t invoked, returned;   /* places in the order of all beginnings and ends; HISTORY_NEVER */
    enum history_outcome outcome; /* what follows is of one that is DONE */
    enum machine_status status;   /* of a read: OK or NOT_FOUND */
    bool created;                 /* a put made the key */
    uint64_t index; /* a read: the modification index that it saw; a write: as in struct machine_result */
    uint64_t seen;  /* a read: number of the put whose value it saw; 0: none */
    int64_t age_ms; /* a stale read: how old it said that this may be; -1: unknown */
};

struct history {
    struct history_op *ops; /* by number, from 1 */
    size_t count, capacity;
    uint64_t order;
};

/* A zeroed struct is an empty history. */
void history_finish(struct history *history);

/* An operation begins: copies the first part of `op`, and returns its number. */
uint64_t history_invoke(struct history *history, const struct history_op *op, int64_t now_us);
/* It ends. `answer`: from `outcome` on. */
void history_return(struct history *history, uint64_t number, const struct history_op *answer,
                    int64_t now_us);

/* An operation in one line. */
void history_describe(const struct history_op *op, struct hive_buffer *text);

#endif
