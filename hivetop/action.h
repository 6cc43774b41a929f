/* What the user can have done to a node: the words for it, and the process it was meant for. Pure. */
#ifndef HIVETOP_ACTION_H
#define HIVETOP_ACTION_H

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/process.h"

enum action_kind { ACTION_NONE, ACTION_KILL, ACTION_PAUSE, ACTION_RESUME, ACTION_RESTART, ACTION_COUNT };

/* The node and the very process that the user saw when the dialog opened: whatever runs under that name later
 * is not hit. */
struct action {
    enum action_kind kind;
    char node[HIVE_NAME_BYTES];
    struct hive_process process; /* pid 0: the node did not run */
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

/* The body that binds the launcher to the action's process; empty where the node did not run. */
void action_body(const struct action *action, struct hive_buffer *body);

/* The dialog's question: "Kill q3 (pid 4711)?" */
void action_question(const struct action *action, char *text, size_t bytes);

#endif
