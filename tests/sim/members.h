/* Members come and go; see members.c. */
#ifndef SIM_MEMBERS_H
#define SIM_MEMBERS_H

#include "sim/world.h"

/* A configuration is in force somewhere. */
void members_note(struct world *world, const struct raft_configuration *configuration);

/* A queen's process began: it founds its group with the others, or asks to be taken into it. */
void members_watch(struct node *node);

/* Asks whom somebody takes for the leader for a change, or for a transfer (`target` may be NULL: to whoever is best). */
enum members_request { MEMBERS_ADD, MEMBERS_PROMOTE, MEMBERS_REMOVE, MEMBERS_TRANSFER };
void members_ask(struct world *world, enum members_request request, struct node *target);

/* True where the group outlives the end of all disks that are gone, and of that of `dead`, under every configuration that may be in
 * force, whoever of the joining is promoted meanwhile. */
bool members_can_lose(struct world *world, raft_id dead);

#endif
