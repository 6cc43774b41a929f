/* One key between two operations, for the search of linearizable.c. */
#ifndef HISTORY_LINEARIZABLE_PLACE_H
#define HISTORY_LINEARIZABLE_PLACE_H

#include "history/linearizable_facts.h"

/* The key, as it is after some operations. */
struct place {
    size_t current; /* the put whose value it has; FACT_NONE: it is not there */
    uint64_t index; /* its modification index; 0: not known */
    size_t rank;    /* so many of those with an index were chosen */
    uint64_t floor; /* the highest index that is known to have been there so far */
};

/* Whether the fact with this number can come here. If so, *after is how the key is then. */
bool place_fits(const struct facts *facts, const struct place *place, size_t number, struct place *after);

#endif
