/* Randomness, straight from the kernel: the callers are rare enough. */
#include "hive/random.h"

#include <sys/random.h>

uint64_t hive_random(void)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        abort(); /* cannot happen for 8 bytes once the kernel has booted */
    return bits;
}

uint64_t hive_random_below(uint64_t below)
{
    /* Rejects the incomplete last range, so that every number is equally likely. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % below, bits;
    do
        bits = hive_random();
    while (bits >= limit);
    return bits % below;
}

void hive_random_hex(char *text, size_t digits)
{
    for (size_t i = 0; i < digits; i++)
        text[i] = "0123456789abcdef"[hive_random() & 15];
    text[digits] = '\0';
}
