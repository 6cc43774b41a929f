/* One call to a cluster whose leader is not known yet and may be dying at this moment.
 *
 * Every node is asked for its health before it gets the call itself: a node that hangs then costs a second
 * and not the whole time there is, and a change is sent to nobody but the leader, so that its answer is lost
 * only when the leader was. What the queens say of each other (health, redirects) is followed first; else it
 * is the turn of the next address, and after all were asked in vain there is a short pause.
 *
 * A write that was sent and got no answer is in doubt: it may have been applied, or be applied later. With an
 * Idempotency-Key it is sent again, and whatever is answered then is what became of it, the first time or now.
 * That holds only as long as the queens remember the key, so it goes on for less than that. */
#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "hive/api.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "hive/random.h"

#define PROBE_TIMEOUT_MS 1000 /* a node that says nothing for so long is passed over */
#define PAUSE_FIRST_MS   20   /* between two rounds: an election takes some 200 ms */
#define PAUSE_LONGEST_MS 250
#define NO_ADDRESS       ""
/* A write in doubt is not sent again later than this after it was sent first: well within the time for which its key is
 * remembered for certain, for the last one may take its time on the way. */
#define REPEAT_MS   (HIVE_SESSION_FLOOR_MS / 2)
#define ATTEMPT_MS  500 /* at least, for one of several attempts */
#define KEY_DIGITS  32  /* hexadecimal: 128 random bits */
#define MAX_HEADERS 8   /* of one call */

struct search {
    const struct hive_target *target;
    const struct hive_call *call;
    int64_t started_ms, deadline_ms; /* monotonic */
    int64_t pause_ms;                /* after this round */
    size_t next;                     /* index of the address whose turn it is */
    char hint[HIVE_ADDRESS_BYTES];   /* who is the leader, as the last one asked said; or empty */
    int hops;                        /* hints followed in a row */
    struct hive_error reason;        /* why it is not done yet, for the message at the end */
    bool reason_is_answer;           /* a node gave it, rather than a silence */
    int64_t sent_ms;                 /* monotonic: when the call was sent first; 0: not yet */
    bool is_in_doubt;                /* a keyed write was sent, and what became of it is not known */
    char key_header[sizeof "Idempotency-Key: " + KEY_DIGITS]; /* of a keyed write */
    const char *headers[MAX_HEADERS + 1];
};

/* What became of one address. */
enum step { STEP_DONE, STEP_ON };

