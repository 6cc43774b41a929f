/* The cluster as a lesson sees it: what its words mean at this moment. Main thread only. */
#ifndef LAUNCHER_LESSON_STAGE_H
#define LAUNCHER_LESSON_STAGE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "hive/api.h"
#include "hive/buffer.h"
#include "hive/ledger.h"

struct lesson_stage {
    char cluster[HIVE_NAME_BYTES];
    struct hive_ledger ledger; /* as it was at the last look, with the healths */
    cJSON **healths;           /* owned: of each node of the ledger; NULL: it did not answer */
    struct {
        char *name, *value;
    } * variables; /* owned */
    size_t variable_count;
};

/* `cluster` must run. 0, or a negative errno with a message. */
int lesson_stage_open(struct lesson_stage *stage, const char *cluster, struct hive_error *error);
void lesson_stage_close(struct lesson_stage *stage);

/* Asks all nodes how they are. Returns within half a second, whoever is silent. */
void lesson_stage_look(struct lesson_stage *stage);

/* From here on $NAME is that. */
void lesson_stage_let(struct lesson_stage *stage, const char *name, const char *value);

/* What a word means, by the last look:
 *   leader             the name of the queen that leads in the newest term; empty: none
 *   follower.N         the name of the N-th queen that answers and does not lead
 *   leaders            how many say that they lead
 *   term               the newest term
 *   up                 how many queens answer
 *   NODE.FIELD         what GET /healthz of the node says (log.commit, raft_state …); an address of a node is its name; empty: no answer, or
 *                      no such field. NODE.up is yes or no; NODE.kv.KEY what it says itself, however old that is; NODE.read.KEY
 *                      what it answers to a linearizable read, itself: empty, where it refuses or does not answer
 *   kv.KEY             the value, read from the cluster; empty: there is none
 *   all.FIELD          what all queens that answer say alike; "different" where they do not
 *   min.FIELD max.FIELD  the smallest and the largest number of the queens that answer
 *   $NAME              what `let` remembered; $NAME.FIELD is of the node of that name
 * Anything else means itself. */
void lesson_stage_value(struct lesson_stage *stage, const char *word, struct hive_buffer *value);

/* WORD, or WORD OP WORD with is, is-not, has, <, <=, >, >=. `said` gets it with the values put in. -EINVAL: no such condition. */
int lesson_stage_holds(struct lesson_stage *stage, const struct hive_strings *words, bool *holds,
                       struct hive_buffer *said, struct hive_error *error);

/* Writes; $answer is then the HTTP status, or "none". `node` NULL: through the cluster. */
void lesson_stage_put(struct lesson_stage *stage, const char *key, const char *value, const char *node);

#endif
