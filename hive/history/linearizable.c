/* The search for an order: Wing and Gong's, with the memory of where it has been that Lowe gave it. It goes through beginnings and
 * ends in their order. Whatever began before the first end may be next; once that is chosen, its beginning and end are taken out, and
 * the search goes on from the start. Where an end is met before its operation was chosen, the last choice was wrong.
 *
 * Two things keep it short. Changes of which an index is known come in the order of their indexes, so that of these only one can be next.
 * And operations of which nobody knows whether they happened are supposed to have happened where something needs it, and nowhere else: right
 * before one that is certain and that would not fit without them. That is enough. Take any order that makes sense, and in it some that are
 * not certain, before one that is and that fits without them, too: if that one changes the key, they can be left out, as it hides what
 * they did; else it can come before them. Nor are ever more than two needed in a row: one that takes the key away or puts it there, so that
 * the condition of the other holds. */
#include "hive/linearizable.h"

#include <inttypes.h>

#include "history/linearizable_facts.h"
#include "history/linearizable_place.h"
#include "hive/memory.h"
#include "hive/mix.h"

#define STATES_MAX ((size_t)1 << 20) /* that are remembered; beyond: undecided */

#define ROW_MOST 2 /* that are not certain, in a row */

/* After the operations chosen so far. */
struct state {
    struct place now;
    struct place before; /* the row of those that are not certain, with which it ends */
    unsigned row;        /* so many */
};

/* The beginning (at 2 * fact + 1) or end (at 2 * fact + 2) of what is certain; [0] is the head of the list of those that are left. */
struct moment {
    uint64_t order;
    size_t before, after;
};

struct choice {
    size_t fact;
    struct state state; /* before it */
    size_t moment;      /* where the search was; 0: among those that are not certain */
};

struct search {
    const struct facts *facts;
    struct moment *moments;
    bool *is_chosen;   /* by fact */
    size_t *uncertain; /* the facts that are not certain */
    size_t uncertain_count;
    struct choice *choices;
    size_t depth, certain_left;
    struct state state;
    uint64_t hash[2]; /* of what was chosen */

    uint64_t (*seen)[2]; /* where the search has been; {0, 0}: free */
    size_t seen_count, seen_capacity;

    /* The furthest that it came. */
    size_t least_left;
    struct place furthest;
    size_t stuck; /* the fact whose end could not be passed then; FACT_NONE */
};

/* ---- where it has been ---- */

static void remember(struct search *search, const uint64_t key[2])
{
    size_t at = key[0] & (search->seen_capacity - 1);
    while (search->seen[at][0] || search->seen[at][1])
        at = (at + 1) & (search->seen_capacity - 1);
    search->seen[at][0] = key[0];
    search->seen[at][1] = key[1];
}

static void make_room(struct search *search)
{
    uint64_t(*old)[2] = search->seen;
    size_t capacity = search->seen_capacity;

    search->seen_capacity = capacity ? 2 * capacity : 1024;
    search->seen = hive_calloc(search->seen_capacity, sizeof *search->seen);
    for (size_t i = 0; i < capacity; i++)
        if (old[i][0] || old[i][1])
            remember(search, old[i]);
    free(old);
}

/* The rank follows from what was chosen. */
static uint64_t hash_place(uint64_t hash, const struct place *place)
{
    hash = hive_mix_number(hash, place->current);
    hash = hive_mix_number(hash, place->index);
    return hive_mix_number(hash, place->floor);
}

/* False where the search was here before: the same operations chosen, in whatever order, and the same state. */
static bool is_new(struct search *search, const struct fact *fact, const struct state *after)
{
    uint64_t key[2];

    for (int i = 0; i < 2; i++) {
        key[i] = hash_place(search->hash[i] ^ fact->hash[i], &after->now);
        if (after->row)
            key[i] = hash_place(key[i] + after->row, &after->before);
    }
    if (2 * search->seen_count >= search->seen_capacity)
        make_room(search);
    for (size_t at = key[0] & (search->seen_capacity - 1); search->seen[at][0] || search->seen[at][1];
         at = (at + 1) & (search->seen_capacity - 1))
        if (search->seen[at][0] == key[0] && search->seen[at][1] == key[1])
            return false;
    remember(search, key);
    search->seen_count++;
    return true;
}

/* ---- the search ---- */

static void take_out(struct search *search, size_t moment)
{
    const struct moment *m = &search->moments[moment];
    search->moments[m->before].after = m->after;
    search->moments[m->after].before = m->before;
}

static void put_back(struct search *search, size_t moment)
{
    const struct moment *m = &search->moments[moment];
    search->moments[m->before].after = moment;
    search->moments[m->after].before = moment;
}

static size_t beginning_of(size_t fact)
{
    return 2 * fact + 1;
}

static size_t end_of(size_t fact)
{
    return 2 * fact + 2;
}

