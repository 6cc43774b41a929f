/* Two queens that are asked half a second apart at 10,000 entries a second are 5,000 entries apart: the three multiples of 4,096 that
 * each has reach over more than that. */
#include "queen/digests.h"

_Static_assert(DIGESTS_LEVELS *DIGESTS_LEVEL_POINTS + 1 <= HIVE_DIGESTS, "all are told");

static const uint64_t steps[DIGESTS_LEVELS] = {16, 256, 4096, 65536};

void digests_add(struct digests *digests, uint64_t index, uint64_t term, uint64_t hash)
{
    digests->last = (struct digest){index, term, hash};
    for (size_t level = DIGESTS_LEVELS; level-- > 0;) {
        if (index % steps[level])
            continue;
        digests->levels[level][digests->next[level]] = digests->last;
        digests->next[level] = (digests->next[level] + 1) % DIGESTS_LEVEL_POINTS;
        return;
    }
}

/* Puts it to its place, unless it is there. */
static size_t insert(struct digest *list, size_t count, const struct digest *digest)
{
    size_t at = 0;
    while (at < count && list[at].index > digest->index)
        at++;
    if (digest->index == 0 || (at < count && list[at].index == digest->index))
        return count;
    for (size_t i = count; i > at; i--)
        list[i] = list[i - 1];
    list[at] = *digest;
    return count + 1;
}

size_t digests_list(const struct digests *digests, struct digest list[HIVE_DIGESTS])
{
    size_t count = insert(list, 0, &digests->last);
    for (size_t level = 0; level < DIGESTS_LEVELS; level++) {
        for (size_t i = 0; i < DIGESTS_LEVEL_POINTS; i++)
            count = insert(list, count, &digests->levels[level][i]);
    }
    return count;
}
