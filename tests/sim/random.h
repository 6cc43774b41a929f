/* Random numbers of a simulated world: streams that are repeatable from a seed, one for each concern, so that a fault that is left out
 * does not change what the network draws. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

/* The stream number `stream` of `seed`. */
struct sim_random sim_random_stream(uint64_t seed, uint64_t stream);

uint64_t sim_random_next(struct sim_random *random);
uint64_t sim_random_below(struct sim_random *random, uint64_t below);               /* 0 where below is 0 */
int64_t sim_random_between(struct sim_random *random, int64_t least, int64_t most); /* both included */
bool sim_random_chance(struct sim_random *random, unsigned per_mille);
/* Mostly near `least`, seldom near `most`: delays and sizes, as they are in life. */
int64_t sim_random_skewed(struct sim_random *random, int64_t least, int64_t most);

/* One value of many: a hash that does not depend on the machine. */
uint64_t sim_hash(uint64_t hash, const void *data, uint64_t bytes);
uint64_t sim_hash_number(uint64_t hash, uint64_t number);

#endif
