/* Numbers that look random and are repeatable: splitmix64. Eight bytes of state, no bad seeds, and a hash for what needs no
 * protection from malice. For what must not be guessed there is random.h. */
#ifndef HIVE_MIX_H
#define HIVE_MIX_H

#include <stdint.h>

static inline uint64_t hive_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* The next number of the stream with that state, which begins as the seed. */
static inline uint64_t hive_mix_next(uint64_t *state)
{
    return hive_mix(*state += 0x9e3779b97f4a7c15);
}

/* The hash of what has `hash`, followed by the number. */
static inline uint64_t hive_mix_number(uint64_t hash, uint64_t number)
{
    return hive_mix(hash * 0x9e3779b97f4a7c15 + number + 1);
}

#endif
