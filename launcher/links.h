/* What is done to the links between nodes: a table of rules, one for each direction of a link. Pure. */
#ifndef LAUNCHER_LINKS_H
#define LAUNCHER_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/ledger.h"
#include "hive/limits.h"

#define LINKS_MAX                                                                                            \
    8192 /* rules: all of 64 queens and 60 drones with each other, and more than anybody can follow */

enum link_kind { LINK_CUT, LINK_DELAY, LINK_LOSE };

/* What is to be changed about a link. Nothing to do (0 ms, 0 %) takes that part of a rule away. */
struct link_change {
    enum link_kind kind;
    int64_t delay_ms, jitter_ms;
    double loss_percent;
};

/* What happens to all that `from` sends to `to`. */
struct link {
    char from[HIVE_NAME_BYTES], to[HIVE_NAME_BYTES]; /* nodes */
    bool is_cut;
    int64_t delay_ms, jitter_ms;
    double loss_percent;
};

/* A zeroed one is empty. */
struct links {
    struct link *items; /* owned */
    size_t count;
};

void links_finish(struct links *links);

/* Changes one direction; a rule that does nothing any more goes. False where the table is full. */
bool links_change(struct links *links, const char *from, const char *to, const struct link_change *change);

/* Takes away one direction; NULL is anybody. True where there was something. */
bool links_heal(struct links *links, const char *from, const char *to);

const struct link *links_find(const struct links *links, const char *from, const char *to);

/* The table of the node, as PUT /faults takes it. */
void links_append_faults(struct hive_buffer *json, const struct links *links,
                         const struct hive_ledger *ledger, const char *from);

#endif
