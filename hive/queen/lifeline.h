/* Notices the death of the leader's process at once: keeps a connection open to its port, over which nothing is said. When it is
 * closed and a new one is refused, nobody listens there any more, and queen_leader_gone is told so. Whatever else may happen to a
 * connection (no answer, no route, a server that closes what is idle) says nothing about the leader; then the election timeout decides,
 * as ever. Not for queens that answer reads by lease: a lease is worth its time only where nobody is elected before that has passed.
 *
 * Threads: one of its own; lifeline_set_leader may be called by any. */
#ifndef QUEEN_LIFELINE_H
#define QUEEN_LIFELINE_H

#include "raft/raft.h"

struct faults;
struct queen;
struct lifeline;

/* `own` is never watched. Where `faults` (or NULL) cut the leader off, its end is not noticed. Never NULL. */
struct lifeline *lifeline_start(struct queen *queen, raft_id own, struct faults *faults);

/* Who leads now: `address` is copied. Id 0, or the queen's own: nobody is to be watched. Costs nothing where nothing changed, and never
 * waits for the network. A lifeline of NULL is fine. */
void lifeline_set_leader(struct lifeline *lifeline, const char *address, raft_id id);

/* Ends the thread, without waiting for a name server. After that queen_leader_gone is not called any more. NULL is fine, and twice too. */
void lifeline_stop(struct lifeline *lifeline);

/* Frees it, stopped or not. NULL is fine. */
void lifeline_destroy(struct lifeline *lifeline);

#endif
