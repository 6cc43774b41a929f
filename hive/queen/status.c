/* What a queen shows of itself: the consensus thread publishes a copy after each round of work, and readers
 * copy that, so that watching a queen never makes it wait. */
#include "hive/clock.h"
#include "hive/log.h"
#include "queen/runtime.h"

void queen_status_add_transition(struct queen *queen, const struct raft_transition *transition)
{
    pthread_mutex_lock(&queen->status_mutex);
    struct queen_status *status = &queen->status;
    if (status->transition_count == HIVE_TRANSITIONS) {
        status->transition_count--;
        memmove(&status->transitions[0], &status->transitions[1],
                status->transition_count * sizeof status->transitions[0]);
    }
    status->transitions[status->transition_count++] =
        (struct queen_transition){.time_ms = hive_clock_unix_ms(), .transition = *transition};
    pthread_mutex_unlock(&queen->status_mutex);
}

void queen_status_set_members(struct queen *queen, const struct raft_configuration *members)
{
    pthread_mutex_lock(&queen->status_mutex);
    queen->members = *members;
    pthread_mutex_unlock(&queen->status_mutex);
}

/* A reading of the monotonic clock as unix time; 0 for "never". */
static int64_t as_unix_ms(int64_t monotonic_ms, int64_t now_ms, int64_t now_unix_ms)
{
    return monotonic_ms < 0 ? 0 : now_unix_ms - (now_ms - monotonic_ms);
}

static void copy_address(const struct queen *queen, raft_id id, char address[HIVE_ADDRESS_BYTES])
{
    const struct raft_member *member =
        raft_configuration_find(raft_configuration(replica_raft(queen->replica)), id);
    snprintf(address, HIVE_ADDRESS_BYTES, "%s", member ? member->address : "");
}

static size_t collect_peers(struct queen *queen, int64_t now_ms, int64_t now_unix_ms,
                            struct queen_peer *peers)
{
    struct raft_peer_status status[HIVE_QUEENS];
    size_t count = raft_peers(replica_raft(queen->replica), status, HIVE_QUEENS);
    for (size_t i = 0; i < count; i++) {
        peers[i].id = status[i].id;
        copy_address(queen, status[i].id, peers[i].address);
        peers[i].kind = status[i].kind;
        peers[i].match = status[i].match;
        peers[i].next = status[i].next;
        peers[i].state = status[i].state;
        peers[i].last_ack_ms = as_unix_ms(status[i].last_ack_ms, now_ms, now_unix_ms);
    }
    return count;
}

/* Why there is no leader, or this queen is none that counts; NULL: all is well. */
static const char *reason(struct queen *queen, int64_t now_ms)
{
    const struct raft *raft = replica_raft(queen->replica);
    enum raft_standing standing = raft_standing(raft);
    if (raft_leader(raft) != 0)
        queen->leaderless_since_ms = -1;
    else if (queen->leaderless_since_ms < 0)
        queen->leaderless_since_ms = now_ms;
    if (standing == RAFT_STANDING_NONE)
        return "waiting to be added to a group";
    if (standing == RAFT_STANDING_REMOVED)
        return "removed from the group: add her again with 'hive members add', or empty her data directory "
               "and "
               "start her with --join, as a new member";
    if (queen->unsynced_since_ms >= 0 && now_ms - queen->unsynced_since_ms >= QUEEN_DISK_STALL_MS)
        return "disk stalled";
    if (queen->leaderless_since_ms < 0)
        return NULL;
    /* Elections take a moment; one that does not end finds no majority. */
    if (now_ms - queen->leaderless_since_ms < 3 * queen->config.election_timeout.max_ms)
        return queen->last_reason ? queen->last_reason : "no leader yet";
    return "no contact with a quorum";
}

static void tell_lifeline(struct queen *queen, raft_id leader, const char *address)
{
    if (leader == queen->lifeline_leader && !strcmp(address, queen->lifeline_address))
        return;
    queen->lifeline_leader = leader;
    snprintf(queen->lifeline_address, sizeof queen->lifeline_address, "%s", address);
    lifeline_set_leader(queen->lifeline, address, leader);
}

/* One that was removed says so, once. */
static void log_standing(const struct queen *queen, enum raft_standing standing)
{
    if (standing == RAFT_STANDING_REMOVED && queen->status.standing != standing)
        hive_log_warning(
            "this queen was removed from the group: she takes no part in it any more, and can be stopped");
}

void queen_status_publish(struct queen *queen)
{
    const struct raft *raft = replica_raft(queen->replica);
    int64_t now_ms = hive_clock_monotonic_ms(), now_unix_ms = hive_clock_unix_ms();
    const char *why = reason(queen, now_ms);
    log_standing(queen, raft_standing(raft)); /* the status is written by this thread only */
    pthread_mutex_lock(&queen->status_mutex);
    struct queen_status *status = &queen->status;
    status->id = queen->id;
    status->role = raft_role(raft);
    status->term = raft_current_term(raft);
    if (raft_term_is_durable(raft))
        status->durable_term = status->term;
    copy_address(queen, raft_leader(raft), status->leader);
    copy_address(queen, raft_voted_for(raft), status->voted_for);
    status->last_heartbeat_ms = as_unix_ms(raft_last_leader_contact_ms(raft), now_ms, now_unix_ms);
    status->first = raft_first_index(raft);
    status->last = raft_last_index(raft);
    status->commit = raft_commit_index(raft);
    status->applied = replica_applied(queen->replica);
    status->snapshot = replica_snapshot_index(queen->replica);
    status->group = machine_chain(replica_machine(queen->replica)).group;
    status->digests = *replica_digests(queen->replica);
    status->standing = raft_standing(raft);
    snprintf(status->reason, sizeof status->reason, "%s", why ? why : "");
    status->tasks = machine_task_counts(replica_machine(queen->replica));
    status->peer_count = collect_peers(queen, now_ms, now_unix_ms, status->peers);
    pthread_mutex_unlock(&queen->status_mutex);
    tell_lifeline(queen, raft_leader(raft), queen->status.leader); /* written by this thread only */
}

void queen_status(struct queen *queen, struct queen_status *status)
{
    pthread_mutex_lock(&queen->status_mutex);
    *status = queen->status;
    pthread_mutex_unlock(&queen->status_mutex);
    char founding[HIVE_ERROR_BYTES];
    bool may_be_outside = status->standing == RAFT_STANDING_NONE || status->standing == RAFT_STANDING_LEARNER;
    if (may_be_outside && founding_reason(queen->founding, founding))
        memcpy(status->reason, founding, sizeof status->reason);
    char snapshots[HIVE_ERROR_BYTES];
    if (snapshotter_reason(queen->snapshotter, snapshots)) {
        size_t bytes = strlen(status->reason);
        snprintf(status->reason + bytes, sizeof status->reason - bytes, "%s%s", bytes ? "; " : "", snapshots);
    }
}
