/* ReadIndex (§6.4). A read is answered from the state at the commit index of when it was asked, after a
 * quorum confirmed that no other leader could have committed more by then. Rounds are numbered: a read waits
 * for a round that began after it was asked, so an acknowledgement that was under way before confirms
 * nothing. Reads that arrive while a round is out share the next one. */
#include "raft/read_index.h"

#include "hive/memory.h"
#include "raft/quorum.h"
#include "raft/replication.h"

static void answer(struct raft *raft, uint64_t context, enum raft_status status, raft_index index)
{
    if (raft->answer_count == raft->answer_capacity) {
        raft->answer_capacity = raft->answer_capacity ? raft->answer_capacity * 2 : 16;
        raft->answers = hive_realloc(raft->answers, raft->answer_capacity, sizeof *raft->answers);
    }
    raft->answers[raft->answer_count++] =
        (struct raft_read){.context = context, .status = status, .index = index};
}

static uint64_t confirmed_round(const struct raft *raft)
{
    uint64_t rounds[HIVE_QUEENS];
    for (size_t i = 0; i < raft->voter_count; i++)
        rounds[i] = i == raft->self ? raft->round : raft->progress[i].round;
    return raft_quorum_value(rounds, raft->voter_count);
}

/* §6.4: before an entry of its own term is committed, a leader does not know what is committed. */
static bool knows_commit(const struct raft *raft)
{
    return raft_log_matches(&raft->log, raft->commit, raft->term);
}

static void answer_confirmed(struct raft *raft)
{
    uint64_t confirmed = confirmed_round(raft);
    size_t kept = 0;
    for (size_t i = 0; i < raft->read_count; i++) {
        const struct raft_read_request *read = &raft->reads[i];
        if (read->round > 0 && read->round <= confirmed)
            answer(raft, read->context, RAFT_OK, read->index);
        else
            raft->reads[kept++] = *read;
    }
    raft->read_count = kept;
}

/* Puts all waiting reads into a new round, unless one is out. */
static void start_round(struct raft *raft)
{
    if (raft->read_count == 0 || raft->reads[0].round > 0 || !knows_commit(raft))
        return;
    raft->round++;
    for (size_t i = 0; i < raft->read_count; i++) {
        raft->reads[i].round = raft->round;
        raft->reads[i].index = raft->commit;
    }
    raft_replication_heartbeat(raft);
}

void raft_read_index_progress(struct raft *raft)
{
    if (raft->role != RAFT_LEADER || raft->read_count == 0)
        return;
    answer_confirmed(raft);
    start_round(raft);
    answer_confirmed(raft); /* a group of one is its own quorum */
}

void raft_read_index_ask(struct raft *raft, uint64_t context)
{
    if (raft->role != RAFT_LEADER) {
        raft->update->status = RAFT_NOT_LEADER;
        answer(raft, context, RAFT_NOT_LEADER, 0);
        return;
    }
    if (raft->read_count == raft->read_capacity) {
        raft->read_capacity = raft->read_capacity ? raft->read_capacity * 2 : 16;
        raft->reads = hive_realloc(raft->reads, raft->read_capacity, sizeof *raft->reads);
    }
    raft->reads[raft->read_count++] = (struct raft_read_request){.context = context};
    raft_read_index_progress(raft);
}

void raft_read_index_abandon(struct raft *raft)
{
    for (size_t i = 0; i < raft->read_count; i++)
        answer(raft, raft->reads[i].context, RAFT_NOT_LEADER, 0);
    raft->read_count = 0;
}
