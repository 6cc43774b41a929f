/* Tells what happens as events: what becomes of nodes, who stands for election and wins, what the user did.
 * Pure. */
#ifndef HIVETOP_STORY_H
#define HIVETOP_STORY_H

#include "model.h"

/* The node's condition was `before`, and is another one now or the same of another process. */
void story_tell_change(struct model *model, const struct node *node, enum condition before);

/* Role changes that `health` tells of and the node's last answer did not, those between two polls included.
 * What a node does over and over within a term is told once. */
void story_tell_transitions(struct model *model, const struct node *node, const struct hive_health *health);

/* The user's action was carried out, or was not. */
void story_tell_action(struct model *model, const struct action *action);
void story_tell_failed_action(struct model *model, const struct action *action, const char *why);

#endif
