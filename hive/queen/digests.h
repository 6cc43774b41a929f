/* Where the chain of hashes stood at some indexes of late: what a queen shows so that she can be compared with others. Who asks two
 * queens does so at different moments; they have round indexes in common, the rounder the further apart they are. */
#ifndef QUEEN_DIGESTS_H
#define QUEEN_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "hive/limits.h"

enum { DIGESTS_LEVELS = 4, DIGESTS_LEVEL_POINTS = 3 };

struct digest {
    uint64_t index, term, hash;
};

/* Of each level the newest multiples, those of higher levels left out. Index 0: free. */
struct digests {
    struct digest last; /* of the entry that was applied last */
    struct digest levels[DIGESTS_LEVELS][DIGESTS_LEVEL_POINTS];
    size_t next[DIGESTS_LEVELS]; /* the place of the oldest */
};

/* An entry was applied; indexes rise. */
void digests_add(struct digests *digests, uint64_t index, uint64_t term, uint64_t hash);

/* Newest first, at most HIVE_DIGESTS. Returns how many. */
size_t digests_list(const struct digests *digests, struct digest list[HIVE_DIGESTS]);

#endif
