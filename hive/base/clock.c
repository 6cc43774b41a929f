/* The only place that asks the system what time it is. */
#include "hive/clock.h"

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t hive_clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t hive_clock_monotonic_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t hive_clock_unix_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

void hive_clock_format(int64_t unix_ms, char text[HIVE_CLOCK_TEXT_BYTES])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(text, HIVE_CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, HIVE_CLOCK_TEXT_BYTES - used, ".%03dZ", (int)(unix_ms % 1000));
}
