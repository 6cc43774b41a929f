/* Majorities. */
#ifndef RAFT_QUORUM_H
#define RAFT_QUORUM_H

#include <stddef.h>
#include <stdint.h>

/* Servers of a majority of `voters`. */
size_t raft_quorum(size_t voters);

/* The greatest value that a majority reaches: sorts `values` (falling) and takes the quorum's last. */
uint64_t raft_quorum_value(uint64_t *values, size_t count);

#endif
