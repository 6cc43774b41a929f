/* What clients did and saw, in the order in which it happened. */
#include "hive/history.h"

#include <assert.h>
#include <inttypes.h>

#include "hive/memory.h"

void hive_history_finish(struct hive_history *history)
{
    free(history->ops);
    *history = (struct hive_history){0};
}

uint64_t hive_history_invoke(struct hive_history *history, const struct hive_history_op *op, int64_t now_us)
{
    uint64_t number = history->count + 1;

    if (number >= history->capacity) {
        history->capacity = history->capacity ? 2 * history->capacity : 256;
        history->ops = hive_realloc(history->ops, history->capacity, sizeof *history->ops);
        history->ops[0] = (struct hive_history_op){0};
    }
    history->count = number;
    history->ops[number] = (struct hive_history_op){.client = op->client,
                                                    .key = op->key,
                                                    .type = op->type,
                                                    .condition = op->condition,
                                                    .condition_index = op->condition_index,
                                                    .number = number,
                                                    .invoked_us = now_us,
                                                    .invoked = ++history->order,
                                                    .returned = HIVE_HISTORY_NEVER,
                                                    .outcome = HIVE_HISTORY_UNKNOWN};
    return number;
}

void hive_history_return(struct hive_history *history, uint64_t number, const struct hive_history_op *answer,
                         int64_t now_us)
{
    assert(number >= 1 && number <= history->count);
    struct hive_history_op *op = &history->ops[number];

    assert(op->returned == HIVE_HISTORY_NEVER);
    op->outcome = answer->outcome;
    op->returned_us = now_us;
    /* What may still happen has no end. */
    op->returned = ++history->order;
    if (op->outcome == HIVE_HISTORY_UNKNOWN)
        op->returned = HIVE_HISTORY_NEVER;
    op->status = answer->status;
    op->created = answer->created;
    op->index = answer->index;
    op->seen = answer->seen;
    op->age_ms = answer->age_ms;
}

static void describe_result(const struct hive_history_op *op, struct hive_buffer *text)
{
    static const char *const statuses[] = {
        [HIVE_HISTORY_OK] = "ok",
        [HIVE_HISTORY_NOT_FOUND] = "not found",
        [HIVE_HISTORY_CONFLICT] = "conflict",
        [HIVE_HISTORY_REJECTED] = "rejected",
    };

    if (op->outcome != HIVE_HISTORY_DONE) {
        hive_buffer_append_text(text, op->outcome == HIVE_HISTORY_REFUSED ? "refused" : "unknown");
        return;
    }
    hive_buffer_append_text(text, statuses[op->status]);
    if (op->seen)
        hive_buffer_format(text, " v%" PRIu64, op->seen);
    if (op->index)
        hive_buffer_format(text, " index %" PRIu64, op->index);
    if (op->created)
        hive_buffer_append_text(text, " created");
    if (op->type == HIVE_HISTORY_STALE_READ)
        hive_buffer_format(text, " age %" PRId64 " ms", op->age_ms);
}

void hive_history_describe(const struct hive_history_op *op, struct hive_buffer *text)
{
    static const char *const types[] = {
        [HIVE_HISTORY_READ] = "read",
        [HIVE_HISTORY_STALE_READ] = "stale read",
        [HIVE_HISTORY_PUT] = "put",
        [HIVE_HISTORY_DELETE] = "delete",
    };

    hive_buffer_format(text, "#%" PRIu64 " client %u, ", op->number, op->client);
    if (op->returned == HIVE_HISTORY_NEVER)
        hive_buffer_format(text, "from %.3f ms on", (double)op->invoked_us / 1000);
    else
        hive_buffer_format(text, "%.3f to %.3f ms", (double)op->invoked_us / 1000,
                           (double)op->returned_us / 1000);
    hive_buffer_format(text, ": %s", types[op->type]);
    if (op->type == HIVE_HISTORY_PUT)
        hive_buffer_format(text, " v%" PRIu64, op->number);
    if (op->condition == HIVE_HISTORY_IF_INDEX)
        hive_buffer_format(text, " if index %" PRIu64, op->condition_index);
    else if (op->condition != HIVE_HISTORY_ALWAYS)
        hive_buffer_append_text(text, op->condition == HIVE_HISTORY_IF_ABSENT ? " if absent" : " if there");
    hive_buffer_append_text(text, " -> ");
    describe_result(op, text);
}
