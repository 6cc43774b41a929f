/* A heap with four children a parent: half as deep as one with two, and the children share cache lines. */
#include "sim/events.h"

#include "hive/memory.h"

#define CHILDREN 4

static bool is_before(const struct sim_event *one, const struct sim_event *other)
{
    return one->at_us < other->at_us || (one->at_us == other->at_us && one->order < other->order);
}

static void discard(struct sim_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i].owns_argument)
            free(events[i].argument);
    }
    free(events);
}

void sim_events_finish(struct sim_events *events)
{
    discard(events->heap, events->count);
    *events = (struct sim_events){0};
}

uint64_t sim_events_add(struct sim_events *events, const struct sim_event *event)
{
    if (events->count == events->capacity) {
        events->capacity = events->capacity ? events->capacity * 2 : 256;
        events->heap = hive_realloc(events->heap, events->capacity, sizeof *events->heap);
    }
    struct sim_event added = *event;
    added.order = ++events->order;
    size_t at = events->count++;
    while (at > 0 && is_before(&added, &events->heap[(at - 1) / CHILDREN])) {
        events->heap[at] = events->heap[(at - 1) / CHILDREN];
        at = (at - 1) / CHILDREN;
    }
    events->heap[at] = added;
    return added.order;
}

struct sim_event sim_events_take(struct sim_events *events)
{
    struct sim_event first = events->heap[0];
    struct sim_event moved = events->heap[--events->count];
    size_t at = 0;
    for (;;) {
        size_t child = at * CHILDREN + 1, end = child + CHILDREN, least = child;
        if (child >= events->count)
            break;
        for (end = end < events->count ? end : events->count; child < end; child++) {
            if (is_before(&events->heap[child], &events->heap[least]))
                least = child;
        }
        if (!is_before(&events->heap[least], &moved))
            break;
        events->heap[at] = events->heap[least];
        at = least;
    }
    events->heap[at] = moved;
    return first;
}

void sim_event_list_add(struct sim_event_list *list, const struct sim_event *event)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->events = hive_realloc(list->events, list->capacity, sizeof *list->events);
    }
    list->events[list->count++] = *event;
}

void sim_event_list_finish(struct sim_event_list *list)
{
    discard(list->events, list->count);
    *list = (struct sim_event_list){0};
}
