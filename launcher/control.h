/* The control socket: HTTP over DIR/control.sock. Its handlers run on the server's threads and do nothing but
 * queue what was asked; the supervisor's single thread takes the orders, acts, and answers. */
#ifndef LAUNCHER_CONTROL_H
#define LAUNCHER_CONTROL_H

#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/limits.h"
#include "hive/process.h"
#include "hive/server.h"
#include "links.h"

enum control_verb {
    CONTROL_SHOW, /* GET /cluster */
    CONTROL_END,  /* POST /stop: the whole cluster */
    CONTROL_KILL, /* POST /nodes/NAME/kill, and so on */
    CONTROL_STOP,
    CONTROL_PAUSE,
    CONTROL_RESUME,
    CONTROL_RESTART,
    CONTROL_WIPE,       /* … with an empty data directory */
    CONTROL_ADD,        /* POST /nodes */
    CONTROL_REMOVE,     /* DELETE /nodes/NAME */
    CONTROL_SHOW_LINKS, /* GET /links */
    CONTROL_LINK,       /* POST /links */
    CONTROL_HEAL,       /* DELETE /links */
};

/* One thing that somebody wants. Whoever took it answers `request` exactly once, then frees it. */
struct control_order {
    struct hive_request *request;
    enum control_verb verb;
    char node[HIVE_NAME_BYTES];  /* for the verbs of nodes: a name, or what targets.h knows */
    struct hive_process process; /* which process the sender means; zeroed fields: any */
    bool by_force;               /* remove, wipe: whatever that costs */
    enum hive_role role;         /* add: what, and how many */
    size_t count;
    char from[HIVE_NAME_BYTES], to[HIVE_NAME_BYTES]; /* links, as `node`; empty: all */
    bool is_one_way;
    struct link_change change;
    struct control_order *next;
};

struct control;

/* What the request's path, query and body say, into `order` (control_parse.c). 0, or an error for the sender. */
int control_parse_node(struct control_order *order, struct hive_error *error);
int control_parse_add(struct control_order *order, struct hive_error *error);
int control_parse_remove(struct control_order *order, struct hive_error *error);
int control_parse_link(struct control_order *order, struct hive_error *error);
int control_parse_heal(struct control_order *order, struct hive_error *error);

int control_start(const char *socket_path, struct control **control, struct hive_error *error);

/* Readable while orders wait. */
int control_descriptor(const struct control *control);

/* The orders that wait, oldest first; the caller owns them. NULL: none. */
struct control_order *control_take(struct control *control);

/* Ends the server. Orders that were taken must have been answered; those that were not are answered here. */
void control_destroy(struct control *control);

#endif
