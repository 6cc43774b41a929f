/* The list behind the events panel. Role changes arrive late and from several nodes; here they get into line.
 */
#include "event.h"

#include <stdarg.h>

#include "hive/memory.h"

const char *const event_level_names[] = {"info", "good", "warning", "bad"};

void events_finish(struct events *events)
{
    free(events->items);
    *events = (struct events){0};
}

void events_add(struct events *events, int64_t time_ms, enum event_level level, const char *format, ...)
{
    if (!events->items)
        events->items = hive_calloc(EVENT_CAPACITY, sizeof *events->items);
    size_t at = events->count;
    while (at > 0 && events->items[at - 1].time_ms > time_ms)
        at--;
    if (events->count == EVENT_CAPACITY) {
        if (at == 0)
            return; /* older than all that is kept */
        memmove(&events->items[0], &events->items[1], (at - 1) * sizeof *events->items);
        at--;
    } else {
        memmove(&events->items[at + 1], &events->items[at], (events->count - at) * sizeof *events->items);
        events->count++;
    }
    struct event *event = &events->items[at];
    event->time_ms = time_ms;
    event->serial = ++events->last_serial;
    event->level = level;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event->text, sizeof event->text, format, arguments);
    va_end(arguments);
}
