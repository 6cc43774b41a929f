/* What is certain before any search. Puts write values of their own, and each change has the index of its log entry: so a read names
 * the put that it saw and tells its index, which that put's own client may never have learned. */
#include "history/linearizable_facts.h"

#include <inttypes.h>

#include "hive/memory.h"
#include "hive/mix.h"

static bool accuse(struct hive_buffer *why, const struct hive_history_op *op,
                   const struct hive_history_op *other, const char *what)
{
    hive_buffer_format(why, "%s:\n  ", what);
    hive_history_describe(op, why);
    if (other) {
        hive_buffer_append_text(why, "\n  ");
        hive_history_describe(other, why);
    }
    hive_buffer_append_text(why, "\n");
    return false;
}

static bool is_write(const struct hive_history_op *op)
{
    return op->type == HIVE_HISTORY_PUT || op->type == HIVE_HISTORY_DELETE;
}

/* Whether it can have a place: a read without an answer says nothing, and what was refused, also for lack of room, did not happen. */
static bool is_of_use(const struct hive_history_op *op)
{
    if (op->type == HIVE_HISTORY_STALE_READ || op->outcome == HIVE_HISTORY_REFUSED)
        return false;
    if (op->outcome == HIVE_HISTORY_UNKNOWN)
        return is_write(op);
    return op->status == HIVE_HISTORY_OK || op->status == HIVE_HISTORY_NOT_FOUND ||
           op->status == HIVE_HISTORY_CONFLICT;
}

static size_t find(const struct facts *facts, uint64_t number)
{
    size_t low = 0, high = facts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->facts[middle].op->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < facts->count && facts->facts[low].op->number == number ? low : FACT_NONE;
}

/* A read's answer, as evidence of the put that it saw. */
static bool learn_from_read(struct facts *facts, struct fact *read, struct hive_buffer *why)
{
    const struct hive_history_op *op = read->op;

    if (op->status == HIVE_HISTORY_NOT_FOUND)
        return true;
    read->seen = find(facts, op->seen);
    if (read->seen == FACT_NONE)
        return accuse(why, op, NULL, "it saw a value that nobody put there, or whose put was refused");
    struct fact *put = &facts->facts[read->seen];
    if (put->op->type != HIVE_HISTORY_PUT ||
        (put->op->outcome == HIVE_HISTORY_DONE && put->op->status != HIVE_HISTORY_OK))
        return accuse(why, op, put->op, "it saw a value that was not put");
    if (put->index && put->index != op->index)
        return accuse(why, op, put->op, "one value has two indexes: it was put there twice");
    if (!op->index)
        return accuse(why, op, NULL, "it saw a value without an index");
    put->index = op->index;
    return true;
}

static int compare_indexes(const void *a, const void *b, void *context)
{
    const struct facts *facts = context;
    uint64_t one = facts->facts[*(const size_t *)a].index, other = facts->facts[*(const size_t *)b].index;
    return (one > other) - (one < other);
}

static bool sort_by_index(struct facts *facts, struct hive_buffer *why)
{
    facts->by_index = hive_calloc(facts->count, sizeof *facts->by_index);
    for (size_t i = 0; i < facts->count; i++)
        if (facts->facts[i].index)
            facts->by_index[facts->index_count++] = i;
    qsort_r(facts->by_index, facts->index_count, sizeof *facts->by_index, compare_indexes, facts);
    for (size_t i = 1; i < facts->index_count; i++) {
        const struct fact *one = &facts->facts[facts->by_index[i - 1]];
        const struct fact *other = &facts->facts[facts->by_index[i]];
        if (one->index == other->index)
            return accuse(why, one->op, other->op, "two changes have the same index");
    }
    return true;
}

struct moment {
    uint64_t order;
    const struct hive_history_op *op;
    bool is_end;
};

static int compare_moments(const void *a, const void *b)
{
    uint64_t one = ((const struct moment *)a)->order, other = ((const struct moment *)b)->order;
    return (one > other) - (one < other);
}

/* Indexes rise, so nobody is told of an index that is lower than one of which somebody was told before. This needs no search, and
 * finds most of what can be wrong. */
