/* How ages, round trips, big numbers and intervals read in a column of five characters. */
#include "format.h"

#include <errno.h>
#include <inttypes.h>

void format_age(int64_t ms, char text[FORMAT_BYTES])
{
    static const struct {
        int64_t below_ms, unit_ms;
        char letter;
    } steps[] = {
        {100000, 1000, 's'}, {6000000, 60000, 'm'}, {172800000, 3600000, 'h'}, {INT64_MAX, 86400000, 'd'}};
    if (ms < 0) {
        snprintf(text, FORMAT_BYTES, "-");
        return;
    }
    size_t i = 0;
    while (ms >= steps[i].below_ms)
        i++;
    snprintf(text, FORMAT_BYTES, "%" PRId64 "%c", ms / steps[i].unit_ms, steps[i].letter);
}

void format_round_trip(int64_t us, char text[FORMAT_BYTES])
{
    if (us < 9950)
        snprintf(text, FORMAT_BYTES, "%.1fms", (double)us / 1000);
    else if (us < 999500)
        snprintf(text, FORMAT_BYTES, "%.0fms", (double)us / 1000);
    else
        snprintf(text, FORMAT_BYTES, "%.1fs", (double)us / 1000000);
}

void format_count(uint64_t count, const char *prefix, int width, char text[FORMAT_BYTES])
{
    static const char units[] = "kMGTPE";
    int bytes = snprintf(text, FORMAT_BYTES, "%s%" PRIu64, prefix, count);
    for (size_t i = 0; bytes > width && units[i]; i++) {
        count /= 1000;
        bytes = snprintf(text, FORMAT_BYTES, "%s%" PRIu64 "%c", prefix, count, units[i]);
    }
}

void format_time_of_day(int64_t unix_ms, char text[FORMAT_BYTES])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    size_t used = strftime(text, FORMAT_BYTES, "%H:%M:%S", &local);
    snprintf(text + used, FORMAT_BYTES - used, ".%03d", (int)(unix_ms % 1000));
}

void format_interval(int64_t ms, char text[FORMAT_BYTES])
{
    if (ms < 1000)
        snprintf(text, FORMAT_BYTES, "%" PRId64 "ms", ms);
    else if (ms % 1000)
        snprintf(text, FORMAT_BYTES, "%.1fs", (double)ms / 1000);
    else
        snprintf(text, FORMAT_BYTES, "%" PRId64 "s", ms / 1000);
}

int interval_parse(const char *text, int64_t *ms, struct hive_error *error)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}};
    char *end;
    double number = strtod(text, &end);
    if (end != text) {
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            double value = number * units[i].ms;
            if (strcmp(end, units[i].name) == 0 && value >= INTERVAL_MIN_MS && value <= INTERVAL_MAX_MS) {
                *ms = (int64_t)(value + 0.5);
                return 0;
            }
        }
    }
    return hive_error_set(
        error, -EINVAL,
        "--interval takes seconds from 0.1 to 60 (\"2\", \"0.5\") or a number with a unit (\"500ms\"), "
        "not \"%s\"",
        text);
}

static const int64_t interval_steps_ms[] = {INTERVAL_MIN_MS, 200, 500, 1000, 2000, 5000, 10000,
                                            INTERVAL_MAX_MS};
#define INTERVAL_STEPS (sizeof interval_steps_ms / sizeof *interval_steps_ms)

int64_t interval_shorter(int64_t ms)
{
    for (size_t i = INTERVAL_STEPS; i-- > 0;) {
        if (interval_steps_ms[i] < ms)
            return interval_steps_ms[i];
    }
    return ms;
}

int64_t interval_longer(int64_t ms)
{
    for (size_t i = 0; i < INTERVAL_STEPS; i++) {
        if (interval_steps_ms[i] > ms)
            return interval_steps_ms[i];
    }
    return ms;
}
