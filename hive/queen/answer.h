/* What became of a request to a queen, and how whoever asked is told. Shared by the replica, which knows the answers, and by
 * queen.h, which is the way in. */
#ifndef QUEEN_ANSWER_H
#define QUEEN_ANSWER_H

#include <stdint.h>

#include "machine/machine.h"
#include "raft/raft.h"

enum queen_outcome {
    QUEEN_DONE,        /* applied or read: result / machine are set */
    QUEEN_NOT_LEADER,  /* refused, nothing happened; `leader` says who may know better */
    QUEEN_DISCARDED,   /* peers only: the message makes no sense to this queen */
    QUEEN_UNKNOWN,     /* no answer in time, or its entry was cut off here: may or may not be applied */
    QUEEN_UNCONFIRMED, /* a read: no quorum confirmed in time that this queen still leads */
    QUEEN_BUSY,        /* too much is waiting: nothing happened */
    QUEEN_STOPPING,    /* this queen is ending: nothing happened */
    QUEEN_REFUSED,     /* a change of members or a transfer, for the reason in `refusal`: nothing happened */
};

struct queen_answer {
    enum queen_outcome outcome;
    const char *leader;                  /* address, or NULL where none is known */
    uint64_t index;                      /* of the log entry; of the last applied one for reads */
    const struct machine_result *result; /* proposals */
    const struct machine *machine;       /* reads: valid during the callback */
    int64_t age_ms; /* stale reads: what is read is what the group had at most so long ago; -1: unknown */
    enum raft_status refusal; /* QUEEN_REFUSED */
};

/* Called exactly once, on the consensus thread (or, where the queue is full, on the caller's). */
typedef void queen_done(const struct queen_answer *answer, void *context);

#endif
