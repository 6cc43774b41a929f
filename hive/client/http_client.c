/* Outgoing HTTP: one curl multi handle, driven by the thread that owns it.
 *
 * The one thing that is not plain use of curl: curl repeats by itself a request whose connection, kept from
 * an earlier one, ends before an answer came. The server may have done the work all the same and died before
 * it could say so, so a repeated write could be applied twice, and "connection refused" by the second try
 * would hide that the first one was sent. curl asks `before_sending` each time it is about to send: it notes
 * that the request may have arrived, and lets only requests that change nothing go out again. */
#include "hive/http_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "client/http_failure.h"
#include "hive/clock.h"
#include "hive/limits.h"
#include "hive/memory.h"
#include "hive/version.h"

/* A connection that was idle for longer is not used again: the server may be about to close it. */
#define REUSE_IDLE_S (HIVE_IDLE_TIMEOUT_S / 2)

struct exchange {
    struct exchange *next, **link; /* among the client's active ones, or `next` alone among its spare ones */
    CURL *easy;                    /* owned */
    struct curl_slist *headers;    /* owned */
    hive_http_done *done;          /* NULL: was told already */
    hive_http_piece *piece;        /* or NULL */
    void *context;
    size_t response_bytes;
    int64_t timeout_ms;
    int64_t idle_timeout_ms; /* 0: none */
    int64_t last_piece_ms;   /* monotonic: when bytes of the body last came, or the start */
    int64_t leave_ms;        /* monotonic: when curl gets it, INT64_MAX: never; 0: it has it */
    int64_t end_ms; /* … and where it has not by then, `done` hears of a timeout; INT64_MAX: no such time */
    bool is_safe;   /* changes nothing on the server: may be sent twice */
    bool was_sent;
    bool was_cut; /* its connection ended without an answer after it was sent */
    bool is_too_large;
    bool is_silent;    /* the idle timeout is over */
    bool is_abandoned; /* `piece` has enough */
    struct hive_buffer body;
    char failure[160];
};

struct hive_http_client {
    CURLM *multi;
    struct exchange *active; /* doubly linked */
    struct exchange *spare;  /* as many as were ever under way at once */
    size_t pending;
    struct curl_waitfd *waits; /* owned: the caller's descriptors, in curl's terms */
    unsigned wait_capacity;
};

static void initialise_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        abort(); /* fails for want of memory only */
}

struct hive_http_client *hive_http_client_create(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise_curl);
    struct hive_http_client *client = hive_calloc(1, sizeof *client);
    client->multi = curl_multi_init();
    if (!client->multi)
        abort(); /* fails for want of memory or descriptors */
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)HIVE_NODES);
    return client;
}

static void destroy_exchange(struct exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    hive_buffer_finish(&exchange->body);
    free(exchange);
}

static void unlink_exchange(struct hive_http_client *client, struct exchange *exchange)
{
    if (!exchange->leave_ms)
        curl_multi_remove_handle(client->multi, exchange->easy);
    *exchange->link = exchange->next;
    if (exchange->next)
        exchange->next->link = exchange->link;
    if (exchange->done)
        client->pending--;
}

void hive_http_client_destroy(struct hive_http_client *client)
{
    struct exchange *exchange;
    if (!client)
        return;
    while ((exchange = client->active)) {
        unlink_exchange(client, exchange);
        destroy_exchange(exchange);
    }
    while ((exchange = client->spare)) {
        client->spare = exchange->next;
        destroy_exchange(exchange);
    }
    curl_multi_cleanup(client->multi);
    free(client->waits);
    free(client);
}

static size_t receive(char *data, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t bytes = size * count;
    long status = 0;
    exchange->last_piece_ms = hive_clock_monotonic_ms();
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->piece && status >= 200 && status < 300) {
        exchange->is_abandoned = !exchange->piece(data, bytes, exchange->context);
        return exchange->is_abandoned ? 0 : bytes;
    }
    if (bytes > exchange->response_bytes - exchange->body.size) {
        exchange->is_too_large = true;
        return 0;
    }
    hive_buffer_append(&exchange->body, data, bytes);
    return bytes;
}

/* Sockets of ours are not for the programs that we start. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int before_sending(void *context, char *to, char *from, int to_port, int from_port)
{
    struct exchange *exchange = context;
    (void)to, (void)from, (void)to_port, (void)from_port;
    if (exchange->was_sent && !exchange->is_safe) {
        exchange->was_cut = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->was_sent = true;
    return CURL_PREREQFUNC_OK;
}

static void add_header(struct exchange *exchange, const char *name, const char *value)
{
    char *line = hive_format("%s%s", name, value);
    struct curl_slist *headers = curl_slist_append(exchange->headers, line);
    if (!headers)
        abort(); /* out of memory */
    exchange->headers = headers;
    free(line);
}

