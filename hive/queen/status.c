/* What a queen shows of itself: the consensus thread publishes a copy after each round of work, and readers
 * copy that, so that watching a queen never makes it wait. */
#include "hive/clock.h"
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

/* A reading of the monotonic clock as unix time; 0 for "never". */
static int64_t as_unix_ms(int64_t monotonic_ms, int64_t now_ms, int64_t now_unix_ms)
{
    return monotonic_ms < 0 ? 0 : now_unix_ms - (now_ms - monotonic_ms);
}

static size_t collect_peers(struct queen *queen, int64_t now_ms, int64_t now_unix_ms,
                            struct queen_peer *peers)
{
    struct raft_peer_status status[HIVE_QUEENS];
    size_t count = raft_peers(queen->raft, status, HIVE_QUEENS);
    for (size_t i = 0; i < count; i++) {
        peers[i].id = status[i].id;
        peers[i].address = queen_address_of(queen, status[i].id);
        peers[i].match = status[i].match;
        peers[i].next = status[i].next;
        peers[i].state = status[i].state;
        peers[i].last_ack_ms = as_unix_ms(status[i].last_ack_ms, now_ms, now_unix_ms);
    }
    return count;
}

void queen_status_publish(struct queen *queen)
{
    int64_t now_ms = hive_clock_monotonic_ms(), now_unix_ms = hive_clock_unix_ms();
    pthread_mutex_lock(&queen->status_mutex);
    struct queen_status *status = &queen->status;
    status->id = queen->id;
    status->role = raft_role(queen->raft);
    status->term = raft_current_term(queen->raft);
    status->leader = queen_address_of(queen, raft_leader(queen->raft));
    status->voted_for = queen_address_of(queen, raft_voted_for(queen->raft));
    status->last_heartbeat_ms = as_unix_ms(raft_last_leader_contact_ms(queen->raft), now_ms, now_unix_ms);
    status->first = raft_first_index(queen->raft);
    status->last = raft_last_index(queen->raft);
    status->commit = raft_commit_index(queen->raft);
    status->applied = queen->applied;
    status->tasks = machine_task_counts(queen->machine);
    status->peer_count = collect_peers(queen, now_ms, now_unix_ms, status->peers);
    pthread_mutex_unlock(&queen->status_mutex);
}

void queen_status(struct queen *queen, struct queen_status *status)
{
    pthread_mutex_lock(&queen->status_mutex);
    *status = queen->status;
    pthread_mutex_unlock(&queen->status_mutex);
}