static size_t fact_at(size_t moment)
{
    return (moment - 1) / 2;
}

static bool is_end(size_t moment)
{
    return moment % 2 == 0;
}

static bool has_end(const struct fact *fact)
{
    return fact->op->returned != HIVE_HISTORY_NEVER;
}

static void choose(struct search *search, size_t fact, const struct state *after, size_t moment)
{
    const struct fact *chosen = &search->facts->facts[fact];

    search->choices[search->depth++] = (struct choice){fact, search->state, moment};
    search->state = *after;
    search->is_chosen[fact] = true;
    for (int i = 0; i < 2; i++)
        search->hash[i] ^= chosen->hash[i];
    if (!chosen->is_certain)
        return;
    take_out(search, beginning_of(fact));
    if (has_end(chosen))
        take_out(search, end_of(fact));
    search->certain_left--;
}

static struct choice take_back(struct search *search)
{
    struct choice choice = search->choices[--search->depth];
    const struct fact *chosen = &search->facts->facts[choice.fact];

    search->state = choice.state;
    search->is_chosen[choice.fact] = false;
    for (int i = 0; i < 2; i++)
        search->hash[i] ^= chosen->hash[i];
    if (chosen->is_certain) {
        if (has_end(chosen))
            put_back(search, end_of(choice.fact));
        put_back(search, beginning_of(choice.fact));
        search->certain_left++;
    }
    return choice;
}

static bool try_one(struct search *search, size_t fact, size_t moment)
{
    const struct state *state = &search->state;
    struct state after = {.row = moment ? 0 : state->row + 1,
                          .before = state->row ? state->before : state->now};
    struct place without;

    if (!place_fits(search->facts, &state->now, fact, &after.now))
        return false;
    if (moment && state->row && place_fits(search->facts, &state->before, fact, &without))
        return false;
    if (!is_new(search, &search->facts->facts[fact], &after))
        return false;
    choose(search, fact, &after, moment);
    return true;
}

/* How seldom one that is not certain can be used: of several that would do the same now, the one that fits least often is as good as any,
 * as the others can take its place later. 0: its condition is an index of which nothing else is known, which is like no other. */
static unsigned rarity_of(const struct search *search, const struct hive_history_op *op)
{
    switch (op->condition) {
    case HIVE_HISTORY_IF_INDEX:
        return facts_find_index(search->facts, op->condition_index) == FACT_NONE ? 0 : 3;
    case HIVE_HISTORY_IF_ABSENT:
    case HIVE_HISTORY_IF_EXISTS:
        return 2;
    case HIVE_HISTORY_ALWAYS:
        break;
    }
    return 1;
}

static bool is_possible(const struct search *search, size_t number)
{
    const struct fact *fact = &search->facts->facts[number];
    struct place after;

    return !search->is_chosen[number] && (fact->like == FACT_NONE || search->is_chosen[fact->like]) &&
           place_fits(search->facts, &search->state.now, number, &after);
}

/* Chooses one of those that are not certain, from fact `from` on, that began before place `limit`. */
static bool try_uncertain(struct search *search, size_t from, uint64_t limit)
{
    const struct fact *facts = search->facts->facts;
    unsigned rarest[HIVE_HISTORY_DELETE + 1] = {0};
    size_t count = 0;

    if (search->state.row == ROW_MOST)
        return false;
    for (; count < search->uncertain_count && facts[search->uncertain[count]].op->invoked < limit; count++) {
        const struct hive_history_op *op = facts[search->uncertain[count]].op;
        unsigned rarity = rarity_of(search, op);
        if (rarity > rarest[op->type] && is_possible(search, search->uncertain[count]))
            rarest[op->type] = rarity;
    }
    for (size_t i = 0; i < count; i++) {
        size_t number = search->uncertain[i];
        unsigned rarity = rarity_of(search, facts[number].op);
        if (number >= from && (rarity == rarest[facts[number].op->type] || !rarity) &&
            is_possible(search, number) && try_one(search, number, 0))
            return true;
    }
    return false;
}

/* Chooses the next one, from this moment on, or (0) from the uncertain fact `from` on. False: there is none. */
static bool try_from(struct search *search, size_t moment, size_t from)
{
    uint64_t limit = HIVE_HISTORY_NEVER;
    size_t at = moment ? moment : search->moments[0].after;

    for (; at; at = search->moments[at].after) {
        if (is_end(at)) {
            limit = search->moments[at].order;
            if (search->certain_left < search->least_left) {
                search->least_left = search->certain_left;
                search->furthest = search->state.now;
                search->stuck = fact_at(at);
            }
            break;
        }
        if (moment && try_one(search, fact_at(at), at))
            return true;
    }
    return try_uncertain(search, from, limit);
}

