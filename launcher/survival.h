/* Would the group of queens still have its majority? Pure. */
#ifndef LAUNCHER_SURVIVAL_H
#define LAUNCHER_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>

/* The group, and the queen that is to go. */
struct survival {
    size_t voters; /* of the group, with her */
    size_t live;   /* voters that answer, with her where she does */
    bool is_voter; /* she has a vote, or may have one */
    bool is_live;  /* … and answers */
};

/* True where those who are left are a majority when she is no member any more. */
bool survival_of_removal(const struct survival *group);

/* True where they are one while she stays a member, and is away until she is taken in anew. */
bool survival_of_absence(const struct survival *group);

#endif
