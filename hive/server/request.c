/* The life of one request, from its first line to the last byte of its answer.
 *
 * libmicrohttpd calls request_handle on the connection's thread once for the headers, once for each piece of
 * the body and once at the end. It keeps a connection alive only where the answer comes at the end, so a
 * request that is refused (no such path, no token, too large …) is answered in memory at once, its body is
 * read and dropped, and the answer goes out when the body is over. A client that waits for "100 Continue" is
 * spared that: it gets the answer instead.
 *
 * A handler that returns without an answer leaves its connection suspended. What a resume does to a
 * connection that is not suspended yet is undefined in libmicrohttpd, so the connection is suspended first
 * and declared so afterwards (settle); a thread that answers before it was declared resumes nothing, and
 * leaves that to the server's thread. */
#include "server/internal.h"

#include <assert.h>
#include <strings.h>

#include "hive/encoding.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "server/held.h"
#include "server/router.h"
#include "server/stream.h"

/* A body of this size or less is received into memory that is taken in one go. */
#define BODY_AT_ONCE_BYTES (64 * 1024)

void *request_create(void *context, const char *target, struct MHD_Connection *connection)
{
    struct hive_request *request = hive_calloc(1, sizeof *request);
    request->server = context;
    request->connection = connection;
    if (target_init(&request->target, target ? target : "", &request->target_error) == 0)
        request->target_error.message[0] = '\0';
    return request;
}

void request_destroy(void *context, struct MHD_Connection *connection, void **request_place,
                     enum MHD_RequestTerminationCode code)
{
    struct hive_request *request = *request_place;
    struct hive_server *server = context;
    (void)connection;
    (void)code;
    if (!request)
        return;
    bool is_admitted = request->is_admitted;
    stream_close(request->stream);
    target_finish(&request->target);
    for (unsigned i = 0; i < request->segment_count; i++)
        free(request->segments[i].text);
    hive_buffer_finish(&request->body);
    hive_buffer_finish(&request->headers);
    if (request->response)
        MHD_destroy_response(request->response);
    free(request);
    *request_place = NULL;
    if (is_admitted)
        server_note_sent(server);
}

static const char *header(const struct hive_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static uint64_t announced_body_bytes(const struct hive_request *request)
{
    const char *length = header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) : 0; /* libmicrohttpd has refused all but digits */
}

static bool is_answered(const struct hive_request *request)
{
    return atomic_load_explicit(&request->state, memory_order_acquire) == REQUEST_ANSWERED;
}

static enum MHD_Result send_answer(struct hive_request *request)
{
    if (!request->response)
        return MHD_NO; /* lost: the connection ends */
    enum MHD_Result result = MHD_queue_response(request->connection, request->status, request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return result;
}

static void refuse_too_large(struct hive_request *request)
{
    hive_buffer_finish(&request->body);
    hive_request_reply_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "payload-too-large",
                               "the body of %s %s may have %zu bytes at most", request->route->method,
                               request->route->path, request->route->body_bytes);
}

static enum MHD_Result count_length(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    int *lengths = context;
    (void)kind;
    (void)value;
    *lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    return MHD_YES;
}

/* Whether it is clear where the body ends: libmicrohttpd takes the first of several lengths, a proxy maybe the last. */
static bool has_clear_end(const struct hive_request *request)
{
    const char *encoding = header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    int lengths = 0;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_length, &lengths);
    return encoding ? strcasecmp(encoding, "chunked") == 0 && lengths == 0 : lengths <= 1;
}

