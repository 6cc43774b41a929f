/* CRC32C, because it finds every burst of up to 32 wrong bits, and because x86 computes it eight bytes at a
 * time in one instruction (SSE4.2), so that checking costs less than copying. CPUs without it get a table,
 * byte by byte: slower by far, and still faster than a synced disk. */
#include "store/crc32c.h"

#include <pthread.h>
#include <stdbool.h>

/* Castagnoli's polynomial, lowest power in the highest bit, as in RFC 3720 (iSCSI). */
#define POLYNOMIAL 0x82f63b78u

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        table[byte] = crc;
    }
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *byte = data;
    pthread_once(&table_once, fill_table);
    crc = ~crc;
    while (bytes--)
        crc = table[(crc ^ *byte++) & 0xff] ^ crc >> 8;
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *byte = data;
    uint64_t sum = ~crc;
    for (; bytes >= 8; bytes -= 8, byte += 8) {
        uint64_t word;
        memcpy(&word, byte, sizeof word);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    uint32_t rest = (uint32_t)sum;
    while (bytes--)
        rest = __builtin_ia32_crc32qi(rest, *byte++);
    return ~rest;
}

static bool has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#else
#define crc32c_sse42 crc32c_portable
static bool has_sse42(void)
{
    return false;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
    return has_sse42() ? crc32c_sse42(crc, data, bytes) : crc32c_portable(crc, data, bytes);
}
