/* What one operation does to a key, and whether it can have been answered as it was. */
#include "history/linearizable_place.h"

/* Whether the key can have that index now: known, or not known and between those of its neighbours. */
static bool can_have_index(const struct facts *facts, const struct place *place, uint64_t index)
{
    if (place->current == FACT_NONE || place->index)
        return place->current != FACT_NONE && place->index == index;
    if (index <= place->floor || facts_find_index(facts, index) != FACT_NONE)
        return false;
    return place->rank == facts->index_count || facts->facts[facts->by_index[place->rank]].index > index;
}

/* Whether the condition can have been found true (`holds`), or false. */
static bool can_hold(const struct facts *facts, const struct place *place, const struct hive_history_op *op,
                     bool holds)
{
    bool is_there = place->current != FACT_NONE;

    switch (op->condition) {
    case HIVE_HISTORY_ALWAYS:
        return holds;
    case HIVE_HISTORY_IF_EXISTS:
        return is_there == holds;
    case HIVE_HISTORY_IF_ABSENT:
        return is_there != holds;
    case HIVE_HISTORY_IF_INDEX:
        if (holds || !is_there || place->index)
            return can_have_index(facts, place, op->condition_index) == holds;
        return true; /* its index is not known: it may be another */
    }
    return false;
}

/* A write that was answered, without effect. */
static bool fits_without_effect(const struct facts *facts, const struct place *place,
                                const struct hive_history_op *op, struct place *after)
{
    if (op->status == HIVE_HISTORY_NOT_FOUND)
        return op->type == HIVE_HISTORY_DELETE && place->current == FACT_NONE &&
               can_hold(facts, place, op, true);
    if (!can_hold(facts, place, op, false))
        return false;
    if (!op->index)
        return place->current == FACT_NONE;
    /* It told what stands there. */
    if (op->condition == HIVE_HISTORY_IF_INDEX && op->condition_index == op->index)
        return false;
    after->index = op->index;
    after->floor = op->index > after->floor ? op->index : after->floor;
    return can_have_index(facts, place, op->index);
}

bool place_fits(const struct facts *facts, const struct place *place, size_t number, struct place *after)
{
    const struct fact *fact = &facts->facts[number];
    const struct hive_history_op *op = fact->op;
    bool is_there = place->current != FACT_NONE;

    *after = *place;
    if (op->type == HIVE_HISTORY_READ)
        return fact->seen == place->current;
    if (op->outcome == HIVE_HISTORY_DONE && op->status != HIVE_HISTORY_OK)
        return fits_without_effect(facts, place, op, after);
    if (fact->index) {
        if (facts->by_index[place->rank] != number)
            return false;
        after->rank++;
    }
    if (!can_hold(facts, place, op, true))
        return false;
    if (op->condition == HIVE_HISTORY_IF_INDEX && op->condition_index > after->floor)
        after->floor = op->condition_index;
    if (fact->index > after->floor)
        after->floor = fact->index;
    if (op->type == HIVE_HISTORY_PUT && op->outcome == HIVE_HISTORY_DONE && op->created == is_there)
        return false;
    if (op->type == HIVE_HISTORY_DELETE && !is_there)
        return false; /* of one that is not certain: it would change nothing */
    after->current = op->type == HIVE_HISTORY_PUT ? number : FACT_NONE;
    after->index = op->type == HIVE_HISTORY_PUT ? fact->index : 0;
    return true;
}
