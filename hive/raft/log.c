/* The log in memory. It exists apart from replication so that index arithmetic happens in one place, behind
 * functions that know the snapshot boundary. */
#include "raft/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hive/memory.h"

void raft_log_init(struct raft_log *log, raft_index index, raft_term term)
{
    *log = (struct raft_log){.first = index + 1, .boundary_term = term, .durable = index};
}

void raft_log_finish(struct raft_log *log)
{
    for (size_t i = log->swept; i < log->head + log->count; i++)
        free((void *)log->entries[i].data);
    free(log->entries);
    free(log->writes);
}

raft_index raft_log_last(const struct raft_log *log)
{
    return log->first + log->count - 1;
}

/* Where the entry `index`, which is there, has its place. */
static size_t place_of(const struct raft_log *log, raft_index index)
{
    return log->head + (size_t)(index - log->first);
}

const struct raft_entry *raft_log_at(const struct raft_log *log, raft_index index)
{
    return index >= log->first && index <= raft_log_last(log) ? &log->entries[place_of(log, index)] : NULL;
}

bool raft_log_term(const struct raft_log *log, raft_index index, raft_term *term)
{
    const struct raft_entry *entry = raft_log_at(log, index);
    if (entry)
        *term = entry->term;
    else if (index == log->first - 1 && (log->boundary_term > 0 || index == 0))
        *term = log->boundary_term;
    else
        return false;
    return true;
}

raft_term raft_log_last_term(const struct raft_log *log)
{
    raft_term term = 0;
    bool known = raft_log_term(log, raft_log_last(log), &term);
    assert(known);
    return term;
}

bool raft_log_matches(const struct raft_log *log, raft_index index, raft_term term)
{
    raft_term own;
    return raft_log_term(log, index, &own) && own == term;
}

static void make_room(struct raft_log *log)
{
    if (log->head + log->count < log->capacity)
        return;
    if (log->head > log->count) { /* moving a few down costs less than the many that went were worth */
        raft_log_sweep(log, SIZE_MAX);
        memmove(log->entries, log->entries + log->head, log->count * sizeof *log->entries);
        memmove(log->writes, log->writes + log->head, log->count * sizeof *log->writes);
        log->head = log->swept = 0;
        return;
    }
    log->capacity = log->capacity ? log->capacity * 2 : 64;
    log->entries = hive_realloc(log->entries, log->capacity, sizeof *log->entries);
    log->writes = hive_realloc(log->writes, log->capacity, sizeof *log->writes);
}

void raft_log_append(struct raft_log *log, raft_term term, enum raft_entry_type type, const void *data,
                     size_t bytes, uint64_t write)
{
    make_room(log);
    size_t place = log->head + log->count;
    log->entries[place] = (struct raft_entry){
        .index = log->first + log->count,
        .term = term,
        .type = type,
        .data = bytes ? hive_memdup(data, bytes) : NULL,
        .bytes = bytes,
    };
    log->writes[place] = write;
    log->count++;
    if (write == 0)
        log->durable = raft_log_last(log);
}

void raft_log_truncate(struct raft_log *log, raft_index from)
{
    assert(from >= log->first);
    while (raft_log_last(log) >= from)
        free((void *)log->entries[log->head + --log->count].data);
    if (log->durable >= from)
        log->durable = from - 1;
}

void raft_log_compact(struct raft_log *log, raft_index first)
{
    assert(first <= raft_log_last(log) + 1);
    if (first <= log->first)
        return;
    raft_index boundary = first - 1;
    size_t place = place_of(log, boundary);
    log->boundary_term = log->entries[place].term;
    log->boundary_write = log->writes[place];
    log->count -= (size_t)(first - log->first);
    log->head = place + 1;
    log->first = first;
}

void raft_log_install(struct raft_log *log, raft_index index, raft_term term, raft_index agreed,
                      uint64_t write)
{
    if (raft_log_matches(log, index, term)) {
        raft_log_compact(log, index + 1);
    } else {
        log->head += log->count;
        log->count = 0;
        log->first = index + 1;
        log->boundary_term = term;
        if (log->durable > agreed)
            log->durable = agreed;
    }
    log->boundary_write = write;
}

void raft_log_sweep(struct raft_log *log, size_t max)
{
    for (; log->swept < log->head && max > 0; max--)
        free((void *)log->entries[log->swept++].data);
}

uint64_t raft_log_write_of(const struct raft_log *log, raft_index index)
{
    if (index < log->first)
        return log->boundary_write;
    return raft_log_at(log, index) ? log->writes[place_of(log, index)] : 0;
}

void raft_log_set_durable(struct raft_log *log, uint64_t write)
{
    if (log->durable + 1 < log->first) {
        if (log->boundary_write > write)
            return;
        log->durable = log->first - 1;
    }
    /* An entry that replaced a truncated one has a later write number than the one it replaced, so the late
     * completion of the old write stops in front of it. */
    while (log->durable < raft_log_last(log) && raft_log_write_of(log, log->durable + 1) <= write)
        log->durable++;
}

raft_index raft_log_first_of_term(const struct raft_log *log, raft_index index)
{
    const struct raft_entry *entry = raft_log_at(log, index);
    if (!entry)
        return 0;
    while (index > log->first && raft_log_at(log, index - 1)->term == entry->term)
        index--;
    return index;
}

raft_index raft_log_last_of_term(const struct raft_log *log, raft_term term)
{
    /* Terms never fall along a log: look for the last entry whose term is not greater. The boundary
     * counts: it is the only one of what was compacted that a follower's log can still be joined to. */
    raft_index low = log->first - 1, high = raft_log_last(log) + 1; /* what is at `low` is not greater … */
    while (low + 1 < high) {                                        /* … and at `high` it is */
        raft_index middle = low + (high - low) / 2;
        if (raft_log_at(log, middle)->term <= term)
            low = middle;
        else
            high = middle;
    }
    return raft_log_matches(log, low, term) ? low : 0;
}
