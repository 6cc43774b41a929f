/* The last hour, kept in memory: all that the model was fed with, packed, in segments each of which begins with a whole
 * model. A model of any moment is made from the nearest one before it. Bounded in time and bytes. Pure; one thread. */
#ifndef HIVETOP_HISTORY_H
#define HIVETOP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"
#include "hive/buffer.h"

#define HISTORY_MS INT64_C(3600000)
#define HISTORY_BYTES                                                                                        \
    ((size_t)64 * 1024 * 1024) /* 5 + 3 nodes need a tenth of it, 1,000 drones reach back some minutes */
/* A segment ends when it is so long: what lies in it is what a jump has to go through. */
#define HISTORY_SEGMENT_MS    60000
#define HISTORY_SEGMENT_FEEDS 20000

struct history_segment {
    int64_t first_ms, last_ms, first_unix_ms; /* monotonic; unix */
    struct hive_buffer keyframe, feeds;
    size_t feed_count;
};

struct history {
    struct history_segment *segments; /* owned; oldest first */
    size_t count;
    size_t bytes_max;
    uint64_t dropped;              /* segments that were forgotten: the place of segments[0] among all */
    int64_t last_ms, last_unix_ms; /* of the last feed */
    uint64_t epoch;                /* another one: what was known of it is void */
};

void history_init(struct history *history, size_t bytes_max);
void history_finish(struct history *history);

/* Forgets all and begins anew with the model as it is, before the first feed and where another cluster is watched. */
void history_begin(struct history *history, const struct model *model);

/* A feed_listener; the context is the history. */
void history_hear(void *context, const struct model *model, const struct feed *feed);

/* How far back it reaches, as monotonic time, and how many bytes that takes. */
int64_t history_first_ms(const struct history *history);
size_t history_bytes(const struct history *history);

/* A model that moves through the history. Zeroed: nowhere yet. */
struct history_cursor {
    struct model *model; /* owned; NULL: none yet */
    uint64_t epoch, segment;
    size_t at; /* in the segment's feeds */
    int64_t fed_ms, fed_unix_ms;
};

/* Brings the cursor's model to that moment (monotonic), or the first one that is kept. */
void history_seek(const struct history *history, struct history_cursor *cursor, int64_t at_ms);
void history_cursor_finish(struct history_cursor *cursor);

#endif
