/* Randomness from the kernel, for election timeouts, tokens and the choice of a drone. Thread-safe. */
#ifndef HIVE_RANDOM_H
#define HIVE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* 64 random bits. */
uint64_t hive_random(void);

/* A random number from 0 to below - 1; `below` > 0. */
uint64_t hive_random_below(uint64_t below);

/* Fills `text` with `digits` random hexadecimal digits and a NUL; it holds digits + 1 bytes. */
void hive_random_hex(char *text, size_t digits);

#endif
