/* What the user can have done to the cluster: the words for it, whom to ask, and the process it was meant for. Pure. */
#ifndef HIVETOP_ACTION_H
#define HIVETOP_ACTION_H

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/process.h"

enum action_kind {
    ACTION_NONE,
    ACTION_KILL, /* to the node's process, up to ACTION_STOP */
    ACTION_PAUSE,
    ACTION_RESUME,
    ACTION_RESTART,
    ACTION_STOP,
    ACTION_CUT, /* the link between `node` and `other` */
    ACTION_HEAL,
    ACTION_TRANSFER, /* the leadership to `node` */
    ACTION_ADD_QUEEN,
    ACTION_ADD_DRONE,
    ACTION_COUNT
};

/* The node and the very process that the user saw when the dialog opened: whatever runs under that name later
 * is not hit. */
struct action {
    enum action_kind kind;
    char node[HIVE_NAME_BYTES];   /* empty: none is meant yet */
    char other[HIVE_NAME_BYTES];  /* of a link */
    char member[HIVE_NAME_BYTES]; /* of a transfer: the queen's id */
    struct hive_process process;  /* pid 0: the node did not run */
};

/* The words of each kind. */
struct action_words {
    const char *path;   /* of the launcher's control socket: POST /nodes/NAME/<path> */
    const char *verb;   /* "Kill" */
    const char *effect; /* what happens then */
    const char *doing;  /* "killing" */
    const char *done;   /* "killed" */
};
extern const struct action_words action_words[ACTION_COUNT];

/* It is done to one node's process. */
bool action_is_on_process(const struct action *action);

/* What it is done to: "q1", "the link q1 - q2", "a queen". */
void action_object(const struct action *action, char *text, size_t bytes);

/* The request for it: to the launcher's control socket, or (transfer) to the leader. Appends path and body, returns the method;
 * the body binds the launcher to the action's process where the node ran. */
const char *action_request(const struct action *action, struct hive_buffer *path, struct hive_buffer *body);

/* The dialog's question: "Kill q3 (pid 4711)?" */
void action_question(const struct action *action, char *text, size_t bytes);

#endif
