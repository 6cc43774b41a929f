/* What would become of the majority: asked before something is done to a queen. Pure. */
#ifndef HIVETOP_QUORUM_H
#define HIVETOP_QUORUM_H

#include <stdbool.h>

#include "action.h"
#include "model.h"

/* Nothing gets from one to the other, or back, as the nodes themselves say. */
bool quorum_is_cut(const struct node *one, const struct node *other);

/* Some queen reaches a majority now, and none would once the action is done. */
bool quorum_is_lost_by(const struct model *model, const struct action *action);

#endif
