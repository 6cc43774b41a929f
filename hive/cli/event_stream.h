/* Server-sent events out of the bytes of a stream. Pure. */
#ifndef CLI_EVENT_STREAM_H
#define CLI_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "hive/buffer.h"

struct event_stream_event {
    const char *name; /* "" where the event has none */
    const char *data; /* NUL-terminated */
    size_t bytes;
    const char *id; /* the last id, of this event or of an earlier one; "" before the first */
};

/* False: enough. */
typedef bool event_stream_visit(const struct event_stream_event *event, void *context);

/* A zeroed one begins a stream. */
struct event_stream {
    struct hive_buffer line;
    struct hive_buffer name, data, id; /* of the event that is under way */
    struct hive_buffer last_id;        /* to go on behind, once a blank line has confirmed it */
    bool was_return;                   /* the last byte was a CR: a LF behind it belongs to it */
    bool is_too_long;
};

/* Takes bytes in pieces of any size, and visits the events that they complete. False: `visit` has enough, or a
 * line is longer than any that Hive sends (is_too_long). */
bool event_stream_feed(struct event_stream *stream, const void *data, size_t bytes, event_stream_visit *visit,
                       void *context);

/* "" where there is none. */
const char *event_stream_last_id(const struct event_stream *stream);

/* Forgets what is half, and keeps the last id: for the next connection. */
void event_stream_restart(struct event_stream *stream);
void event_stream_finish(struct event_stream *stream);

#endif
