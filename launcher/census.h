/* Who leads, who votes, who answers: all queens that run are asked at once, and the answers kept. Main thread only. */
#ifndef LAUNCHER_CENSUS_H
#define LAUNCHER_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/http_client.h"
#include "hive/ledger.h"

struct census_queen {
    struct census *census;
    char name[HIVE_NAME_BYTES], address[HIVE_ADDRESS_BYTES];
    pid_t pid;
    bool has_answered;
    bool is_leader, is_voter; /* as she says herself */
    uint64_t term;
    size_t voters; /* of the group, as she has it; on a leader only */
    char leader[HIVE_ADDRESS_BYTES];
};

struct census {
    size_t
        pending; /* answers that are awaited: not to be freed before they are in, or the client is destroyed */
    struct census_queen *queens; /* owned */
    size_t count;
};

/* Asks the queens of the ledger that run. */
struct census *census_start(const struct hive_ledger *ledger, struct hive_http_client *client);
void census_free(struct census *census);

/* The queen that leads, in the highest term; NULL: none that answers. */
const struct census_queen *census_leader(const struct census *census);

const struct census_queen *census_find(const struct census *census, const char *name);

/* Queens that answered and have a vote. */
size_t census_live_voters(const struct census *census);

#endif
