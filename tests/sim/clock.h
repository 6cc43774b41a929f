/* A node's clocks: a monotonic one that begins anywhere and runs a little too fast or too slow, and one of unix time beside it. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

struct sim_clock {
    int64_t world_us; /* at this time of the world, … */
    int64_t own_us;   /* … it showed that */
    int64_t rate_ppm; /* of its second to the world's; 1,000,000 is right */
    int64_t unix_ms;  /* unix time less its own */
};

int64_t sim_clock_ms(const struct sim_clock *clock, int64_t world_us);
/* When it will show that, at the earliest. */
int64_t sim_clock_world_us(const struct sim_clock *clock, int64_t own_ms);
/* It runs at another rate from now on; it never goes back. */
void sim_clock_set_rate(struct sim_clock *clock, int64_t world_us, int64_t rate_ppm);

#endif
