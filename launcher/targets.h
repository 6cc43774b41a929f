/* Whom "leader", "follower", "random", "queens", "drones" and "all" mean at this moment. Pure. */
#ifndef LAUNCHER_TARGETS_H
#define LAUNCHER_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "census.h"
#include "hive/error.h"
#include "hive/ledger.h"

/* True where the queens must be asked before the word has a meaning. */
bool targets_needs_census(const char *word);

/* True for a word that names no node by itself. */
bool targets_is_word(const char *word);

struct targets_question {
    const struct hive_ledger *ledger;
    const struct census *census;             /* where targets_needs_census */
    bool (*can)(size_t node, void *context); /* who of several is fit to be chosen; NULL: everybody */
    void *context;
    bool is_many;    /* "queens", "drones" and "all" may be meant */
    uint64_t random; /* chooses where one of several is meant */
};

/* Writes the places of the nodes that are meant to `nodes` (room for all), and returns how many; 0 or an error: -ENOENT
 * where there is no such node, -EAGAIN where there is none at this moment. */
int targets_find(const struct targets_question *question, const char *word, size_t *nodes, size_t *count,
                 struct hive_error *error);

#endif
