/* How a queen whose disk is new becomes one of a group: she founds it together with others, finds that it is founded already, or asks to
 * be taken in. Has a thread of its own, which ends as soon as the queen knows her group
 * and that she has a place in it. One that was removed again, before her log could tell her, learns of it here, and stays out.
 *
 * Why the founders must all have been seen: a group that a majority of its list could found would be founded a second time, empty, by
 * those whose disks were emptied later, and what it had acknowledged would be lost. */
#ifndef QUEEN_FOUNDING_H
#define QUEEN_FOUNDING_H

#include <stdbool.h>

#include "hive/error.h"
#include "hive/limits.h"
#include "hive/options.h"
#include "raft/raft.h"

struct queen;
struct founding;

/* All of it must outlive the founding but `queens` and `join`, which are copied. */
struct founding_config {
    struct queen *queen;
    raft_id id;          /* the queen's own */
    const char *address; /* … as the others call her */
    const struct hive_strings
        *queens; /* those that found the group with her; empty: she alone. NULL is empty */
    const struct hive_strings *join; /* not empty: queens of a group that is to take her in. NULL is empty */
    bool standby;                    /* waits until she is added */
    raft_index joined;     /* a group has taken her in before, by this entry: see queen_joined; 0: none has */
    const char *token;     /* of the cluster, or NULL */
    struct faults *faults; /* or NULL */
};

/* Never NULL. Asks nothing of the queen yet. */
struct founding *founding_create(const struct founding_config *config);

/* Call it when queen_members, queen_status, queen_found, queen_joined and queen_removed may be called. Does nothing, and costs nothing, where the queen has a group
 * already. */
void founding_start(struct founding *founding);

/* Ends the thread, within milliseconds. NULL is fine, and twice too. */
void founding_stop(struct founding *founding);

/* Frees it, stopped or not. NULL is fine. */
void founding_destroy(struct founding *founding);

/* Why the queen has no group yet: whom she waits for, and what they say. False (and an empty text): she has one. Any thread; holds a
 * lock for a copy only. NULL is fine. */
bool founding_reason(struct founding *founding, char reason[HIVE_ERROR_BYTES]);

#endif