static enum hive_linearizable_verdict run(struct search *search)
{
    size_t moment = search->moments[0].after, from = 0;

    while (search->certain_left) {
        if (search->seen_count > STATES_MAX)
            return HIVE_LINEARIZABLE_UNDECIDED;
        if (try_from(search, moment, from)) {
            moment = search->moments[0].after;
            from = 0;
            continue;
        }
        if (!search->depth)
            return HIVE_LINEARIZABLE_NO;
        struct choice choice = take_back(search);
        moment = choice.moment ? search->moments[choice.moment].after : 0;
        from = choice.moment ? 0 : choice.fact + 1;
    }
    return HIVE_LINEARIZABLE_YES;
}

/* ---- before and after ---- */

static int compare_moments(const void *a, const void *b, void *context)
{
    const struct moment *moments = context;
    uint64_t one = moments[*(const size_t *)a].order, other = moments[*(const size_t *)b].order;
    return (one > other) - (one < other);
}

static void begin(struct search *search, const struct facts *facts)
{
    size_t *order = hive_calloc(2 * facts->count, sizeof *order), count = 0;

    *search = (struct search){.facts = facts,
                              .certain_left = facts->certain_count,
                              .state = {.now = {.current = FACT_NONE}},
                              .least_left = SIZE_MAX,
                              .stuck = FACT_NONE};
    search->moments = hive_calloc(2 * facts->count + 1, sizeof *search->moments);
    search->is_chosen = hive_calloc(facts->count, sizeof *search->is_chosen);
    search->uncertain = hive_calloc(facts->count, sizeof *search->uncertain);
    search->choices = hive_calloc(facts->count, sizeof *search->choices);
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *fact = &facts->facts[i];
        if (!fact->is_certain) {
            search->uncertain[search->uncertain_count++] = i;
            continue;
        }
        search->moments[beginning_of(i)].order = fact->op->invoked;
        order[count++] = beginning_of(i);
        search->moments[end_of(i)].order = fact->op->returned;
        if (has_end(fact))
            order[count++] = end_of(i);
    }
    qsort_r(order, count, sizeof *order, compare_moments, search->moments);
    for (size_t i = 0; i < count; i++) {
        search->moments[order[i]].before = i ? order[i - 1] : 0;
        search->moments[i ? order[i - 1] : 0].after = order[i];
    }
    if (count)
        search->moments[0].before = order[count - 1];
    free(order);
}

static void finish(struct search *search)
{
    free(search->moments);
    free(search->is_chosen);
    free(search->uncertain);
    free(search->choices);
    free(search->seen);
}

/* Where the search stuck, and what was going on around it. */
static void explain(const struct search *search, enum hive_linearizable_verdict verdict,
                    struct hive_buffer *why)
{
    const struct facts *facts = search->facts;
    const struct place *place = &search->furthest;

    hive_buffer_format(why, "key %u: %s; the best order places %zu of %zu operations, ",
                       facts->facts[0].op->key,
                       verdict == HIVE_LINEARIZABLE_NO ? "no order makes sense" : "too many orders to try",
                       facts->certain_count - search->least_left, facts->certain_count);
    if (place->current == FACT_NONE)
        hive_buffer_append_text(why, "after which it is absent");
    else
        hive_buffer_format(why, "after which it is v%" PRIu64 " at index %" PRIu64,
                           facts->facts[place->current].op->number, place->index);
    const struct hive_history_op *stuck = search->stuck == FACT_NONE ? NULL : facts->facts[search->stuck].op;
    hive_buffer_append_text(why, stuck ? ", and this one has no place:\n  " : "\n");
    if (!stuck)
        return;
    hive_history_describe(stuck, why);
    hive_buffer_append_text(why, "\nits neighbours are:\n");
    for (size_t i = 0; i < facts->count; i++) {
        const struct hive_history_op *op = facts->facts[i].op;
        bool is_near = i + 6 >= search->stuck && i <= search->stuck + 6;
        bool overlaps = op->invoked < stuck->returned && op->returned > stuck->invoked;
        if (!is_near && !overlaps)
            continue;
        hive_buffer_append_text(why, "  ");
        hive_history_describe(op, why);
        hive_buffer_append_text(why, "\n");
    }
}

enum hive_linearizable_verdict hive_linearizable_check(const struct hive_history *history, unsigned key,
                                                       struct hive_buffer *why)
{
    enum hive_linearizable_verdict verdict = HIVE_LINEARIZABLE_NO;
    struct facts facts;
    struct search search;

    if (facts_learn(&facts, history, key, why)) {
        begin(&search, &facts);
        verdict = run(&search);
        if (verdict != HIVE_LINEARIZABLE_YES)
            explain(&search, verdict, why);
        finish(&search);
    } else
        hive_buffer_format(why, "(key %u)\n", key);
    facts_finish(&facts);

    return verdict;
}
