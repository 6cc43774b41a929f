/* A change of members has to be committed by a majority of the members after it (§4.1), and a queen with an empty disk is
 * taken in by a leader, who needs a majority of those that the group counts. */
#include "survival.h"

static bool is_majority(size_t live, size_t voters)
{
    return live > voters / 2;
}

bool survival_of_removal(const struct survival *group)
{
    if (!group->is_voter)
        return true;
    return group->voters > 1 && is_majority(group->live - group->is_live, group->voters - 1);
}

bool survival_of_absence(const struct survival *group)
{
    return !group->is_voter || is_majority(group->live - group->is_live, group->voters);
}
