/* The log in memory. It exists apart from replication so that index arithmetic happens in one place, behind
 * functions that know the snapshot boundary. */
#include "raft/log.h"

#include <assert.h>

#include "hive/memory.h"

void raft_log_init(struct raft_log *log)
{
    *log = (struct raft_log){.first = 1};
}

void raft_log_finish(struct raft_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free((void *)log->entries[i].data);
    free(log->entries);
    free(log->writes);
}

raft_index raft_log_last(const struct raft_log *log)
{
    return log->first + log->count - 1;
}

const struct raft_entry *raft_log_at(const struct raft_log *log, raft_index index)
{
    return index >= log->first && index <= raft_log_last(log) ? &log->entries[index - log->first] : NULL;
}

bool raft_log_term(const struct raft_log *log, raft_index index, raft_term *term)
{
    const struct raft_entry *entry = raft_log_at(log, index);
    if (entry)
        *term = entry->term;
    else if (index == log->first - 1)
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

void raft_log_append(struct raft_log *log, raft_term term, enum raft_entry_type type, const void *data,
                     size_t bytes, uint64_t write)
{
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? log->capacity * 2 : 64;
        log->entries = hive_realloc(log->entries, log->capacity, sizeof *log->entries);
        log->writes = hive_realloc(log->writes, log->capacity, sizeof *log->writes);
    }
    log->entries[log->count] = (struct raft_entry){
        .index = log->first + log->count,
        .term = term,
        .type = type,
        .data = bytes ? hive_memdup(data, bytes) : NULL,
        .bytes = bytes,
    };
    log->writes[log->count] = write;
    log->count++;
    if (write == 0)
        log->durable = raft_log_last(log);
}

void raft_log_truncate(struct raft_log *log, raft_index from)
{
    assert(from >= log->first);
    while (raft_log_last(log) >= from)
        free((void *)log->entries[--log->count].data);
    if (log->durable >= from)
        log->durable = from - 1;
}

uint64_t raft_log_write_of(const struct raft_log *log, raft_index index)
{
    return raft_log_at(log, index) ? log->writes[index - log->first] : 0;
}

void raft_log_set_durable(struct raft_log *log, uint64_t write)
{
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
    while (index > log->first && log->entries[index - 1 - log->first].term == entry->term)
        index--;
    return index;
}

raft_index raft_log_last_of_term(const struct raft_log *log, raft_term term)
{
    /* Terms never fall along a log: look for the last entry whose term is not greater. */
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->entries[middle].term <= term)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && log->entries[low - 1].term == term ? log->entries[low - 1].index : 0;
}
