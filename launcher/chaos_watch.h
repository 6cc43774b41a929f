/* Somebody who asks all queens how they are, all the time, while others hurt them. A thread of its own; any thread may call. */
#ifndef LAUNCHER_CHAOS_WATCH_H
#define LAUNCHER_CHAOS_WATCH_H

#include "chaos_reigns.h"
#include "hive/buffer.h"
#include "hive/ledger.h"

struct chaos_watch;

struct chaos_sight {
    uint64_t first_term, last_term;
    size_t elections;
    struct chaos_gaps gaps;
    size_t digests_compared;       /* 0: nobody told any twice */
    struct hive_buffer difference; /* owned; empty: where several told a digest, it was the same */
};

/* The queens of the ledger, in its order. */
struct chaos_watch *chaos_watch_start(const struct hive_ledger *ledger);

/* Who leads, by what is known; -1: nobody. */
int chaos_watch_leader(struct chaos_watch *watch);

/* These queens (a bit for each) are taken away now, or come back. */
void chaos_watch_lose(struct chaos_watch *watch, uint64_t queens);
void chaos_watch_return(struct chaos_watch *watch, uint64_t queens);

/* True where she answered, with a vote, to what she was asked after `since_ms` (unix). */
bool chaos_watch_has_vote(struct chaos_watch *watch, size_t queen, int64_t since_ms);

/* True where all have answered since, with a vote, one of them leads, and all have applied the same. */
bool chaos_watch_is_whole(struct chaos_watch *watch, int64_t since_ms);

/* The text says who is not as it should be. */
void chaos_watch_describe(struct chaos_watch *watch, int64_t since_ms, struct hive_buffer *text);

/* What was seen between the two times (unix). */
void chaos_watch_sum_up(struct chaos_watch *watch, int64_t from_ms, int64_t until_ms,
                        struct chaos_sight *sight);

/* Ends the thread. */
void chaos_watch_end(struct chaos_watch *watch);

#endif
