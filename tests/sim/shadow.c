#include "sim/shadow.h"

#include "hive/memory.h"

/* ---- logs ---- */

raft_index shadow_last(const struct shadow_log *log)
{
    return log->start + log->count;
}

raft_term shadow_term(const struct shadow_log *log, raft_index index)
{
    if (index == log->start)
        return log->start_term;
    return index > log->start && index <= shadow_last(log) ? log->terms[index - log->start - 1] : 0;
}

static void log_append(struct shadow_log *log, raft_term term)
{
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? log->capacity * 2 : 256;
        log->terms = hive_realloc(log->terms, log->capacity, sizeof *log->terms);
    }
    log->terms[log->count++] = term;
}

static void log_truncate(struct shadow_log *log, raft_index from)
{
    if (from > log->start && from <= shadow_last(log))
        log->count = (size_t)(from - log->start - 1);
    else if (from <= log->start)
        log->count = 0;
}

static void log_install(struct shadow_log *log, raft_index index, raft_term term)
{
    log->count = 0;
    log->start = index;
    log->start_term = term;
}

static void log_copy(struct shadow_log *copy, const struct shadow_log *log)
{
    copy->count = 0;
    copy->start = log->start;
    copy->start_term = log->start_term;
    for (size_t i = 0; i < log->count; i++)
        log_append(copy, log->terms[i]);
}

static void state_copy(struct shadow_state *copy, const struct shadow_state *state)
{
    log_copy(&copy->log, &state->log);
    copy->term = state->term;
    copy->voted_for = state->voted_for;
}

static void apply(struct shadow_state *state, const struct shadow_record *record)
{
    switch (record->kind) {
    case SHADOW_INSTALL:
        log_install(&state->log, record->index, record->term);
        break;
    case SHADOW_INSTALL_KEEPING:
        break; /* what is before the snapshot may stay in the book */
    case SHADOW_TRUNCATE:
        log_truncate(&state->log, record->index);
        break;
    case SHADOW_ENTRY:
        log_append(&state->log, record->term);
        break;
    case SHADOW_STATE:
        state->term = record->term;
        state->voted_for = record->voted_for;
        break;
    }
}

/* ---- the book ---- */

struct shadow *shadow_create(raft_id id)
{
    struct shadow *shadow = hive_calloc(1, sizeof *shadow);
    shadow->id = id;
    return shadow;
}

void shadow_destroy(struct shadow *shadow)
{
    if (!shadow)
        return;
    free(shadow->durable.log.terms);
    free(shadow->issued.log.terms);
    free(shadow->records);
    free(shadow);
}

static void note(struct shadow *shadow, struct shadow_record record)
{
    if (shadow->record_count == shadow->record_capacity && shadow->record_first > 0) {
        shadow->record_count -= shadow->record_first;
        memmove(shadow->records, shadow->records + shadow->record_first,
                shadow->record_count * sizeof *shadow->records);
        shadow->record_first = 0;
    }
    if (shadow->record_count == shadow->record_capacity) {
        shadow->record_capacity = shadow->record_capacity ? shadow->record_capacity * 2 : 64;
        shadow->records = hive_realloc(shadow->records, shadow->record_capacity, sizeof *shadow->records);
    }
    shadow->records[shadow->record_count++] = record;
    apply(&shadow->issued, &record);
}

void shadow_persist(struct shadow *shadow, const struct raft_update *update)
{
    struct shadow_record record = {.write = update->write};
    if (update->install) {
        record.kind = update->install_keeps_log ? SHADOW_INSTALL_KEEPING : SHADOW_INSTALL;
        record.index = update->install->index;
        record.term = update->install->term;
        note(shadow, record);
    }
    if (update->truncate_from > 0) {
        record.kind = SHADOW_TRUNCATE;
        record.index = update->truncate_from;
        note(shadow, record);
    }
    for (size_t i = 0; i < update->entry_count; i++) {
        record.kind = SHADOW_ENTRY;
        record.index = update->entries[i].index;
        record.term = update->entries[i].term;
        note(shadow, record);
    }
    if (update->hard_state_changed) {
        record.kind = SHADOW_STATE;
        record.term = update->term;
        record.voted_for = update->voted_for;
        note(shadow, record);
    }
}

void shadow_durable(struct shadow *shadow, uint64_t write)
{
    while (shadow->record_first < shadow->record_count &&
           shadow->records[shadow->record_first].write <= write)
        apply(&shadow->durable, &shadow->records[shadow->record_first++]);
    if (shadow->record_first == shadow->record_count)
        shadow->record_first = shadow->record_count = 0;
}

/* ---- recovery ---- */

static bool is_recovered(const struct shadow_state *state, const struct store_recovery *recovery)
{
    const struct raft_snapshot *snapshot = recovery->snapshot;
    raft_index last = recovery->entry_count > 0 ? recovery->entries[recovery->entry_count - 1].index : 0;
    if (snapshot && snapshot->index > last)
        last = snapshot->index;
    /* The own machine may have applied, and dumped, what a quorum has and this disk has not: then the snapshot tells of a newer
     * term than the log, in which no vote of this server can have become known. */
    bool is_newer = snapshot && snapshot->term > state->term;
    raft_term term = is_newer ? snapshot->term : state->term;
    raft_id voted_for = is_newer ? 0 : state->voted_for;
    if (recovery->term != term || recovery->voted_for != voted_for)
        return false;
    /* A snapshot that the log does not reach, or that contradicts it, takes its place. */
    if (snapshot && shadow_term(&state->log, snapshot->index) != snapshot->term &&
        snapshot->index > state->log.start)
        return last == snapshot->index;
    if (last != shadow_last(&state->log))
        return false;
    for (size_t i = 0; i < recovery->entry_count; i++) {
        const struct raft_entry *entry = &recovery->entries[i];
        if (entry->index > state->log.start && entry->term != shadow_term(&state->log, entry->index))
            return false;
    }
    /* Nothing is missing in front. */
    raft_index first = recovery->entry_count > 0 ? recovery->entries[0].index : last + 1;
    return first <= (snapshot ? snapshot->index : 0) + 1;
}

static void adopt(struct shadow *shadow, const struct store_recovery *recovery)
{
    struct shadow_state *state = &shadow->durable;
    size_t first = 0;
    if (recovery->snapshot) {
        log_install(&state->log, recovery->snapshot->index, recovery->snapshot->term);
        while (first < recovery->entry_count && recovery->entries[first].index <= recovery->snapshot->index)
            first++;
    } else {
        log_install(&state->log, 0, 0);
    }
    for (; first < recovery->entry_count; first++)
        log_append(&state->log, recovery->entries[first].term);
    state->term = recovery->term;
    state->voted_for = recovery->voted_for;
    state_copy(&shadow->issued, state);
    shadow->record_first = shadow->record_count = 0;
}

bool shadow_recover(struct shadow *shadow, const struct store_recovery *recovery)
{
    bool is_right = is_recovered(&shadow->durable, recovery);
    for (size_t i = shadow->record_first; i < shadow->record_count && !is_right; i++) {
        apply(&shadow->durable, &shadow->records[i]);
        is_right = is_recovered(&shadow->durable, recovery);
    }
    adopt(shadow, recovery);
    return is_right;
}
