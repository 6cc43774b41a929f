/* The log in memory: entries first…last, the boundary before them, and which write made each entry durable.
 */
#ifndef RAFT_LOG_H
#define RAFT_LOG_H

#include "raft/raft.h"

struct raft_log {
    struct raft_entry *entries; /* entries[head + i] has index first + i; their data are owned here */
    uint64_t *writes; /* the write that carries the same entry to disk; 0: it was there at the start */
    size_t count, capacity;
    size_t head;  /* what is in front was compacted … */
    size_t swept; /* … and its memory released up to here */
    raft_index first;
    raft_term
        boundary_term; /* of the entry first - 1, the last that is not there; 0: not known, or first is 1 */
    uint64_t boundary_write; /* the write that carries the boundary, and what is before it */
    raft_index durable;      /* all up to here are on this server's disk */
};

/* Empty, behind an entry `index` of that term (0 and 0: new; term 0: not known), which is durable. */
void raft_log_init(struct raft_log *log, raft_index index, raft_term term);
void raft_log_finish(struct raft_log *log);

raft_index raft_log_last(const struct raft_log *log);
raft_term raft_log_last_term(const struct raft_log *log);

/* The entry at `index`, or NULL. */
const struct raft_entry *raft_log_at(const struct raft_log *log, raft_index index);

/* The term at `index` (the boundary included); false where it is not known, so that an unknown term never
 * compares equal to anything. */
bool raft_log_term(const struct raft_log *log, raft_index index, raft_term *term);

/* True where the entry at `index` is known and of that term (§5.3, the consistency check). */
bool raft_log_matches(const struct raft_log *log, raft_index index, raft_term term);

/* Appends a copy; its index is last + 1. `write`: the write that takes it to disk. */
void raft_log_append(struct raft_log *log, raft_term term, enum raft_entry_type type, const void *data,
                     size_t bytes, uint64_t write);

/* Removes `from` and everything behind it. */
void raft_log_truncate(struct raft_log *log, raft_index from);

/* Removes what is before `first` (at most last + 1). Takes no time: raft_log_sweep releases the memory. */
void raft_log_compact(struct raft_log *log, raft_index first);

/* Write `write` puts a snapshot in the place of everything up to `index`: where the log has that entry in
 * that term, what is behind it stays; else nothing does. `agreed`: all up to here are the same in both. */
void raft_log_install(struct raft_log *log, raft_index index, raft_term term, raft_index agreed,
                      uint64_t write);

/* Releases memory of what was compacted, of up to `max` entries: a little now and then, so that dropping a
 * long log holds nobody up. */
void raft_log_sweep(struct raft_log *log, size_t max);

/* The write that carries `index`; 0 where that was long ago. */
uint64_t raft_log_write_of(const struct raft_log *log, raft_index index);

/* Write `write` and all before it are durable: moves `durable` over the entries that went with them. */
void raft_log_set_durable(struct raft_log *log, uint64_t write);

/* First and last index of the run of entries with `term` that holds, or ends at or before, `index`; 0 where
 * there is none (§5.3, fast backup). */
raft_index raft_log_first_of_term(const struct raft_log *log, raft_index index);
raft_index raft_log_last_of_term(const struct raft_log *log, raft_term term);

#endif
