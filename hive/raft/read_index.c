/* ReadIndex (§6.4). A read is answered from the state at the commit index of when it was asked, after a
 * quorum confirmed that no other leader could have committed more by then. Rounds are numbered: a read
 * waits for a round that began after it was asked, so an acknowledgement that was under way before
 * confirms nothing. Reads that arrive while a round is out share the next one. Heartbeats begin rounds,
 * too; with a lease (§6.4.1), reads need none of their own while the newest that was confirmed is young
 * enough. */
#include "raft/read_index.h"

#include "hive/memory.h"
#include "raft/configuration.h"
#include "raft/group.h"
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

static uint64_t round_of(const struct raft_peer *peer)
{
    return peer->progress.round;
}

static uint64_t confirmed_round(const struct raft *raft)
{
    return raft_group_quorum_value(raft, raft->round, round_of);
}

/* When the newest round began that a majority has confirmed; -1: in this term none that is remembered. */
static int64_t confirmed_since_ms(const struct raft *raft)
{
    uint64_t round = confirmed_round(raft);
    return round > 0 && raft->round - round < RAFT_ROUNDS ? raft->round_began_ms[round % RAFT_ROUNDS] : -1;
}

int64_t raft_quorum_contact_ms(const struct raft *raft)
{
    if (raft->role != RAFT_LEADER)
        return -1;
    int64_t confirmed_ms = confirmed_since_ms(raft);
    bool is_alone = raft_group_has_own_vote(raft) && raft_configuration_voters(raft_configuration(raft)) == 1;
    if (is_alone)
        return raft->now_ms;
    return confirmed_ms > raft->stood_ms ? confirmed_ms
                                         : raft->stood_ms; /* who voted for it knew of no other */
}

/* §6.4.1: whoever acknowledged what was sent in a round does not vote for another until an election
 * timeout after that (unless a transfer asks for it), so that until then no other leader can be elected.
 * By our clock, and theirs may run faster. */
static bool has_lease(const struct raft *raft)
{
    if (!raft->config.read_lease || !raft->config.check_quorum || raft->lease_is_void || raft->transfer.to)
        return false;
    int64_t since_ms = confirmed_since_ms(raft);
    int64_t length_ms =
        raft->config.election_timeout_min_ms * (100 - (int64_t)raft->config.clock_drift_percent) / 100;
    return since_ms >= 0 && raft->now_ms < since_ms + length_ms;
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

void raft_read_index_new_round(struct raft *raft)
{
    raft->round++;
    raft->round_began_ms[raft->round % RAFT_ROUNDS] = raft->now_ms;
}

/* Puts all waiting reads into a new round, unless one is out. */
static void start_round(struct raft *raft)
{
    if (raft->read_count == 0 || raft->reads[0].round > 0 || !raft_knows_commit(raft))
        return;
    raft_read_index_new_round(raft);
    for (size_t i = 0; i < raft->read_count; i++) {
        raft->reads[i].round = raft->round;
        raft->reads[i].index = raft->commit;
    }
    raft_replication_heartbeat(raft);
}

void raft_read_index_on_round(struct raft *raft, const struct raft_message *message)
{
    uint64_t round = message->append_entries_reply.round;
    struct raft_peer *peer = raft_group_peer(raft, message->from);
    if (raft->role != RAFT_LEADER || !peer || message->term != raft->term)
        return;
    if (round > peer->progress.round && round <= raft->round)
        peer->progress.round = round;
    raft_read_index_progress(raft);
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
    if (raft_knows_commit(raft) && has_lease(raft)) {
        answer(raft, context, RAFT_OK, raft->commit);
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
