/* What every queen was at every moment of the last two hours: the data behind the lanes of elections. It is
 * bounded, and any window of it can be asked for, so that the past can be shown too. Pure. */
#ifndef HIVETOP_TIMELINE_H
#define HIVETOP_TIMELINE_H

#include <stdint.h>

#include "condition.h"
#include "hive/api.h"

#define TIMELINE_KEPT_MS INT64_C(7200000)
#define TIMELINE_SPANS   4096 /* of one queen and kind; the oldest go first */
#define TIMELINE_COMMITS 16384
#define TIMELINE_LANES   (2 * HIVE_QUEENS) /* with queens that left the group */

/* In ascending order of what is worth to be seen, where one cell has room for one of them. */
enum lane_state {
    LANE_UNKNOWN,
    LANE_FOLLOWER,
    LANE_LEADER,
    LANE_SILENT, /* it should be there and does not answer */
    LANE_PAUSED,
    LANE_DOWN,
    LANE_CANDIDATE,
};

/* From then on, until the next one. */
struct span {
    int64_t from_ms; /* unix, as all times here */
    uint64_t term;
    enum lane_state state;
};

struct spans {
    struct span *items; /* owned; in order of time */
    size_t count;
};

/* Two accounts of a queen: what she was by her own word, exact, also of what happened between two polls; and whether
 * she was there at all, as far as it was seen from here (LANE_FOLLOWER stands for "there"). */
struct lane {
    char address[HIVE_ADDRESS_BYTES];
    int64_t pid;
    struct spans roles, presence;
};

/* The group's commit index at some moment. */
struct commit_sample {
    int64_t at_ms;
    uint64_t commit;
};

struct timeline {
    struct lane *lanes; /* owned */
    size_t count;
    struct commit_sample *commits; /* owned; in order of time */
    size_t commit_count;
};

void timeline_finish(struct timeline *timeline);

/* The queen answered; what her condition was before is known from the other call. */
void timeline_take_health(struct timeline *timeline, const char *address, const struct hive_health *health,
                          int64_t unix_ms);

/* Her condition is another one now. */
void timeline_take_condition(struct timeline *timeline, const char *address, enum condition condition,
                             int64_t unix_ms);

/* A deep copy; release with timeline_finish. */
void timeline_copy(const struct timeline *timeline, struct timeline *copy);

/* Commits a second in each of `count` cells of `cell_ms`, the last of which holds `until_ms`; negative: not known. */
void timeline_rates(const struct timeline *timeline, int64_t until_ms, int64_t cell_ms, double *rates,
                    int count);

/* Where a cell begins: cells stand at round times, so that a lane moves by whole cells. */
int64_t timeline_cell_start(int64_t unix_ms, int64_t cell_ms);

/* `count` cells of `cell_ms` each, the last of which holds `until_ms`; what happened later is left out. An election
 * shows in its cell however short it was. */
void timeline_cells(const struct timeline *timeline, const char *address, int64_t until_ms, int64_t cell_ms,
                    enum lane_state *cells, int count);

/* A term, and when somebody was first known to be in it. */
struct term_start {
    int64_t from_ms;
    uint64_t term;
};

/* The newest terms that began up to `until_ms`, oldest first, at most `room`. Returns how many. */
size_t timeline_terms(const struct timeline *timeline, int64_t until_ms, struct term_start *terms,
                      size_t room);

/* When the nearest election before or after that moment began; 0: there is none that is known. */
int64_t timeline_election_before(const struct timeline *timeline, int64_t unix_ms);
int64_t timeline_election_after(const struct timeline *timeline, int64_t unix_ms);

#endif
