/* Bytes, and numbers and texts in them. Commands and dumps are read from disks and networks: the reader asks before every
 * step whether there is as much as it is about to take. */
#include "machine/bytes.h"

#include <assert.h>
#include <endian.h>

#include "hive/memory.h"

int machine_bytes_compare(struct machine_bytes a, struct machine_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

struct machine_bytes machine_bytes_of(const char *text)
{
    return (struct machine_bytes){text, strlen(text)};
}

void machine_text_replace(const char **text, struct machine_bytes from)
{
    free((void *)*text);
    *text = hive_memdup(from.data, from.size);
}

void machine_bytes_replace(struct machine_bytes *bytes, struct machine_bytes from)
{
    machine_text_replace(&bytes->data, from);
    bytes->size = from.size;
}

void bytes_put_number(struct hive_buffer *buffer, uint64_t number, size_t bytes)
{
    /* All 8 are written, which is quicker than to count them; whatever comes next takes the place of the rest. */
    uint64_t little = htole64(number);
    memcpy(hive_buffer_reserve(buffer, sizeof little), &little, sizeof little);
    buffer->size += bytes;
}

void bytes_put_string(struct hive_buffer *buffer, struct machine_bytes bytes)
{
    assert(bytes.size <= UINT32_MAX);
    bytes_put_number(buffer, bytes.size, 4);
    hive_buffer_append(buffer, bytes.data, bytes.size);
}

const unsigned char *bytes_get(struct bytes_reader *reader, size_t bytes)
{
    if (bytes > reader->left) {
        reader->is_short = true;
        return NULL;
    }
    const unsigned char *data = reader->data;
    reader->data += bytes;
    reader->left -= bytes;
    return data;
}

uint64_t bytes_get_number(struct bytes_reader *reader, size_t bytes)
{
    const unsigned char *data = bytes_get(reader, bytes);
    uint64_t number = 0;
    for (size_t i = bytes; data && i-- > 0;)
        number = number << 8 | data[i];
    return number;
}

bool bytes_get_string(struct bytes_reader *reader, size_t min, size_t max, struct machine_bytes *bytes)
{
    bytes->size = bytes_get_number(reader, 4);
    if (reader->is_short || bytes->size < min || bytes->size > max)
        return false;
    bytes->data = (const char *)bytes_get(reader, bytes->size);
    return !reader->is_short;
}

bool bytes_get_text(struct bytes_reader *reader, size_t min, size_t max, struct machine_bytes *text)
{
    return bytes_get_string(reader, min, max, text) && !memchr(text->data, 0, text->size);
}

uint64_t bytes_hash(uint64_t hash, const void *data, size_t bytes)
{
    struct bytes_reader rest = {.data = data, .left = bytes};
    uint64_t number;

    hash = bytes_hash_number(hash, bytes);
    for (; rest.left >= sizeof number; rest.data += sizeof number, rest.left -= sizeof number) {
        memcpy(&number, rest.data, sizeof number);
        hash = bytes_hash_number(hash, le64toh(number));
    }
    return rest.left ? bytes_hash_number(hash, bytes_get_number(&rest, rest.left)) : hash;
}
