/* The table of what happened. */
#include "sim/coverage.h"

#include <inttypes.h>

#define FLOOR_RUNS 200 /* with fewer, floors are not looked at: chance is too great */

static const struct {
    const char *text;
    uint64_t floor; /* in 1,000 runs */
} events[COVER_COUNT] = {
#define X(name, text, floor) [COVER_##name] = {text, floor},
    SIM_COVERAGE(X)
#undef X
};

void coverage_add(struct coverage *sum, const struct coverage *more)
{
    for (size_t i = 0; i < COVER_COUNT; i++)
        sum->counts[i] += more->counts[i];
}

bool coverage_print(const struct coverage *coverage, uint64_t runs)
{
    bool is_enough = true;
    for (size_t i = 0; i < COVER_COUNT; i++) {
        uint64_t floor = runs < FLOOR_RUNS ? 0 : events[i].floor * runs / 1000;
        bool is_missed = coverage->counts[i] < floor;
        printf("  %12" PRIu64 "  %s", coverage->counts[i], events[i].text);
        if (is_missed)
            printf("   BELOW ITS FLOOR of %" PRIu64, floor);
        printf("\n");
        is_enough = is_enough && !is_missed;
    }
    return is_enough;
}
