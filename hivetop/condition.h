/* What state a node is in, all that is known of it taken together, and the words for it. Pure. */
#ifndef HIVETOP_CONDITION_H
#define HIVETOP_CONDITION_H

#include <stddef.h>

struct node;

enum condition {
    CONDITION_NEW,      /* not polled yet */
    CONDITION_STARTING, /* the launcher starts it */
    CONDITION_UP,       /* it answers */
    CONDITION_SILENT,   /* it should be there and does not answer */
    CONDITION_PAUSED,   /* SIGSTOP */
    CONDITION_DOWN,     /* no such process, or nobody listens */
};
extern const char *const condition_names[]; /* "new", "starting", "up", "silent", "paused", "down" */

enum condition condition_of(const struct node *node);

/* Why it is as it is, in a few words: "killed by you", "signal 9", "timed out"; empty where all is well. */
void condition_note(const struct node *node, char *text, size_t bytes);

#endif
