/* The hash over the log is the same on every node that stands at the same index, whatever it was restored from: looked at after every step. */
#ifndef SIM_CHAINS_H
#define SIM_CHAINS_H

#include "sim/world.h"

/* Starts zeroed. */
struct chains {
    struct machine_chain *seen; /* [index]; index 0: nobody stood there after a step */
    size_t count;
    struct {
        uint64_t life, hash;
        raft_index index;
    } looked[SIM_NODES +
             1]; /* where each node stood when its points were compared last: most steps apply nothing */
};

void chains_finish(struct chains *chains);
void chains_check(struct chains *chains, struct node *node);

#endif
