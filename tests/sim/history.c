/* What clients did and saw, in the order in which it happened. */
#include "sim/history.h"

#include <assert.h>
#include <inttypes.h>

#include "hive/memory.h"

void history_finish(struct history *history)
{
    free(history->ops);
    *history = (struct history){0};
}

uint64_t history_invoke(struct history *history, const struct history_op *op, int64_t now_us)
{
    uint64_t number = history->count + 1;

    if (number >= history->capacity) {
        history->capacity = history->capacity ? 2 * history->capacity : 256;
        history->ops = hive_realloc(history->ops, history->capacity, sizeof *history->ops);
        history->ops[0] = (struct history_op){0};
    }
    history->count = number;
    history->ops[number] = (struct history_op){.client = op->client,
                                               .key = op->key,
                                               .type = op->type,
                                               .condition = op->condition,
                                               .condition_index = op->condition_index,
                                               .number = number,
                                               .invoked_us = now_us,
                                               .invoked = ++history->order,
                                               .returned = HISTORY_NEVER,
                                               .outcome = HISTORY_UNKNOWN};
    return number;
}

void history_return(struct history *history, uint64_t number, const struct history_op *answer, int64_t now_us)
{
    assert(number >= 1 && number <= history->count);
    struct history_op *op = &history->ops[number];

    assert(op->returned == HISTORY_NEVER);
    op->outcome = answer->outcome;
    op->returned_us = now_us;
    /* What may still happen has no end. */
    op->returned = ++history->order;
    if (op->outcome == HISTORY_UNKNOWN)
        op->returned = HISTORY_NEVER;
    op->status = answer->status;
    op->created = answer->created;
    op->index = answer->index;
    op->seen = answer->seen;
    op->age_ms = answer->age_ms;
}

static void describe_result(const struct history_op *op, struct hive_buffer *text)
{
    static const char *const statuses[] = {
        [MACHINE_OK] = "ok",     [MACHINE_NOT_FOUND] = "not found",   [MACHINE_CONFLICT] = "conflict",
        [MACHINE_FULL] = "full", [MACHINE_KEY_REUSED] = "key reused", [MACHINE_INVALID] = "invalid",
    };

    if (op->outcome != HISTORY_DONE) {
        hive_buffer_append_text(text, op->outcome == HISTORY_REFUSED ? "refused" : "unknown");
        return;
    }
    hive_buffer_append_text(text, statuses[op->status]);
    if (op->seen)
        hive_buffer_format(text, " v%" PRIu64, op->seen);
    if (op->index)
        hive_buffer_format(text, " index %" PRIu64, op->index);
    if (op->created)
        hive_buffer_append_text(text, " created");
    if (op->type == HISTORY_STALE_READ)
        hive_buffer_format(text, " age %" PRId64 " ms", op->age_ms);
}

void history_describe(const struct history_op *op, struct hive_buffer *text)
{
    static const char *const types[] = {
        [HISTORY_READ] = "read",
        [HISTORY_STALE_READ] = "stale read",
        [HISTORY_PUT] = "put",
        [HISTORY_DELETE] = "delete",
    };

    hive_buffer_format(text, "#%" PRIu64 " client %u, ", op->number, op->client);
    if (op->returned == HISTORY_NEVER)
        hive_buffer_format(text, "from %.3f ms on", (double)op->invoked_us / 1000);
    else
        hive_buffer_format(text, "%.3f to %.3f ms", (double)op->invoked_us / 1000,
                           (double)op->returned_us / 1000);
    hive_buffer_format(text, ": %s", types[op->type]);
    if (op->type == HISTORY_PUT)
        hive_buffer_format(text, " v%" PRIu64, op->number);
    if (op->condition == MACHINE_IF_INDEX)
        hive_buffer_format(text, " if index %" PRIu64, op->condition_index);
    else if (op->condition != MACHINE_ALWAYS)
        hive_buffer_append_text(text, op->condition == MACHINE_IF_ABSENT ? " if absent" : " if there");
    hive_buffer_append_text(text, " -> ");
    describe_result(op, text);
}
