/* The inside of a founding, shared by the founding*.c files. */
#ifndef QUEEN_FOUNDING_INTERNAL_H
#define QUEEN_FOUNDING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "hive/http_client.h"
#include "queen/founding.h"
#include "queen/founding_rules.h"

struct founding {
    struct queen *queen;
    struct faults *faults; /* or NULL */
    struct founding_self self;
    char *address, *token;
    char **queens, **joins; /* whom to found with, and whom to ask to be taken in */
    size_t queen_count, join_count;
    bool standby;

    struct hive_http_client *client; /* used by the thread alone, but for waking it */
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;

    /* The thread's own. */
    int64_t started_ms, pause_ms; /* monotonic */
    struct founding_peer *peers;  /* room for all whom she may know */
    struct founding_verdict verdict;
    struct raft_configuration seen; /* the founding that the last round would have made; count 0: none */
    bool is_settled;                /* founded: nobody is asked again */
    raft_index joined;      /* the newest entry known to name her, once a group has taken her in; 0: none */
    bool is_joined_durable; /* … so that she will not ask again in her next life */
    bool is_told_removed;   /* the queen was, by this thread */
    int64_t looked_ms;      /* when it was last asked whether the group still has her */
    char logged[HIVE_ERROR_BYTES];
    struct hive_http_reply reply; /* of the call under way */
    bool is_answered;

    pthread_mutex_t lock; /* guards: */
    char reason[HIVE_ERROR_BYTES];
};

/* founding.c. Shows the reason, and logs it where `subject` is new and it has lasted for a while. */
void founding_explain(struct founding *founding, const char *reason, const char *subject);

/* founding_join.c. Asks all at once, and waits until each has answered or will not; the answers are in `peers`. */
void founding_ask(struct founding *founding, const char *const *addresses, size_t count);
/* Asks the queen at `given`, and whom she redirects to, to take this one in: `joined` is set where that is done. */
void founding_ask_to_join(struct founding *founding, const char *given);

/* founding_place.c. A group has taken her in, or names her: remembers that, durably. */
void founding_note_joined(struct founding *founding, raft_index index);
/* Asks, now and then, whether the group still has her. `is_member`: by what is committed in her own log. */
void founding_watch(struct founding *founding, bool is_member);

#endif
