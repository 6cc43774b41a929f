/* What the control socket asks for: checked, put into the plan, and answered when it is done. */
#ifndef LAUNCHER_ORDERS_H
#define LAUNCHER_ORDERS_H

#include "supervisor.h"

/* Takes the orders that wait. */
void orders_take(struct supervisor *supervisor);

/* Takes each order's next step, where it is time for that: this changes the plan, and the ledger in memory. */
void orders_advance(struct supervisor *supervisor, int64_t now_ms);

/* Answers those that are done, or can never be. The ledger must be on disk: a sender may look there next.
 * Returns when to call again (monotonic; INT64_MAX: none is open). */
int64_t orders_settle(struct supervisor *supervisor, int64_t now_ms);

/* Answers all that are left, when all nodes are down and the client is destroyed. */
void orders_end(struct supervisor *supervisor);

#endif
