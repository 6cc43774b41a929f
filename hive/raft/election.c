/* Leader election. A server that hears from no leader first asks whether it could win (pre-vote: nobody's
 * term moves, so a server that was cut off cannot disturb a working group), then stands for the next term. */
#include "raft/election.h"

#include "raft/messages.h"
#include "raft/quorum.h"
#include "raft/replication.h"

void raft_election_restart_timer(struct raft *raft)
{
    uint64_t width =
        (uint64_t)(raft->config.election_timeout_max_ms - raft->config.election_timeout_min_ms) + 1;
    raft->election_deadline_ms =
        raft->now_ms + raft->config.election_timeout_min_ms + (int64_t)(raft->random % width);
    raft->random =
        raft->random * 6364136223846793005U + 1442695040888963407U; /* for a second draw in this step */
}

static void ask_for_votes(struct raft *raft, raft_term term)
{
    for (size_t i = 0; i < raft->voter_count; i++) {
        raft->ballots[i] = i == raft->self ? RAFT_BALLOT_GRANTED : RAFT_BALLOT_OUTSTANDING;
        if (i == raft->self)
            continue;
        struct raft_message *message = raft_message_out(raft, RAFT_REQUEST_VOTE, raft->voters[i]);
        message->term = term;
        message->request_vote = (struct raft_request_vote){
            .last_log_index = raft_log_last(&raft->log),
            .last_log_term = raft_log_last_term(&raft->log),
            .pre_vote = raft->pre_voting,
        };
    }
}

/* Fig. 2, "on conversion to candidate": increment the term, vote for self, reset the timer, ask everybody. */
static void stand_for_election(struct raft *raft, const char *reason)
{
    raft->pre_voting = false;
    raft_set_hard_state(raft, raft->term + 1, raft->config.id);
    raft->leader = 0;
    raft_set_role(raft, RAFT_CANDIDATE, reason);
    raft_election_restart_timer(raft);
    ask_for_votes(raft, raft->term);
    raft_election_count(raft);
}

void raft_election_timeout(struct raft *raft)
{
    raft_election_restart_timer(raft);
    if (raft_disk_is_stalled(raft))
        return; /* it could not make its vote durable: let others stand */
    if (raft->role == RAFT_CANDIDATE && !raft->pre_voting && raft->hard_state_write > raft->durable_write)
        return; /* its requests have not left yet, they wait for its disk: a new election would start that over */
    if (!raft->config.pre_vote) {
        stand_for_election(raft, "election timeout");
        return;
    }
    raft->pre_voting = true;
    raft->leader = 0;
    if (raft->role != RAFT_CANDIDATE)
        raft_set_role(raft, RAFT_CANDIDATE, "election timeout");
    ask_for_votes(raft, raft->term + 1);
    raft_election_count(raft);
}

void raft_election_count(struct raft *raft)
{
    if (raft->role != RAFT_CANDIDATE)
        return;
    size_t granted = 0, refused = 0, quorum = raft_quorum(raft->voter_count);
    for (size_t i = 0; i < raft->voter_count; i++) {
        granted += raft->ballots[i] == RAFT_BALLOT_GRANTED;
        refused += raft->ballots[i] == RAFT_BALLOT_REFUSED;
    }
    /* The own vote is a vote like the others: it counts once it is durable (§3.8). */
    if (!raft->pre_voting && raft->hard_state_write > raft->durable_write)
        granted--;
    if (granted >= quorum) {
        if (raft->pre_voting)
            stand_for_election(raft, "pre-vote won");
        else
            raft_replication_become_leader(raft);
    } else if (refused >= quorum) {
        raft_become_follower(raft, raft->term, 0, raft->pre_voting ? "pre-vote refused" : "votes refused");
    }
}

/* §3.6.1: the voter denies its vote if its own log is more up-to-date: the later last term, or the same and
 * longer. */
static bool is_up_to_date(const struct raft *raft, const struct raft_request_vote *request)
{
    raft_term own = raft_log_last_term(&raft->log);
    return request->last_log_term > own ||
           (request->last_log_term == own && request->last_log_index >= raft_log_last(&raft->log));
}

/* §4.2.3: a server that heard from a current leader within the minimum election timeout believes that it
 * still leads, and neither votes nor lets its term be moved. A leader believes it of itself: it steps down by
 * its own check. */
static bool has_leader(const struct raft *raft)
{
    if (!raft->config.check_quorum)
        return false;
    if (raft->role == RAFT_LEADER)
        return true;
    return raft->leader != 0 && raft->leader_contact_ms >= 0 &&
           raft->now_ms - raft->leader_contact_ms < raft->config.election_timeout_min_ms;
}

static void reply_to_pre_vote(struct raft *raft, const struct raft_message *message)
{
    bool granted =
        message->term > raft->term && !has_leader(raft) && is_up_to_date(raft, &message->request_vote);
    struct raft_message *reply = raft_reply_out(raft, RAFT_REQUEST_VOTE_REPLY, message);
    /* Granted: the term that was asked about. Refused: our own, so that a candidate of a lower term learns of
     * it. */
    reply->term = granted ? message->term : raft->term;
    reply->request_vote_reply = (struct raft_request_vote_reply){.vote_granted = granted, .pre_vote = true};
}

void raft_election_on_request(struct raft *raft, const struct raft_message *message)
{
    if (message->request_vote.pre_vote) {
        reply_to_pre_vote(raft, message);
        return;
    }
    bool granted = false;
    if (message->term > raft->term && !has_leader(raft))
        raft_become_follower(raft, message->term, 0, "vote requested for a higher term");
    if (message->term == raft->term) {
        /* Fig. 2: votedFor is null or candidateId, and the candidate's log is at least as up-to-date: grant.
         */
        granted = (raft->voted_for == 0 || raft->voted_for == message->from) &&
                  is_up_to_date(raft, &message->request_vote);
        if (granted && raft->voted_for == 0)
            raft_set_hard_state(raft, raft->term, message->from);
        if (granted)
            raft_election_restart_timer(raft);
    }
    struct raft_message *reply = raft_reply_out(raft, RAFT_REQUEST_VOTE_REPLY, message);
    reply->request_vote_reply = (struct raft_request_vote_reply){.vote_granted = granted};
}

void raft_election_on_reply(struct raft *raft, const struct raft_message *message)
{
    const struct raft_request_vote_reply *reply = &message->request_vote_reply;
    bool is_grant_of_pre_vote = reply->pre_vote && reply->vote_granted;
    if (message->term > raft->term && !is_grant_of_pre_vote) {
        raft_become_follower(raft, message->term, 0, "higher term in a vote reply");
        return;
    }
    raft_term asked = raft->pre_voting ? raft->term + 1 : raft->term;
    raft_term expected = is_grant_of_pre_vote || !reply->pre_vote ? asked : raft->term;
    if (raft->role != RAFT_CANDIDATE || reply->pre_vote != raft->pre_voting || message->term != expected)
        return; /* of an older election */
    enum raft_ballot *ballot = &raft->ballots[raft_voter(raft, message->from)];
    if (*ballot == RAFT_BALLOT_OUTSTANDING) /* one vote a voter and term, however often it is said */
        *ballot = reply->vote_granted ? RAFT_BALLOT_GRANTED : RAFT_BALLOT_REFUSED;
    raft_election_count(raft);
}
