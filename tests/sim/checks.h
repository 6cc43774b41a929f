/* What must always hold, looked at after every step of every node: Raft's five properties (Fig. 3), that nothing goes back, and that what
 * is promised is on the disk. A check that fails ends the run. */
#ifndef SIM_CHECKS_H
#define SIM_CHECKS_H

#include "sim/world.h"

struct checks *checks_create(void);
void checks_destroy(struct checks *checks);

void checks_step(struct node *node);
void checks_persist(struct node *node, const struct raft_update *update);
void checks_durable(struct node *node, uint64_t write);
void checks_message(struct node *node, const struct raft_message *message); /* it leaves */
void checks_applied(struct node *node, const struct raft_entry *entry, const struct machine_result *result);
void checks_installed(struct node *node, const struct raft_snapshot *snapshot);
void checks_snapshot(struct node *node, const struct raft_snapshot *snapshot);
void checks_configuration(struct node *node, const struct raft_configuration *configuration);
void checks_acknowledged(struct node *node, raft_index index); /* a client is told so */
void checks_recovery(struct node *node, const struct store_recovery *recovery);
void checks_start(struct node *node);
/* Is the machine, at the index of what was applied last, the same as everybody's there? Walks all of it. */
void checks_machine(struct node *node);

/* The highest index that was ever committed, and a digest of all entries until there. */
raft_index checks_committed(const struct world *world);
/* The index of the newest configuration that was. */
raft_index checks_configuration_index(const struct world *world);
uint64_t checks_digest(const struct world *world);

#endif
