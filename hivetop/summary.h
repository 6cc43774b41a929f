/* The cluster in a few numbers: what the header says, and what the views compare nodes with. Pure. */
#ifndef HIVETOP_SUMMARY_H
#define HIVETOP_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* A leader hears of its followers several times a second; of one that was silent so long it cannot count on a vote. */
#define SUMMARY_CONTACT_MS 2000

struct summary {
    bool is_known;             /* of one queen at least it is known whether it is there */
    const struct node *leader; /* of the newest term, and answering; NULL: none is known */
    uint64_t term;             /* the leader's; without one, the newest that anybody told */
    bool is_old;               /* nobody answers: term and commit are what was last known */
    uint64_t commit;           /* the highest */
    int queens_up;             /* that answer, and whom the leader, where there is one, hears */
    int queens;                /* members of the group with a vote, as the one above */
    int needed;                /* for a majority */
    int spare;                 /* how many more may fail; negative: there is no majority */
    int drones_up, drones;
    int64_t running;
    int64_t done, failed;
};

void summary_of(const struct model *model, struct summary *summary);

/* What the leader says of this queen or drone; NULL where it says nothing. */
const struct hive_peer_health *summary_peer(const struct summary *summary, const char *address);
const struct hive_drone_health *summary_drone(const struct summary *summary, const char *address);

/* How many entries the queen lacks that the leader has; negative where not known. `*is_stale` tells whether
 * it is an old answer that says so. */
int64_t summary_lag(const struct summary *summary, const struct node *node, bool *is_stale);

#endif
