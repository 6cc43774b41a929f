/* splitmix64 (hive/mix.h): quick enough to be drawn for every packet. */
#include "sim/random.h"

#include <string.h>

#include "hive/mix.h"

struct sim_random sim_random_stream(uint64_t seed, uint64_t stream)
{
    return (struct sim_random){.state = hive_mix(seed + 0x632be59bd9b4e019) ^
                                        hive_mix(stream * 0x9e3779b97f4a7c15 + 1)};
}

uint64_t sim_random_next(struct sim_random *random)
{
    return hive_mix_next(&random->state);
}

uint64_t sim_random_below(struct sim_random *random, uint64_t below)
{
    return below ? (uint64_t)(((unsigned __int128)sim_random_next(random) * below) >> 64) : 0;
}

int64_t sim_random_between(struct sim_random *random, int64_t least, int64_t most)
{
    return least + (int64_t)sim_random_below(random, (uint64_t)(most - least) + 1);
}

bool sim_random_chance(struct sim_random *random, unsigned per_mille)
{
    return per_mille > 0 && sim_random_below(random, 1000) < per_mille;
}

int64_t sim_random_skewed(struct sim_random *random, int64_t least, int64_t most)
{
    uint64_t draw = sim_random_next(random);
    uint64_t spread = (uint64_t)(most - least) >> (2 * (draw & 3));
    return least + (int64_t)((unsigned __int128)draw * (spread + 1) >> 64);
}

uint64_t sim_hash_number(uint64_t hash, uint64_t number)
{
    return hive_mix_number(hash, number);
}

uint64_t sim_hash(uint64_t hash, const void *data, uint64_t bytes)
{
    const char *at = data;
    uint64_t word;
    for (hash = sim_hash_number(hash, bytes); bytes >= sizeof word; at += sizeof word, bytes -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = sim_hash_number(hash, word);
    }
    word = 0;
    if (bytes > 0)
        memcpy(&word, at, bytes);
    return sim_hash_number(hash, word);
}
