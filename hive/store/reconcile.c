/* Which snapshot a queen goes on from, and with which part of its log.
 *
 * A snapshot gets its name only when it is complete and synced, and always before anything in the log relies on it. So the
 * newest one is good unless the disk has damaged it, and four things can be:
 *   - The log goes through its index with its term: both hold. What is behind the index stays.
 *   - The log ends before its index. The snapshot came from a leader, and the crash was before the log said so; or it is
 *     of the own machine, which may apply what a quorum has and this disk has not yet. The snapshot replaces the log: all that
 *     it says of those indexes is in it.
 *   - The log has another term at its index: those entries were never committed, nor is anything behind them (§5.3 of the
 *     paper, log matching). The snapshot replaces the log.
 *   - The log begins behind its index: something is missing between the two, and nobody can go on from there.
 *
 * Where the newest one is damaged, an older one does as well if the log has everything from there to where the damaged one
 * stood; whoever began before that would have forgotten what it has acknowledged. */
#include "store/reconcile.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "store/snapshot.h"

struct choice {
    const struct disk *disk;
    const char *directory;
    raft_index damaged; /* index of the newest one that is; 0: none */
    struct hive_error damage;
};

static int open_file(struct choice *choice, const struct catalog_file *file, struct raft_snapshot *snapshot,
                     struct hive_error *error)
{
    char *path = hive_format("%s/%s", choice->directory, file->name);
    int result = snapshot_verify(choice->disk, path, snapshot, error);
    if (result == 0 && (snapshot->index != file->numbers[0] || snapshot->term != file->numbers[1]))
        result =
            hive_error_set(error, -EBADMSG, "%s is damaged: it is not the snapshot that its name says", path);
    free(path);
    return result;
}

/* The newest good one; its numbers to `good`. */
static int choose(struct choice *choice, const struct catalog *catalog, struct raft_snapshot *snapshot,
                  uint64_t good[2], struct hive_error *error)
{
    size_t count;
    const struct catalog_file *files = catalog_find(catalog, CATALOG_SNAPSHOT, &count);
    while (count--) {
        struct hive_error wrong = {""};
        int result = open_file(choice, &files[count], snapshot, &wrong);
        if (result == 0) {
            good[0] = snapshot->index;
            good[1] = snapshot->term;
            return 0;
        }
        if (result != -EBADMSG) {
            if (error)
                *error = wrong;
            return result;
        }
        if (!choice->damaged) {
            choice->damaged = files[count].numbers[0];
            choice->damage = wrong;
        }
    }
    return 0;
}

/* The log's term at `index`; 0 where it does not know. */
static raft_term term_at(const struct store_recovery *recovery, const struct recovery_end *end,
                         raft_index index)
{
    if (index == end->state.base)
        return end->state.base_term;
    if (index < end->first || index > end->state.last_index)
        return 0;
    return recovery->entries[index - end->first].term;
}

static int refuse(const struct choice *choice, const struct recovery_end *end, raft_index from,
                  struct hive_error *error)
{
    if (choice->damaged)
        return hive_error_set(error, -EBADMSG,
                              "%s; and without it the log does not tell what happened from entry %" PRIu64
                              " on: let another queen with an empty directory take this one's place",
                              choice->damage.message, from);
    return hive_error_set(
        error, -EBADMSG,
        "the log in %s begins with entry %" PRIu64
        ", and no snapshot is there that tells all that was before: put it back, or let another queen "
        "with an empty directory take this one's place",
        choice->directory, end->first);
}

int reconcile(const struct disk *disk, const char *directory, const struct catalog *catalog,
              struct store_recovery *recovery, struct recovery_end *end, struct hive_error *error)
{
    struct choice choice = {.disk = disk, .directory = directory};
    struct raft_snapshot *snapshot = hive_calloc(1, sizeof *snapshot);
    int result = choose(&choice, catalog, snapshot, end->good, error);
    if (result < 0)
        goto out;
    raft_index index = end->good[0], last = end->state.last_index;
    raft_term term = term_at(recovery, end, index);
    bool is_joined = index + 1 >= end->first && (index == 0 || index > last || term);
    if (index == end->state.base && term != end->good[1])
        is_joined = false; /* two that were committed, and differ */
    if (!is_joined || (choice.damaged && (last < choice.damaged || index > last || term != end->good[1]))) {
        result = refuse(&choice, end, index + 1, error);
        goto out;
    }
    if (index && (index > last || term != end->good[1])) {
        recovery_drop_from(recovery, 0);
        end->is_replaced = true;
    }
    if (index) {
        recovery->snapshot = snapshot;
        snapshot = NULL;
    }
out:
    free(snapshot);
    return result;
}
