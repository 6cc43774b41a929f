/* Many runs across cores, and what becomes of a seed that fails. */
#ifndef SIM_CAMPAIGN_H
#define SIM_CAMPAIGN_H

#include "sim/world.h"

struct campaign_options {
    uint64_t first_seed, runs;
    unsigned jobs;
    unsigned founders;      /* of every run; 0: as the seed says */
    unsigned most_failures; /* so many seeds fail before it gives up */
    bool shrinks;           /* the first seed that failed */
    bool is_quiet;          /* no table */
};

/* 0: all clean, and every floor of the coverage reached. */
int campaign_run(const struct campaign_options *options);

/* Runs in a process of its own. False: it failed, and the reason is in `message`. */
bool campaign_try(const struct world_options *options, char *message, size_t message_bytes);

/* Finds fewer faults (and less time) with which the seed fails in the same way, and prints the command. */
void shrink_run(uint64_t seed);

/* "0,3,7-9" for those that are kept. */
void shrink_print_kept(const bool *kept, size_t count);

/* In a process that runs worlds: says which seed it was when an assert of the core ends it. */
void campaign_catch_aborts(void);

#endif