static int64_t left_ms(const struct search *search)
{
    int64_t left = search->deadline_ms - hive_clock_monotonic_ms();
    return left > 0 ? left : 0;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void set_hint(struct search *search, const char *address)
{
    snprintf(search->hint, sizeof search->hint, "%s", address);
}

/* Keeps the reason; that a dead node is silent says less than what the living ones say. */
static void note(struct search *search, bool is_answer, const char *reason)
{
    if (search->reason_is_answer && !is_answer)
        return;
    search->reason_is_answer = is_answer;
    hive_error_set(&search->reason, 0, "%s", reason);
}

/* A silence: "ADDRESS: connection refused", without the rest of the URL. */
static void note_silence(struct search *search, const char *address, const char *url,
                         const struct hive_error *error)
{
    size_t bytes = strlen(url);
    struct hive_error silence = {{0}};
    bool has_url = strncmp(error->message, url, bytes) == 0;
    hive_error_set(&silence, 0, "%s%s", has_url ? address : "", error->message + (has_url ? bytes : 0));
    note(search, false, silence.message);
}

static void start_round(struct search *search)
{
    search->next = 0;
    poll(NULL, 0, (int)smaller(search->pause_ms, left_ms(search)));
    search->pause_ms = smaller(search->pause_ms * 2, PAUSE_LONGEST_MS);
}

/* Whom to ask now; false when the time is over. */
static bool choose(struct search *search, char address[HIVE_ADDRESS_BYTES])
{
    if (*search->hint && search->hops < HIVE_REDIRECTS) {
        search->hops++;
        memcpy(address, search->hint, HIVE_ADDRESS_BYTES);
    } else {
        search->hops = 0;
        if (search->next == search->target->count)
            start_round(search);
        memcpy(address, search->target->addresses[search->next++], HIVE_ADDRESS_BYTES);
    }
    set_hint(search, NO_ADDRESS);
    return left_ms(search) > 0;
}

/* True where the node should get the call. */
static bool is_suitable(struct search *search, const char *address, const struct hive_health *health)
{
    char reason[HIVE_ERROR_BYTES];
    bool is_queen = health->mode == HIVE_MODE_QUEEN;
    if (is_queen && (search->call->is_idempotent || health->raft_state == HIVE_RAFT_LEADER))
        return true;
    set_hint(search, is_queen ? health->leader : health->queen);
    if (!*search->hint) {
        snprintf(reason, sizeof reason, "%s knows no leader", address);
        note(search, true, reason);
    }
    return false;
}

static bool probe(struct search *search, const char *address)
{
    char *url = hive_format("http://%s/healthz?drones=0", address);
    struct hive_http_request request = {
        .method = "GET", .url = url, .timeout_ms = smaller(PROBE_TIMEOUT_MS, left_ms(search))};
    struct hive_http_reply reply = {0};
    struct hive_error error = {{0}};
    struct hive_health health = {0};
    bool suitable = false;
    if (request.timeout_ms <= 0) /* the time ran out just now */
        goto out;
    if (hive_http_call(&request, &reply, &error)) {
        note_silence(search, address, url, &error);
    } else if (hive_health_parse(reply.body.data ? reply.body.data : "", reply.body.size, &health, &error)) {
        hive_error_prefix(&error, 0, "%s is no Hive node (HTTP %d)", address, reply.status);
        note(search, true, error.message);
    } else {
        suitable = is_suitable(search, address, &health);
    }
out:
    hive_health_finish(&health);
    hive_http_reply_finish(&reply);
    free(url);
    return suitable;
}

/* What the problem document says to do, else what the status is. */
static void describe(const struct hive_answer *answer, struct hive_error *error)
{
    const char *detail = NULL;
    cJSON *problem =
        hive_json_parse_object(answer->body.data ? answer->body.data : "", answer->body.size, NULL);
    if (problem && hive_json_string(problem, "detail", &detail, NULL))
        hive_json_string(problem, "title", &detail, NULL);
    if (detail)
        hive_error_set(error, 0, "%s (HTTP %d from %s)", detail, answer->status, answer->from);
    else
        hive_error_set(error, 0, "%s answered with HTTP status %d", answer->from, answer->status);
    cJSON_Delete(problem);
}

/* The authority of "http://HOST:PORT/…". */
static void hint_from_location(struct search *search, const char *location)
{
    static const char scheme[] = "http://";
    if (strncmp(location, scheme, sizeof scheme - 1) != 0)
        return;
    const char *authority = location + sizeof scheme - 1;
    size_t bytes = strcspn(authority, "/?#");
    if (bytes < sizeof search->hint)
        snprintf(search->hint, sizeof search->hint, "%.*s", (int)bytes, authority);
}

static int64_t repeat_ms(const struct search *search)
{
    return search->call->repeat_ms ? search->call->repeat_ms : REPEAT_MS;
}

/* From here on the call ends with a clear answer, or as "unknown". */
static void begin_doubt(struct search *search)
{
    search->is_in_doubt = true;
    search->deadline_ms = smaller(search->deadline_ms, search->sent_ms + repeat_ms(search));
}

/* How long the node may take. A keyed write keeps time for another attempt: who hangs need not be who leads then. */
static int64_t attempt_ms(const struct search *search)
{
    int64_t left = left_ms(search);
    if (!search->call->is_keyed)
        return left;
    int64_t half = smaller(left / 2, repeat_ms(search) / 2);
    return smaller(left, half > ATTEMPT_MS ? half : ATTEMPT_MS);
}

static enum step judge(struct search *search, const struct hive_answer *answer, const char *location,
                       enum hive_exit *exit_status, struct hive_error *error)
{
    if (answer->status >= 200 && answer->status < 300) {
        *exit_status = HIVE_EXIT_OK;
        return STEP_DONE;
    }
    describe(answer, error);
    switch (answer->status) {
    case 307: /* not the leader, any more */
        hint_from_location(search, location);
        note(search, true, error->message);
        return STEP_ON;
    case 503: /* no leader, or too much to do: nothing was changed */
        note(search, true, error->message);
        return STEP_ON;
    case 504: /* the queen cannot tell whether it was done */
        note(search, true, error->message);
        *exit_status = HIVE_EXIT_UNKNOWN;
        if (search->call->is_keyed)
            begin_doubt(search);
        return search->call->is_idempotent || search->call->is_keyed ? STEP_ON : STEP_DONE;
    case 404:
        *exit_status = HIVE_EXIT_NOT_FOUND;
        return STEP_DONE;
    case 412:
        *exit_status = HIVE_EXIT_CONFLICT;
        return STEP_DONE;
    default: /* this time it was refused, which says nothing about the time before */
        *exit_status = search->is_in_doubt ? HIVE_EXIT_UNKNOWN : HIVE_EXIT_FAILED;
        return STEP_DONE;
    }
}

static enum step send_call(struct search *search, const char *address, struct hive_answer *answer,
                           enum hive_exit *exit_status, struct hive_error *error)
{
    const struct hive_call *call = search->call;
    char *url = hive_format("http://%s%s", address, call->path);
    struct hive_http_request request = {.method = call->method,
                                        .url = url,
                                        .token = *search->target->token ? search->target->token : NULL,
                                        .content_type = call->content_type,
                                        .headers = search->headers,
                                        .body = call->body,
                                        .body_bytes = call->body_bytes,
                                        .timeout_ms = attempt_ms(search)};
    struct hive_http_reply reply = {0};
    struct hive_error failure = {{0}};
    enum step step = STEP_ON;
    if (request.timeout_ms <= 0)
        goto out;
    if (!search->sent_ms)
        search->sent_ms = hive_clock_monotonic_ms();
    if (hive_http_call(&request, &reply, &failure)) {
        note_silence(search, address, url, &failure);
        if (reply.was_sent && call->is_keyed) {
            begin_doubt(search);
        } else if (reply.was_sent && !call->is_idempotent) {
            hive_error_set(error, 0, "it may have been done or not: the answer of %s was lost", address);
            *exit_status = HIVE_EXIT_UNKNOWN;
            step = STEP_DONE;
        }
        goto out;
    }
    hive_answer_finish(answer);
    answer->status = reply.status;
    answer->body = reply.body;
    reply.body = (struct hive_buffer){0};
    snprintf(answer->etag, sizeof answer->etag, "%s", reply.etag);
    snprintf(answer->from, sizeof answer->from, "%s", address);
    step = judge(search, answer, reply.location, exit_status, error);
out:
    hive_http_reply_finish(&reply);
    free(url);
    return step;
}

/* The call's own headers, and behind them the key of a keyed write. */
static void collect_headers(struct search *search)
{
    size_t count = 0;
    for (; search->call->headers && search->call->headers[count]; count++) {
        assert(count < MAX_HEADERS - 1);
        search->headers[count] = search->call->headers[count];
    }
    if (!search->call->is_keyed)
        return;
    char key[KEY_DIGITS + 1];
    hive_random_hex(key, KEY_DIGITS);
    snprintf(search->key_header, sizeof search->key_header, "Idempotency-Key: %s", key);
    search->headers[count] = search->key_header;
}

/* Out of time. */
static enum hive_exit give_up(const struct search *search, struct hive_error *error)
{
    double limit_s = (double)(search->deadline_ms - search->started_ms) / 1000;
    const char *reason = *search->reason.message ? search->reason.message : "nobody was asked";
    if (search->is_in_doubt) {
        hive_error_set(error, 0, "it may have been done or not, no queen could tell within %g s: %s", limit_s,
                       reason);
        return HIVE_EXIT_UNKNOWN;
    }
    hive_error_set(error, 0, "no leader within %g s, nothing was done: %s; see 'hive status'", limit_s,
                   reason);
    return HIVE_EXIT_UNAVAILABLE;
}

enum hive_exit hive_call(const struct hive_target *target, const struct hive_call *call,
                         struct hive_answer *answer, struct hive_error *error)
{
    *answer = (struct hive_answer){0};
    int64_t now_ms = hive_clock_monotonic_ms();
    struct search search = {.target = target,
                            .call = call,
                            .started_ms = now_ms,
                            .deadline_ms = now_ms + call->timeout_ms,
                            .pause_ms = PAUSE_FIRST_MS};
    struct hive_error own;
    if (!error)
        error = &own;
    collect_headers(&search);
    char address[HIVE_ADDRESS_BYTES];
    while (target->count && choose(&search, address)) {
        enum hive_exit exit_status;
        if (probe(&search, address) && send_call(&search, address, answer, &exit_status, error) == STEP_DONE)
            return exit_status;
    }
    return give_up(&search, error);
}

void hive_answer_finish(struct hive_answer *answer)
{
    hive_buffer_finish(&answer->body);
    *answer = (struct hive_answer){0};
}

void hive_path_append_bytes(struct hive_buffer *path, const void *data, size_t bytes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    char previous = '/';
    for (const char *at = data, *end = at + bytes; at < end; previous = *at++) {
        /* "." and ".." are parts of a key here; as they are, curl would take them for steps in a tree. */
        bool may_be_step = *at == '.' && previous == '/';
        if (*at && strchr(plain, *at) && !may_be_step)
            hive_buffer_append(path, at, 1);
        else
            hive_buffer_format(path, "%%%02X", (unsigned char)*at);
    }
}

void hive_path_append(struct hive_buffer *path, const char *text)
{
    hive_path_append_bytes(path, text, strlen(text));
}
