/* Snapshots and the log. The bytes of a snapshot never come here: it is written, streamed and loaded
 * around the core, which decides what it stands for and when it takes the log's place. */
#include "raft/snapshot.h"

#include <assert.h>

#include "raft/group.h"
#include "raft/messages.h"
#include "raft/progress.h"
#include "raft/replication.h"

bool raft_snapshot_at(const struct raft *raft, raft_index index, struct raft_snapshot *snapshot)
{
    const struct raft_configuration *configuration = raft_history_at(&raft->history, index);
    raft_term term;
    if (index == 0 || index > raft->commit || !raft_log_term(&raft->log, index, &term) || !configuration ||
        configuration->count == 0)
        return false;
    *snapshot = (struct raft_snapshot){.index = index, .term = term, .configuration = *configuration};
    return true;
}

void raft_snapshot_on_taken(struct raft *raft, const struct raft_snapshot *snapshot, raft_index keep_from)
{
    if (snapshot->index <= raft->snapshot.index || snapshot->index > raft->commit)
        return; /* meanwhile a newer one came from the leader */
    raft->snapshot = *snapshot;
    raft_log_compact(&raft->log, keep_from <= snapshot->index ? keep_from : snapshot->index + 1);
    raft_history_compact(&raft->history, raft->log.first - 1);
}

/* ---- leader ---- */

bool raft_snapshot_is_needed(const struct raft *raft, const struct raft_peer *peer)
{
    raft_term term;
    return !raft_log_term(&raft->log, peer->progress.next - 1, &term);
}

void raft_snapshot_send(struct raft *raft, struct raft_peer *peer)
{
    assert(raft->snapshot.index + 1 >= raft->log.first && raft->snapshot.index > 0);
    raft_progress_needs_snapshot(&peer->progress, raft->now_ms);
    raft_message_out(raft, RAFT_INSTALL_SNAPSHOT, peer->id)->install_snapshot.snapshot = &raft->snapshot;
}

void raft_snapshot_send_again(struct raft *raft, struct raft_peer *peer)
{
    if (raft->now_ms - peer->progress.sent_ms >= raft->config.election_timeout_max_ms)
        raft_snapshot_send(raft, peer);
}

void raft_snapshot_on_reply(struct raft *raft, const struct raft_message *message)
{
    raft_replication_on_match(raft, message, message->install_snapshot_reply.match_index);
}

/* ---- follower ---- */

/* The snapshot takes the place of the log up to its index; of the log behind it what agrees with it stays. */
static void install(struct raft *raft, const struct raft_snapshot *snapshot)
{
    raft->installed = true;
    raft->install_keeps_log = raft_log_matches(&raft->log, snapshot->index, snapshot->term);
    raft_log_install(&raft->log, snapshot->index, snapshot->term, raft->commit, raft_this_write(raft));
    raft->snapshot = *snapshot;
    raft->commit = snapshot->index;
    raft_group_installed(raft, snapshot);
}

void raft_snapshot_on_request(struct raft *raft, const struct raft_message *message)
{
    const struct raft_snapshot *snapshot = message->install_snapshot.snapshot;
    if (message->term < raft->term) {
        /* Of a deposed leader, which learns our term from the answer. */
        raft_reply_out(raft, RAFT_INSTALL_SNAPSHOT_REPLY, message);
        return;
    }
    raft_follow(raft, message);
    raft_term committed_term;
    bool known = raft_log_term(&raft->log, raft->commit, &committed_term);
    assert(known);
    if (snapshot->index > raft->commit && snapshot->term < committed_term) {
        raft->dropped_messages++; /* contradicts what is committed */
        return;
    }
    if (snapshot->index > raft->commit)
        install(raft, snapshot);
    /* What is committed here, the leader has; where the snapshot was stale, it goes on from there. */
    struct raft_message *reply = raft_reply_out(raft, RAFT_INSTALL_SNAPSHOT_REPLY, message);
    reply->install_snapshot_reply.match_index = raft->commit;
    raft_message_wait(raft, reply, raft_log_write_of(&raft->log, raft->commit));
}
