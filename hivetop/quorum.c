/* A queen can lead while a majority, itself included, answers it. So there is a quorum where one queen has links to so
 * many others that are up; the links that were cut count as much as the queens that are down. */
#include "quorum.h"

#include "summary.h"

static bool has_cut(const struct node *from, const struct node *to)
{
    for (size_t i = 0; from->has_health && i < from->health.fault_count; i++) {
        if (from->health.faults[i].cut && strcmp(from->health.faults[i].to, to->address) == 0)
            return true;
    }
    return false;
}

bool quorum_is_cut(const struct node *one, const struct node *other)
{
    return has_cut(one, other) || has_cut(other, one);
}

/* It answers, and has a vote. */
static bool counts(const struct node *node)
{
    return node->role == HIVE_ROLE_QUEEN && node->condition == CONDITION_UP &&
           node->health.raft_state != HIVE_RAFT_LEARNER;
}

static bool is_down_after(const struct action *action, const struct node *node)
{
    return action && action->kind != ACTION_CUT && strcmp(action->node, node->name) == 0;
}

static bool is_cut_after(const struct action *action, const struct node *one, const struct node *other)
{
    if (action && action->kind == ACTION_CUT &&
        ((strcmp(action->node, one->name) == 0 && strcmp(action->other, other->name) == 0) ||
         (strcmp(action->node, other->name) == 0 && strcmp(action->other, one->name) == 0)))
        return true;
    return quorum_is_cut(one, other);
}

/* `action` NULL: as it is. */
static bool is_there(const struct model *model, int needed, const struct action *action)
{
    for (size_t i = 0; i < model->queen_count; i++) {
        const struct node *leader = model->nodes[i];
        if (!counts(leader) || is_down_after(action, leader))
            continue;
        int reached = 1;
        for (size_t j = 0; j < model->queen_count; j++) {
            const struct node *other = model->nodes[j];
            reached += j != i && counts(other) && !is_down_after(action, other) &&
                       !is_cut_after(action, leader, other);
        }
        if (reached >= needed)
            return true;
    }
    return false;
}

bool quorum_is_lost_by(const struct model *model, const struct action *action)
{
    struct summary summary;
    if (action->kind != ACTION_KILL && action->kind != ACTION_STOP && action->kind != ACTION_PAUSE &&
        action->kind != ACTION_RESTART && action->kind != ACTION_CUT)
        return false;
    summary_of(model, &summary);
    return is_there(model, summary.needed, NULL) && !is_there(model, summary.needed, action);
}
