/* All the sentences of the events panel. */
#include "story.h"

/* Whatever was seen of a restart (polls may miss that the node was down), it is one where another process answers. */
static void tell_up(struct model *model, const struct node *node, enum condition before)
{
    struct events *events = &model->events;
    bool is_another = node->up_pid != 0 && node->up_pid != node->health.pid;
    if (is_another || before == CONDITION_DOWN || before == CONDITION_STARTING)
        events_add(events, model->unix_ms, EVENT_GOOD, "%s %s (pid %lld)", node->name,
                   node->up_pid != 0 ? "came back" : "is up", (long long)node->health.pid);
    else if (before == CONDITION_SILENT || (before == CONDITION_PAUSED && node->action != ACTION_RESUME))
        events_add(events, model->unix_ms, EVENT_GOOD, "%s answers again", node->name);
}

void story_tell_change(struct model *model, const struct node *node, enum condition before)
{
    char note[128];
    condition_note(node, note, sizeof note);
    struct events *events = &model->events;
    switch (node->condition) {
    case CONDITION_DOWN: /* that the user had it killed is an event of its own */
        if (before != CONDITION_NEW && node->action != ACTION_KILL && node->action != ACTION_STOP &&
            node->action != ACTION_RESTART)
            events_add(events, model->unix_ms, EVENT_BAD, "%s went down: %s", node->name, note);
        break;
    case CONDITION_PAUSED:
        if (before != CONDITION_NEW && node->action != ACTION_PAUSE)
            events_add(events, model->unix_ms, EVENT_WARNING, "%s was paused: %s", node->name, note);
        break;
    case CONDITION_SILENT:
        events_add(events, model->unix_ms, EVENT_BAD, "%s does not answer: %s", node->name, node->failure);
        break;
    case CONDITION_UP:
        tell_up(model, node, before);
        break;
    case CONDITION_NEW:
    case CONDITION_STARTING:
        break;
    }
}

static bool has_transition(const struct hive_health *health, const struct hive_transition *transition)
{
    for (size_t i = 0; i < health->transition_count; i++) {
        if (health->transitions[i].term == transition->term &&
            health->transitions[i].state == transition->state)
            return true;
    }
    return false;
}

/* A candidate that first asks whether it would win does so in the term that it is in; one that stands for
 * election begins a new term. */
static bool is_pre_vote(const struct hive_health *health, size_t at)
{
    const struct hive_transition *transition = &health->transitions[at];
    return transition->state == HIVE_RAFT_CANDIDATE &&
           transition->term == (at ? health->transitions[at - 1].term : 0);
}

static void tell_transition(struct model *model, const struct node *node, const struct hive_health *health,
                            size_t at)
{
    const struct hive_transition *now = &health->transitions[at];
    const struct hive_transition *before = at ? now - 1 : NULL;
    struct events *events = &model->events;
    unsigned long long term = now->term;
    if (now->state == HIVE_RAFT_LEADER)
        events_add(events, now->time_ms, EVENT_GOOD, "%s is LEADER of term %llu", node->name, term);
    else if (is_pre_vote(health, at))
        events_add(events, now->time_ms, EVENT_INFO, "%s asks whether it would win term %llu", node->name,
                   term + 1);
    else if (now->state == HIVE_RAFT_CANDIDATE)
        events_add(events, now->time_ms, EVENT_WARNING, "%s is a candidate in term %llu", node->name, term);
    else if (now->state == HIVE_RAFT_FOLLOWER && before && before->state == HIVE_RAFT_LEADER)
        events_add(events, now->time_ms, EVENT_WARNING, "%s stepped down in term %llu", node->name, term);
    else if (now->state == HIVE_RAFT_FOLLOWER && before && before->state == HIVE_RAFT_CANDIDATE &&
             !is_pre_vote(health, at - 1))
        events_add(events, now->time_ms, EVENT_INFO, "%s follows in term %llu", node->name, term);
}

void story_tell_transitions(struct model *model, const struct node *node, const struct hive_health *health)
{
    for (size_t i = 0; i < health->transition_count; i++) {
        if (!node->has_health || !has_transition(&node->health, &health->transitions[i]))
            tell_transition(model, node, health, i);
    }
}

void story_tell_action(struct model *model, const struct action *action)
{
    const char *done = action_words[action->kind].done;
    char object[3 * HIVE_NAME_BYTES];
    action_object(action, object, sizeof object);
    if (action->process.pid > 0)
        events_add(&model->events, model->unix_ms, EVENT_WARNING, "%s %s by you (pid %ld)", object, done,
                   (long)action->process.pid);
    else
        events_add(&model->events, model->unix_ms, EVENT_WARNING, "%s %s by you", object, done);
}

void story_tell_failed_action(struct model *model, const struct action *action, const char *why)
{
    char object[3 * HIVE_NAME_BYTES];
    action_object(action, object, sizeof object);
    events_add(&model->events, model->unix_ms, EVENT_BAD, "%s was not %s: %s", object,
               action_words[action->kind].done, why);
}
