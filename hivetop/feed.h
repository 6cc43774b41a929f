/* What a model is fed with, one piece at a time. Whoever listens to a model hears each piece before the model takes it, and
 * can feed it to another one later: the memory of the last hour and the recordings consist of nothing else. */
#ifndef HIVETOP_FEED_H
#define HIVETOP_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "action.h"
#include "event.h"
#include "hive/api.h"
#include "hive/ledger.h"

struct model;
struct node;

enum feed_kind {
    FEED_HEALTH,        /* node, health, round_trip_us */
    FEED_FAILURE,       /* node, error_number, text */
    FEED_STOPPED,       /* node, flag */
    FEED_LEDGER,        /* ledger */
    FEED_LAUNCHER,      /* flag: it runs */
    FEED_NODE,          /* role, text: its address */
    FEED_ACTION,        /* action */
    FEED_ACTION_DONE,   /* action */
    FEED_ACTION_FAILED, /* action, text: why */
    FEED_EVENT,         /* level, text */
    FEED_KINDS
};

struct feed {
    enum feed_kind kind;
    struct node *node;          /* of the model that is fed */
    struct hive_health *health; /* taken from here */
    int64_t round_trip_us;
    int error_number;
    bool flag;
    enum hive_role role;
    enum event_level level;
    const char *text;
    const struct hive_ledger *ledger;
    const struct action *action;
};

/* Called with the model as it was before. */
typedef void feed_listener(void *context, const struct model *model, const struct feed *feed);

/* Feeds the piece to the model, whose time is set. */
void feed_apply(struct model *model, const struct feed *feed);

#endif
