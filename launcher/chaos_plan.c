/* A plan for a bad day. It is made before it happens and knows nothing of how it goes, so that a seed can be told to others;
 * chaos_strike.c looks again whether a fault can be borne when its time has come. */
#include "chaos_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "hive/memory.h"
#include "hive/mix.h"

#define SHORTEST_MS   200
#define LONGEST_MS    15000
#define WIPE_MS       5000 /* until a queen is back, roughly: she is sent the state, and must be caught up */
#define DRAWS         16   /* for one moment, until something fits */
#define LEADER_CHANCE 40   /* percent: it is the leader who is hit */

const char *const chaos_kind_names[CHAOS_KINDS] = {
    [CHAOS_KILL] = "kill", [CHAOS_PAUSE] = "pause", [CHAOS_STOP] = "stop", [CHAOS_WIPE] = "wipe",
    [CHAOS_CUT] = "cut",   [CHAOS_DELAY] = "delay", [CHAOS_LOSE] = "lose", [CHAOS_TRANSFER] = "transfer",
};

struct drawing {
    const struct chaos_wish *wish;
    struct chaos_plan *plan;
    uint64_t random;
};

static int64_t draw(struct drawing *drawing, int64_t least, int64_t most)
{
    return least + (int64_t)(hive_mix_next(&drawing->random) % (uint64_t)(most - least + 1));
}

static size_t count_bits(uint64_t bits)
{
    return (size_t)__builtin_popcountll(bits);
}

size_t chaos_plan_spare(const struct chaos_wish *wish)
{
    return wish->is_harsh ? wish->queens : (wish->queens - 1) / 2;
}

/* True where the queens that it hits do not take part as long as it lasts. */
static bool takes_away(enum chaos_kind kind)
{
    return kind <= CHAOS_CUT;
}

size_t chaos_fault_cost(const struct chaos_fault *fault)
{
    if (!takes_away(fault->kind))
        return 0;
    return fault->is_leader ? 1 : count_bits(fault->victims);
}

/* Those who are away at some time while the fault lasts; a leader without a name counts for herself. */
static bool can_be_borne(const struct drawing *drawing, const struct chaos_fault *fault)
{
    uint64_t away = drawing->wish->gone, named = fault->is_leader ? 0 : fault->victims;
    size_t leaders = 0;
    if (!takes_away(fault->kind))
        return true;
    for (size_t i = 0; i < drawing->plan->count; i++) {
        const struct chaos_fault *other = &drawing->plan->faults[i];
        if (!takes_away(other->kind) || other->until_ms <= fault->at_ms || other->at_ms >= fault->until_ms)
            continue;
        if (fault->kind == CHAOS_WIPE && other->kind == CHAOS_WIPE)
            return false;
        leaders += other->is_leader;
        away |= other->is_leader ? 0 : other->victims;
    }
    if (away & named)
        return false; /* one thing at a time for one queen */
    return count_bits(away) + leaders + chaos_fault_cost(fault) <= chaos_plan_spare(drawing->wish);
}

static uint64_t draw_victims(struct drawing *drawing, size_t count)
{
    uint64_t victims = 0;
    while (count_bits(victims) < count)
        victims |= UINT64_C(1) << draw(drawing, 0, (int64_t)drawing->wish->queens - 1);
    return victims;
}

static void draw_cut(struct drawing *drawing, struct chaos_fault *fault)
{
    size_t minority = (drawing->wish->queens - 1) / 2;
    int64_t form = draw(drawing, 0, 2);
    fault->is_leader = form == 0;  /* from all others */
    if (form == 1 && minority > 0) /* halves, or nearly so */
        fault->victims = draw_victims(drawing, (size_t)draw(drawing, 1, (int64_t)minority));
    else if (form != 0) /* one who hears and is not heard, or the other way round */
        fault->victims = draw_victims(drawing, 1);
    if (form == 2)
        fault->way = draw(drawing, 0, 1) ? CHAOS_OUTWARD : CHAOS_INWARD;
}