static void set_headers(struct exchange *exchange, const struct hive_http_request *request)
{
    add_header(exchange, "Expect:", ""); /* no round trip to ask whether a body is welcome */
    if (request->content_type)
        add_header(exchange, "Content-Type: ", request->content_type);
    else
        add_header(exchange, "Content-Type:", ""); /* else curl calls every body a form */
    if (request->token)
        add_header(exchange, "Authorization: Bearer ", request->token);
    for (const char *const *line = request->headers; line && *line; line++)
        add_header(exchange, "", *line);
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static void set_body(CURL *easy, const struct hive_http_request *request)
{
    bool is_get = strcmp(request->method, "GET") == 0;
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request->body || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body ? request->body : "");
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    } else if (!is_get) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

/* The host is an address already, no name that somebody must be asked for. */
static bool is_numeric(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return *host == '[' || host[strspn(host, "0123456789.")] == ':';
}

static void set_options(struct exchange *exchange, const struct hive_http_request *request)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hive/" HIVE_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* the environment's proxies are not for the cluster */
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (is_numeric(request->url)) /* never stale; else curl goes through all it knows after each exchange */
        curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a name server that does not answer */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)REUSE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    set_body(easy, request);
    set_headers(exchange, request);
}

static void hand_to_curl(struct hive_http_client *client, struct exchange *exchange)
{
    exchange->leave_ms = 0;
    if (curl_multi_add_handle(client->multi, exchange->easy))
        abort(); /* fails for want of memory only: the handle is new */
}

void hive_http_client_start(struct hive_http_client *client, const struct hive_http_request *request,
                            hive_http_done *done, void *context)
{
    assert(request->timeout_ms > 0 || request->idle_timeout_ms > 0);
    struct exchange *exchange = client->spare;
    if (exchange)
        client->spare = exchange->next;
    else
        exchange = hive_calloc(1, sizeof *exchange);
    CURL *easy = exchange->easy ? exchange->easy : curl_easy_init();
    if (!easy)
        abort(); /* out of memory */
    int64_t now_ms = hive_clock_monotonic_ms(), delay_ms = request->delay_ms;
    int64_t leave_ms = delay_ms <= 0 ? 0 : delay_ms == INT64_MAX ? INT64_MAX : now_ms + delay_ms;
    *exchange = (struct exchange){
        .easy = easy,
        .done = done,
        .piece = request->piece,
        .context = context,
        .next = client->active,
        .link = &client->active,
        .response_bytes = request->response_bytes ? request->response_bytes : HIVE_RESPONSE_BYTES,
        .timeout_ms = request->timeout_ms,
        .idle_timeout_ms = request->idle_timeout_ms,
        .last_piece_ms = leave_ms && leave_ms < INT64_MAX ? leave_ms : now_ms,
        .leave_ms = leave_ms,
        .end_ms = request->timeout_ms ? now_ms + request->timeout_ms : INT64_MAX,
        .is_safe = !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD")};
    if (client->active)
        client->active->link = &exchange->next;
    client->active = exchange;
    client->pending++;
    set_options(exchange, request);
    if (!leave_ms)
        hand_to_curl(client, exchange);
}

/* Fills `failure` and returns the error number. */
static int describe(struct exchange *exchange, CURLcode code)
{
    long os_error = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &os_error);
    const char *phrase;
    int error_number = http_failure_describe(code, os_error, &phrase);
    if (exchange->was_cut) {
        phrase = "connection closed without an answer";
        error_number = -ECONNRESET;
    }
    snprintf(exchange->failure, sizeof exchange->failure, "%s", phrase);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        snprintf(exchange->failure, sizeof exchange->failure, "timed out after %lld ms",
                 (long long)exchange->timeout_ms);
        error_number = -ETIMEDOUT;
    }
    if (exchange->is_silent)
        snprintf(exchange->failure, sizeof exchange->failure, "silent for %lld ms",
                 (long long)exchange->idle_timeout_ms);
    if (exchange->is_abandoned) {
        snprintf(exchange->failure, sizeof exchange->failure, "given up");
        error_number = -ECANCELED;
    }
    if (exchange->is_too_large)
        snprintf(exchange->failure, sizeof exchange->failure, "the answer is larger than %zu bytes",
                 exchange->response_bytes);
    return error_number;
}

static const char *response_header(CURL *easy, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : "";
}

static int64_t seconds(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    return *text && !*end && !errno && value >= 0 ? value : -1;
}

/* Tells the owner how it ended. */
static void tell(struct exchange *exchange, CURLcode code)
{
    CURL *easy = exchange->easy;
    curl_off_t total_us = 0;
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total_us);
    struct hive_http_response response = {.content_type = "",
                                          .location = "",
                                          .etag = "",
                                          .retry_after_s = -1,
                                          .body = exchange->body,
                                          .round_trip_us = total_us};
    if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        response.status = (int)status;
        response.content_type = response_header(easy, "Content-Type");
        response.location = response_header(easy, "Location");
        response.etag = response_header(easy, "ETag");
        response.retry_after_s = seconds(response_header(easy, "Retry-After"));
    } else {
        response.error_number = describe(exchange, code);
        response.failure = exchange->failure;
        response.was_sent = exchange->was_sent;
    }
    exchange->body = (struct hive_buffer){0};
    hive_http_done *done = exchange->done;
    exchange->done = NULL;
    done(&response, exchange->context);
    hive_buffer_finish(&response.body);
}

