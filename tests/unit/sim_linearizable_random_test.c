/* The judge of histories against two others: a register that makes histories, all of which are right, and a slow judge that tries
 * every order of a few operations, some of which were told lies. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hive/linearizable.h"
#include "hive/memory.h"
#include "sim/random.h"

enum { CLIENTS = 8, OPEN_MOST = 64 };

/* ---- a register, and clients whose operations happen at one moment ---- */

struct pending {
    uint64_t number;
    bool has_happened, is_told; /* told: its client has an answer, and goes on */
    struct hive_history_op answer;
};

struct making {
    struct sim_random random;
    struct hive_history history;
    unsigned clients, unknown_per_mille;
    uint64_t log_index, current, modified_index; /* the register */
    uint64_t known_index;                        /* one that somebody has seen */
    struct pending pending[OPEN_MOST];
    size_t pending_count;
    bool is_busy[CLIENTS];
};

static bool holds(const struct hive_history_op *op, uint64_t current, uint64_t modified_index)
{
    switch (op->condition) {
    case HIVE_HISTORY_IF_INDEX:
        return current && modified_index == op->condition_index;
    case HIVE_HISTORY_IF_ABSENT:
        return !current;
    case HIVE_HISTORY_IF_EXISTS:
        return current;
    case HIVE_HISTORY_ALWAYS:
        break;
    }
    return true;
}

static void happen(struct making *making, struct pending *pending)
{
    const struct hive_history_op *op = &making->history.ops[pending->number];
    struct hive_history_op *answer = &pending->answer;

    pending->has_happened = true;
    making->log_index += 10;
    *answer = (struct hive_history_op){
        .outcome = HIVE_HISTORY_DONE, .status = HIVE_HISTORY_OK, .index = making->modified_index};
    if (op->type == HIVE_HISTORY_READ) {
        answer->status = making->current ? HIVE_HISTORY_OK : HIVE_HISTORY_NOT_FOUND;
        answer->seen = making->current;
    } else if (!holds(op, making->current, making->modified_index))
        answer->status = HIVE_HISTORY_CONFLICT;
    else if (op->type == HIVE_HISTORY_DELETE && !making->current)
        answer->status = HIVE_HISTORY_NOT_FOUND;
    else {
        answer->created = op->type == HIVE_HISTORY_PUT && !making->current;
        answer->index = making->log_index;
        making->current = op->type == HIVE_HISTORY_PUT ? op->number : 0;
        making->modified_index = making->current ? making->log_index : 0;
    }
}

static void invoke(struct making *making, unsigned client)
{
    static const enum hive_history_type types[] = {HIVE_HISTORY_READ, HIVE_HISTORY_READ, HIVE_HISTORY_PUT,
                                                   HIVE_HISTORY_PUT, HIVE_HISTORY_DELETE};
    struct sim_random *random = &making->random;
    struct hive_history_op op = {.client = client, .type = types[sim_random_below(random, 5)]};

    if (op.type != HIVE_HISTORY_READ && sim_random_below(random, 2))
        op.condition = (enum hive_history_condition)sim_random_below(random, 4);
    if (op.condition == HIVE_HISTORY_IF_INDEX)
        op.condition_index = sim_random_below(random, 4) ? making->known_index : making->modified_index;
    making->pending[making->pending_count++] = (struct pending){
        .number = hive_history_invoke(&making->history, &op, (int64_t)making->history.order)};
    making->is_busy[client] = true;
}

/* The client gets an answer, or none: then it may happen later, or never. True: nothing more comes of it. */
static bool answer(struct making *making, struct pending *pending)
{
    struct hive_history_op told = pending->answer;
    bool is_lost = sim_random_chance(&making->random, making->unknown_per_mille);

    if (is_lost)
        told = (struct hive_history_op){.outcome = HIVE_HISTORY_UNKNOWN};
    else if (!pending->has_happened)
        told = (struct hive_history_op){.outcome = HIVE_HISTORY_REFUSED};
    else
        making->known_index = told.index;
    making->is_busy[making->history.ops[pending->number].client] = false;
    hive_history_return(&making->history, pending->number, &told, (int64_t)making->history.order);
    pending->is_told = true;
    return !is_lost || pending->has_happened;
}

static void step(struct making *making)
{
    unsigned client = (unsigned)sim_random_below(&making->random, making->clients);
    if (!making->is_busy[client] && making->pending_count < OPEN_MOST) {
        invoke(making, client);
        return;
    }
    if (!making->pending_count)
        return;
    size_t at = sim_random_below(&making->random, making->pending_count);
    struct pending *pending = &making->pending[at];
    bool is_over;
    if (pending->is_told) { /* what nobody waits for any more: it happens, or never will */
        is_over = true;
        if (sim_random_below(&making->random, 2))
            happen(making, pending);
    } else if (!pending->has_happened && sim_random_below(&making->random, 20)) {
        happen(making, pending);
        is_over = false;
    } else
        is_over = answer(making, pending);
    if (is_over)
        *pending = making->pending[--making->pending_count];
}

