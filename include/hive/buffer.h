/* A growable run of bytes. A zeroed struct is an empty buffer; the bytes always have a NUL behind them (not
 * counted), so that text can be used as a C string. Not thread-safe. */
#ifndef HIVE_BUFFER_H
#define HIVE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct hive_buffer {
    char *data;      /* owned; NULL while nothing was ever appended */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
};

/* Frees the bytes and leaves an empty buffer. */
void hive_buffer_finish(struct hive_buffer *buffer);

/* Empties the buffer and keeps its memory. */
void hive_buffer_clear(struct hive_buffer *buffer);

/* Makes room for `bytes` more and returns where they go; the caller adds what it wrote to `size`. */
void *hive_buffer_reserve(struct hive_buffer *buffer, size_t bytes);

void hive_buffer_append(struct hive_buffer *buffer, const void *data, size_t bytes);
void hive_buffer_append_text(struct hive_buffer *buffer, const char *text);
void hive_buffer_format(struct hive_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void hive_buffer_vformat(struct hive_buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Removes the first `bytes` bytes. */
void hive_buffer_consume(struct hive_buffer *buffer, size_t bytes);

/* Gives the bytes away: the caller owns the returned memory (never NULL), the buffer is empty again. */
char *hive_buffer_take(struct hive_buffer *buffer);

#endif
