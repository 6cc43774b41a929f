/* Numbers as people read them in a narrow column. Pure. */
#ifndef HIVETOP_FORMAT_H
#define HIVETOP_FORMAT_H

#include <stdint.h>

#include "hive/error.h"

#define FORMAT_BYTES 32

/* "0s", "41s", "12m", "3h", "2d"; "-" where negative. */
void format_age(int64_t ms, char text[FORMAT_BYTES]);

/* "0.4ms", "12ms", "1.2s". */
void format_round_trip(int64_t us, char text[FORMAT_BYTES]);

/* The number with `prefix` before it, shortened ("12k", "3M") where it does not fit into `width` columns. */
void format_count(uint64_t count, const char *prefix, int width, char text[FORMAT_BYTES]);

/* Local time of day, "14:02:42.310". */
void format_time_of_day(int64_t unix_ms, char text[FORMAT_BYTES]);

/* "100ms", "2s", "1.5s". */
void format_interval(int64_t ms, char text[FORMAT_BYTES]);

/* The other way round: a bare number means seconds ("2", "0.5"), or with a unit: "500ms", "2s", "1m". 0, or
 * -EINVAL where it is none or outside of INTERVAL_MIN_MS and INTERVAL_MAX_MS. */
#define INTERVAL_MIN_MS     100
#define INTERVAL_MAX_MS     60000
#define INTERVAL_DEFAULT_MS 500
int interval_parse(const char *text, int64_t *ms, struct hive_error *error);

/* The next shorter or longer interval that the keys offer; the same at the end. */
int64_t interval_shorter(int64_t ms);
int64_t interval_longer(int64_t ms);

#endif
