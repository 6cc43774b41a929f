/* Whole numbers only: floating point would tie the runs to a compiler. */
#include "sim/clock.h"

#define PPM 1000000

static int64_t own_us(const struct sim_clock *clock, int64_t world_us)
{
    return clock->own_us + (world_us - clock->world_us) * clock->rate_ppm / PPM;
}

int64_t sim_clock_ms(const struct sim_clock *clock, int64_t world_us)
{
    return own_us(clock, world_us) / 1000;
}

int64_t sim_clock_world_us(const struct sim_clock *clock, int64_t own_ms)
{
    int64_t ahead_us = own_ms * 1000 - clock->own_us;
    if (ahead_us <= 0)
        return clock->world_us;
    return clock->world_us + (ahead_us * PPM + clock->rate_ppm - 1) / clock->rate_ppm;
}

void sim_clock_set_rate(struct sim_clock *clock, int64_t world_us, int64_t rate_ppm)
{
    clock->own_us = own_us(clock, world_us);
    clock->world_us = world_us;
    clock->rate_ppm = rate_ppm;
}
