/* A thread that minds streams whose connections are suspended: libmicrohttpd does not look at those. */
#ifndef SERVER_MINDER_H
#define SERVER_MINDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"

struct hive_server;

struct minder {
    struct hive_server *server;
    int events;     /* epoll: sockets of streams, and `wake_event` */
    int wake_event; /* the thread shall look what has changed */
    pthread_t thread;
    bool is_running;
    bool is_ending; /* the server's lock */
};

/* Starts the thread. 0 or a negative errno and a message. */
int minder_start(struct minder *minder, struct hive_server *server, struct hive_error *error);
/* May be called where it was never started. */
void minder_stop(struct minder *minder);

/* There are streams now. Any thread. */
void minder_wake(struct minder *minder);

/* Looks out for the end of the client's side of this socket, and then tells the stream `number`. */
void minder_add(struct minder *minder, int descriptor, uint64_t number);
/* Before the socket is closed or used for something else. */
void minder_remove(struct minder *minder, int descriptor);

#endif
