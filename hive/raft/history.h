/* The configurations of the log, in order: the one in force is the newest, committed or not (§4.1).
 * Truncation takes the newest away again, compaction those that no kept entry needs. */
#ifndef RAFT_HISTORY_H
#define RAFT_HISTORY_H

#include "raft/raft.h"

struct raft_history {
    struct raft_configuration *items; /* by rising index; the first is in force where the log begins */
    size_t count, capacity;           /* count >= 1 */
};

/* `base`: what is known without the log; NULL: nothing. */
void raft_history_init(struct raft_history *history, const struct raft_configuration *base);
void raft_history_finish(struct raft_history *history);

const struct raft_configuration *raft_history_newest(const struct raft_history *history);

/* The one in force at `index`; NULL where that is not known any more. */
const struct raft_configuration *raft_history_at(const struct raft_history *history, raft_index index);

void raft_history_push(struct raft_history *history, const struct raft_configuration *configuration);

/* The entries from `from` on are gone. True where another one is in force now. */
bool raft_history_truncate(struct raft_history *history, raft_index from);

/* The log begins behind `boundary` now. */
void raft_history_compact(struct raft_history *history, raft_index boundary);

/* `base` is in force at `boundary`, where the log begins now; what was known of later entries stays. */
void raft_history_rebase(struct raft_history *history, const struct raft_configuration *base,
                         raft_index boundary);

#endif
