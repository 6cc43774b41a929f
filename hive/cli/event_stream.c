/* The format is that of the HTML standard's "server-sent events": fields in lines, an event ends with a blank
 * line, an id counts when its event is complete, an event without data is none (but its id counts). */
#include "cli/event_stream.h"

#include <string.h>

#include "hive/limits.h"

/* A value in JSON has at most six characters for a byte. */
#define LINE_BYTES (8 * (HIVE_VALUE_BYTES + HIVE_KEY_BYTES))

static const char *text(const struct hive_buffer *buffer)
{
    return buffer->data ? buffer->data : "";
}

/* True where `line` is the field `name`; its value, without the one space that may come first. */
static bool is_field(const struct hive_buffer *line, const char *name, const char **value, size_t *bytes)
{
    size_t length = strlen(name);
    if (line->size < length || memcmp(line->data, name, length) != 0 ||
        (line->size > length && line->data[length] != ':'))
        return false;
    size_t at = line->size > length ? length + 1 : length;
    at += at < line->size && line->data[at] == ' ';
    *value = line->data + at;
    *bytes = line->size - at;
    return true;
}

static void set(struct hive_buffer *buffer, const char *data, size_t bytes)
{
    hive_buffer_clear(buffer);
    hive_buffer_append(buffer, data, bytes);
}

/* A blank line: what has gathered is an event. */
static bool dispatch(struct event_stream *stream, event_stream_visit *visit, void *context)
{
    set(&stream->last_id, text(&stream->id), stream->id.size);
    bool goes_on = true;
    if (stream->data.size) {
        stream->data.data[--stream->data.size] = '\0'; /* the last line's end */
        struct event_stream_event event = {.name = text(&stream->name),
                                           .data = stream->data.data,
                                           .bytes = stream->data.size,
                                           .id = text(&stream->last_id)};
        goes_on = visit(&event, context);
    }
    hive_buffer_clear(&stream->name);
    hive_buffer_clear(&stream->data);
    return goes_on;
}

static bool take_line(struct event_stream *stream, event_stream_visit *visit, void *context)
{
    const char *value;
    size_t bytes;
    const struct hive_buffer *line = &stream->line;
    if (line->size == 0)
        return dispatch(stream, visit, context);
    if (is_field(line, "data", &value, &bytes)) {
        hive_buffer_append(&stream->data, value, bytes);
        hive_buffer_append(&stream->data, "\n", 1);
    } else if (is_field(line, "event", &value, &bytes)) {
        set(&stream->name, value, bytes);
    } else if (is_field(line, "id", &value, &bytes) && !memchr(value, '\0', bytes)) {
        set(&stream->id, value, bytes);
    }
    return true;
}

bool event_stream_feed(struct event_stream *stream, const void *data, size_t bytes, event_stream_visit *visit,
                       void *context)
{
    const char *at = data, *end = at + bytes;
    while (at < end) {
        if (stream->was_return && *at == '\n')
            at++;
        stream->was_return = false;
        size_t length = 0;
        while (at + length < end && at[length] != '\n' && at[length] != '\r')
            length++;
        stream->is_too_long = stream->line.size + length > LINE_BYTES || stream->data.size > LINE_BYTES;
        if (stream->is_too_long)
            return false;
        hive_buffer_append(&stream->line, at, length);
        at += length;
        if (at == end)
            break;
        stream->was_return = *at++ == '\r';
        bool goes_on = take_line(stream, visit, context);
        hive_buffer_clear(&stream->line);
        if (!goes_on)
            return false;
    }
    return true;
}

const char *event_stream_last_id(const struct event_stream *stream)
{
    return text(&stream->last_id);
}

void event_stream_restart(struct event_stream *stream)
{
    struct hive_buffer last_id = stream->last_id;
    stream->last_id = (struct hive_buffer){0};
    event_stream_finish(stream);
    stream->last_id = last_id;
    set(&stream->id, text(&last_id), last_id.size);
}

void event_stream_finish(struct event_stream *stream)
{
    hive_buffer_finish(&stream->line);
    hive_buffer_finish(&stream->name);
    hive_buffer_finish(&stream->data);
    hive_buffer_finish(&stream->id);
    hive_buffer_finish(&stream->last_id);
    *stream = (struct event_stream){0};
}
