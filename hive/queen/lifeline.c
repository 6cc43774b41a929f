/* The lifeline: one thread, one connection, and a poll that waits for its end.
 *
 * The kernel closes the sockets of a process that died. So whoever had a connection learns of the death at once, and a second connection
 * that is refused tells it from a mere close: a server closes what is idle for long, or what is too much for it, and goes on listening.
 * The listening socket of a dying process may outlive the accepted ones by some milliseconds, and take connections that nobody will
 * answer: hence the short pauses at first.
 *
 * Names are resolved here, too, as often as somebody leads who is known by one, and that may take as long as a name server is silent. Who
 * stops the lifeline does not wait for that: the thread is left alone then, and frees what it needs when it comes back.
 *
 * Where the rules of faults cut the leader off, no new connection is tried: then nobody can be refused, and the timer decides, as it
 * would if the network were broken.
 *
 * A first connection that is refused means nothing: the leader lives, as its messages show, and may be known by an address that
 * does not lead to it from here. */
#include "queen/lifeline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults/faults.h"
#include "hive/address.h"
#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/queen.h"

#define CONNECT_MS    1000 /* for a connection; a machine that is down gives no answer */
#define RETRY_MIN_MS  1    /* between attempts that lead to nothing, … */
#define RETRY_MAX_MS  1000 /* … in the end */
#define SHORT_LIFE_MS 1000 /* a connection that ends sooner is not made again at once, time after time */

struct target {
    raft_id id; /* 0: nobody is to be watched */
    char address[HIVE_ADDRESS_BYTES];
    uint64_t version; /* counts the changes */
};

struct lifeline {
    struct queen *queen;   /* not to be touched once is_stopping is seen; nor are the faults */
    struct faults *faults; /* or NULL */
    raft_id own;
    int event; /* written to when there is news for the thread */
    pthread_t thread;
    bool is_started;

    pthread_mutex_t lock; /* guards: */
    struct target target;
    bool is_stopping;
    bool is_resolving; /* the thread may be away for long */
    int holders;       /* the thread and the owner; the last one frees it */

    /* The thread's own. */
    struct target watched;
    int connection;      /* -1: none */
    bool had_connection; /* to this leader */
    bool has_told;       /* that it is gone */
    int64_t connected_ms, retry_ms;
};

/* ---- from outside ---- */

