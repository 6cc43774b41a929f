/* The rules of starting and ending nodes, as a function from what is wanted and what is there to a list of
 * steps. The supervisor carries the steps out and asks again after every event, so no step needs to remember
 * the one before. */
#include "plan.h"

bool plan_is_settled(const struct plan_node *node)
{
    static const enum plan_have goals[] = {
        [PLAN_WANT_DOWN] = PLAN_HAVE_DOWN,
        [PLAN_WANT_RUNNING] = PLAN_HAVE_RUNNING,
        [PLAN_WANT_PAUSED] = PLAN_HAVE_PAUSED,
    };
    return !node->again && node->have == goals[node->want];
}

/* The step that brings a node down that is up: first a word, then, after the grace time, force. False: wait.
 */
static bool plan_end(const struct plan_node *node, const struct plan_rules *rules, enum plan_action *action,
                     int64_t *due_ms)
{
    if (node->was_killed)
        return false;
    int64_t kill_at_ms = node->asked_at_ms + rules->grace_ms;
    if (node->by_force || (node->was_asked && rules->now_ms >= kill_at_ms)) {
        *action = PLAN_KILL;
        return true;
    }
    if (node->was_asked) {
        if (*due_ms > kill_at_ms)
            *due_ms = kill_at_ms;
        return false;
    }
    *action = PLAN_ASK;
    return true;
}

size_t plan_make(const struct plan_node *nodes, size_t count, const struct plan_rules *rules,
                 struct plan_step *steps, int64_t *due_ms)
{
    size_t steps_count = 0;
    bool has_drones = false;
    for (size_t i = 0; i < count; i++)
        has_drones |= nodes[i].role == HIVE_ROLE_DRONE && nodes[i].have != PLAN_HAVE_DOWN;

    *due_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct plan_node *node = &nodes[i];
        if (plan_is_settled(node))
            continue;
        struct plan_step step = {.node = i};
        bool is_due = true;
        if (node->have == PLAN_HAVE_DOWN)
            step.action = PLAN_START;
        else if (node->again || node->want == PLAN_WANT_DOWN)
            is_due = (!rules->is_ending || node->role == HIVE_ROLE_DRONE || !has_drones || node->by_force) &&
                     plan_end(node, rules, &step.action, due_ms);
        else
            step.action = node->want == PLAN_WANT_PAUSED ? PLAN_PAUSE : PLAN_RESUME;
        if (is_due)
            steps[steps_count++] = step;
    }
    return steps_count;
}

void plan_note(struct plan_node *node, enum plan_action action, int64_t now_ms)
{
    if (action == PLAN_START) {
        node->have = PLAN_HAVE_RUNNING;
    } else if (action == PLAN_ASK) {
        node->was_asked = true;
        node->asked_at_ms = now_ms;
    } else if (action == PLAN_KILL) {
        node->was_killed = true;
    }
}

bool plan_note_down(struct plan_node *node)
{
    bool was_wanted = node->again || node->want == PLAN_WANT_DOWN;
    node->have = PLAN_HAVE_DOWN;
    node->again = node->by_force = node->was_asked = node->was_killed = false;
    if (!was_wanted)
        node->want = PLAN_WANT_DOWN;
    return was_wanted;
}
