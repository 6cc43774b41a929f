/* A word is looked up when its order is carried out, by the process that carries it out: whoever asks "who leads?" first
 * and then says "kill q3" may kill one that leads no more. */
#include "targets.h"

#include <errno.h>
#include <string.h>

enum word { NAME, LEADER, FOLLOWER, RANDOM, QUEENS, DRONES, ALL };

static const char *const words[] = {[NAME] = "",         [LEADER] = "leader", [FOLLOWER] = "follower",
                                    [RANDOM] = "random", [QUEENS] = "queens", [DRONES] = "drones",
                                    [ALL] = "all"};

static enum word word_of(const char *text)
{
    for (size_t i = LEADER; i <= ALL; i++)
        if (strcmp(words[i], text) == 0)
            return (enum word)i;
    return NAME;
}

bool targets_needs_census(const char *word)
{
    return word_of(word) == LEADER || word_of(word) == FOLLOWER;
}

bool targets_is_word(const char *word)
{
    return word_of(word) != NAME;
}

static bool is_meant(const struct targets_question *question, enum word word, size_t i)
{
    const struct hive_ledger_node *node = &question->ledger->nodes[i];
    const struct census_queen *leader = question->census ? census_leader(question->census) : NULL;
    const struct census_queen *queen = question->census ? census_find(question->census, node->name) : NULL;
    switch (word) {
    case LEADER:
        return queen && queen == leader;
    case FOLLOWER:
        return queen && queen->is_voter && queen != leader && !queen->is_leader;
    case QUEENS:
        return node->role == HIVE_ROLE_QUEEN;
    case DRONES:
        return node->role == HIVE_ROLE_DRONE;
    default:
        return true;
    }
}

int targets_find(const struct targets_question *question, const char *text, size_t *nodes, size_t *count,
                 struct hive_error *error)
{
    const struct hive_ledger *ledger = question->ledger;
    enum word word = word_of(text);
    *count = 0;
    if (word == NAME) {
        const struct hive_ledger_node *node = hive_ledger_node(ledger, text);
        if (!node)
            return hive_error_set(error, -ENOENT, "cluster %s has no node '%s': 'launcher status' lists them",
                                  ledger->name, text);
        nodes[(*count)++] = (size_t)(node - ledger->nodes);
        return 0;
    }
    if (word >= QUEENS && !question->is_many)
        return hive_error_set(error, -ENOENT,
                              "'%s' are several nodes: name one, or leader, follower or random", text);
    for (size_t i = 0; i < ledger->node_count; i++)
        if (is_meant(question, word, i) &&
            (word >= QUEENS || !question->can || question->can(i, question->context)))
            nodes[(*count)++] = i;
    if (*count == 0)
        return hive_error_set(error, -EAGAIN,
                              word == LEADER ? "no queen leads at this moment"
                              : word == FOLLOWER
                                  ? "no queen follows a leader at this moment, or none that this "
                                    "can be done to: those that are paused or down answer nobody"
                              : word == RANDOM ? "there is no node that this can be done to"
                                               : "cluster %s has none of these nodes",
                              ledger->name);
    if (word < QUEENS) {
        nodes[0] = nodes[question->random % *count];
        *count = 1;
    }
    return 0;
}
