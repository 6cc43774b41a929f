/* Why not let libmicrohttpd accept: its threads take as many connections each as they happen to wake up for;
 * past its limit clients hang unanswered; and taking its listening socket away while it is busy
 * (MHD_quiesce_daemon) can abort the process, because both sides may remove the socket from the same epoll
 * set. Here connections are dealt out in turn, one too many is told so, and the end is the end of one thread.
 */
#include "server/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hive/limits.h"
#include "hive/log.h"

/* How long to wait, in milliseconds, before trying again when the system has no descriptors or memory left.
 */
#define RETRY_MS 50

void acceptor_note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct acceptor *acceptor = context;
    (void)connection;
    (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        atomic_fetch_sub(&acceptor->connections, 1);
}

#define TOO_MANY                                                                                             \
    "{\"type\":\"https://hive.invalid/problems/busy\",\"title\":\"Service Unavailable\",\"status\":503,"     \
    "\"detail\":\"too many open connections: try again later\"}"

static void turn_away(int descriptor)
{
    char answer[512], request[4096];
    int bytes = snprintf(answer, sizeof answer,
                         "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
                         "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n%s",
                         sizeof TOO_MANY - 1, TOO_MANY);
    if (send(descriptor, answer, (size_t)bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        hive_log_debug("client turned away without an answer");
    shutdown(descriptor, SHUT_WR);
    /* Closing with unread bytes would reset the connection, perhaps before the client has read the answer. */
    while (recv(descriptor, request, sizeof request, MSG_DONTWAIT) > 0)
        ;
    close(descriptor);
}

/* Accepts one connection. 0, or a negative errno. */
static int accept_one(struct acceptor *acceptor)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    int one = 1;
    int descriptor =
        accept4(acceptor->listener.socket, (struct sockaddr *)&address, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    if (atomic_fetch_add(&acceptor->connections, 1) >= HIVE_CONNECTIONS + HIVE_CONNECTIONS_RESERVED) {
        atomic_fetch_sub(&acceptor->connections, 1);
        turn_away(descriptor);
        return 0;
    }
    if (address.ss_family != AF_UNIX)
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct MHD_Daemon *daemon = acceptor->daemons[acceptor->turn++ % (unsigned)acceptor->daemon_count];
    if (MHD_add_connection(daemon, descriptor, (struct sockaddr *)&address, bytes) == MHD_NO)
        atomic_fetch_sub(&acceptor->connections, 1);
    return 0;
}

static bool is_out_of_resources(int error_number)
{
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
           error_number == ENOMEM;
}

static void *run(void *context)
{
    struct acceptor *acceptor = context;
    struct pollfd waits[] = {{.fd = acceptor->stop_event, .events = POLLIN},
                             {.fd = acceptor->listener.socket, .events = POLLIN}};
    bool was_short = false;
    for (;;) {
        if (poll(waits, 2, -1) < 0 && errno != EINTR)
            abort(); /* cannot happen with two valid descriptors */
        if (waits[0].revents)
            return NULL;
        int result;
        while ((result = accept_one(acceptor)) == 0)
            was_short = false;
        if (is_out_of_resources(-result)) {
            if (!was_short)
                hive_log_warning("cannot accept connections", LOG_S("reason", strerror(-result)));
            was_short = true;
            poll(waits, 1, RETRY_MS);
        }
    }
}

int acceptor_start(struct acceptor *acceptor, struct hive_error *error)
{
    acceptor->stop_event = eventfd(0, EFD_CLOEXEC);
    if (acceptor->stop_event < 0)
        return hive_error_set(error, -errno, "cannot make an event descriptor: %s", strerror(errno));
    int result = pthread_create(&acceptor->thread, NULL, run, acceptor);
    if (result) {
        close(acceptor->stop_event);
        return hive_error_set(error, -result, "cannot start a thread: %s", strerror(result));
    }
    pthread_setname_np(acceptor->thread, "hive-accept");
    acceptor->is_running = true;
    return 0;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (!acceptor->is_running)
        return;
    eventfd_write(acceptor->stop_event, 1);
    pthread_join(acceptor->thread, NULL);
    close(acceptor->stop_event);
    listener_close(&acceptor->listener);
    acceptor->is_running = false;
}
