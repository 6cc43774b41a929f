/* What clients did and saw: for each operation when it began, when it ended, and what was answered. Knows nothing of how; linearizable.c
 * says whether it can have been. */
#ifndef HIVE_HISTORY_H
#define HIVE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"

enum hive_history_type {
    HIVE_HISTORY_READ,
    HIVE_HISTORY_STALE_READ,
    HIVE_HISTORY_PUT,
    HIVE_HISTORY_DELETE,
};

/* What a put or a delete asks for first. Numbered as in the log, so that the simulator need not translate. */
enum hive_history_condition {
    HIVE_HISTORY_ALWAYS,
    HIVE_HISTORY_IF_INDEX,  /* the key's modification index is `condition_index` */
    HIVE_HISTORY_IF_ABSENT, /* the key does not exist */
    HIVE_HISTORY_IF_EXISTS,
};

enum hive_history_status {
    HIVE_HISTORY_OK,
    HIVE_HISTORY_NOT_FOUND,
    HIVE_HISTORY_CONFLICT, /* the condition did not hold */
    HIVE_HISTORY_REJECTED, /* for another reason, which has nothing to do with the key */
};

enum hive_history_outcome {
    HIVE_HISTORY_UNKNOWN, /* also while it is under way: it may have happened, or still happen, once at most */
    HIVE_HISTORY_DONE,
    HIVE_HISTORY_REFUSED, /* certainly it did not happen, and never will */
};

#define HIVE_HISTORY_NEVER UINT64_MAX

struct hive_history_op {
    /* What is asked for. Each put writes a value of its own: its number. */
    unsigned client, key;
    enum hive_history_type type;
    enum hive_history_condition condition; /* of a put or a delete */
    uint64_t condition_index;

    /* Filled in by hive_history_invoke and hive_history_return. */
    uint64_t number; /* from 1 */
    int64_t invoked_us, returned_us;
    uint64_t invoked, returned; /* places in the order of all beginnings and ends; HIVE_HISTORY_NEVER */
    enum hive_history_outcome outcome; /* what follows is of one that is DONE */
    enum hive_history_status status;   /* of a read: OK or NOT_FOUND */
    bool created;                      /* a put made the key */
    uint64_t
        index; /* a read: the modification index that it saw; a write: of its change; CONFLICT: of what stands there, 0 for nothing */
    uint64_t seen;  /* a read: number of the put whose value it saw; 0: none */
    int64_t age_ms; /* a stale read: how old it said that this may be; -1: unknown */
};

struct hive_history {
    struct hive_history_op *ops; /* by number, from 1 */
    size_t count, capacity;
    uint64_t order;
};

/* A zeroed struct is an empty history. */
void hive_history_finish(struct hive_history *history);

/* An operation begins: copies the first part of `op`, and returns its number. */
uint64_t hive_history_invoke(struct hive_history *history, const struct hive_history_op *op, int64_t now_us);
/* It ends. `answer`: from `outcome` on. */
void hive_history_return(struct hive_history *history, uint64_t number, const struct hive_history_op *answer,
                         int64_t now_us);

/* An operation in one line. */
void hive_history_describe(const struct hive_history_op *op, struct hive_buffer *text);

#endif
