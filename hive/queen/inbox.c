/* The queue into the consensus thread: two arrays that change places, so that taking is one lock for many
 * events. */
#include "queen/inbox.h"

#include <errno.h>
#include <pthread.h>

#include "hive/limits.h"
#include "hive/memory.h"

struct inbox {
    pthread_mutex_t mutex; /* guards all below but `taken` */
    pthread_cond_t filled;
    struct inbox_event *events;
    size_t count, capacity;
    uint64_t durable_write, durable_taken;
    bool is_closed;
    struct inbox_event *taken; /* the consensus thread's own */
    size_t taken_capacity;
};

void inbox_event_finish(struct inbox_event *event)
{
    hive_buffer_finish(&event->command);
    queen_message_free(event->message);
    free(event->change);
    free(event->founding);
    machine_destroy(event->machine);
    event->message = NULL;
    event->change = NULL;
    event->founding = NULL;
    event->machine = NULL;
}

struct inbox *inbox_create(void)
{
    struct inbox *inbox = hive_calloc(1, sizeof *inbox);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&inbox->mutex, NULL);
    pthread_cond_init(&inbox->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    return inbox;
}

void inbox_destroy(struct inbox *inbox)
{
    if (!inbox)
        return;
    pthread_cond_destroy(&inbox->filled);
    pthread_mutex_destroy(&inbox->mutex);
    free(inbox->events);
    free(inbox->taken);
    free(inbox);
}

static void append(struct inbox *inbox, const struct inbox_event *event)
{
    if (inbox->count == inbox->capacity) {
        inbox->capacity = inbox->capacity ? inbox->capacity * 2 : 64;
        inbox->events = hive_realloc(inbox->events, inbox->capacity, sizeof *inbox->events);
    }
    inbox->events[inbox->count++] = *event;
    if (inbox->count == 1)
        pthread_cond_signal(&inbox->filled);
}

enum inbox_result inbox_put(struct inbox *inbox, const struct inbox_event *event)
{
    bool is_bounded = event->type <= INBOX_BACKUP;
    enum inbox_result result = INBOX_TAKEN;
    pthread_mutex_lock(&inbox->mutex);
    if (inbox->is_closed)
        result = INBOX_CLOSED;
    else if (is_bounded && inbox->count >= HIVE_INBOX_EVENTS)
        result = INBOX_FULL;
    else
        append(inbox, event);
    pthread_mutex_unlock(&inbox->mutex);
    return result;
}

void inbox_close(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->is_closed = true;
    pthread_cond_signal(&inbox->filled);
    pthread_mutex_unlock(&inbox->mutex);
}

void inbox_set_durable(struct inbox *inbox, uint64_t write)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->durable_write = write;
    pthread_cond_signal(&inbox->filled);
    pthread_mutex_unlock(&inbox->mutex);
}

bool inbox_take(struct inbox *inbox, int64_t deadline_ms, struct inbox_event **events, size_t *count,
                uint64_t *durable_write)
{
    struct timespec deadline = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    pthread_mutex_lock(&inbox->mutex);
    while (inbox->count == 0 && inbox->durable_write == inbox->durable_taken && !inbox->is_closed) {
        if (pthread_cond_timedwait(&inbox->filled, &inbox->mutex, &deadline) == ETIMEDOUT)
            break;
    }
    struct inbox_event *filled = inbox->events;
    size_t capacity = inbox->capacity;
    bool is_open = !inbox->is_closed;
    *count = inbox->count;
    inbox->events = inbox->taken;
    inbox->capacity = inbox->taken_capacity;
    inbox->count = 0;
    inbox->taken = filled;
    inbox->taken_capacity = capacity;
    *durable_write = inbox->durable_taken = inbox->durable_write;
    pthread_mutex_unlock(&inbox->mutex);
    *events = filled;
    return is_open;
}