static void ring(struct lifeline *lifeline)
{
    uint64_t one = 1;
    while (write(lifeline->event, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void lifeline_set_leader(struct lifeline *lifeline, const char *address, raft_id id)
{
    if (!lifeline)
        return;
    if (id == lifeline->own || !address || !*address)
        id = 0;
    pthread_mutex_lock(&lifeline->lock);
    struct target *target = &lifeline->target;
    bool is_new = id != target->id || (id && strcmp(address, target->address) != 0);
    if (is_new) {
        target->id = id;
        target->version++;
        snprintf(target->address, sizeof target->address, "%s", id ? address : "");
    }
    pthread_mutex_unlock(&lifeline->lock);
    if (is_new)
        ring(lifeline);
}

/* ---- the thread ---- */

/* Waits for news from outside, and for the connection where there is one. True: the connection is ready for `events`, or has
 * ended. The caller then looks for news: the bell only says that there may be some. */
static bool wait_for(struct lifeline *lifeline, short events, int64_t timeout_ms)
{
    uint64_t count;
    struct pollfd waits[] = {{.fd = lifeline->event, .events = POLLIN},
                             {.fd = lifeline->connection, .events = events}};
    if (poll(waits, 2, (int)timeout_ms) < 0)
        return false;
    if (waits[0].revents && read(lifeline->event, &count, sizeof count) < 0 && errno != EAGAIN)
        abort(); /* cannot happen to an eventfd */
    return waits[1].revents != 0;
}

static void drop_connection(struct lifeline *lifeline)
{
    if (lifeline->connection >= 0)
        close(lifeline->connection);
    lifeline->connection = -1;
}

/* Takes what was set from outside; false when the thread is to end. */
static bool take_news(struct lifeline *lifeline)
{
    pthread_mutex_lock(&lifeline->lock);
    bool goes_on = !lifeline->is_stopping, is_new = lifeline->target.version != lifeline->watched.version;
    lifeline->watched = lifeline->target;
    pthread_mutex_unlock(&lifeline->lock);
    if (is_new) {
        drop_connection(lifeline);
        lifeline->had_connection = lifeline->has_told = false;
        lifeline->retry_ms = RETRY_MIN_MS;
    }
    return goes_on;
}

/* Is the news of the thread still the newest? */
static bool is_current(struct lifeline *lifeline)
{
    pthread_mutex_lock(&lifeline->lock);
    bool is_so = !lifeline->is_stopping && lifeline->target.version == lifeline->watched.version;
    pthread_mutex_unlock(&lifeline->lock);
    return is_so;
}

/* Whether the thread may do what cannot be interrupted; it says so before and after. */
static bool set_resolving(struct lifeline *lifeline, bool is_resolving)
{
    pthread_mutex_lock(&lifeline->lock);
    lifeline->is_resolving = is_resolving && !lifeline->is_stopping;
    bool goes_on = !lifeline->is_stopping;
    pthread_mutex_unlock(&lifeline->lock);
    return goes_on;
}

/* 0, or a positive errno. */
static int resolve(struct lifeline *lifeline, struct sockaddr_storage *socket_address, socklen_t *bytes)
{
    struct hive_address address;
    if (hive_address_parse(lifeline->watched.address, &address, NULL) || !set_resolving(lifeline, true))
        return EHOSTUNREACH;
    int result = hive_address_resolve(&address, socket_address, bytes, NULL);
    return set_resolving(lifeline, false) && result == 0 ? 0 : EHOSTUNREACH;
}

/* How the connection that was begun has ended up: 0, or a positive errno. */
static int await_connection(struct lifeline *lifeline)
{
    int64_t now_ms, end_ms = hive_clock_monotonic_ms() + CONNECT_MS;
    while (is_current(lifeline) && (now_ms = hive_clock_monotonic_ms()) < end_ms) {
        if (!wait_for(lifeline, POLLOUT, end_ms - now_ms))
            continue;
        int code = 0;
        socklen_t bytes = sizeof code;
        getsockopt(lifeline->connection, SOL_SOCKET, SO_ERROR, &code, &bytes);
        return code;
    }
    return ETIMEDOUT;
}

/* What the rules say of the first packet to the leader; sits out its delay. 0, or a positive errno. */
static int pass_faults(struct lifeline *lifeline)
{
    int64_t delay_ms = faults_judge(lifeline->faults, lifeline->watched.address);
    if (delay_ms == FAULTS_LOST)
        return ETIMEDOUT;
    if (delay_ms > 0)
        wait_for(lifeline, 0, delay_ms);
    return is_current(lifeline) ? 0 : ECANCELED;
}

/* 0, or a positive errno. */
static int connect_to_leader(struct lifeline *lifeline)
{
    struct sockaddr_storage socket_address;
    socklen_t bytes;
    int code = pass_faults(lifeline);
    if (!code)
        code = resolve(lifeline, &socket_address, &bytes);
    if (code)
        return code;
    lifeline->connection = socket(socket_address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (lifeline->connection < 0)
        return errno;
    if (connect(lifeline->connection, (struct sockaddr *)&socket_address, bytes))
        code = errno == EINPROGRESS ? await_connection(lifeline) : errno;
    if (code)
        drop_connection(lifeline);
    return code;
}

static void tell(struct lifeline *lifeline)
{
    const char *address = lifeline->watched.address;
    lifeline->has_told = true;
    hive_log_info("the leader's process has ended", LOG_S("leader", address));
    queen_leader_gone(lifeline->queen, lifeline->watched.id);
}

/* Sits out the time between two attempts, unless there is news. */
static void hold_back(struct lifeline *lifeline)
{
    wait_for(lifeline, 0, lifeline->retry_ms);
    lifeline->retry_ms = lifeline->retry_ms * 2 < RETRY_MAX_MS ? lifeline->retry_ms * 2 : RETRY_MAX_MS;
}

/* Makes the connection, or learns that nobody listens. */
static void try_to_connect(struct lifeline *lifeline)
{
    int code = connect_to_leader(lifeline);
    if (!code) {
        lifeline->connected_ms = hive_clock_monotonic_ms();
        lifeline->had_connection = true;
        return;
    }
    if (code == ECONNRESET) /* it was there, and is gone already; who does not listen refuses */
        lifeline->had_connection = true;
    if (code == ECONNREFUSED && lifeline->had_connection && !lifeline->has_told && is_current(lifeline))
        tell(lifeline);
    hold_back(lifeline);
}

/* Waits for the end of the connection. Nothing is ever said over it, but what does come is not in the way. */
static void watch(struct lifeline *lifeline)
{
    char bytes[256];
    if (!wait_for(lifeline, POLLIN | POLLRDHUP, -1))
        return;
    ssize_t count = recv(lifeline->connection, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    drop_connection(lifeline);
    if (hive_clock_monotonic_ms() - lifeline->connected_ms >= SHORT_LIFE_MS)
        lifeline->retry_ms = RETRY_MIN_MS;
    else if (lifeline->retry_ms > RETRY_MIN_MS)
        hold_back(lifeline);
    else
        lifeline->retry_ms *= 2; /* the first time it is worth a look at once */
}

static void let_go(struct lifeline *lifeline)
{
    pthread_mutex_lock(&lifeline->lock);
    bool is_last = --lifeline->holders == 0;
    pthread_mutex_unlock(&lifeline->lock);
    if (!is_last)
        return;
    close(lifeline->event);
    pthread_mutex_destroy(&lifeline->lock);
    free(lifeline);
}

static void *run(void *argument)
{
    struct lifeline *lifeline = argument;
    while (take_news(lifeline)) {
        if (!lifeline->watched.id)
            wait_for(lifeline, 0, -1);
        else if (lifeline->connection < 0)
            try_to_connect(lifeline);
        else
            watch(lifeline);
    }
    drop_connection(lifeline);
    let_go(lifeline);
    return NULL;
}

/* ---- its life ---- */

struct lifeline *lifeline_start(struct queen *queen, raft_id own, struct faults *faults)
{
    struct lifeline *lifeline = hive_calloc(1, sizeof *lifeline);
    lifeline->queen = queen;
    lifeline->faults = faults;
    lifeline->own = own;
    lifeline->holders = 2;
    lifeline->connection = -1;
    lifeline->retry_ms = RETRY_MIN_MS;
    lifeline->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&lifeline->lock, NULL);
    if (lifeline->event < 0 || pthread_create(&lifeline->thread, NULL, run, lifeline))
        abort(); /* for want of memory only, like all threads of a queen */
    lifeline->is_started = true;
    pthread_setname_np(lifeline->thread, "lifeline");
    return lifeline;
}

void lifeline_stop(struct lifeline *lifeline)
{
    if (!lifeline || !lifeline->is_started)
        return;
    pthread_mutex_lock(&lifeline->lock);
    lifeline->is_stopping = true;
    bool is_away = lifeline->is_resolving;
    if (is_away)
        pthread_detach(lifeline->thread); /* with the lock held: it is still there */
    pthread_mutex_unlock(&lifeline->lock);
    ring(lifeline);
    if (!is_away)
        pthread_join(lifeline->thread, NULL);
    lifeline->is_started = false;
}

void lifeline_destroy(struct lifeline *lifeline)
{
    if (!lifeline)
        return;
    lifeline_stop(lifeline);
    let_go(lifeline);
}
