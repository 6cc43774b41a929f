/* The HTTP server, over libmicrohttpd: a route table, bodies read whole and capped, answers given at once or
 * later from another thread, or as a stream while they are made. It knows nothing of queens and drones: the
 * daemon and the launcher both use it.
 *
 * Threads: handlers run on the server's own epoll threads and must not block. A request lives until it was
 * answered; hive_request_reply* may be called from any thread, exactly once for each request. Until then its
 * connection is suspended and costs no thread. */
#ifndef HIVE_SERVER_H
#define HIVE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "hive/buffer.h"
#include "hive/error.h"

struct hive_server;

/* One request. The server owns it and all that the getters return; it is gone once answered. */
struct hive_request;

typedef void hive_handler(struct hive_request *request, void *context);

/* Who may call a route. */
enum hive_access {
    HIVE_ACCESS_ANYONE, /* health: never asks for a token */
    HIVE_ACCESS_PUBLIC, /* strangers on loopback may (but not with a wrong token); elsewhere the token is needed */
    HIVE_ACCESS_TOKEN, /* the token is needed wherever one is set */
};

struct hive_route {
    const char *method; /* "GET" */
    const char
        *path; /* "/tasks/ID": an upper-case segment matches any text; "/kv/..." takes all that follows,
                  slashes included. Matching is on the raw path, then segments are percent-decoded */
    hive_handler *handle;
    enum hive_access access;
    size_t body_bytes;   /* largest body; larger is 413 */
    const char *summary; /* one line, for documentation */
};

/* For experiments with bad networks: how many milliseconds the answer that a handler has given waits before it leaves;
 * HIVE_ANSWER_LOST: it never does, and the connection stays silent until its client gives up. Any thread; must not block. */
#define HIVE_ANSWER_LOST INT64_MAX
typedef int64_t hive_answer_wait(const struct hive_request *request, void *context);

struct hive_server_config {
    const struct sockaddr *address; /* where to listen (AF_INET, AF_INET6, or AF_UNIX: an old socket file is
                                       replaced, mode 0600); port 0 picks one */
    socklen_t address_bytes;
    int listen_socket; /* >= 0: already bound and listening, used instead of `address`; owned by the
                          server from then on */
    const struct hive_route *routes; /* ends with a zeroed element; must outlive the server */
    void *context;                   /* handed to the handlers */
    const char *token;               /* NULL: none is set; copied */
    bool token_for_public;           /* PUBLIC routes ask for the token too (not on loopback) */
    int threads;
    hive_answer_wait *wait; /* NULL: answers leave at once */
};

/* Starts listening. 0, or e.g. -EADDRINUSE with a message that names the address. */
int hive_server_start(const struct hive_server_config *config, struct hive_server **server,
                      struct hive_error *error);

/* The port it listens on (for port 0), 0 for AF_UNIX. */
uint16_t hive_server_port(const struct hive_server *server);

/* Takes no new connections from here on; those that are open go on. First step of a clean end. */
void hive_server_quiesce(struct hive_server *server);

/* Ends it: all requests must have been answered or are answered by others meanwhile; waits for them. Streams
 * are ended: when this returns, every `closed` has returned. */
void hive_server_destroy(struct hive_server *server);

/* The request. Texts are NUL-terminated and live as long as the request. */
const char *hive_request_method(const struct hive_request *request);
const char *hive_request_path(const struct hive_request *request);   /* decoded, without query */
const char *hive_request_target(const struct hive_request *request); /* as sent, with the query */
const char *hive_request_segment(const struct hive_request *request, int wildcard,
                                 size_t *bytes); /* 0 = the first
                                              upper-case segment (or the rest after "..."), decoded;
                                              may hold NUL bytes: `bytes` (may be NULL) tells */
/* A parameter of the query, decoded ('+' is a space), or NULL. */
const char *hive_request_query(const struct hive_request *request, const char *name);
const char *hive_request_header(const struct hive_request *request, const char *name); /* or NULL */
const char *hive_request_body(const struct hive_request *request, size_t *bytes);

/* True where the request carries the server's token (or none is set). */
bool hive_request_has_token(const struct hive_request *request);

/* Answers. A header goes into the answer that follows; `name` and `value` are copied. */
void hive_request_set_header(struct hive_request *request, const char *name, const char *value);

/* Any body; `body` may be NULL for none. The bytes are copied. */
void hive_request_reply(struct hive_request *request, unsigned status, const char *content_type,
                        const void *body, size_t bytes);

/* JSON text; takes the buffer's bytes and leaves it empty. */
void hive_request_reply_json(struct hive_request *request, unsigned status, struct hive_buffer *json);

/* An RFC 9457 problem document. `type` is the last part of the problem's URI ("no-leader"); `detail` says
 * what to do about it. */
void hive_request_reply_problem(struct hive_request *request, unsigned status, const char *type,
                                const char *detail, ...) __attribute__((format(printf, 4, 5)));

/* An answer that is made while it is sent: of any length, perhaps without end, and never in memory as a whole.
 * A client that takes nothing for HIVE_IDLE_TIMEOUT_S while there is something to take is cut off. */
struct hive_stream;

/* What `read` returns besides a number of bytes. */
enum {
    HIVE_STREAM_WAIT = 0, /* nothing now: ask again after hive_stream_wake */
    HIVE_STREAM_END = -1, /* that was all */
    HIVE_STREAM_BROKEN =
        -2, /* it cannot be continued: cut it, so that the client sees that it is not whole */
};

#define HIVE_STREAM_OPEN_ENDED UINT64_MAX

struct hive_stream_source {
    /* Writes up to `bytes` bytes, when the client can take some. On one of the server's threads: must not
     * block. Never again after END, BROKEN or `closed`. */
    ssize_t (*read)(void *context, void *data, size_t bytes);
    /* The stream is over, for whatever reason: it was read to its end, the client went, the server ends. The
     * last call, exactly one (also where nothing was ever read: HEAD). No hive_stream_wake may be under way
     * when this returns, nor come afterwards. */
    void (*closed)(void *context);
    void *context;
    uint64_t bytes; /* in all, exactly; or HIVE_STREAM_OPEN_ENDED. A client that closes its own direction
                             of an open-ended one is taken to have gone */
    int64_t ask_again_ms; /* > 0: `read` is asked after waiting for so long even if nobody wakes it */
};

/* Answers with a stream. `*stream` is set before the first `read`. */
void hive_request_reply_stream(struct hive_request *request, unsigned status, const char *content_type,
                               const struct hive_stream_source *source, struct hive_stream **stream);

/* `read` may have something now. Any thread; cheap where the stream does not wait. */
void hive_stream_wake(struct hive_stream *stream);

#endif
