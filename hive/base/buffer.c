/* Growable bytes: the one container that requests, answers, records and screens are built in. */
#include "hive/buffer.h"

#include "hive/memory.h"

void hive_buffer_finish(struct hive_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct hive_buffer){0};
}

void hive_buffer_clear(struct hive_buffer *buffer)
{
    buffer->size = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void *hive_buffer_reserve(struct hive_buffer *buffer, size_t bytes)
{
    size_t needed = buffer->size + bytes + 1;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 64;
        if (capacity < needed)
            capacity = needed;
        buffer->data = hive_realloc(buffer->data, capacity, 1);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void hive_buffer_append(struct hive_buffer *buffer, const void *data, size_t bytes)
{
    char *end = hive_buffer_reserve(buffer, bytes);
    if (bytes)
        memcpy(end, data, bytes);
    end[bytes] = '\0';
    buffer->size += bytes;
}

void hive_buffer_append_text(struct hive_buffer *buffer, const char *text)
{
    hive_buffer_append(buffer, text, strlen(text));
}

void hive_buffer_vformat(struct hive_buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char *end = hive_buffer_reserve(buffer, 64);
    size_t room = buffer->capacity - buffer->size;
    int bytes = vsnprintf(end, room, format, arguments);
    if (bytes >= 0 && (size_t)bytes >= room) {
        end = hive_buffer_reserve(buffer, (size_t)bytes);
        vsnprintf(end, (size_t)bytes + 1, format, again);
    }
    va_end(again);
    if (bytes > 0)
        buffer->size += (size_t)bytes;
}

void hive_buffer_format(struct hive_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    hive_buffer_vformat(buffer, format, arguments);
    va_end(arguments);
}

void hive_buffer_consume(struct hive_buffer *buffer, size_t bytes)
{
    if (bytes == 0)
        return; /* there may be no memory yet */
    buffer->size -= bytes;
    memmove(buffer->data, buffer->data + bytes, buffer->size + 1);
}

char *hive_buffer_take(struct hive_buffer *buffer)
{
    if (!buffer->data)
        hive_buffer_append(buffer, NULL, 0);
    char *data = buffer->data;
    *buffer = (struct hive_buffer){0};
    return data;
}
