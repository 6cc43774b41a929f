/* Asking all queens for their health at once. */
#ifndef CLI_CENSUS_H
#define CLI_CENSUS_H

#include "hive/api.h"

struct cli_queen {
    char address[HIVE_ADDRESS_BYTES];
    bool is_asked, is_answered;
    bool is_drone;             /* it answered, and is no queen at all */
    struct hive_health health; /* where it answered */
    char *json;                /* owned; the same as text */
    int64_t answered_at_ms;    /* unix */
    char failure[160];         /* where it did not */
};

struct cli_census {
    struct cli_queen **queens; /* owned; in the order of the target, then as they were heard of */
    size_t count;
};

/* Asks the queens of the target, and those that they tell of; returns when all have answered or had
 * `timeout_ms`. */
void cli_census_take(const struct hive_target *target, int64_t timeout_ms, struct cli_census *census);
void cli_census_finish(struct cli_census *census);

/* The queen that leads, by her own word and in the highest term; NULL: none. */
const struct cli_queen *cli_census_leader(const struct cli_census *census);

#endif
