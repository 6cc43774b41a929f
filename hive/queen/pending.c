/* Who waits for which log entry. A ring, because proposals come and go in log order. */
#include "queen/pending.h"

#include <assert.h>

#include "hive/memory.h"

void pending_finish(struct pending *pending)
{
    assert(pending->count == 0);
    free(pending->items);
}

static struct pending_proposal *item(const struct pending *pending, size_t place)
{
    return &pending->items[(pending->first + place) % pending->capacity];
}

void pending_push(struct pending *pending, const struct pending_proposal *proposal)
{
    if (pending->count == pending->capacity) {
        size_t capacity = pending->capacity ? pending->capacity * 2 : 64;
        struct pending_proposal *items = hive_calloc(capacity, sizeof *items);
        for (size_t i = 0; i < pending->count; i++)
            items[i] = *item(pending, i);
        free(pending->items);
        pending->items = items;
        pending->first = 0;
        pending->capacity = capacity;
    }
    assert(pending->count == 0 || item(pending, pending->count - 1)->index < proposal->index);
    *item(pending, pending->count++) = *proposal;
    pending->bytes += proposal->bytes;
}

const struct pending_proposal *pending_oldest(const struct pending *pending)
{
    return pending->count ? item(pending, 0) : NULL;
}

void pending_pop_oldest(struct pending *pending)
{
    pending->bytes -= item(pending, 0)->bytes;
    pending->first = (pending->first + 1) % pending->capacity;
    pending->count--;
    if (pending->told > 0)
        pending->told--;
}

const struct pending_proposal *pending_untold(const struct pending *pending)
{
    return pending->told < pending->count ? item(pending, pending->told) : NULL;
}

void pending_set_told(struct pending *pending)
{
    item(pending, pending->told++)->done = NULL;
}

const struct pending_proposal *pending_newest(const struct pending *pending)
{
    return pending->count ? item(pending, pending->count - 1) : NULL;
}

void pending_pop_newest(struct pending *pending)
{
    pending->bytes -= item(pending, pending->count - 1)->bytes;
    pending->count--;
    if (pending->told > pending->count)
        pending->told = pending->count;
}
