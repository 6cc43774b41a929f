/* Leader election. A server that hears from no leader first asks whether it could win (pre-vote: nobody's
 * term moves, so a server that was cut off cannot disturb a working group), then stands for the next term. */
#include "raft/election.h"

#include "raft/group.h"
#include "raft/messages.h"
#include "raft/quorum.h"
#include "raft/replication.h"

/* Within so long the followers of a leader that has ended stand, one after the other; and again, a few
 * times, should the others not have noticed its end yet. */
enum { STAGGER_MS = 16, HURRIES = 4 };

void raft_election_restart_timer(struct raft *raft)
{
    uint64_t width =
        (uint64_t)(raft->config.election_timeout_max_ms - raft->config.election_timeout_min_ms) + 1;
    raft->election_deadline_ms =
        raft->now_ms + raft->config.election_timeout_min_ms + (int64_t)(raft->random % width);
    raft->random =
        raft->random * 6364136223846793005U + 1442695040888963407U; /* for a second draw in this step */
}

/* ---- the candidate ---- */

static void ask_for_votes(struct raft *raft, raft_term term, bool transfer)
{
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_peer *peer = &raft->peers[i];
        peer->ballot = RAFT_BALLOT_OUTSTANDING;
        if (peer->kind != RAFT_MEMBER_VOTER)
            continue;
        struct raft_message *message = raft_message_out(raft, RAFT_REQUEST_VOTE, peer->id);
        message->term = term;
        message->request_vote = (struct raft_request_vote){
            .last_log_index = raft_log_last(&raft->log),
            .last_log_term = raft_log_last_term(&raft->log),
            .pre_vote = raft->pre_voting,
            .transfer = transfer,
            .configuration_index = raft_configuration(raft)->index,
        };
    }
}

/* Fig. 2, "on conversion to candidate": increment the term, vote for self, reset the timer, ask everybody. */
static void stand_for_election(struct raft *raft, const char *reason, bool transfer)
{
    raft->pre_voting = false;
    raft_set_hard_state(raft, raft->term + 1, raft->config.id);
    raft->leader = 0;
    raft->stood_ms = raft->now_ms;
    raft_set_role(raft, RAFT_CANDIDATE, reason);
    raft_election_restart_timer(raft);
    ask_for_votes(raft, raft->term, transfer);
    raft_election_count(raft);
}

/* Voters only; and not with a disk that could not make the own vote durable: let others stand. */
static bool can_stand(const struct raft *raft)
{
    return raft_standing(raft) == RAFT_STANDING_VOTER && !raft_disk_is_stalled(raft);
}

/* Each voter has its own part of the stagger, in the order of ids, so that two seldom stand at once and
 * split the votes. */
static int64_t stagger_ms(const struct raft *raft)
{
    const struct raft_configuration *configuration = raft_configuration(raft);
    uint64_t voters = 0, before = 0;
    for (size_t i = 0; i < configuration->count; i++) {
        const struct raft_member *member = &configuration->members[i];
        bool counts = member->kind == RAFT_MEMBER_VOTER;
        voters += counts;
        before += counts && member->id < raft->config.id;
    }
    uint64_t part = voters < STAGGER_MS ? STAGGER_MS / (voters ? voters : 1) : 1;
    return (int64_t)((before * part + raft->random % part) % STAGGER_MS);
}

/* Brings the next election near, where that is due to the end of the leader's process. */
static void hurry(struct raft *raft, int64_t wait_ms)
{
    int64_t due_ms = raft->now_ms + wait_ms + stagger_ms(raft);
    if (raft->hurry == 0 || due_ms >= raft->election_deadline_ms)
        return;
    raft->hurry--;
    raft->election_deadline_ms = due_ms;
}

void raft_election_leader_gone(struct raft *raft, raft_id leader)
{
    /* With leases, that no leader is elected before a timeout is what reads count on (§6.4.1). */
    if (raft->config.read_lease || raft->role != RAFT_FOLLOWER || leader == 0 || raft->leader != leader)
        return;
    raft->leader = 0; /* so that others get our votes */
    raft->hurry = HURRIES;
    hurry(raft, 0);
}

void raft_election_timeout(struct raft *raft)
{
    raft_election_restart_timer(raft);
    if (!can_stand(raft)) {
        raft->leader = 0;
        return;
    }
    if (raft->role == RAFT_CANDIDATE && !raft->pre_voting && raft->hard_state_write > raft->durable_write)
        return; /* its requests have not left yet, they wait for its disk: a new election would start that over */
    if (!raft->config.pre_vote) {
        stand_for_election(raft, "election timeout", false);
        return;
    }
    raft->pre_voting = true;
    raft->leader = 0;
    if (raft->role != RAFT_CANDIDATE)
        raft_set_role(raft, RAFT_CANDIDATE,
                      raft->hurry > 0 ? "the leader's process ended" : "election timeout");
    ask_for_votes(raft, raft->term + 1, false);
    hurry(raft, STAGGER_MS);
    raft_election_count(raft);
}

