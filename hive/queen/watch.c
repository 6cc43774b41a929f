/* A ring of the newest changes, and who wants to hear of the next one.
 *
 * The consensus thread must never wait for a watcher. So an event that is read is only held (a count, not a
 * copy), and is turned into text by the reader without the lock; a read looks at a part of the ring at a
 * time; and a watcher is told once, not for each event, until it has read all there was. One that is asleep
 * because nothing concerns it is still told from time to time: its place in the log must not be forgotten
 * while it sleeps. */
#include "queen/watch.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "hive/memory.h"

/* What one read looks at, and takes, while the lock is held. */
#define LOOKED_AT_ONCE 1024
#define TAKEN_AT_ONCE  32
/* A watcher that sleeps is told when this part of the ring was filled with what does not concern it. */
#define SLEEP_PART 4

/* An event and its bytes. Held by the ring, and by those who read it just now. */
struct stored {
    atomic_uint holders;
    struct watch_event event;
    char bytes[]; /* key, then value */
};

struct watcher {
    struct watcher *next, **link;
    void (*wake)(void *context);
    void *context;
    bool is_asleep;      /* it has read everything, or waits for `until`: to be told */
    uint64_t until;      /* asleep and ahead of this queen: the index it waits for; 0: it is not ahead */
    size_t slept_events; /* published since it fell asleep */
    size_t slept_bytes;  /* … and their size */
    struct hive_buffer prefix;
};

struct watch_hub {
    pthread_mutex_t lock; /* guards all */
    struct stored **ring; /* HIVE_WATCH_EVENTS places; the oldest at `first` */
    size_t first, count;
    size_t bytes;       /* of all events in the ring */
    uint64_t forgotten; /* everything behind it is in the ring */
    uint64_t index;     /* everything up to it was applied */
    struct watcher *watchers;
    unsigned watcher_count;
};

static size_t bytes_of(const struct watch_event *event)
{
    return sizeof(struct stored) + event->key.size + event->value.size;
}

static struct stored *store(const struct watch_event *event)
{
    struct stored *stored = hive_malloc(bytes_of(event));
    atomic_init(&stored->holders, 1);
    stored->event = *event;
    stored->event.key.data = stored->bytes;
    stored->event.value.data = stored->bytes + event->key.size;
    memcpy(stored->bytes, event->key.data, event->key.size);
    if (event->value.size)
        memcpy(stored->bytes + event->key.size, event->value.data, event->value.size);
    return stored;
}

static void let_go(struct stored *stored)
{
    if (atomic_fetch_sub(&stored->holders, 1) == 1)
        free(stored);
}

static struct stored **place(const struct watch_hub *hub, size_t at)
{
    return &hub->ring[(hub->first + at) % HIVE_WATCH_EVENTS];
}

struct watch_hub *watch_hub_create(uint64_t index)
{
    struct watch_hub *hub = hive_calloc(1, sizeof *hub);
    pthread_mutex_init(&hub->lock, NULL);
    hub->ring = hive_calloc(HIVE_WATCH_EVENTS, sizeof(struct stored *));
    hub->forgotten = hub->index = index;
    return hub;
}

/* Forgets the oldest event. */
static void forget(struct watch_hub *hub)
{
    struct stored *oldest = *place(hub, 0);
    hub->forgotten = oldest->event.index;
    hub->bytes -= bytes_of(&oldest->event);
    hub->first = (hub->first + 1) % HIVE_WATCH_EVENTS;
    hub->count--;
    let_go(oldest);
}

void watch_hub_destroy(struct watch_hub *hub)
{
    if (!hub)
        return;
    assert(!hub->watchers);
    while (hub->count)
        forget(hub);
    pthread_mutex_destroy(&hub->lock);
    free(hub->ring);
    free(hub);
}

static void tell(struct watcher *watcher)
{
    watcher->is_asleep = false;
    watcher->wake(watcher->context);
}

static bool concerns(const struct watcher *watcher, const struct watch_event *event)
{
    return event->key.size >= watcher->prefix.size &&
           (!watcher->prefix.size || !memcmp(event->key.data, watcher->prefix.data, watcher->prefix.size));
}

/* Tells of an event whoever it concerns, and who has slept through many. */
static void tell_of(struct watch_hub *hub, const struct watch_event *event)
{
    for (struct watcher *watcher = hub->watchers; watcher; watcher = watcher->next) {
        if (!watcher->is_asleep)
            continue;
        watcher->slept_events++;
        watcher->slept_bytes += bytes_of(event);
        bool is_due = watcher->slept_events >= HIVE_WATCH_EVENTS / SLEEP_PART ||
                      watcher->slept_bytes >= HIVE_WATCH_BYTES / SLEEP_PART;
        if (watcher->until ? watcher->until <= event->index : is_due || concerns(watcher, event))
            tell(watcher);
    }
}

