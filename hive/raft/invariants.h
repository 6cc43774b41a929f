/* What must hold after every step, whatever came in. */
#ifndef RAFT_INVARIANTS_H
#define RAFT_INVARIANTS_H

#include "raft/state.h"

/* Aborts (assert) where an invariant is broken. `term` and `commit` are from before the step. */
void raft_invariants_check(const struct raft *raft, raft_term term, raft_index commit);

#endif
