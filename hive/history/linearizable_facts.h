/* What is certain about the operations of one key before any search: which ones took effect, and with which index. */
#ifndef HISTORY_LINEARIZABLE_FACTS_H
#define HISTORY_LINEARIZABLE_FACTS_H

#include "hive/history.h"

/* An operation that may have a place in the order. */
struct fact {
    const struct hive_history_op *op;
    uint64_t
        index; /* of its effect, where it is known that it had one; 0: it had none, or that is not known */
    bool is_certain; /* it has a place: it was answered, or somebody saw its effect. Else it may have none */
    size_t seen;     /* a read: the fact that it saw */
    size_t
        like; /* one that is not certain: the one before that does the same, if it does anything; FACT_NONE */
    uint64_t hash[2]; /* of it having a place */
};
#define FACT_NONE SIZE_MAX

struct facts {
    struct fact *facts; /* by beginning */
    size_t count;
    size_t certain_count;
    size_t *by_index; /* those with an index, in the order of these */
    size_t index_count;
};

/* False: something is wrong already, and `why` says what. To be finished in any case. */
bool facts_learn(struct facts *facts, const struct hive_history *history, unsigned key,
                 struct hive_buffer *why);
void facts_finish(struct facts *facts);

/* The fact with that index; FACT_NONE. */
size_t facts_find_index(const struct facts *facts, uint64_t index);

#endif
