/* Log replication, the follower's side: the consistency check, truncation of what conflicts, and the commit
 * index. */
#include <assert.h>

#include "raft/freshness.h"
#include "raft/messages.h"
#include "raft/replication.h"

/* Where the leader should look next (§5.3 of the paper): behind our last entry, or at the first entry of the
 * term that conflicts. */
static void refuse(struct raft *raft, const struct raft_message *message)
{
    raft_index prev = message->append_entries.prev_log_index;
    const struct raft_entry *entry = raft_log_at(&raft->log, prev);
    struct raft_message *reply = raft_reply_out(raft, RAFT_APPEND_ENTRIES_REPLY, message);
    reply->append_entries_reply = (struct raft_append_entries_reply){
        .conflict_index = entry ? raft_log_first_of_term(&raft->log, prev) : raft_log_last(&raft->log) + 1,
        .conflict_term = entry ? entry->term : 0,
        .round = message->append_entries.round,
        .clock_ms = raft->now_ms,
    };
}

/* Takes over the entries that are missing. False: the message contradicts what is committed. */
static bool take_entries(struct raft *raft, const struct raft_append_entries *append)
{
    for (size_t i = 0; i < append->entry_count; i++) {
        const struct raft_entry *entry = &append->entries[i];
        if (entry->index < raft->log.first || raft_log_matches(&raft->log, entry->index, entry->term))
            continue; /* is in the snapshot, or is there already: a delayed or short message shortens nothing
                       */
        if (entry->index <= raft_log_last(&raft->log)) {
            if (entry->index <= raft->commit)
                return false;
            raft_truncate(
                raft, entry->index); /* Fig. 2: an existing entry conflicts: delete it and all that follow */
        }
        raft_append(raft, entry->term, entry->type, entry->data, entry->bytes);
    }
    return true;
}

void raft_replication_on_append(struct raft *raft, const struct raft_message *message)
{
    const struct raft_append_entries *append = &message->append_entries;
    if (message->term < raft->term) {
        /* Fig. 2: reply false. The answer carries our term, which makes a deposed leader step down. */
        refuse(raft, message);
        return;
    }
    raft_follow(raft, message);

    /* What was compacted is committed, and therefore matches; so do entries that a snapshot stands for,
     * whose terms are not known any more. */
    raft_term own;
    bool prev_is_compacted =
        append->prev_log_index < raft->log.first && !raft_log_term(&raft->log, append->prev_log_index, &own);
    if (!prev_is_compacted && !raft_log_matches(&raft->log, append->prev_log_index, append->prev_log_term)) {
        if (append->prev_log_index <= raft->commit)
            raft->dropped_messages++; /* contradicts what is committed */
        else
            refuse(raft, message);
        return;
    }
    if (!take_entries(raft, append)) {
        raft->dropped_messages++;
        return;
    }
    /* Fig. 2: min(leaderCommit, index of last new entry): entries behind it were not compared with the
     * leader's. */
    raft_index match = append->prev_log_index + append->entry_count;
    raft_index commit = append->leader_commit < match ? append->leader_commit : match;
    if (commit > raft->commit) {
        assert(commit <= raft_log_last(&raft->log));
        raft->commit = commit;
    }
    raft_freshness_on_append(raft, append);
    struct raft_message *reply = raft_reply_out(raft, RAFT_APPEND_ENTRIES_REPLY, message);
    reply->append_entries_reply = (struct raft_append_entries_reply){
        .success = true, .match_index = match, .round = append->round, .clock_ms = raft->now_ms};
    raft_message_wait(raft, reply, raft_log_write_of(&raft->log, match));
}
