/* What a queen without a group makes of the answers of the others: pure, so that every interleaving can be written down as a test. */
#ifndef QUEEN_FOUNDING_RULES_H
#define QUEEN_FOUNDING_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "hive/error.h"
#include "hive/limits.h"
#include "queen/group.h"

/* One of the queens that were listed, and what she answered in this round. */
struct founding_peer {
    const char *listed; /* HOST:PORT as it was given */
    bool is_answered;
    char failure[160]; /* why not, in a few words */
    struct group_answer answer;
};

struct founding_self {
    raft_id id;
    const char *address;
};

enum founding_step {
    FOUNDING_WAIT, /* ask again */
    FOUNDING_FOUND, /* all are known and none has a group: `founding` is it, once a second round says the same */
    FOUNDING_TAKE,   /* the group is founded, with this queen: `founding` is what it was founded with */
    FOUNDING_LISTED, /* she is a member already: the leader will call */
    FOUNDING_JOIN,   /* there is a group without her: the queen at `whom` is to be asked to take her in */
};

struct founding_verdict {
    enum founding_step step;
    struct raft_configuration founding;
    const char *whom;              /* a peer's `listed` */
    char reason[HIVE_ERROR_BYTES]; /* for people: what she waits for; always set */
    char subject
        [HIVE_ERROR_BYTES]; /* the same without what changes all the time: a new one is worth a line in the log */
};

void founding_judge(const struct founding_self *self, const struct founding_peer *peers, size_t count,
                    struct founding_verdict *verdict);

/* Has a queen who was taken in, by entry `joined` (0: not known), a place in the group yet? What is committed and newer tells; it
 * moves `joined` on where it names her. `whom`, which may be NULL: who says so. */
enum founding_place { FOUNDING_PLACE_UNKNOWN, FOUNDING_PLACE_KEPT, FOUNDING_PLACE_LOST };
enum founding_place founding_judge_place(const struct founding_self *self, const struct founding_peer *peers,
                                         size_t count, raft_index *joined, const char **whom);

#endif
