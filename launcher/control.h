/* The control socket: HTTP over DIR/control.sock. Its handlers run on the server's threads and do nothing but
 * queue what was asked; the supervisor's single thread takes the orders, acts, and answers. */
#ifndef LAUNCHER_CONTROL_H
#define LAUNCHER_CONTROL_H

#include "hive/error.h"
#include "hive/limits.h"
#include "hive/process.h"
#include "hive/server.h"

enum control_verb {
    CONTROL_SHOW, /* GET /cluster */
    CONTROL_END,  /* POST /stop: the whole cluster */
    CONTROL_KILL, /* POST /nodes/NAME/kill, and so on */
    CONTROL_STOP,
    CONTROL_PAUSE,
    CONTROL_RESUME,
    CONTROL_RESTART,
};

/* One thing that somebody wants. Whoever took it answers `request` exactly once, then frees it. */
struct control_order {
    struct hive_request *request;
    enum control_verb verb;
    char node[HIVE_NAME_BYTES];  /* for the verbs of nodes */
    struct hive_process process; /* which process the sender means; zeroed fields: any */
    int64_t deadline_ms;         /* monotonic; the taker's, who answers by then */
    struct control_order *next;
};

struct control;

int control_start(const char *socket_path, struct control **control, struct hive_error *error);

/* Readable while orders wait. */
int control_descriptor(const struct control *control);

/* The orders that wait, oldest first; the caller owns them. NULL: none. */
struct control_order *control_take(struct control *control);

/* Ends the server. Orders that were taken must have been answered; those that were not are answered here. */
void control_destroy(struct control *control);

#endif