/* What is wrong with the request line and the headers as such. */
static void check_form(struct hive_request *request)
{
    const union MHD_ConnectionInfo *header_info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (strlen(request->target.sent) > HIVE_TARGET_BYTES)
        hive_request_reply_problem(request, MHD_HTTP_URI_TOO_LONG, "uri-too-long",
                                   "path and query together may have %d bytes at most", HIVE_TARGET_BYTES);
    else if (header_info && header_info->header_size > HIVE_HEADER_BYTES)
        hive_request_reply_problem(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "bad-request",
                                   "the headers may have %d bytes at most", HIVE_HEADER_BYTES);
    else if (request->target_error.message[0])
        hive_request_reply_problem(request, MHD_HTTP_BAD_REQUEST, "bad-request", "%s",
                                   request->target_error.message);
    else if (!has_clear_end(request))
        hive_request_reply_problem(
            request, MHD_HTTP_BAD_REQUEST, "bad-request",
            "a body comes either with Content-Length or with Transfer-Encoding: chunked");
}

static void find_route(struct hive_request *request)
{
    const struct hive_route *routes = request->server->routes;
    const struct target *target = &request->target;
    struct router_match match;
    request->route = router_find(routes, request->method, target->sent, target->path_bytes, &match);
    if (request->route) {
        for (unsigned i = 0; i < match.count; i++) {
            struct hive_buffer segment = {0};
            target_decode(&segment, match.segments[i].text, match.segments[i].bytes);
            request->segments[i].bytes = segment.size;
            request->segments[i].text = hive_buffer_take(&segment);
        }
        request->segment_count = match.count;
        return;
    }
    struct hive_buffer methods = {0};
    router_list_methods(routes, target->sent, target->path_bytes, &methods);
    if (methods.size) {
        hive_request_set_header(request, MHD_HTTP_HEADER_ALLOW, methods.data);
        hive_request_reply_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed",
                                   "%s cannot be used here, only %s", request->method, methods.data);
    } else {
        hive_request_reply_problem(request, MHD_HTTP_NOT_FOUND, "not-found", "there is nothing at %s here",
                                   target->path);
    }
    hive_buffer_finish(&methods);
}

static void check_access(struct hive_request *request)
{
    enum hive_access access = request->route->access;
    /* Who shows a token means a cluster by it: a wrong one is refused even where none is asked for. */
    bool is_stranger = !header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    if (access == HIVE_ACCESS_ANYONE ||
        (access == HIVE_ACCESS_PUBLIC && is_stranger && !request->server->token_for_public) ||
        hive_request_has_token(request))
        return;
    hive_request_set_header(request, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    hive_request_reply_problem(request, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                               "send the cluster's token: Authorization: Bearer TOKEN");
}

/* While more connections are open than clients may have, only peers and health checks are served. */
static void check_room(struct hive_request *request)
{
    if (request->route->access != HIVE_ACCESS_PUBLIC ||
        atomic_load(&request->server->acceptor.connections) <= HIVE_CONNECTIONS)
        return;
    hive_request_set_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
    hive_request_set_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    hive_request_reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
                               "too many open connections: try again later");
}

/* The headers are there: finds the route, or the reason to refuse the request. */
static enum MHD_Result begin(struct hive_request *request, const char *method)
{
    uint64_t announced = announced_body_bytes(request);
    request->method = method;
    check_form(request);
    if (!is_answered(request))
        find_route(request);
    if (!is_answered(request))
        check_access(request);
    if (!is_answered(request))
        check_room(request);
    if (!is_answered(request) && announced > request->route->body_bytes)
        refuse_too_large(request);
    if (!is_answered(request)) {
        hive_buffer_reserve(&request->body, announced < BODY_AT_ONCE_BYTES ? announced : BODY_AT_ONCE_BYTES);
        hive_buffer_clear(&request->body);
        return MHD_YES;
    }
    const char *expect = header(request, MHD_HTTP_HEADER_EXPECT);
    bool waits = expect && strcasecmp(expect, "100-continue") == 0;
    bool is_too_much_to_drop = announced > HIVE_DISCARD_BYTES || !has_clear_end(request);
    return waits || is_too_much_to_drop ? send_answer(request) : MHD_YES;
}

/* The end for a client that sends without end and has not said so before. libmicrohttpd takes no answer in
 * the middle of a body, so these few bytes go out by hand before it closes the connection. */
