/* One peer's replication state; the arithmetic of match, next and what is in flight. */
#include "raft/progress.h"

#include <assert.h>

void raft_progress_reset(struct raft_progress *progress, raft_index next, int64_t now_ms)
{
    /* The numbers of what was sent go on, so that an answer to an earlier leadership's message never counts.
     */
    *progress = (struct raft_progress){
        .next = next,
        .state = RAFT_PROGRESS_PROBE,
        .sent = progress->sent,
        .forgotten = progress->sent,
        .last_ack_ms = now_ms,
    };
}

bool raft_progress_can_send(const struct raft_progress *progress, size_t inflight_max)
{
    if (progress->silent)
        return false;
    switch (progress->state) {
    case RAFT_PROGRESS_PROBE:
        return progress->inflight == 0;
    case RAFT_PROGRESS_REPLICATE:
        return progress->inflight < inflight_max;
    case RAFT_PROGRESS_SNAPSHOT:
        return false;
    }
    return false;
}

uint64_t raft_progress_sent(struct raft_progress *progress, size_t count, int64_t now_ms)
{
    if (progress->state == RAFT_PROGRESS_REPLICATE)
        progress->next += count;
    progress->inflight++;
    progress->sent_ms = now_ms;
    return ++progress->sent;
}

void raft_progress_answered(struct raft_progress *progress, uint64_t context, int64_t now_ms)
{
    progress->last_ack_ms = now_ms;
    progress->acknowledged = true;
    progress->silent = false;
    if (context > progress->forgotten && progress->inflight > 0)
        progress->inflight--;
}

void raft_progress_matched(struct raft_progress *progress, raft_index match)
{
    if (match > progress->match)
        progress->match = match;
    if (progress->next <= progress->match)
        progress->next = progress->match + 1;
}

/* Nothing that is in flight counts any more. */
static void forget_inflight(struct raft_progress *progress)
{
    progress->inflight = 0;
    progress->forgotten = progress->sent;
}

void raft_progress_refused(struct raft_progress *progress, raft_index next)
{
    /* What is known to match is never looked for again, and next never grows by a refusal. A peer that
     * refuses what it had acknowledged is late, or has lost its disk: it gets nothing more at once, or the
     * two would go on at full speed. */
    progress->silent = next <= progress->match;
    if (next <= progress->match)
        next = progress->match + 1;
    if (next < progress->next)
        progress->next = next;
    progress->state = RAFT_PROGRESS_PROBE;
    forget_inflight(progress);
}

void raft_progress_needs_snapshot(struct raft_progress *progress, int64_t now_ms)
{
    progress->state = RAFT_PROGRESS_SNAPSHOT;
    progress->sent_ms = now_ms;
    forget_inflight(progress);
}

bool raft_progress_is_overdue(const struct raft_progress *progress, int64_t since_ms)
{
    /* What was sent and does not match yet, not just what was not answered: an answer that comes twice makes
     * the count of the latter too small. */
    bool is_waiting = progress->inflight > 0 ||
                      (progress->state == RAFT_PROGRESS_REPLICATE && progress->next > progress->match + 1);
    return is_waiting && progress->sent_ms <= since_ms;
}

void raft_progress_lost(struct raft_progress *progress)
{
    if (progress->state == RAFT_PROGRESS_REPLICATE)
        progress->next = progress->match + 1; /* a probe's next is a guess, as good as before */
    progress->state = RAFT_PROGRESS_PROBE;
    progress->silent = true;
    forget_inflight(progress);
}
