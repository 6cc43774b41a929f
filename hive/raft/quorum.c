/* Majorities: commit index, confirmed reads and the leader's check that it is still connected are one
 * question, asked of different numbers. */
#include "raft/quorum.h"

#include <assert.h>

size_t raft_quorum(size_t voters)
{
    return voters / 2 + 1;
}

uint64_t raft_quorum_value(uint64_t *values, size_t count)
{
    assert(count > 0);
    for (size_t i = 1; i < count; i++) { /* insertion sort: groups are small */
        uint64_t value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] < value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
    return values[raft_quorum(count) - 1];
}
