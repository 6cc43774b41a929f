/* A reign begins with what a queen says of herself (transitions: to the millisecond, also between two polls). It ends with what she says,
 * or with what was done to her: who was killed tells no more, and who is frozen or cut off believes that she leads. */
#include "chaos_reigns.h"

#include <stdlib.h>

#include "hive/memory.h"

void chaos_reigns_finish(struct chaos_reigns *reigns)
{
    free(reigns->reigns);
    *reigns = (struct chaos_reigns){0};
}

/* The last one of this queen in this term, or NULL. */
static struct chaos_reign *find(const struct chaos_reigns *reigns, size_t queen, uint64_t term)
{
    for (size_t i = reigns->count; i-- > 0;)
        if (reigns->reigns[i].queen == queen && reigns->reigns[i].term == term)
            return &reigns->reigns[i];
    return NULL;
}

static struct chaos_reign *add(struct chaos_reigns *reigns, size_t queen, uint64_t term, int64_t from_ms)
{
    if (reigns->count == reigns->capacity) {
        reigns->capacity = reigns->capacity ? 2 * reigns->capacity : 64;
        reigns->reigns = hive_realloc(reigns->reigns, reigns->capacity, sizeof *reigns->reigns);
    }
    struct chaos_reign *reign = &reigns->reigns[reigns->count++];
    *reign = (struct chaos_reign){.queen = queen, .term = term, .from_ms = from_ms};
    return reign;
}

static void end(struct chaos_reign *reign, int64_t at_ms)
{
    if (at_ms < reign->from_ms)
        at_ms = reign->from_ms;
    if (!reign->until_ms || at_ms < reign->until_ms)
        reign->until_ms = at_ms;
}

void chaos_reigns_take(struct chaos_reigns *reigns, size_t queen, const struct hive_health *health,
                       int64_t now_ms)
{
    for (size_t i = 0; i < health->transition_count; i++) {
        const struct hive_transition *change = &health->transitions[i], *next = change + 1;
        if (change->state != HIVE_RAFT_LEADER)
            continue;
        struct chaos_reign *reign = find(reigns, queen, change->term);
        if (!reign)
            reign = add(reigns, queen, change->term, change->time_ms);
        if (i + 1 < health->transition_count)
            end(reign, next->time_ms);
    }
    /* She was taken away for so short a time that nobody else was elected. */
    struct chaos_reign *reign = find(reigns, queen, health->term);
    bool is_away = reigns->away >> queen & 1;
    if (health->raft_state == HIVE_RAFT_LEADER && !is_away && (!reign || reign->until_ms))
        add(reigns, queen, health->term, now_ms);
}

void chaos_reigns_lose(struct chaos_reigns *reigns, size_t queen, int64_t at_ms)
{
    reigns->away |= UINT64_C(1) << queen;
    for (size_t i = 0; i < reigns->count; i++)
        if (reigns->reigns[i].queen == queen && !reigns->reigns[i].until_ms)
            end(&reigns->reigns[i], at_ms);
}

void chaos_reigns_return(struct chaos_reigns *reigns, size_t queen)
{
    reigns->away &= ~(UINT64_C(1) << queen);
}

int chaos_reigns_leader(const struct chaos_reigns *reigns)
{
    const struct chaos_reign *newest = NULL;
    for (size_t i = 0; i < reigns->count; i++)
        if (!newest || reigns->reigns[i].term >= newest->term)
            newest = &reigns->reigns[i];
    return newest && !newest->until_ms ? (int)newest->queen : -1;
}

/* The first of its term: what was interrupted is no second election. */
static bool is_election(const struct chaos_reigns *reigns, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (reigns->reigns[i].term == reigns->reigns[number].term)
            return false;
    return true;
}

size_t chaos_reigns_elections(const struct chaos_reigns *reigns, int64_t from_ms, int64_t until_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < reigns->count; i++)
        count += reigns->reigns[i].from_ms >= from_ms && reigns->reigns[i].from_ms <= until_ms &&
                 is_election(reigns, i);
    return count;
}

/* A reign that nobody saw the end of ends with the beginning of the next term's. */
static int64_t end_of(const struct chaos_reigns *reigns, const struct chaos_reign *reign, int64_t until_ms)
{
    int64_t end_ms = reign->until_ms ? reign->until_ms : until_ms;
    for (size_t i = 0; i < reigns->count; i++)
        if (reigns->reigns[i].term > reign->term && reigns->reigns[i].from_ms < end_ms)
            end_ms = reigns->reigns[i].from_ms;
    return end_ms;
}

static int compare_from(const void *a, const void *b)
{
    int64_t one = ((const struct chaos_reign *)a)->from_ms, other = ((const struct chaos_reign *)b)->from_ms;
    return (one > other) - (one < other);
}

static int compare_lengths(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

struct chaos_gaps chaos_reigns_gaps(const struct chaos_reigns *reigns, int64_t from_ms, int64_t until_ms)
{
    struct chaos_gaps gaps = {0};
    struct chaos_reign *sorted = hive_calloc(reigns->count + 1, sizeof *sorted);
    int64_t *lengths = hive_calloc(reigns->count + 1, sizeof *lengths), covered_ms = from_ms;
    for (size_t i = 0; i < reigns->count; i++)
        sorted[i] = reigns->reigns[i];
    qsort(sorted, reigns->count, sizeof *sorted, compare_from);
    sorted[reigns->count] = (struct chaos_reign){.from_ms = until_ms, .until_ms = until_ms};
    for (size_t i = 0; i <= reigns->count; i++) {
        int64_t begin_ms = sorted[i].from_ms < until_ms ? sorted[i].from_ms : until_ms;
        int64_t end_ms = end_of(reigns, &sorted[i], until_ms);
        if (begin_ms > covered_ms)
            lengths[gaps.count++] = begin_ms - covered_ms;
        if (end_ms > covered_ms)
            covered_ms = end_ms;
    }
    qsort(lengths, gaps.count, sizeof *lengths, compare_lengths);
    for (size_t i = 0; i < gaps.count; i++)
        gaps.total_ms += lengths[i];
    if (gaps.count) {
        gaps.p50_ms = lengths[(gaps.count - 1) / 2];
        gaps.max_ms = lengths[gaps.count - 1];
    }
    free(lengths);
    free(sorted);
    return gaps;
}
