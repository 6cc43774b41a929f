/* What is known of the cluster: the nodes, what each said last and when, and what happened. It is fed with
 * answers, failures, the ledger and the time, and asks nobody itself; views read nothing else, so that a
 * model of another hour could be shown as well. Pure; one thread. */
#ifndef HIVETOP_MODEL_H
#define HIVETOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "action.h"
#include "checks.h"
#include "condition.h"
#include "event.h"
#include "feed.h"
#include "hive/api.h"
#include "hive/ledger.h"
#include "timeline.h"

#define MODEL_SILENT_AFTER 2 /* polls in a row without an answer; one alone may be a hiccup */
#define MODEL_RATE_SAMPLES 8

struct node {
    char name[HIVE_ADDRESS_BYTES]; /* the ledger's ("q1"), else the drone's own, else made of the address */
    enum hive_role role;
    char address[HIVE_ADDRESS_BYTES];

    /* What the launcher says, where there is one. */
    bool is_supervised;
    enum hive_node_state state;
    struct hive_process process;
    int exit_status;
    bool is_stopped; /* by SIGSTOP, as the kernel says */

    /* What the polls say. */
    bool has_health;
    struct hive_health health; /* owned; the last answer */
    int64_t answered_ms;       /* monotonic time of it */
    int64_t round_trip_us;
    int failures; /* polls in a row without an answer */
    int error_number;
    char failure[96]; /* why the last of them had none */

    enum action_kind action; /* what the user had done to it: explains what it does next */
    bool action_is_done;     /* false: the launcher has not answered yet */
    enum condition condition;
    int64_t up_pid; /* the process that was up last; 0: none was yet */
    bool is_named;  /* by the ledger that is just being taken */

    /* The poller's own. */
    bool is_due, is_asked;
};

struct model {
    char cluster[HIVE_NAME_BYTES]; /* empty: not of this machine's launcher */
    bool has_launcher;             /* it runs */
    int64_t now_ms;                /* monotonic */
    int64_t unix_ms;
    struct node **nodes; /* owned; queens first, then by name */
    size_t node_count, queen_count;
    struct events events;
    struct timeline timeline; /* owned */
    struct checks checks;
    struct {
        int64_t at_ms;
        uint64_t commit;
    } rate[MODEL_RATE_SAMPLES]; /* of the leader's commit index, oldest first */
    size_t rate_count;
    feed_listener *listener; /* hears what the model is fed with; NULL: nobody does */
    void *listener_context;
};

void model_finish(struct model *model);

/* The time by which all that follows is judged. */
void model_set_time(struct model *model, int64_t monotonic_ms, int64_t unix_ms);

/* The node of that address or name, or NULL. */
struct node *model_node(const struct model *model, const char *address);
struct node *model_node_named(const struct model *model, const char *name);

/* Adds a node that is not known yet (up to HIVE_NODES), e.g. one that another node told of. */
void model_add(struct model *model, enum hive_role role, const char *address);

/* Brings the nodes in line with the ledger: those it does not name (any more) go. */
void model_take_ledger(struct model *model, const struct hive_ledger *ledger);

/* A poll's outcome. The health's memory goes to the model. The node may be gone afterwards: two names for one
 * address
 * ("localhost") become one node. */
void model_take_health(struct model *model, struct node *node, struct hive_health *health,
                       int64_t round_trip_us);
void model_take_failure(struct model *model, struct node *node, int error_number, const char *failure);

/* Whether the launcher runs. */
void model_take_launcher(struct model *model, bool is_there);

/* Whether the node's process stands still. */
void model_take_stopped(struct model *model, struct node *node, bool is_stopped);

/* An action was asked for, was carried out, or failed. */
void model_take_action(struct model *model, const struct action *action);
void model_take_action_done(struct model *model, const struct action *action);
void model_take_action_failed(struct model *model, const struct action *action, const char *why);

/* Something else happened, just now. */
void model_take_event(struct model *model, enum event_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Commits per second over the last seconds; negative where not known. */
double model_rate(const struct model *model);

#endif
