/* Allocation that cannot fail: when memory runs out the process says so and aborts. A queen recovers from its
 * log, so an abort loses nothing that was acknowledged, and no error path exists that no test ever runs.
 * Thread-safe. Memory from here is released with free(). */
#ifndef HIVE_MEMORY_H
#define HIVE_MEMORY_H

#include <stddef.h>

/* Uninitialised memory of `bytes` bytes. */
void *hive_malloc(size_t bytes);

/* Zeroed memory for `count` elements of `bytes` each; aborts on overflow of the product. */
void *hive_calloc(size_t count, size_t bytes);

/* `memory` (may be NULL) moved to a place of `count` elements of `bytes` each. */
void *hive_realloc(void *memory, size_t count, size_t bytes);

/* A copy of `text`; NULL gives NULL. The caller owns it. */
char *hive_strdup(const char *text);

/* A copy of the first `bytes` bytes at `data`, with a NUL behind them. The caller owns it. */
char *hive_memdup(const void *data, size_t bytes);

/* A new string in the manner of printf. The caller owns it. */
char *hive_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
