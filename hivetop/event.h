/* What happened, in the order in which it happened: bounded, the oldest go first. Pure. */
#ifndef HIVETOP_EVENT_H
#define HIVETOP_EVENT_H

#include <stddef.h>
#include <stdint.h>

#define EVENT_CAPACITY   512 /* 16 queens with all their HIVE_TRANSITIONS; more than any screen shows */
#define EVENT_TEXT_BYTES 256

enum event_level { EVENT_INFO, EVENT_GOOD, EVENT_WARNING, EVENT_BAD };
extern const char *const event_level_names[]; /* "info", "good", "warning", "bad" */

struct event {
    int64_t time_ms; /* unix */
    uint64_t serial; /* its own for good, from 1: events change their places */
    enum event_level level;
    char text[EVENT_TEXT_BYTES];
};

struct events {
    struct event *items; /* owned; oldest first */
    size_t count;
    uint64_t last_serial;
};

void events_finish(struct events *events);

/* Puts an event to its place in time: nodes report what happened between two polls, also long ago. */
void events_add(struct events *events, int64_t time_ms, enum event_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
