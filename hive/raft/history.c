/* Which configuration is in force where. It exists so that appending, truncating, compacting and
 * installing, each of which may change who is in the group, do so in one way. */
#include "raft/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hive/memory.h"

void raft_history_init(struct raft_history *history, const struct raft_configuration *base)
{
    *history = (struct raft_history){0};
    raft_history_push(history, base ? base : &(struct raft_configuration){0});
}

void raft_history_finish(struct raft_history *history)
{
    free(history->items);
}

const struct raft_configuration *raft_history_newest(const struct raft_history *history)
{
    return &history->items[history->count - 1];
}

/* How many are of entries up to `index`. */
static size_t count_until(const struct raft_history *history, raft_index index)
{
    size_t count = history->count;
    while (count > 0 && history->items[count - 1].index > index)
        count--;
    return count;
}

const struct raft_configuration *raft_history_at(const struct raft_history *history, raft_index index)
{
    size_t count = count_until(history, index);
    return count > 0 ? &history->items[count - 1] : NULL;
}

void raft_history_push(struct raft_history *history, const struct raft_configuration *configuration)
{
    if (history->count == history->capacity) {
        history->capacity = history->capacity ? history->capacity * 2 : 2;
        history->items = hive_realloc(history->items, history->capacity, sizeof *history->items);
    }
    assert(history->count == 0 || configuration->index > raft_history_newest(history)->index);
    history->items[history->count++] = *configuration;
}

bool raft_history_truncate(struct raft_history *history, raft_index from)
{
    size_t count = count_until(history, from - 1), before = history->count;
    assert(count > 0); /* the first is of what is committed */
    history->count = count;
    return count < before;
}

static void drop_front(struct raft_history *history, size_t count)
{
    history->count -= count;
    memmove(history->items, history->items + count, history->count * sizeof *history->items);
}

void raft_history_compact(struct raft_history *history, raft_index boundary)
{
    size_t until = count_until(history, boundary);
    if (until > 1)
        drop_front(history, until - 1);
}

void raft_history_rebase(struct raft_history *history, const struct raft_configuration *base,
                         raft_index boundary)
{
    struct raft_configuration *later = history->items;
    size_t until = count_until(history, boundary), count = history->count - until;
    *history = (struct raft_history){0};
    raft_history_push(history, base);
    for (size_t i = 0; i < count; i++)
        raft_history_push(history, &later[until + i]);
    free(later);
}
