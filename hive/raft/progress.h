/* One peer, as its leader sees it (the Progress of etcd's raft):
 *
 *     PROBE      where its log matches ours is not known: one AppendEntries at a time
 *     REPLICATE  it follows: entries are sent optimistically, up to the in-flight limit
 *     SNAPSHOT   it needs entries that the log no longer has
 *
 * A peer that stops answering turns silent: it gets heartbeats only, so that a dead peer costs no bandwidth,
 * and entries again from the first answer on. */
#ifndef RAFT_PROGRESS_H
#define RAFT_PROGRESS_H

#include "raft/state.h"

/* At the start of a leadership: everything is unknown. `next`: behind the leader's last entry. */
void raft_progress_reset(struct raft_progress *progress, raft_index next, int64_t now_ms);

/* May entries be sent now? */
bool raft_progress_can_send(const struct raft_progress *progress, size_t inflight_max);

/* `count` entries from next on are leaving. Returns their number, for the message's context. */
uint64_t raft_progress_sent(struct raft_progress *progress, size_t count, int64_t now_ms);

/* Any answer in the current term arrived; `context` is what went with the request. */
void raft_progress_answered(struct raft_progress *progress, uint64_t context, int64_t now_ms);

/* Its log matches up to `match`. */
void raft_progress_matched(struct raft_progress *progress, raft_index match);

/* It refused: look for the match from `next` on. */
void raft_progress_refused(struct raft_progress *progress, raft_index next);

/* True where entries that left at `since_ms` or before are still not acknowledged. */
bool raft_progress_is_overdue(const struct raft_progress *progress, int64_t since_ms);

/* The log does not have what it needs: a snapshot is on its way to it from now on. */
void raft_progress_needs_snapshot(struct raft_progress *progress, int64_t now_ms);

/* What was in flight is lost, or takes too long. */
void raft_progress_lost(struct raft_progress *progress);

#endif
