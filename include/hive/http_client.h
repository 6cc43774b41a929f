/* Outgoing HTTP, over libcurl's multi interface: many requests at once, driven by one thread that waits for
 * them and for its own descriptors in one call. Connections are kept and used again. The thread that created
 * a client owns it; only hive_http_client_wake may be called from others. */
#ifndef HIVE_HTTP_CLIENT_H
#define HIVE_HTTP_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"

struct hive_http_client;

/* What came back. Everything belongs to the client and is gone when the callback returns (bytes can be taken
 * out of `body` with hive_buffer_take). */
struct hive_http_response {
    int status;          /* HTTP status, or 0: no answer came, see `failure` */
    const char *failure; /* NULL, or why there is no answer: "connection refused", "timed out after 300 ms" */
    int error_number; /* negative errno of that: -ECONNREFUSED, -ETIMEDOUT, -ECONNRESET, -EHOSTUNREACH, -EIO
                       */
    bool was_sent;    /* a status of 0, and the request may have reached the server all the same */
    struct hive_buffer body;
    const char *content_type; /* or "" */
    const char *location;     /* or "" */
    const char *etag;         /* or "" */
    int64_t retry_after_s;    /* -1 where not given */
    int64_t round_trip_us;
};

typedef void hive_http_done(struct hive_http_response *response, void *context);

/* Bytes of a body, as they come. False: enough, the exchange ends (as a failure). */
typedef bool hive_http_piece(const void *data, size_t bytes, void *context);

struct hive_http_request {
    const char *method;         /* "GET" */
    const char *url;            /* "http://127.0.0.1:8080/healthz" */
    const char *unix_socket;    /* path: speak HTTP over it instead of TCP; or NULL */
    const char *token;          /* sent as a bearer token; or NULL */
    const char *content_type;   /* or NULL */
    const char *const *headers; /* further "Name: value" lines, NULL-terminated; or NULL */
    const void *body;           /* copied; or NULL */
    size_t body_bytes;
    int64_t timeout_ms;      /* for the whole exchange; > 0, or 0 where there is an idle timeout */
    int64_t idle_timeout_ms; /* > 0: the longest time in which nothing of the answer's body comes */
    /* For experiments with bad networks. The request leaves so much later; where that is after the timeout, `done` hears of that in
     * time, and the request leaves all the same, like a packet that is late. INT64_MAX: it never leaves. */
    int64_t delay_ms;
    size_t response_bytes;  /* largest body to take; 0: HIVE_RESPONSE_BYTES */
    hive_http_piece *piece; /* takes the body of a 2xx answer, of any size; gets the context of `done`. NULL:
                                the body is in the response */
};

struct hive_http_client *hive_http_client_create(void);

/* Drops the requests under way without calling back. */
void hive_http_client_destroy(struct hive_http_client *client);

/* Starts a request; `done` is called exactly once, from hive_http_client_wait, never from here. */
void hive_http_client_start(struct hive_http_client *client, const struct hive_http_request *request,
                            hive_http_done *done, void *context);

/* Waits until a request moves, one of the caller's descriptors is ready, hive_http_client_wake is called or
 * `timeout_ms` is over (0: just look), and calls back for what is finished. `descriptors` may be NULL. */
void hive_http_client_wait(struct hive_http_client *client, struct pollfd *descriptors, unsigned count,
                           int timeout_ms);

/* Ends a wait early. Any thread. */
void hive_http_client_wake(struct hive_http_client *client);

/* Requests under way. */
size_t hive_http_client_pending(const struct hive_http_client *client);

/* One request, and its answer awaited. `*reply` is the caller's: release with hive_http_reply_finish. 0 for
 * any HTTP status, else the negative errno and a message that names the address. */
struct hive_http_reply {
    int status;
    bool was_sent; /* as above, where there is no answer */
    struct hive_buffer body;
    char content_type[64];
    char location[1024];
    char etag[64];
    int64_t retry_after_s;
};
int hive_http_call(const struct hive_http_request *request, struct hive_http_reply *reply,
                   struct hive_error *error);
void hive_http_reply_finish(struct hive_http_reply *reply);

#endif
