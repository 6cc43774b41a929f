/* The server as a whole: starts the threads, and ends them without losing an answer that somebody is owed.
 *
 * Each epoll thread is a libmicrohttpd daemon of its own without a listening socket; see acceptor.c for why.
 */
#include "server/internal.h"

#include <errno.h>
#include <signal.h>

#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "server/held.h"
#include "server/stream.h"

static void log_message(void *context, const char *format, va_list arguments)
{
    char text[512], *message = text;
    (void)context;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    hive_log_debug("http server", LOG_S("message", message));
}

static struct MHD_Daemon *start_daemon(struct hive_server *server)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, request_handle, server,                              //
                            MHD_OPTION_EXTERNAL_LOGGER, log_message, NULL,                             //
                            MHD_OPTION_URI_LOG_CALLBACK, request_create, server,                       //
                            MHD_OPTION_NOTIFY_COMPLETED, request_destroy, server,                      //
                            MHD_OPTION_NOTIFY_CONNECTION, acceptor_note_connection, &server->acceptor, //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HIVE_CONNECTION_BYTES,         //
                            MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)(HIVE_CONNECTIONS + HIVE_CONNECTIONS_RESERVED),     //
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HIVE_IDLE_TIMEOUT_S, //
                            MHD_OPTION_END);
}

/* Threads started here leave all signals to those that the program made for them. */
static int start_threads(struct hive_server *server, int threads, struct hive_error *error)
{
    struct acceptor *acceptor = &server->acceptor;
    sigset_t all, before;
    int result = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    acceptor->daemons = hive_calloc((size_t)threads, sizeof *acceptor->daemons);
    while (acceptor->daemon_count < threads && result == 0) {
        struct MHD_Daemon *daemon = start_daemon(server);
        if (daemon)
            acceptor->daemons[acceptor->daemon_count++] = daemon;
        else
            result = hive_error_set(error, -EAGAIN, "cannot start the HTTP server's threads: %s",
                                    errno ? strerror(errno) : "libmicrohttpd refused");
    }
    if (result == 0)
        result = minder_start(&server->minder, server, error);
    if (result == 0)
        result = acceptor_start(acceptor, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void free_server(struct hive_server *server)
{
    for (int i = 0; i < server->acceptor.daemon_count; i++)
        MHD_stop_daemon(server->acceptor.daemons[i]);
    free(server->acceptor.daemons);
    minder_stop(&server->minder);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->token);
    free(server);
}

int hive_server_start(const struct hive_server_config *config, struct hive_server **server_out,
                      struct hive_error *error)
{
    struct listener listener;
    int result = config->listen_socket >= 0
                     ? listener_adopt(&listener, config->listen_socket, error)
                     : listener_open(&listener, config->address, config->address_bytes, error);
    if (result)
        return result;
    struct hive_server *server = hive_calloc(1, sizeof *server);
    server->routes = config->routes;
    server->context = config->context;
    server->token = hive_strdup(config->token);
    server->token_for_public = config->token_for_public;
    server->wait = config->wait;
    server->port = listener_port(&listener);
    server->acceptor.listener = listener;
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    result = start_threads(server, config->threads > 0 ? config->threads : 1, error);
    if (result) {
        listener_close(&server->acceptor.listener);
        free_server(server);
        return result;
    }
    *server_out = server;
    return 0;
}

uint16_t hive_server_port(const struct hive_server *server)
{
    return server->port;
}

void hive_server_quiesce(struct hive_server *server)
{
    acceptor_stop(&server->acceptor);
}

/* Waits until the clients have taken their answers, but no longer than HIVE_FLUSH_MS: one that does not read
 * must not keep the server from ending. */
static void wait_until_sent(struct hive_server *server)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += HIVE_FLUSH_MS / 1000;
    deadline.tv_nsec += HIVE_FLUSH_MS % 1000 * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    while (server->unsent && pthread_cond_timedwait(&server->changed, &server->lock, &deadline) != ETIMEDOUT)
        ;
}

void hive_server_destroy(struct hive_server *server)
{
    if (!server)
        return;
    hive_server_quiesce(server);
    pthread_mutex_lock(&server->lock);
    server->is_ending = true;
    streams_end(server);
    held_release_all(server);
    while (server->unanswered)
        pthread_cond_wait(&server->changed, &server->lock);
    wait_until_sent(server);
    pthread_mutex_unlock(&server->lock);
    free_server(server);
}

bool server_admit(struct hive_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool is_admitted = !server->is_ending;
    if (is_admitted) {
        server->unanswered++;
        server->unsent++;
    }
    pthread_mutex_unlock(&server->lock);
    return is_admitted;
}

/* Takes one off `*count` and tells a server that is ending. */
static void count_down(struct hive_server *server, unsigned *count)
{
    pthread_mutex_lock(&server->lock);
    if (--*count == 0 && server->is_ending)
        pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void server_note_answered(struct hive_server *server)
{
    count_down(server, &server->unanswered);
}

void server_note_sent(struct hive_server *server)
{
    count_down(server, &server->unsent);
}
