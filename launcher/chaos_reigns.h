/* Who led when, and how long nobody did. Pure. Times are unix milliseconds. */
#ifndef LAUNCHER_CHAOS_REIGNS_H
#define LAUNCHER_CHAOS_REIGNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/api.h"

struct chaos_reign {
    size_t queen;
    uint64_t term;
    int64_t from_ms, until_ms; /* 0: it goes on */
};

struct chaos_reigns {
    struct chaos_reign *reigns; /* as they were heard of */
    size_t count, capacity;
    uint64_t away; /* queens who were taken away, a bit for each */
};

struct chaos_gaps {
    size_t count; /* times without a leader */
    int64_t p50_ms, max_ms, total_ms;
};

void chaos_reigns_finish(struct chaos_reigns *reigns);

/* What the queen with this number says at `now_ms`. */
void chaos_reigns_take(struct chaos_reigns *reigns, size_t queen, const struct hive_health *health,
                       int64_t now_ms);

/* From `at_ms` on she is away, whatever she herself may believe, or not be able to tell any more. */
void chaos_reigns_lose(struct chaos_reigns *reigns, size_t queen, int64_t at_ms);

void chaos_reigns_return(struct chaos_reigns *reigns, size_t queen);

/* Who leads in the newest term; -1: nobody. */
int chaos_reigns_leader(const struct chaos_reigns *reigns);

/* Elections that were won between the two times. */
size_t chaos_reigns_elections(const struct chaos_reigns *reigns, int64_t from_ms, int64_t until_ms);

/* The times between them in which nobody led. */
struct chaos_gaps chaos_reigns_gaps(const struct chaos_reigns *reigns, int64_t from_ms, int64_t until_ms);

#endif