/* The exchange is over: tells its owner and keeps what can be used again. */
static void finish_exchange(struct hive_http_client *client, struct exchange *exchange, CURLcode code)
{
    CURL *easy = exchange->easy;
    unlink_exchange(client, exchange);
    if (exchange->done)
        tell(exchange, code);
    curl_easy_reset(easy);
    curl_slist_free_all(exchange->headers);
    hive_buffer_finish(&exchange->body);
    *exchange = (struct exchange){.easy = easy, .next = client->spare};
    client->spare = exchange;
}

/* The owner has waited long enough for a request that has not left yet. To him it looks sent. */
static void end_early(struct hive_http_client *client, struct exchange *exchange)
{
    exchange->was_sent = true;
    if (exchange->leave_ms == INT64_MAX) {
        finish_exchange(client, exchange, CURLE_OPERATION_TIMEDOUT);
        return;
    }
    client->pending--;
    tell(exchange, CURLE_OPERATION_TIMEDOUT);
    exchange->was_sent = false;
    exchange->piece = NULL;
    exchange->end_ms = exchange->leave_ms + exchange->timeout_ms; /* for an answer that nobody hears */
}

static int64_t held_due_ms(const struct exchange *exchange)
{
    return exchange->leave_ms < exchange->end_ms ? exchange->leave_ms : exchange->end_ms;
}

/* Sees to the requests that are held back; true where an owner was told. */
static bool move_held(struct hive_http_client *client)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    struct exchange *exchange = client->active;
    while (exchange) {
        struct exchange *next = exchange->next;
        if (exchange->leave_ms && held_due_ms(exchange) <= now_ms) {
            if (exchange->leave_ms > exchange->end_ms) {
                end_early(client, exchange);
                return true; /* the list may be another one now */
            }
            int64_t left_ms = exchange->end_ms - now_ms;
            if (exchange->timeout_ms)
                curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
            hand_to_curl(client, exchange);
        }
        exchange = next;
    }
    return false;
}

/* Moves all requests on, and calls back for those that are over. True where there was one. */
static bool progress(struct hive_http_client *client)
{
    bool any = false;
    int running, queued;
    CURLMsg *message;
    curl_multi_perform(client->multi, &running);
    while ((message = curl_multi_info_read(client->multi, &queued))) {
        struct exchange *exchange;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        finish_exchange(client, exchange, code);
        any = true;
    }
    return any;
}

/* When the next idle timeout is over or a held request is due, in milliseconds from now; `otherwise` where that is sooner. */
static int until_due(const struct hive_http_client *client, int otherwise)
{
    int64_t now_ms = hive_clock_monotonic_ms(), shortest = otherwise;
    for (const struct exchange *exchange = client->active; exchange; exchange = exchange->next) {
        int64_t left = exchange->last_piece_ms + exchange->idle_timeout_ms - now_ms;
        if (exchange->idle_timeout_ms && left < shortest)
            shortest = left > 0 ? left : 0;
        left = held_due_ms(exchange) - now_ms;
        if (exchange->leave_ms && left < shortest)
            shortest = left > 0 ? left : 0;
    }
    return (int)shortest;
}

/* Ends a request that was silent for too long; true where there was one, and there may be more. */
static bool end_silent(struct hive_http_client *client)
{
    for (struct exchange *exchange = client->active; exchange; exchange = exchange->next)
        if (exchange->idle_timeout_ms &&
            exchange->last_piece_ms + exchange->idle_timeout_ms <= hive_clock_monotonic_ms()) {
            exchange->is_silent = true;
            finish_exchange(client, exchange, CURLE_OPERATION_TIMEDOUT);
            return true;
        }
    return false;
}

void hive_http_client_wait(struct hive_http_client *client, struct pollfd *descriptors, unsigned count,
                           int timeout_ms)
{
    if (count > client->wait_capacity) {
        client->waits = hive_realloc(client->waits, count, sizeof *client->waits);
        client->wait_capacity = count;
    }
    for (unsigned i = 0; i < count; i++) {
        short events = (short)((descriptors[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                               (descriptors[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0) |
                               (descriptors[i].events & POLLPRI ? CURL_WAIT_POLLPRI : 0));
        client->waits[i] = (struct curl_waitfd){.fd = descriptors[i].fd, .events = events};
    }
    bool any = move_held(client);
    any |= progress(client); /* requests that were just started get going before the wait */
    curl_multi_poll(client->multi, client->waits, count,
                    any || timeout_ms < 0 ? 0 : until_due(client, timeout_ms), NULL);
    while (move_held(client))
        ;
    progress(client);
    while (end_silent(client))
        ;
    /* curl does not pass on hang-ups and errors, which the caller must see to stop waiting for them. */
    if (count && poll(descriptors, count, 0) < 0)
        for (unsigned i = 0; i < count; i++)
            descriptors[i].revents = 0;
}

void hive_http_client_wake(struct hive_http_client *client)
{
    curl_multi_wakeup(client->multi);
}

size_t hive_http_client_pending(const struct hive_http_client *client)
{
    return client->pending;
}
