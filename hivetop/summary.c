/* Takes the cluster together: who leads, whether there is a majority, how far behind each one is. */
#include "summary.h"

static bool is_up(const struct node *node)
{
    return node->condition == CONDITION_UP && node->has_health;
}

static void add_queen(struct summary *summary, const struct node *node)
{
    if (node->condition != CONDITION_NEW && node->condition != CONDITION_STARTING)
        summary->is_known = true;
    if (!node->has_health)
        return;
    const struct hive_health *health = &node->health;
    if (health->log_commit > summary->commit)
        summary->commit = health->log_commit;
    if (health->term > summary->term)
        summary->term = health->term;
    if (is_up(node) && health->raft_state == HIVE_RAFT_LEADER &&
        (!summary->leader || health->term > summary->leader->health.term))
        summary->leader = node;
}

/* Those who count for a majority. The leader knows who they are; without one, everybody who does not say otherwise. */
static bool has_vote(const struct summary *summary, const struct node *node)
{
    const struct hive_peer_health *peer = summary_peer(summary, node->address);
    if (summary->leader)
        return node == summary->leader || (peer && (!peer->kind[0] || strcmp(peer->kind, "voter") == 0));
    return !node->has_health ||
           (strcmp(node->health.standing, "learner") != 0 && strcmp(node->health.standing, "removed") != 0);
}

/* When the leader began to lead; 0: it does not say, or says of nobody when it heard him last, as in films. */
static int64_t led_since_ms(const struct hive_health *leader)
{
    size_t last = leader->transition_count, told = 0;
    for (size_t i = 0; i < leader->peer_count; i++)
        told += leader->peers[i].last_ack_ms > 0;
    if (told == 0)
        return 0;
    return last > 0 && leader->transitions[last - 1].state == HIVE_RAFT_LEADER
               ? leader->transitions[last - 1].time_ms
               : 0;
}

/* Whether the leader hears of this queen: one that answers us, but is cut off from the leader, commits nothing. */
static bool is_in_contact(const struct model *model, const struct summary *summary, const struct node *node)
{
    const struct node *leader = summary->leader;
    const struct hive_peer_health *peer = summary_peer(summary, node->address);
    if (!leader || leader == node || !peer || !peer->has_progress)
        return true;
    int64_t heard_ms = peer->last_ack_ms ? peer->last_ack_ms : led_since_ms(&leader->health);
    int64_t said_ms = model->unix_ms - (model->now_ms - leader->answered_ms); /* when the leader told us */
    return heard_ms == 0 || said_ms - heard_ms < SUMMARY_CONTACT_MS;
}

/* What drones claim is not to be trusted to add up. */
static void add(int64_t *sum, int64_t number)
{
    if (__builtin_add_overflow(*sum, number, sum))
        *sum = INT64_MAX;
}

static void add_drone(struct summary *summary, const struct node *node)
{
    summary->drones++;
    if (!is_up(node))
        return;
    summary->drones_up++;
    add(&summary->running, node->health.running);
    add(&summary->done, node->health.done);
    add(&summary->failed, node->health.failed);
}

/* The leader knows its group better than any list of processes does. */
static int count_votes(const struct hive_health *leader)
{
    int votes = 1;
    for (size_t i = 0; i < leader->peer_count; i++) {
        const struct hive_peer_health *peer = &leader->peers[i];
        votes += strcmp(peer->address, leader->address) != 0 &&
                 (!peer->kind[0] || strcmp(peer->kind, "voter") == 0);
    }
    return votes;
}

void summary_of(const struct model *model, struct summary *summary)
{
    *summary = (struct summary){0};
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i]->role == HIVE_ROLE_QUEEN)
            add_queen(summary, model->nodes[i]);
        else
            add_drone(summary, model->nodes[i]);
    }
    bool is_up_any = false;
    for (size_t i = 0; i < model->queen_count; i++) {
        bool is_voter = has_vote(summary, model->nodes[i]);
        summary->queens += is_voter;
        summary->queens_up +=
            is_voter && is_up(model->nodes[i]) && is_in_contact(model, summary, model->nodes[i]);
        is_up_any |= is_up(model->nodes[i]);
    }
    if (summary->leader) {
        summary->term = summary->leader->health.term;
        summary->queens = count_votes(&summary->leader->health);
    }
    summary->is_old = !is_up_any && summary->term > 0;
    summary->needed = summary->queens / 2 + 1;
    summary->spare = summary->queens_up - summary->needed;
}

const struct hive_peer_health *summary_peer(const struct summary *summary, const char *address)
{
    const struct node *leader = summary->leader;
    for (size_t i = 0; leader && i < leader->health.peer_count; i++) {
        if (strcmp(leader->health.peers[i].address, address) == 0)
            return &leader->health.peers[i];
    }
    return NULL;
}

const struct hive_drone_health *summary_drone(const struct summary *summary, const char *address)
{
    const struct node *leader = summary->leader;
    for (size_t i = 0; leader && i < leader->health.drone_count; i++) {
        if (strcmp(leader->health.drones[i].address, address) == 0)
            return &leader->health.drones[i];
    }
    return NULL;
}

int64_t summary_lag(const struct summary *summary, const struct node *node, bool *is_stale)
{
    *is_stale = false;
    if (!summary->leader)
        return -1;
    if (node == summary->leader)
        return 0;
    uint64_t last = summary->leader->health.log_last;
    const struct hive_peer_health *peer = summary_peer(summary, node->address);
    /* The leader's own account is of one moment; answers of two nodes never are. */
    if (peer && peer->has_progress && peer->match > 0)
        return peer->match < last ? (int64_t)(last - peer->match) : 0;
    if (!node->has_health)
        return -1;
    *is_stale = true;
    return node->health.log_last < last ? (int64_t)(last - node->health.log_last) : 0;
}
