/* Time, in milliseconds. Monotonic for intervals, wall clock for people. Thread-safe. */
#ifndef HIVE_CLOCK_H
#define HIVE_CLOCK_H

#include <stdint.h>

/* Milliseconds since some fixed point of this boot; never goes back. */
int64_t hive_clock_monotonic_ms(void);

/* Microseconds on the same scale. */
int64_t hive_clock_monotonic_us(void);

/* Unix time in milliseconds; may jump. */
int64_t hive_clock_unix_ms(void);

/* `unix_ms` as UTC in the form 2026-01-31T23:59:59.123Z. `text` holds at least HIVE_CLOCK_TEXT_BYTES bytes.
 */
#define HIVE_CLOCK_TEXT_BYTES 32
void hive_clock_format(int64_t unix_ms, char text[HIVE_CLOCK_TEXT_BYTES]);

#endif
