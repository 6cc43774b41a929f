/* What the files of the server share: the server itself, and the life of one request. */
#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hive/limits.h"
#include "hive/server.h"
#include "server/acceptor.h"
#include "server/minder.h"
#include "server/target.h"

struct hive_server {
    const struct hive_route *routes;
    void *context;
    char *token; /* owned; NULL: none is set */
    bool token_for_public;
    hive_answer_wait *wait; /* or NULL */
    uint16_t port;
    struct acceptor acceptor; /* accepts, and deals the connections out to the daemons */

    /* Requests that a handler has seen. `lock` guards all that follows. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_ending;      /* no handler is called any more */
    unsigned unanswered; /* … and that nobody has answered yet, or whose answerer still needs the server */
    unsigned unsent;     /* … and that are not over: the answer is on its way, or not there yet */
    struct hive_stream *streams; /* doubly linked: those that are not closed */
    struct hive_request *held;   /* singly linked: those whose answers wait */
    uint64_t stream_number;      /* of the last stream that was opened, or answer that was held */
    struct minder minder;        /* a thread that looks after them */
};

/* A handler is about to see a request: false where the server is ending and it must not. */
bool server_admit(struct hive_server *server);
/* Such a request was answered … */
void server_note_answered(struct hive_server *server);
/* … and is over, whether or not its client took the answer. */
void server_note_sent(struct hive_server *server);

/* Who continues a request once its handler has returned. Two threads may meet here, the server's own and the
 * one that answers; each changes the state in one atomic step, and what it finds there tells it what to do.
 */
enum request_state {
    REQUEST_RUNNING,   /* not answered yet, its connection not suspended */
    REQUEST_SUSPENDED, /* not answered yet: whoever answers also resumes the connection */
    REQUEST_ANSWERED,  /* `response` and `status` are there, to be sent by the server's thread */
};

struct hive_request {
    struct hive_server *server;
    struct MHD_Connection *connection;
    const char *method; /* libmicrohttpd's; NULL until the headers were read */
    struct target target;
    struct hive_error target_error; /* empty: the target is valid */
    const struct hive_route *route; /* NULL: refused before one was found */
    unsigned segment_count;
    struct {
        char *text; /* owned */
        size_t bytes;
    } segments[HIVE_ROUTE_SEGMENTS];
    struct hive_buffer body;
    uint64_t body_bytes;        /* received, kept or dropped */
    struct hive_buffer headers; /* of the answer: name NUL value NUL … */
    bool is_admitted;           /* counted in `unanswered` until answered, in `unsent` until the end */
    struct MHD_Response *response;
    unsigned status;
    struct hive_stream *stream; /* owned; NULL: the answer is no stream */
    /* Where the answer is held back; the server's lock guards it. */
    struct hive_request *next_held;
    uint64_t held_number;
    int64_t due_ms; /* monotonic */
    _Atomic enum request_state state;
};

/* libmicrohttpd's callbacks; `context` is the server. */
void *request_create(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload_data,
                               size_t *upload_bytes, void **request);
void request_destroy(void *context, struct MHD_Connection *connection, void **request,
                     enum MHD_RequestTerminationCode code);

/* Takes the answer's content type and the headers set so far, and hands it over (request_publish). */
void request_reply(struct hive_request *request, unsigned status, const char *content_type,
                   struct MHD_Response *response);

/* Takes the finished answer, and lets go of it now or later. From here on the request may be gone. */
void request_publish(struct hive_request *request, unsigned status, struct MHD_Response *response);

/* Hands the answer over to the server's thread; where it was lost, that closes the connection. From here on the request may be gone. */
void request_release(struct hive_request *request);

#endif
