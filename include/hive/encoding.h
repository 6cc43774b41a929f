/* Bytes as text: base64 (RFC 4648, with padding), and the names that are made of hashes. Pure, thread-safe.
 */
#ifndef HIVE_ENCODING_H
#define HIVE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/limits.h"

void hive_base64_append(struct hive_buffer *buffer, const void *data, size_t bytes);

/* Appends the decoded bytes; 0, or -EINVAL (and the buffer as it was) where `text` is not canonical base64.
 */
int hive_base64_decode(struct hive_buffer *buffer, const char *text, size_t bytes);

/* "drone-" and the SHA-1 of the address in hexadecimal: a drone's name unless it gives one. */
void hive_drone_name(const char *address, char name[HIVE_NAME_BYTES]);

/* True where `text` is valid UTF-8. */
bool hive_is_utf8(const char *text, size_t bytes);

/* True for a name of 1 to HIVE_NAME_BYTES - 1 bytes from [A-Za-z0-9._-] that does not start with '.' or '-'.
 */
bool hive_is_name(const char *text);

/* Equal? In a time that does not depend on where they differ (for secrets). */
bool hive_equal_constant_time(const char *a, const char *b);

#endif