static void draw_details(struct drawing *drawing, struct chaos_fault *fault)
{
    int64_t every_ms = drawing->wish->every_ms, least = every_ms / 3, most = every_ms * 2;
    least = least < SHORTEST_MS ? SHORTEST_MS : least > LONGEST_MS / 3 ? LONGEST_MS / 3 : least;
    most = most > LONGEST_MS ? LONGEST_MS : most < least ? least : most;
    int64_t lasts_ms = draw(drawing, least, most);
    switch (fault->kind) {
    case CHAOS_KILL:
    case CHAOS_PAUSE:
    case CHAOS_STOP:
    case CHAOS_WIPE:
        fault->is_leader = draw(drawing, 0, 99) < LEADER_CHANCE;
        if (!fault->is_leader)
            fault->victims = draw_victims(drawing, 1);
        if (fault->kind == CHAOS_WIPE && lasts_ms < WIPE_MS)
            lasts_ms = WIPE_MS;
        break;
    case CHAOS_CUT:
        draw_cut(drawing, fault);
        break;
    case CHAOS_DELAY:
        fault->delay_ms = draw(drawing, 2, 60);
        fault->jitter_ms = draw(drawing, 0, fault->delay_ms / 2);
        break;
    case CHAOS_LOSE:
        fault->percent = (int)draw(drawing, 1, 10);
        break;
    case CHAOS_TRANSFER:
        lasts_ms = 0;
        break;
    }
    fault->until_ms = fault->at_ms + lasts_ms;
    if (fault->until_ms > drawing->wish->for_ms)
        fault->until_ms = drawing->wish->for_ms;
}

static enum chaos_kind draw_kind(struct drawing *drawing)
{
    int64_t number = draw(drawing, 0, __builtin_popcount(drawing->wish->kinds) - 1);
    for (int kind = 0; kind < CHAOS_KINDS; kind++)
        if (drawing->wish->kinds & 1U << kind && number-- == 0)
            return (enum chaos_kind)kind;
    return CHAOS_TRANSFER;
}

static bool are_alike(const struct chaos_fault *a, const struct chaos_fault *b)
{
    return a->kind == b->kind && a->until_ms > b->at_ms;
}

/* What lies on all links is there once at a time: taking one away would take the other, too. */
static bool is_double(const struct chaos_plan *plan, const struct chaos_fault *fault)
{
    for (size_t i = 0; i < plan->count; i++)
        if ((fault->kind == CHAOS_DELAY || fault->kind == CHAOS_LOSE) && are_alike(&plan->faults[i], fault))
            return true;
    return false;
}

void chaos_plan_make(struct chaos_plan *plan, const struct chaos_wish *wish)
{
    struct drawing drawing = {.wish = wish, .plan = plan, .random = hive_mix(wish->seed + 1)};
    size_t capacity = (size_t)(wish->for_ms / wish->every_ms) + 1;
    *plan = (struct chaos_plan){.faults = hive_calloc(capacity, sizeof *plan->faults)};
    for (int64_t beat_ms = wish->every_ms; beat_ms < wish->for_ms && plan->count < capacity;
         beat_ms += wish->every_ms) {
        int64_t at_ms = beat_ms + draw(&drawing, -wish->every_ms / 3, wish->every_ms / 3);
        for (int i = 0; i < DRAWS && wish->kinds; i++) {
            struct chaos_fault fault = {.at_ms = at_ms, .kind = draw_kind(&drawing)};
            draw_details(&drawing, &fault);
            if (fault.at_ms >= wish->for_ms || !can_be_borne(&drawing, &fault) || is_double(plan, &fault))
                continue;
            plan->faults[plan->count++] = fault;
            break;
        }
    }
}

void chaos_plan_finish(struct chaos_plan *plan)
{
    free(plan->faults);
    *plan = (struct chaos_plan){0};
}

int chaos_kinds_parse(const struct hive_strings *words, unsigned *kinds, struct hive_error *error)
{
    *kinds = 0;
    for (size_t i = 0; i < words->count; i++) {
        int kind = 0;
        while (kind < CHAOS_KINDS && strcmp(chaos_kind_names[kind], words->items[i]) != 0)
            kind++;
        if (kind == CHAOS_KINDS)
            return hive_error_set(
                error, -EINVAL,
                "'%.40s' is no kind of fault: kill, pause, stop, wipe, cut, delay, lose or transfer",
                words->items[i]);
        *kinds |= 1U << kind;
    }
    return 0;
}

void chaos_fault_describe(const struct chaos_fault *fault, char (*names)[HIVE_NAME_BYTES],
                          struct hive_buffer *text)
{
    hive_buffer_append_text(text, chaos_kind_names[fault->kind]);
    if (fault->kind == CHAOS_DELAY)
        hive_buffer_format(text, " all %" PRId64 " ms ± %" PRId64, fault->delay_ms, fault->jitter_ms);
    if (fault->kind == CHAOS_LOSE)
        hive_buffer_format(text, " all %d %%", fault->percent);
    if (fault->is_leader)
        hive_buffer_append_text(text, " leader");
    for (size_t i = 0; i < 64; i++)
        if (!fault->is_leader && fault->victims >> i & 1)
            hive_buffer_format(text, " %s", names[i]);
    if (fault->way != CHAOS_BOTH_WAYS)
        hive_buffer_format(text, " (one way, %s)", fault->way == CHAOS_OUTWARD ? "out" : "in");
}