void raft_election_requests_leave(struct raft *raft)
{
    raft_election_restart_timer(raft);
    hurry(raft,
          2 * STAGGER_MS); /* two who stood at once have split the votes: the dead leader's decides nothing */
}

void raft_election_stand_now(struct raft *raft)
{
    if (can_stand(raft))
        stand_for_election(raft, "the leader hands over", true);
}

void raft_election_count(struct raft *raft)
{
    if (raft->role != RAFT_CANDIDATE)
        return;
    /* The own vote is a vote like the others: it counts once it is durable (§3.8). The requests wait for
     * it, too. */
    if (!raft->pre_voting && raft->hard_state_write > raft->durable_write)
        return;
    size_t voters = raft_group_has_own_vote(raft), granted = voters, refused = 0;
    for (size_t i = 0; i < raft->peer_count; i++) {
        if (raft->peers[i].kind != RAFT_MEMBER_VOTER)
            continue;
        voters++;
        granted += raft->peers[i].ballot == RAFT_BALLOT_GRANTED;
        refused += raft->peers[i].ballot == RAFT_BALLOT_REFUSED;
    }
    if (granted >= raft_quorum(voters)) {
        if (raft->pre_voting)
            stand_for_election(raft, "pre-vote won", false);
        else
            raft_replication_become_leader(raft);
    } else if (voters - refused < raft_quorum(voters)) {
        raft_become_follower(raft, raft->term, 0, raft->pre_voting ? "pre-vote refused" : "votes refused");
        hurry(raft, STAGGER_MS);
    }
}

void raft_election_on_reply(struct raft *raft, const struct raft_message *message)
{
    const struct raft_request_vote_reply *reply = &message->request_vote_reply;
    struct raft_peer *peer = raft_group_peer(raft, message->from);
    bool is_grant_of_pre_vote = reply->pre_vote && reply->vote_granted;
    if (!peer)
        return; /* none of ours */
    if (reply->removed && raft->role == RAFT_CANDIDATE) {
        raft->told_removed = true;
        raft_become_follower(raft, raft->term, 0, "removed from the group");
        return;
    }
    if (message->term > raft->term && !is_grant_of_pre_vote) {
        raft_become_follower(raft, message->term, 0, "higher term in a vote reply");
        return;
    }
    raft_term asked = raft->pre_voting ? raft->term + 1 : raft->term;
    raft_term expected = is_grant_of_pre_vote || !reply->pre_vote ? asked : raft->term;
    if (raft->role != RAFT_CANDIDATE || reply->pre_vote != raft->pre_voting || message->term != expected)
        return;                                  /* of an older election */
    if (peer->ballot == RAFT_BALLOT_OUTSTANDING) /* one vote a voter and term, however often it is said */
        peer->ballot = reply->vote_granted ? RAFT_BALLOT_GRANTED : RAFT_BALLOT_REFUSED;
    raft_election_count(raft);
}

/* ---- the voter ---- */

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
    if (raft->role == RAFT_LEADER || raft->now_ms < raft->quiet_until_ms)
        return true;
    return raft->leader != 0 && raft->leader_contact_ms >= 0 &&
           raft->now_ms - raft->leader_contact_ms < raft->config.election_timeout_min_ms;
}

/* The group has committed that the candidate is no member; it knows of no later word on that. A server
 * that is needed to get something committed is never told so. */
static bool is_removed(const struct raft *raft, const struct raft_message *message)
{
    const struct raft_configuration *committed = raft_group_committed(raft);
    return committed->index > 0 && committed->index >= message->request_vote.configuration_index &&
           !raft_configuration_find(committed, message->from);
}

static void reply_to_pre_vote(struct raft *raft, const struct raft_message *message)
{
    bool removed = is_removed(raft, message);
    bool granted = message->term > raft->term && !removed && !has_leader(raft) &&
                   is_up_to_date(raft, &message->request_vote);
    struct raft_message *reply = raft_reply_out(raft, RAFT_REQUEST_VOTE_REPLY, message);
    /* Granted: the term that was asked about. Refused: our own, so that a candidate of a lower term learns of
     * it. */
    reply->term = granted ? message->term : raft->term;
    reply->request_vote_reply =
        (struct raft_request_vote_reply){.vote_granted = granted, .pre_vote = true, .removed = removed};
}

void raft_election_on_request(struct raft *raft, const struct raft_message *message)
{
    if (message->request_vote.pre_vote) {
        reply_to_pre_vote(raft, message);
        return;
    }
    bool granted = false, removed = is_removed(raft, message);
    bool disturbs = removed || (has_leader(raft) && !message->request_vote.transfer);
    if (message->term > raft->term && !disturbs)
        raft_become_follower(raft, message->term, 0, "vote requested for a higher term");
    if (message->term == raft->term && !removed) {
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
    reply->request_vote_reply = (struct raft_request_vote_reply){.vote_granted = granted, .removed = removed};
}