static void make(struct making *making, uint64_t seed, unsigned clients, size_t ops)
{
    *making = (struct making){.random = sim_random_stream(seed, 3), .clients = clients};
    making->unknown_per_mille = (unsigned)sim_random_below(&making->random, 300);
    while (making->history.count < ops)
        step(making);
}

static void test_what_a_register_did_can_have_been(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct making making;
        struct hive_buffer why = {0};
        make(&making, seed, CLIENTS, 400);
        if (hive_linearizable_check(&making.history, 0, &why) != HIVE_LINEARIZABLE_YES)
            fail_msg("seed %" PRIu64 ": %s", seed, why.data);
        hive_buffer_finish(&why);
        hive_history_finish(&making.history);
    }
}

/* ---- a slow judge ---- */

struct slow {
    const struct hive_history *history;
    bool chosen[16];
    uint64_t current, index, floor; /* the register, and the index of its last change */
};

static bool is_mentioned(const struct hive_history *history, uint64_t index)
{
    for (uint64_t n = 1; n <= history->count; n++)
        if ((history->ops[n].outcome == HIVE_HISTORY_DONE && history->ops[n].index == index) ||
            history->ops[n].condition_index == index)
            return true;
    return false;
}

static bool slow_search(struct slow *slow);

/* The change happens now, with this index. */
static bool slow_change(struct slow *slow, const struct hive_history_op *op, uint64_t index)
{
    struct slow next = *slow;

    if (index <= slow->floor)
        return false;
    next.floor = index;
    next.current = op->type == HIVE_HISTORY_PUT ? op->number : 0;
    next.index = op->type == HIVE_HISTORY_PUT ? index : 0;
    return slow_search(&next);
}

static bool slow_try_unknown(struct slow *slow, const struct hive_history_op *op)
{
    const struct hive_history *history = slow->history;
    uint64_t free_index = slow->floor + 1;

    if (op->type == HIVE_HISTORY_READ || !holds(op, slow->current, slow->index) ||
        (op->type == HIVE_HISTORY_DELETE && !slow->current))
        return slow_search(slow);
    /* Any index that somebody speaks of, or the next that nobody does. */
    while (is_mentioned(history, free_index))
        free_index++;
    if (slow_change(slow, op, free_index))
        return true;
    for (uint64_t n = 1; n <= history->count; n++)
        if ((history->ops[n].outcome == HIVE_HISTORY_DONE && slow_change(slow, op, history->ops[n].index)) ||
            slow_change(slow, op, history->ops[n].condition_index))
            return true;
    return false;
}

static bool slow_try(struct slow *slow, const struct hive_history_op *op)
{
    if (op->outcome == HIVE_HISTORY_UNKNOWN)
        return slow_try_unknown(slow, op);
    if (op->type == HIVE_HISTORY_READ)
        return op->seen == slow->current && op->index == slow->index && slow_search(slow);
    if (!holds(op, slow->current, slow->index))
        return op->status == HIVE_HISTORY_CONFLICT && op->index == slow->index && slow_search(slow);
    if (op->type == HIVE_HISTORY_DELETE && !slow->current)
        return op->status == HIVE_HISTORY_NOT_FOUND && !op->index && slow_search(slow);
    return op->status == HIVE_HISTORY_OK &&
           (op->type == HIVE_HISTORY_DELETE || op->created == !slow->current) &&
           slow_change(slow, op, op->index);
}

/* Whether what is left can come in some order; what is unknown may be left out. */
static bool slow_search(struct slow *slow)
{
    const struct hive_history *history = slow->history;
    uint64_t first_end = HIVE_HISTORY_NEVER;
    bool is_done = true;

    for (uint64_t n = 1; n <= history->count; n++)
        if (!slow->chosen[n] && history->ops[n].outcome == HIVE_HISTORY_DONE) {
            is_done = false;
            if (history->ops[n].returned < first_end)
                first_end = history->ops[n].returned;
        }
    if (is_done)
        return true;
    for (uint64_t n = 1; n <= history->count; n++) {
        const struct hive_history_op *op = &history->ops[n];
        if (slow->chosen[n] || op->outcome == HIVE_HISTORY_REFUSED || op->invoked > first_end)
            continue;
        struct slow next = *slow;
        next.chosen[n] = true;
        if (slow_try(&next, op))
            return true;
    }
    return false;
}

