/* Telling the nodes what is to be done to their links: each gets its whole table when that changes, and again after each
 * start. Main thread only. */
#ifndef LAUNCHER_LINK_PUSH_H
#define LAUNCHER_LINK_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct supervisor;

/* How far a node is with its table. Zeroed: it needs none. */
struct link_push {
    uint64_t wanted;    /* number of the table that it shall have; no two tables have the same */
    uint64_t confirmed; /* … and of the one that it has */
    uint64_t asking;    /* … and of the one that is under way; 0: none */
    int64_t ask_at_ms;
    bool is_refused;   /* the node is there, and will not take it */
    char failure[160]; /* why it does not take it; empty: nothing is known against it */
};

/* One request under way. */
struct link_call;

/* The node's table has changed. */
void link_push_change(struct supervisor *supervisor, const char *node);

/* The node was started, and knows nothing. */
void link_push_start_node(struct supervisor *supervisor, size_t node);

/* Sends what is due. Returns when to call again (INT64_MAX: nothing is due). */
int64_t link_push_poll(struct supervisor *supervisor, int64_t now_ms);

/* True where the node has its table. */
bool link_push_is_confirmed(const struct supervisor *supervisor, size_t node);

/* Releases what is under way; the client was destroyed. */
void link_push_end(struct supervisor *supervisor);

#endif
