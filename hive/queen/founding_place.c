/* Whether the group still has a queen whom it has taken in. Until her log tells, nobody does: whoever is removed while she is down, or
 * while a snapshot is on its way to her, is not called any more; and as she has no vote, she asks nobody who could refuse it. So she
 * asks who belongs to the group. She must not simply ask to be taken in again, as it was a person who removed her; and that she was
 * taken in once is on her disk, so that she does not do so in her next life either. */
#include "queen/founding_internal.h"

#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/queen.h"

#define LOOK_MS 1000 /* between two times */

static void make_durable(struct founding *founding)
{
    struct hive_error error = {{0}};
    char reason[HIVE_ERROR_BYTES];
    founding->is_joined_durable = queen_joined(founding->queen, founding->joined, &error) == 0;
    if (founding->is_joined_durable)
        return;
    snprintf(reason, sizeof reason, "cannot note that a group has taken this queen in: %.300s",
             error.message);
    founding_explain(founding, reason, reason);
}

void founding_note_joined(struct founding *founding, raft_index index)
{
    founding->joined = index;
    founding->looked_ms = hive_clock_monotonic_ms();
    make_durable(founding);
}

/* All whom she was told of, and those of whom her log knows. */
static size_t collect(const struct founding *founding, const struct raft_configuration *members,
                      const char **addresses)
{
    size_t count = 0;
    for (size_t i = 0; i < founding->join_count; i++)
        addresses[count++] = founding->joins[i];
    for (size_t i = 0; i < founding->queen_count; i++)
        addresses[count++] = founding->queens[i];
    for (size_t i = 0; i < members->count; i++)
        if (members->members[i].id != founding->self.id)
            addresses[count++] = members->members[i].address;
    return count;
}

static void tell(struct founding *founding, enum founding_place place, const char *whom)
{
    char reason[HIVE_ERROR_BYTES];
    switch (place) {
    case FOUNDING_PLACE_KEPT:
        snprintf(reason, sizeof reason,
                 "%.150s counts this queen among the members of the group: the log is on its way", whom);
        break;
    case FOUNDING_PLACE_LOST:
        snprintf(reason, sizeof reason, "%.150s says that this queen was removed from the group", whom);
        break;
    case FOUNDING_PLACE_UNKNOWN:
        snprintf(
            reason, sizeof reason,
            "a group has taken this queen in: waits for the call of its leader, and asks in vain whether she "
            "was removed meanwhile");
        break;
    }
    founding_explain(founding, reason, reason);
}

static void look(struct founding *founding, bool is_member)
{
    struct raft_configuration *members = hive_malloc(sizeof *members);
    const char **addresses =
        hive_calloc(founding->join_count + founding->queen_count + HIVE_QUEENS, sizeof *addresses);
    const char *whom = NULL;
    queen_members(founding->queen, members, NULL);
    size_t count = collect(founding, members, addresses);
    founding_ask(founding, addresses, count);
    enum founding_place place =
        founding_judge_place(&founding->self, founding->peers, count, &founding->joined, &whom);
    if (place == FOUNDING_PLACE_LOST) {
        founding->is_told_removed = true;
        queen_removed(founding->queen);
    }
    if (!founding->is_stopping && (place == FOUNDING_PLACE_LOST || !is_member))
        tell(founding, place, whom);
    free(addresses);
    free(members);
}

void founding_watch(struct founding *founding, bool is_member)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    if (now_ms - founding->looked_ms < LOOK_MS)
        return;
    look(founding, is_member);
    founding->looked_ms = hive_clock_monotonic_ms();
    if (!founding->is_joined_durable)
        make_durable(founding);
}
