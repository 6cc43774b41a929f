/* The disks of the test network: a log, term and vote, one snapshot, and writes that are under way. What a
 * crash leaves of a write is any part of it, from the front; what recovery makes of that is what store.h
 * promises. */
#include "lib/raft_network.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hive/memory.h"

struct raft_entry *raft_entries_copy(const struct raft_entry *entries, size_t count)
{
    struct raft_entry *copy = hive_calloc(count, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = entries[i];
        copy[i].data = entries[i].bytes ? hive_memdup(entries[i].data, entries[i].bytes) : NULL;
    }
    return copy;
}

void raft_entries_free(struct raft_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)entries[i].data);
    free(entries);
}

static void writes_free(struct raft_disk *disk, size_t count)
{
    for (size_t i = 0; i < count; i++)
        raft_entries_free(disk->writes[i].entries, disk->writes[i].entry_count);
    disk->write_count -= count;
    if (disk->write_count > 0)
        memmove(disk->writes, disk->writes + count, disk->write_count * sizeof *disk->writes);
}

void raft_disk_finish(struct raft_disk *disk)
{
    writes_free(disk, disk->write_count);
    free(disk->writes);
    raft_entries_free(disk->entries, disk->entry_count);
}

static raft_index log_last(const struct raft_disk *disk)
{
    return disk->first + disk->entry_count - 1;
}

raft_index raft_disk_last(const struct raft_disk *disk)
{
    return log_last(disk) > disk->snapshot.index ? log_last(disk) : disk->snapshot.index;
}

bool raft_disk_has(const struct raft_disk *disk, raft_index index, raft_term term)
{
    if (index <= disk->snapshot.index)
        return true; /* it is committed, and the term with it */
    return index >= disk->first && index <= log_last(disk) && disk->entries[index - disk->first].term == term;
}

/* ---- the log ---- */

void raft_disk_append(struct raft_disk *disk, const struct raft_entry *entry)
{
    if (disk->entry_count == disk->entry_capacity) {
        disk->entry_capacity = disk->entry_capacity ? disk->entry_capacity * 2 : 64;
        disk->entries = hive_realloc(disk->entries, disk->entry_capacity, sizeof *disk->entries);
    }
    assert_int_equal(entry->index, log_last(disk) + 1);
    disk->entries[disk->entry_count] = *entry;
    disk->entries[disk->entry_count].data = entry->bytes ? hive_memdup(entry->data, entry->bytes) : NULL;
    disk->entry_count++;
}

static void cut_from(struct raft_disk *disk, raft_index from)
{
    while (disk->entry_count > 0 && log_last(disk) >= from)
        free((void *)disk->entries[--disk->entry_count].data);
}

void raft_disk_drop_before(struct raft_disk *disk, raft_index first)
{
    size_t count = first > disk->first ? (size_t)(first - disk->first) : 0;
    if (count == 0)
        return;
    assert_true(count <= disk->entry_count);
    assert_true(first <= disk->snapshot.index + 1); /* what goes is in a snapshot */
    for (size_t i = 0; i < count; i++)
        free((void *)disk->entries[i].data);
    disk->entry_count -= count;
    memmove(disk->entries, disk->entries + count, disk->entry_count * sizeof *disk->entries);
    disk->first = first;
}

static void begin_behind(struct raft_disk *disk, raft_index index)
{
    cut_from(disk, 0);
    disk->first = index + 1;
}

/* ---- writes ---- */

void raft_disk_take(struct raft_disk *disk, const struct raft_update *update, int64_t due_ms)
{
    if (update->write == 0)
        return;
    if (disk->write_count == disk->write_capacity) {
        disk->write_capacity = disk->write_capacity ? disk->write_capacity * 2 : 8;
        disk->writes = hive_realloc(disk->writes, disk->write_capacity, sizeof *disk->writes);
    }
    disk->writes[disk->write_count++] = (struct raft_disk_write){
        .number = update->write,
        .installs = update->install && !update->install_keeps_log,
        .install_index = update->install ? update->install->index : 0,
        .truncate_from = update->truncate_from,
        .entries = raft_entries_copy(update->entries, update->entry_count),
        .entry_count = update->entry_count,
        .hard_state_changed = update->hard_state_changed,
        .term = update->term,
        .voted_for = update->voted_for,
        .due_ms = due_ms,
    };
}

/* The first `records` records of a write, in the order of raft.h's contract. Returns how many are left over.
 */
static size_t apply(struct raft_disk *disk, const struct raft_disk_write *write, size_t records)
{
    if (write->installs && records) {
        begin_behind(disk, write->install_index);
        records--;
    }
    if (write->truncate_from && records) {
        cut_from(disk, write->truncate_from);
        records--;
    }
    for (size_t i = 0; i < write->entry_count && records; i++, records--)
        raft_disk_append(disk, &write->entries[i]);
    if (write->hard_state_changed && records) {
        disk->term = write->term;
        disk->voted_for = write->voted_for;
        records--;
    }
    return records;
}

void raft_disk_complete(struct raft_disk *disk, uint64_t write)
{
    size_t count = 0;
    for (; count < disk->write_count && disk->writes[count].number <= write; count++) {
        apply(disk, &disk->writes[count], SIZE_MAX);
        disk->durable_write = disk->writes[count].number;
    }
    writes_free(disk, count);
}

void raft_disk_crash(struct raft_disk *disk, size_t records)
{
    for (size_t i = 0; i < disk->write_count; i++)
        records = apply(disk, &disk->writes[i], records);
    writes_free(disk, disk->write_count);
}

/* ---- snapshots ---- */

void raft_disk_keep_snapshot(struct raft_disk *disk, const struct raft_snapshot *snapshot)
{
    if (snapshot->index > disk->snapshot.index)
        disk->snapshot = *snapshot;
}

struct raft_recovered raft_disk_recover(struct raft_disk *disk)
{
    const struct raft_snapshot *snapshot = disk->snapshot.index > 0 ? &disk->snapshot : NULL;
    if (snapshot) {
        bool goes_on = snapshot->index + 1 == disk->first, reaches = log_last(disk) >= snapshot->index;
        bool agrees = reaches && snapshot->index >= disk->first &&
                      disk->entries[snapshot->index - disk->first].term == snapshot->term;
        if (!goes_on && !agrees)
            begin_behind(disk, snapshot->index);
    }
    disk->durable_write = 0;
    return (struct raft_recovered){
        .term = disk->term,
        .voted_for = disk->voted_for,
        .founding = disk->founding.count > 0 ? &disk->founding : NULL,
        .snapshot = snapshot,
        .entries = disk->entries,
        .entry_count = disk->entry_count,
    };
}