static enum MHD_Result cut_off(const struct hive_request *request)
{
    static const char answer[] =
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (send(info->connect_fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        hive_log_debug("client cut off without an answer");
    return MHD_NO;
}

static enum MHD_Result receive_body(struct hive_request *request, const char *data, size_t bytes)
{
    request->body_bytes += bytes;
    if (!is_answered(request) && request->body_bytes > request->route->body_bytes)
        refuse_too_large(request);
    if (is_answered(request))
        return request->body_bytes > HIVE_DISCARD_BYTES ? cut_off(request) : MHD_YES;
    hive_buffer_append(&request->body, data, bytes);
    return MHD_YES;
}

/* The handler has returned: sends its answer, or parks the connection until there is one. */
static enum MHD_Result settle(struct hive_request *request)
{
    if (is_answered(request))
        return send_answer(request);
    struct MHD_Connection *connection = request->connection;
    MHD_suspend_connection(connection);
    enum request_state expected = REQUEST_RUNNING;
    if (!atomic_compare_exchange_strong(&request->state, &expected, REQUEST_SUSPENDED))
        MHD_resume_connection(connection);
    return MHD_YES;
}

static enum MHD_Result finish(struct hive_request *request)
{
    if (is_answered(request)) /* refused, or resumed with an answer */
        return send_answer(request);
    if (server_admit(request->server)) {
        request->is_admitted = true;
        request->route->handle(request, request->server->context);
    } else {
        hive_request_set_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
        hive_request_reply_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping",
                                   "this node is stopping: ask another one");
    }
    return settle(request);
}

enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload_data,
                               size_t *upload_bytes, void **request_place)
{
    struct hive_request *request = *request_place;
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    if (!request->method)
        return begin(request, method);
    if (*upload_bytes == 0)
        return finish(request);
    size_t bytes = *upload_bytes;
    *upload_bytes = 0;
    return receive_body(request, upload_data, bytes);
}

void request_publish(struct hive_request *request, unsigned status, struct MHD_Response *response)
{
    struct hive_server *server = request->server;
    bool is_admitted = request->is_admitted;
    assert(!request->response); /* a request is answered once */
    request->status = status;
    request->response = response;
    int64_t wait_ms = is_admitted && server->wait ? server->wait(request, server->context) : 0;
    if (wait_ms <= 0 || !held_take(request, wait_ms))
        request_release(request);
    if (is_admitted)
        server_note_answered(server);
}

void request_release(struct hive_request *request)
{
    struct MHD_Connection *connection = request->connection;
    if (atomic_exchange(&request->state, REQUEST_ANSWERED) == REQUEST_SUSPENDED)
        MHD_resume_connection(connection);
}

const char *hive_request_method(const struct hive_request *request)
{
    return request->method;
}

const char *hive_request_path(const struct hive_request *request)
{
    return request->target.path;
}

const char *hive_request_target(const struct hive_request *request)
{
    return request->target.sent;
}

const char *hive_request_segment(const struct hive_request *request, int wildcard, size_t *bytes)
{
    assert(wildcard >= 0 && (unsigned)wildcard < request->segment_count);
    if (bytes)
        *bytes = request->segments[wildcard].bytes;
    return request->segments[wildcard].text;
}

const char *hive_request_query(const struct hive_request *request, const char *name)
{
    return target_query(&request->target, name);
}

const char *hive_request_header(const struct hive_request *request, const char *name)
{
    return header(request, name);
}

const char *hive_request_body(const struct hive_request *request, size_t *bytes)
{
    if (bytes)
        *bytes = request->body.size;
    return request->body.data;
}

bool hive_request_has_token(const struct hive_request *request)
{
    static const char scheme[] = "Bearer ";
    if (!request->server->token)
        return true;
    const char *value = header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    return value && strncasecmp(value, scheme, sizeof scheme - 1) == 0 &&
           hive_equal_constant_time(request->server->token, value + sizeof scheme - 1);
}
