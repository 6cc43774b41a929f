/* Why a thread: while a connection is suspended nobody sees that its client has gone, and a stream that waits
 * for news would stay until there are some. Clients that come and go would fill the server with streams to
 * nobody. The same thread asks sources again that want to say something from time to time, and lets go of answers that were held back. */
#include "server/minder.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hive/clock.h"
#include "server/held.h"
#include "server/internal.h"
#include "server/stream.h"

#define EVENTS 64
/* How often, in milliseconds, it looks whom to ask again; not at all while there are no streams. */
#define TICK_MS 100
/* Numbers of streams begin at 1. */
#define WAKE_NUMBER 0

/* Waits for hang-ups, tells the streams, asks again, and lets go of answers. `*wait_ms`: how long until there is more to do (-1: until
 * something happens). False: the end. */
static bool turn(struct minder *minder, int *wait_ms)
{
    struct hive_server *server = minder->server;
    struct epoll_event events[EVENTS];
    int count = epoll_wait(minder->events, events, EVENTS, *wait_ms);
    if (count < 0 && errno != EINTR)
        abort(); /* cannot happen with a valid descriptor */
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < count; i++) {
        eventfd_t ignored;
        if (events[i].data.u64 == WAKE_NUMBER) {
            eventfd_read(minder->wake_event, &ignored);
            continue;
        }
        streams_note_gone(server, events[i].data.u64);
        held_note_gone(server, events[i].data.u64);
    }
    int64_t now_ms = hive_clock_monotonic_ms();
    streams_ask_again(server, now_ms);
    int64_t held_ms = held_release(server, now_ms);
    *wait_ms = server->streams ? TICK_MS : -1;
    if (held_ms < INT64_MAX && (*wait_ms < 0 || held_ms - now_ms < *wait_ms))
        *wait_ms = (int)(held_ms - now_ms);
    bool is_ending = minder->is_ending;
    pthread_mutex_unlock(&server->lock);
    return !is_ending;
}

static void *run(void *context)
{
    int wait_ms = -1;
    while (turn(context, &wait_ms))
        ;
    return NULL;
}

int minder_start(struct minder *minder, struct hive_server *server, struct hive_error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE_NUMBER};
    minder->server = server;
    minder->events = epoll_create1(EPOLL_CLOEXEC);
    minder->wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = 0;
    if (minder->events < 0 || minder->wake_event < 0 ||
        epoll_ctl(minder->events, EPOLL_CTL_ADD, minder->wake_event, &event))
        result = hive_error_set(error, -errno, "cannot make an event descriptor: %s", strerror(errno));
    if (!result && (result = -pthread_create(&minder->thread, NULL, run, minder)))
        hive_error_set(error, result, "cannot start a thread: %s", strerror(-result));
    if (result) {
        close(minder->events);
        close(minder->wake_event);
        return result;
    }
    pthread_setname_np(minder->thread, "hive-streams");
    minder->is_running = true;
    return 0;
}

void minder_stop(struct minder *minder)
{
    if (!minder->is_running)
        return;
    pthread_mutex_lock(&minder->server->lock);
    minder->is_ending = true;
    pthread_mutex_unlock(&minder->server->lock);
    minder_wake(minder);
    pthread_join(minder->thread, NULL);
    close(minder->events);
    close(minder->wake_event);
    minder->is_running = false;
}

void minder_wake(struct minder *minder)
{
    eventfd_write(minder->wake_event, 1);
}

void minder_add(struct minder *minder, int descriptor, uint64_t number)
{
    /* Once only: whoever has gone does not come back, and the socket goes on being ready. Where the system has
     * no memory for it the stream lives until the next write to it fails. */
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = number};
    epoll_ctl(minder->events, EPOLL_CTL_ADD, descriptor, &event);
}

void minder_remove(struct minder *minder, int descriptor)
{
    epoll_ctl(minder->events, EPOLL_CTL_DEL, descriptor, NULL);
}
