/* Accepts connections on a thread of its own and deals them out to the daemons. */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "hive/error.h"
#include "server/listener.h"

struct acceptor {
    struct listener listener;
    struct MHD_Daemon **daemons; /* owned array; each has one thread */
    int daemon_count;
    unsigned turn;          /* whose turn it is; the thread's own */
    atomic_int connections; /* open ones, of all daemons */
    int stop_event;         /* readable: the thread shall end */
    pthread_t thread;
    bool is_running;
};

/* Starts the thread. 0 or a negative errno and a message. */
int acceptor_start(struct acceptor *acceptor, struct hive_error *error);

/* Ends the thread and closes the listening socket. May be called again. */
void acceptor_stop(struct acceptor *acceptor);

/* libmicrohttpd's callback: keeps `connections`. `context` is the acceptor. */
void acceptor_note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                              enum MHD_ConnectionNotificationCode code);

#endif