static bool check_indexes(const struct facts *facts, struct hive_buffer *why)
{
    struct moment *moments = hive_calloc(2 * facts->count, sizeof *moments);
    uint64_t *floors =
        hive_calloc(facts->count, sizeof *floors); /* the highest that was told before it began */
    const struct hive_history_op *highest = NULL;
    size_t count = 0;
    bool is_right = true;

    for (size_t i = 0; i < facts->count; i++) {
        const struct hive_history_op *op = facts->facts[i].op;
        moments[count++] = (struct moment){op->invoked, op, false};
        if (op->outcome == HIVE_HISTORY_DONE && op->index)
            moments[count++] = (struct moment){op->returned, op, true};
    }
    qsort(moments, count, sizeof *moments, compare_moments);
    for (size_t i = 0; i < count && is_right; i++) {
        const struct hive_history_op *op = moments[i].op;
        size_t fact = find(facts, op->number);
        if (!moments[i].is_end) {
            floors[fact] = highest ? highest->index : 0;
            continue;
        }
        bool is_change = is_write(op) && op->status == HIVE_HISTORY_OK;
        if (op->index < floors[fact] || (is_change && op->index == floors[fact]))
            is_right = accuse(why, op, highest, "it was told of an index that was over before it began");
        if (!highest || op->index > highest->index)
            highest = op;
    }
    free(moments);
    free(floors);
    return is_right;
}

/* Of those that nobody saw and that do the same, it is enough to try the one that began first. */
static void find_likes(struct facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct hive_history_op *op = facts->facts[i].op;
        facts->facts[i].like = FACT_NONE;
        for (size_t j = i; !facts->facts[i].is_certain && j-- > 0;) {
            const struct hive_history_op *other = facts->facts[j].op;
            if (!facts->facts[j].is_certain && other->type == op->type && other->condition == op->condition &&
                other->condition_index == op->condition_index) {
                facts->facts[i].like = j;
                break;
            }
        }
    }
}

bool facts_learn(struct facts *facts, const struct hive_history *history, unsigned key,
                 struct hive_buffer *why)
{
    uint64_t random = 1;

    *facts = (struct facts){.facts = hive_calloc(history->count, sizeof *facts->facts)};
    for (uint64_t number = 1; number <= history->count; number++) {
        const struct hive_history_op *op = &history->ops[number];
        if (op->key != key || !is_of_use(op))
            continue;
        struct fact *fact = &facts->facts[facts->count++];
        *fact = (struct fact){.op = op, .seen = FACT_NONE};
        fact->hash[0] = hive_mix_next(&random);
        fact->hash[1] = hive_mix_next(&random);
        if (op->outcome == HIVE_HISTORY_DONE && op->status == HIVE_HISTORY_NOT_FOUND && op->index)
            return accuse(why, op, NULL, "it found nothing, which has an index");
        if (is_write(op) && op->outcome == HIVE_HISTORY_DONE && op->status == HIVE_HISTORY_OK) {
            fact->index = op->index;
            if (!op->index)
                return accuse(why, op, NULL, "it was done without an index");
        }
    }
    for (size_t i = 0; i < facts->count; i++)
        if (facts->facts[i].op->type == HIVE_HISTORY_READ && !learn_from_read(facts, &facts->facts[i], why))
            return false;
    for (size_t i = 0; i < facts->count; i++) {
        struct fact *fact = &facts->facts[i];
        fact->is_certain = fact->op->outcome == HIVE_HISTORY_DONE || fact->index;
        facts->certain_count += fact->is_certain;
    }
    find_likes(facts);
    return sort_by_index(facts, why) && check_indexes(facts, why);
}

void facts_finish(struct facts *facts)
{
    free(facts->facts);
    free(facts->by_index);
    *facts = (struct facts){0};
}

size_t facts_find_index(const struct facts *facts, uint64_t index)
{
    size_t low = 0, high = facts->index_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->facts[facts->by_index[middle]].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == facts->index_count || facts->facts[facts->by_index[low]].index != index)
        return FACT_NONE;
    return facts->by_index[low];
}
