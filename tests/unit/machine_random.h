/* Random commands for the machine's tests: a stream that often fits what is there, that repeats itself under idempotency keys, and that
 * depends on its seed alone. */
#ifndef UNIT_MACHINE_RANDOM_H
#define UNIT_MACHINE_RANDOM_H

#include "unit/machine_apply.h"

enum { STREAM_RECENT = 32, STREAM_KEYED = 16 };

struct stream {
    uint64_t random;
    int64_t time_ms;
    uint64_t recent_tasks[STREAM_RECENT];   /* some of those that were submitted */
    struct hive_buffer keyed[STREAM_KEYED]; /* some commands with an idempotency key, to be sent again */
};

static inline void stream_start(struct stream *stream, uint64_t seed)
{
    *stream = (struct stream){.random = seed * 0x9E3779B97F4A7C15 + 1, .time_ms = 1000000};
}

static inline void stream_finish(struct stream *stream)
{
    for (size_t i = 0; i < STREAM_KEYED; i++)
        hive_buffer_finish(&stream->keyed[i]);
}

/* xorshift64*: repeatable, and the tests' only need of randomness. */
static inline uint64_t stream_below(struct stream *stream, uint64_t below)
{
    stream->random ^= stream->random >> 12;
    stream->random ^= stream->random << 25;
    stream->random ^= stream->random >> 27;
    return (stream->random * 0x2545F4914F6CDD1DULL >> 11) % below;
}

/* So that later commands speak of its task. */
static inline void stream_remember(struct stream *stream, const struct machine_result *result)
{
    if (result->task)
        stream->recent_tasks[stream_below(stream, STREAM_RECENT)] = result->task;
}

/* A command with a key was lost on its way back: here it is again, stamped anew. */
static inline bool stream_repeat(struct stream *stream, struct hive_buffer *buffer)
{
    const struct hive_buffer *old = &stream->keyed[stream_below(stream, STREAM_KEYED)];
    if (!old->size)
        return false;
    hive_buffer_clear(buffer);
    hive_buffer_append(buffer, old->data, old->size);
    for (size_t i = 0; i < 8; i++)
        buffer->data[2 + i] = (char)(stream->time_ms >> 8 * i);
    return true;
}

/* The next command, for log entry `index`: few keys, drones and tasks. */
static inline void stream_next(struct stream *stream, uint64_t index, struct hive_buffer *buffer)
{
    char key[16], address[16], secret[16], name[16];
    /* Leaders' clocks do not agree: time goes back now and then. Sessions expire after some thousand commands. */
    stream->time_ms += (int64_t)stream_below(stream, 500) - 100;
    if (stream_below(stream, 12) == 0 && stream_repeat(stream, buffer))
        return;
    snprintf(key, sizeof key, "key-%u", (unsigned)stream_below(stream, 40));
    snprintf(address, sizeof address, "h:%u", (unsigned)stream_below(stream, 3));
    snprintf(secret, sizeof secret, "%.*s", (int)stream_below(stream, 4), "abc");
    snprintf(name, sizeof name, "name-%u", (unsigned)stream_below(stream, 400));
    struct machine_command command = {
        .type = 1 + (enum machine_command_type)stream_below(stream, 7),
        .time_ms = stream->time_ms,
        .key = bytes_of(key),
        .value = bytes_of(address),
        .condition = (enum machine_condition)stream_below(stream, 4),
        .condition_index = index - stream_below(stream, index < 20 ? index : 20),
        .drone = bytes_of(address),
        .name = bytes_of(key),
        .secret = bytes_of(secret),
        .capacity = (uint32_t)stream_below(stream, 400),
        .text = bytes_of(key),
        .detail = bytes_of(secret),
        .task = stream->recent_tasks[stream_below(stream, STREAM_RECENT)],
        .attempt = 1 + (uint32_t)stream_below(stream, 2),
        .state = MACHINE_TASK_RUNNING + (enum machine_task_state)stream_below(stream, 5),
    };
    if (stream_below(stream, 16) == 0)
        command.state = MACHINE_TASK_PENDING; /* given back */
    /* Drones live long enough to work. */
    if (command.type == MACHINE_DRONE_REMOVE && stream_below(stream, 64))
        command.type = MACHINE_TASK_UPDATE;
    if (stream_below(stream, 8) == 0)
        command.idempotency_key = bytes_of(name);
    hive_buffer_clear(buffer);
    machine_command_encode(&command, buffer);
    if (command.idempotency_key.size) {
        struct hive_buffer *place = &stream->keyed[stream_below(stream, STREAM_KEYED)];
        hive_buffer_clear(place);
        hive_buffer_append(place, buffer->data, buffer->size);
    }
    /* The head, which has the time, stays whole: a leader a million years ahead would end all sessions for ever. */
    if (stream_below(stream, 50) == 0)
        buffer->data[buffer->size - 1 - stream_below(stream, buffer->size - 10)] ^=
            (char)(1 + stream_below(stream, 255));
}

#endif
