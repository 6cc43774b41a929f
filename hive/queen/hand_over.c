/* The end of a leader: it hands the leadership over first, so that a planned stop costs no election timeout, and waits until those
 * whose writes were under way have their answers. Bounded: a queen that is told to stop does stop. */
#include "hive/clock.h"
#include "hive/log.h"
#include "queen/runtime.h"

static void on_handed_over(const struct queen_answer *answer, void *context)
{
    struct queen *queen = context;
    pthread_mutex_lock(&queen->end_mutex);
    queen->is_handed_over = true;
    queen->has_successor = answer->outcome == QUEEN_DONE;
    pthread_cond_signal(&queen->end_moved);
    pthread_mutex_unlock(&queen->end_mutex);
}

static bool has_other_voter(const struct queen_status *status)
{
    for (size_t i = 0; i < status->peer_count; i++)
        if (status->peers[i].kind == RAFT_MEMBER_VOTER)
            return true;
    return false;
}

/* Waits until `*is_done`, or for `wait_ms`; tells whether there is a successor. */
static bool await(struct queen *queen, const bool *is_done, int64_t wait_ms)
{
    int64_t deadline_ms = hive_clock_monotonic_ms() + wait_ms;
    struct timespec deadline = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    pthread_mutex_lock(&queen->end_mutex);
    while (!*is_done)
        if (pthread_cond_timedwait(&queen->end_moved, &queen->end_mutex, &deadline))
            break;
    bool has_successor = queen->has_successor;
    pthread_mutex_unlock(&queen->end_mutex);
    return has_successor;
}

void queen_hand_over(struct queen *queen)
{
    struct queen_status status;
    queen_status(queen, &status);
    if (status.role != RAFT_LEADER || !has_other_voter(&status))
        return;
    int64_t bound_ms = queen->config.election_timeout.max_ms;
    queen_transfer(queen, 0, on_handed_over, queen);
    /* One for the transfer, one to hear of the new leader. */
    bool has_successor = await(queen, &queen->is_handed_over, 2 * bound_ms);
    struct inbox_event drain = {.type = INBOX_DRAIN};
    if (!has_successor || inbox_put(queen->inbox, &drain) != INBOX_TAKEN)
        return;
    /* What was in the log is committed with the new leader's first entry. */
    await(queen, &queen->is_drained, bound_ms);
    hive_log_info("leadership handed over");
}
