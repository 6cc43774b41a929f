/* CRC32C (Castagnoli), the checksum of the log. Pure, thread-safe. */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` covers followed by these bytes; begin with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

/* The same without the CPU's instruction: what crc32c falls back to. Here for the tests. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes);

#endif
