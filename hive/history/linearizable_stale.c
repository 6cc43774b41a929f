/* Stale reads. They may see the past, but only what was there, nothing of the future, and nothing older than they say. */
#include <inttypes.h>

#include "hive/linearizable.h"

/* Ages are whole milliseconds, and so is the time that they are made of. */
#define ROUNDING_US 2000

static bool accuse(struct hive_buffer *why, const struct hive_history_op *read,
                   const struct hive_history_op *other, const char *what)
{
    hive_buffer_format(why, "key %u: %s:\n  ", read->key, what);
    hive_history_describe(read, why);
    if (other) {
        hive_buffer_append_text(why, "\n  ");
        hive_history_describe(other, why);
    }
    hive_buffer_append_text(why, "\n");
    return false;
}

/* What it saw was put there, before it ended. */
static bool check_value(const struct hive_history *history, const struct hive_history_op *read,
                        struct hive_buffer *why)
{
    if (read->status == HIVE_HISTORY_NOT_FOUND)
        return true;
    if (read->seen < 1 || read->seen > history->count)
        return accuse(why, read, NULL, "it saw a value that nobody put there");
    const struct hive_history_op *put = &history->ops[read->seen];
    bool is_without_effect = put->outcome == HIVE_HISTORY_REFUSED ||
                             (put->outcome == HIVE_HISTORY_DONE && put->status != HIVE_HISTORY_OK);
    if (put->key != read->key || put->type != HIVE_HISTORY_PUT || is_without_effect)
        return accuse(why, read, put, "it saw a value that was not put");
    if (put->invoked > read->returned)
        return accuse(why, read, put, "it saw the future");
    if (put->outcome == HIVE_HISTORY_DONE && put->index != read->index)
        return accuse(why, read, put, "one value has two indexes: it was put there twice");
    return true;
}

static bool is_change(const struct hive_history_op *op, unsigned key)
{
    return op->key == key && (op->type == HIVE_HISTORY_PUT || op->type == HIVE_HISTORY_DELETE) &&
           op->outcome == HIVE_HISTORY_DONE && op->status == HIVE_HISTORY_OK;
}

/* Whether the key can have gone away after the change `last`, and before the read's end. */
static bool can_be_gone(const struct hive_history *history, const struct hive_history_op *read,
                        const struct hive_history_op *last)
{
    if (last->type == HIVE_HISTORY_DELETE)
        return true;
    for (uint64_t number = 1; number <= history->count; number++) {
        const struct hive_history_op *op = &history->ops[number];
        if (op->key != read->key || op->type != HIVE_HISTORY_DELETE || op->invoked > read->returned)
            continue;
        if (op->outcome == HIVE_HISTORY_UNKNOWN || (is_change(op, read->key) && op->index > last->index))
            return true;
    }
    return false;
}

/* Whatever was answered before the moment to which its age goes back, it knew. */
static bool check_age(const struct hive_history *history, const struct hive_history_op *read,
                      unsigned drift_per_mille, struct hive_buffer *why)
{
    int64_t age_us = read->age_ms * 1000 * 1000 / (1000 - (int64_t)drift_per_mille) + ROUNDING_US;
    const struct hive_history_op *last = NULL;

    if (read->age_ms < 0)
        return true;
    for (uint64_t number = 1; number <= history->count; number++) {
        const struct hive_history_op *op = &history->ops[number];
        if (is_change(op, read->key) && op->returned_us < read->invoked_us - age_us &&
            (!last || op->index > last->index))
            last = op;
    }
    if (!last)
        return true;
    if (read->status == HIVE_HISTORY_NOT_FOUND ? can_be_gone(history, read, last)
                                               : read->index >= last->index)
        return true;
    return accuse(why, read, last, "it is older than it says, as it does not know this change");
}

bool hive_linearizable_check_stale(const struct hive_history *history, unsigned key, unsigned drift_per_mille,
                                   struct hive_buffer *why)
{
    for (uint64_t number = 1; number <= history->count; number++) {
        const struct hive_history_op *read = &history->ops[number];
        if (read->key == key && read->type == HIVE_HISTORY_STALE_READ && read->outcome == HIVE_HISTORY_DONE &&
            (!check_value(history, read, why) || !check_age(history, read, drift_per_mille, why)))
            return false;
    }
    return true;
}