/* Changes an answer a little: to one that another operation got, or to nonsense. */
static void lie(struct making *making)
{
    struct sim_random *random = &making->random;
    struct hive_history *history = &making->history;
    struct hive_history_op *op = &history->ops[1 + sim_random_below(random, history->count)];
    const struct hive_history_op *other = &history->ops[1 + sim_random_below(random, history->count)];

    switch (sim_random_below(random, 6)) {
    case 0:
        op->index = other->index;
        break;
    case 1:
        op->index += 5; /* there is room on both sides, for those of which nobody knows the index */
        break;
    case 2:
        if (op->type == HIVE_HISTORY_READ && other->type == HIVE_HISTORY_PUT) {
            op->status = HIVE_HISTORY_OK;
            op->seen = other->number;
            op->index = other->index;
        }
        break;
    case 3:
        if (op->type == HIVE_HISTORY_READ) {
            op->status = HIVE_HISTORY_NOT_FOUND;
            op->seen = op->index = 0;
        } else if (op->type == HIVE_HISTORY_PUT && op->outcome == HIVE_HISTORY_DONE)
            op->created = op->status == HIVE_HISTORY_OK && !op->created;
        break;
    case 4:
        if (op->outcome == HIVE_HISTORY_UNKNOWN)
            op->outcome = HIVE_HISTORY_REFUSED;
        break;
    default:
        if (op->outcome == HIVE_HISTORY_DONE && op->type != HIVE_HISTORY_READ &&
            op->condition != HIVE_HISTORY_ALWAYS) {
            op->status = op->status == HIVE_HISTORY_OK ? HIVE_HISTORY_CONFLICT : HIVE_HISTORY_OK;
            op->created = op->status == HIVE_HISTORY_OK && sim_random_below(random, 2);
        }
    }
}

static void test_the_verdict_is_that_of_trying_everything(void **state)
{
    (void)state;
    unsigned verdicts[2] = {0}, unknown[2] = {0};

    for (uint64_t seed = 1; seed <= 60000; seed++) {
        struct making making;
        struct hive_buffer why = {0};
        make(&making, seed, 1 + (unsigned)(seed % 4), 3 + seed % 6);
        for (uint64_t lies = sim_random_below(&making.random, 3); lies > 0; lies--)
            lie(&making);
        bool has_unknown = false;
        for (uint64_t n = 1; n <= making.history.count; n++)
            has_unknown |= making.history.ops[n].outcome == HIVE_HISTORY_UNKNOWN &&
                           making.history.ops[n].type != HIVE_HISTORY_READ;
        bool can_be = slow_search(&(struct slow){.history = &making.history});
        enum hive_linearizable_verdict verdict = hive_linearizable_check(&making.history, 0, &why);
        if (verdict != (can_be ? HIVE_LINEARIZABLE_YES : HIVE_LINEARIZABLE_NO)) {
            hive_buffer_append_text(&why, "the history is:\n");
            for (uint64_t n = 1; n <= making.history.count; n++) {
                hive_history_describe(&making.history.ops[n], &why);
                hive_buffer_append_text(&why, "\n");
            }
            fail_msg("seed %" PRIu64 ", can be: %d:\n%s", seed, can_be, why.data);
        }
        verdicts[can_be]++;
        unknown[can_be] += has_unknown;
        hive_buffer_finish(&why);
        hive_history_finish(&making.history);
    }
    /* Both verdicts were met often, also where something was unknown. */
    assert_true(verdicts[0] > 5000 && verdicts[1] > 5000 && unknown[0] > 5000 && unknown[1] > 5000);
}

/* A lie in a long history is found, too, and quickly: no search through all orders of what nobody saw. */
static void test_one_wrong_read_among_hundreds_is_found(void **state)
{
    (void)state;
    unsigned found = 0;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct making making;
        struct hive_buffer why = {0};
        make(&making, seed, CLIENTS, 400);
        struct hive_history_op *ops = making.history.ops;
        uint64_t read = 300, put = 100;
        while (ops[read].type != HIVE_HISTORY_READ || ops[read].outcome != HIVE_HISTORY_DONE)
            read++;
        while (ops[put].type != HIVE_HISTORY_PUT || ops[put].outcome != HIVE_HISTORY_DONE ||
               ops[put].status != HIVE_HISTORY_OK)
            put++;
        ops[read].status = HIVE_HISTORY_OK;
        ops[read].seen = put;
        ops[read].index = ops[put].index;
        found += hive_linearizable_check(&making.history, 0, &why) == HIVE_LINEARIZABLE_NO;
        hive_buffer_finish(&why);
        hive_history_finish(&making.history);
    }
    assert_int_equal(found, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_register_did_can_have_been),
        cmocka_unit_test(test_the_verdict_is_that_of_trying_everything),
        cmocka_unit_test(test_one_wrong_read_among_hundreds_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
