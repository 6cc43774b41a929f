/* Bytes as text. Base64 carries log entries and binary values through JSON, so it is written for speed; the
 * hashes give nodes names that every node computes alike. */
#include "hive/encoding.h"

#include <errno.h>
#include <sha1.h>

#include "base/utf8.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hive_base64_append(struct hive_buffer *buffer, const void *data, size_t bytes)
{
    const uint8_t *in = data;
    char *start = hive_buffer_reserve(buffer, (bytes + 2) / 3 * 4), *out = start;
    for (; bytes >= 3; bytes -= 3, in += 3) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[group >> 6 & 63];
        *out++ = alphabet[group & 63];
    }
    if (bytes) {
        uint32_t group = (uint32_t)in[0] << 16 | (bytes == 2 ? (uint32_t)in[1] << 8 : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = bytes == 2 ? alphabet[group >> 6 & 63] : '=';
        *out++ = '=';
    }
    *out = '\0';
    buffer->size += (size_t)(out - start);
}

/* The six bits of a digit, or 64 where it is none. */
static uint32_t digit_value(char digit)
{
    static const uint8_t values['z' - '+' + 1] = {
        62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64,
        64, 64, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31,
        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};
    unsigned place = (unsigned)(unsigned char)digit - '+';
    return place < sizeof values ? values[place] : 64;
}

int hive_base64_decode(struct hive_buffer *buffer, const char *text, size_t bytes)
{
    if (bytes % 4 != 0)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    uint8_t *start = hive_buffer_reserve(buffer, bytes / 4 * 3), *out = start;
    size_t padding = text[bytes - 1] != '=' ? 0 : text[bytes - 2] != '=' ? 1 : 2;
    uint32_t bad = 0;
    for (size_t i = 0; i < bytes; i += 4) {
        size_t digits = i + 4 < bytes ? 4 : 4 - padding;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            uint32_t value = j < digits ? digit_value(text[i + j]) : 0;
            bad |= value & 64;
            group = group << 6 | (value & 63);
        }
        if (digits < 4)
            bad |= group & (digits == 3 ? 0xff : 0xffff); /* bits that no byte uses must be zero */
        *out++ = (uint8_t)(group >> 16);
        *out++ = (uint8_t)(group >> 8);
        *out++ = (uint8_t)group;
    }
    size_t decoded = bad ? 0 : (size_t)(out - start) - padding;
    buffer->size += decoded;
    buffer->data[buffer->size] = '\0';
    return bad ? -EINVAL : 0;
}

static void hash(const char *text, uint8_t digest[SHA1_DIGEST_LENGTH])
{
    SHA1_CTX context;
    SHA1Init(&context);
    SHA1Update(&context, (const uint8_t *)text, strlen(text));
    SHA1Final(digest, &context);
}

void hive_drone_name(const char *address, char name[HIVE_NAME_BYTES])
{
    uint8_t digest[SHA1_DIGEST_LENGTH];
    hash(address, digest);
    int used = snprintf(name, HIVE_NAME_BYTES, "drone-");
    for (size_t i = 0; i < sizeof digest; i++)
        used += snprintf(name + used, HIVE_NAME_BYTES - (size_t)used, "%02x", digest[i]);
}

/* Are the eight bytes at `text` all ASCII? */
static bool is_ascii(const char *text)
{
    uint64_t eight;
    memcpy(&eight, text, sizeof eight);
    return (eight & UINT64_C(0x8080808080808080)) == 0;
}

bool hive_is_utf8(const char *text, size_t bytes)
{
    while (bytes) {
        if (bytes >= 8 && is_ascii(text)) { /* most text is, and passes eight times as fast */
            text += 8;
            bytes -= 8;
            continue;
        }
        size_t length = hive_utf8_character(text, bytes);
        if (!length)
            return false;
        text += length;
        bytes -= length;
    }
    return true;
}

bool hive_is_name(const char *text)
{
    size_t bytes = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return bytes > 0 && bytes < HIVE_NAME_BYTES && text[bytes] == '\0' && text[0] != '.' && text[0] != '-';
}

bool hive_equal_constant_time(const char *a, const char *b)
{
    size_t a_bytes = strlen(a), b_bytes = strlen(b);
    volatile size_t difference = a_bytes ^ b_bytes;
    for (size_t i = 0; i < a_bytes; i++)
        difference |= (size_t)((unsigned char)a[i] ^ (unsigned char)b[i < b_bytes ? i : b_bytes]);
    return difference == 0;
}