void watch_hub_publish(struct watch_hub *hub, const struct watch_event *event)
{
    struct stored *stored = store(event);
    pthread_mutex_lock(&hub->lock);
    assert(event->index > hub->index);
    size_t bytes = bytes_of(event);
    while (hub->count == HIVE_WATCH_EVENTS || (hub->count && hub->bytes + bytes > HIVE_WATCH_BYTES))
        forget(hub);
    *place(hub, hub->count++) = stored;
    hub->bytes += bytes;
    hub->index = event->index;
    tell_of(hub, event);
    pthread_mutex_unlock(&hub->lock);
}

void watch_hub_advance(struct watch_hub *hub, uint64_t index)
{
    pthread_mutex_lock(&hub->lock);
    if (index > hub->index) {
        hub->index = index;
        for (struct watcher *watcher = hub->watchers; watcher; watcher = watcher->next)
            if (watcher->is_asleep && watcher->until && watcher->until <= index)
                tell(watcher);
    }
    pthread_mutex_unlock(&hub->lock);
}

void watch_hub_reset(struct watch_hub *hub, uint64_t index)
{
    pthread_mutex_lock(&hub->lock);
    while (hub->count)
        forget(hub);
    hub->forgotten = hub->index = index;
    for (struct watcher *watcher = hub->watchers; watcher; watcher = watcher->next)
        if (watcher->is_asleep)
            tell(watcher);
    pthread_mutex_unlock(&hub->lock);
}

uint64_t watch_hub_index(struct watch_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    uint64_t index = hub->index;
    pthread_mutex_unlock(&hub->lock);
    return index;
}

struct watcher *watch_hub_join(struct watch_hub *hub, struct machine_bytes prefix,
                               void (*wake)(void *context), void *context)
{
    struct watcher *watcher = hive_calloc(1, sizeof *watcher);
    watcher->wake = wake;
    watcher->context = context;
    hive_buffer_append(&watcher->prefix, prefix.data, prefix.size);
    pthread_mutex_lock(&hub->lock);
    bool is_welcome = hub->watcher_count < HIVE_WATCHERS;
    if (is_welcome) {
        hub->watcher_count++;
        watcher->next = hub->watchers;
        watcher->link = &hub->watchers;
        if (watcher->next)
            watcher->next->link = &watcher->next;
        hub->watchers = watcher;
    }
    pthread_mutex_unlock(&hub->lock);
    if (is_welcome)
        return watcher;
    hive_buffer_finish(&watcher->prefix);
    free(watcher);
    return NULL;
}

void watch_hub_leave(struct watch_hub *hub, struct watcher *watcher)
{
    pthread_mutex_lock(&hub->lock);
    *watcher->link = watcher->next;
    if (watcher->next)
        watcher->next->link = watcher->link;
    hub->watcher_count--;
    pthread_mutex_unlock(&hub->lock);
    hive_buffer_finish(&watcher->prefix);
    free(watcher);
}

/* The place of the oldest event behind `after`; `count` where there is none. */
static size_t find(const struct watch_hub *hub, uint64_t after)
{
    size_t low = 0, high = hub->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((*place(hub, middle))->event.index > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void fall_asleep(struct watcher *watcher, uint64_t until)
{
    watcher->is_asleep = true;
    watcher->until = until;
    watcher->slept_events = watcher->slept_bytes = 0;
}

/* Takes hold of some of the watcher's events. With the lock held. */
static size_t take(struct watch_hub *hub, struct watcher *watcher, uint64_t after,
                   struct stored *taken[TAKEN_AT_ONCE], uint64_t *seen)
{
    size_t count = 0, at = find(hub, after), looked_at = 0;
    *seen = after;
    while (at < hub->count && count < TAKEN_AT_ONCE && looked_at < LOOKED_AT_ONCE) {
        struct stored *stored = *place(hub, at++);
        looked_at++;
        *seen = stored->event.index;
        if (concerns(watcher, &stored->event)) {
            atomic_fetch_add(&stored->holders, 1);
            taken[count++] = stored;
        }
    }
    if (at == hub->count)
        *seen = hub->index; /* nothing but other entries of the log behind the last event */
    if (*seen == after)
        fall_asleep(watcher, 0);
    return count;
}

int watch_hub_read(struct watch_hub *hub, struct watcher *watcher, uint64_t after,
                   bool (*visit)(const struct watch_event *event, void *context), void *context,
                   uint64_t *seen)
{
    struct stored *taken[TAKEN_AT_ONCE];
    size_t count = 0;
    int result = 0;
    pthread_mutex_lock(&hub->lock);
    watcher->is_asleep = false;
    *seen = after;
    if (after < hub->forgotten) {
        result = -ESTALE;
        *seen = hub->forgotten;
    } else if (after > hub->index) {
        result = -EAGAIN;
        fall_asleep(watcher, after);
    } else {
        count = take(hub, watcher, after, taken, seen);
    }
    pthread_mutex_unlock(&hub->lock);
    bool is_taken = true;
    for (size_t i = 0; i < count; i++) {
        if (is_taken && !(is_taken = visit(&taken[i]->event, context)))
            *seen = taken[i]->event.index - 1;
        let_go(taken[i]);
    }
    return result;
}
