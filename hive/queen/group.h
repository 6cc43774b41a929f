/* What a queen says of herself and of her group: the answer to GET /members, written and read. Pure; any thread. */
#ifndef QUEEN_GROUP_H
#define QUEEN_GROUP_H

#include <stddef.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/limits.h"
#include "queen/queen.h"
#include "raft/raft.h"

/* Larger than any answer: HIVE_QUEENS members, twice, with the longest addresses. */
#define GROUP_ANSWER_BYTES (256 * 1024)

extern const char *const group_standing_names[]; /* "none", "learner", "voter", "removed"; NULL-terminated */

struct group_answer {
    raft_id id; /* of the queen that answered */
    char address[HIVE_ADDRESS_BYTES];
    enum raft_standing standing;
    raft_index commit;                       /* the configuration may be newer: then it is not certain */
    struct raft_configuration configuration; /* count 0: she knows of no group */
    struct raft_configuration founding;      /* count 0: not known */
};

/* Appends the JSON. `address` is the queen's own; a leader's `status` adds how far each member is. */
void group_append(struct hive_buffer *json, const char *address, const struct queen_status *status,
                  const struct raft_configuration *members, const struct raft_configuration *founding);

/* 0, or -EINVAL naming what is wrong: the answer is checked as a stranger's. */
int group_parse(const char *json, size_t bytes, struct group_answer *answer, struct hive_error *error);

/* The id in a decimal text; 0 where it is none. */
raft_id group_parse_id(const char *text);

/* Do the two that answered belong to one group? One may have old news of it, so any member in common will do. */
bool group_is_shared(const struct group_answer *a, const struct group_answer *b);

/* The same members, whatever their order (kinds and addresses too). */
bool group_is_same(const struct raft_configuration *a, const struct raft_configuration *b);

#endif
