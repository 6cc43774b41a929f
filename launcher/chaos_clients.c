/* Simple clients, each with one request at a time. They know all queens, go to whom they were sent to last, and now and then to anybody: a
 * leader who was deposed and does not know it must be asked, too. What became of a write is told as exactly as HTTP allows: 503 and
 * what never left is refused, an answer that is missing, or 504, is unknown. Some writers then ask again with the same Idempotency-Key, and
 * learn it; the others live with not knowing. */
#include "chaos_clients.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/memory.h"
#include "hive/mix.h"
#include "hive/random.h"

#define WRITERS    4
#define READERS    4
#define KEYS       5     /* at a time: few, so that clients meet */
#define KEYS_MS    20000 /* then new ones: what happened to one key stays short enough to be judged */
#define OP_MS      3000
#define ATTEMPT_MS 1000
#define PAUSE_MS   20 /* after a refusal */
#define HOPS       4  /* without a pause */

struct client {
    struct chaos_clients *all;
    pthread_t thread;
    unsigned number;
    uint64_t random;
    char address[HIVE_ADDRESS_BYTES]; /* whom to ask next; empty: anybody */
    uint64_t known_index[KEYS];       /* by key modulo KEYS, as last seen; 0: not known */
};

struct chaos_clients {
    const struct hive_target *target;
    char run[17]; /* part of the names of keys: a history begins with a key that is not there */
    int64_t began_us;
    struct client clients[WRITERS + READERS];
    atomic_bool is_stopping;
    atomic_size_t acknowledged;
    atomic_uint keys; /* so many were touched */
    pthread_mutex_t lock;
    struct hive_history history; /* under the lock */
};

/* What came of one request. */
enum attempt { ATTEMPT_DONE, ATTEMPT_REFUSED, ATTEMPT_REDIRECTED, ATTEMPT_UNKNOWN };

static uint64_t draw(struct client *client, uint64_t below)
{
    return hive_mix_next(&client->random) % below;
}

static int64_t now_us(const struct chaos_clients *all)
{
    return hive_clock_monotonic_us() - all->began_us;
}

static void choose_anybody(struct client *client)
{
    memcpy(client->address, client->all->target->addresses[draw(client, client->all->target->count)],
           HIVE_ADDRESS_BYTES);
}

/* ---- one request ---- */

static uint64_t index_of(const char *etag)
{
    return strtoull(etag + (*etag == '"'), NULL, 10);
}

static void follow(struct client *client, const char *location)
{
    const char *address = strstr(location, "://");
    address = address ? address + 3 : "";
    snprintf(client->address, sizeof client->address, "%.*s", (int)strcspn(address, "/"), address);
}

/* An answer that says what happened. */
static void take_answer(const struct hive_http_reply *reply, struct hive_history_op *answer)
{
    *answer = (struct hive_history_op){.outcome = HIVE_HISTORY_DONE,
                                       .status = reply->status == 404   ? HIVE_HISTORY_NOT_FOUND
                                                 : reply->status == 412 ? HIVE_HISTORY_CONFLICT
                                                                        : HIVE_HISTORY_OK,
                                       .created = reply->status == 201,
                                       .index = index_of(reply->etag)};
    if (reply->status == 404)
        answer->index = 0;
    if (reply->status == 200 && reply->body.data) /* a read's; of no meaning to others */
        answer->seen = strtoull(reply->body.data, NULL, 10);
}

static enum attempt judge(struct client *client, int result, const struct hive_http_reply *reply,
                          struct hive_history_op *answer)
{
    if (result)
        return reply->was_sent ? ATTEMPT_UNKNOWN : ATTEMPT_REFUSED;
    switch (reply->status) {
    case 200:
    case 201:
    case 404:
    case 412:
        take_answer(reply, answer);
        return ATTEMPT_DONE;
    case 307:
        follow(client, reply->location);
        return ATTEMPT_REDIRECTED;
    case 401: /* a stranger, who has got the port of one that is down */
    case 403:
    case 429:
    case 503:
        return ATTEMPT_REFUSED;
    default:
        return ATTEMPT_UNKNOWN;
    }
}

static enum attempt try_it(struct client *client, const struct hive_history_op *op, bool is_keyed,
                           int64_t timeout_ms, struct hive_history_op *answer)
{
    const struct chaos_clients *all = client->all;
    char url[HIVE_ADDRESS_BYTES + 64], value[24], condition[48] = "", key[64] = "";
    const char *headers[3] = {NULL};
    size_t count = 0;
    snprintf(url, sizeof url, "http://%s/kv/chaos/%s/%u", client->address, all->run, op->key);
    snprintf(value, sizeof value, "%" PRIu64, op->number);
    snprintf(key, sizeof key, "Idempotency-Key: chaos-%s-%" PRIu64, all->run, op->number);
    if (op->condition == HIVE_HISTORY_IF_INDEX)
        snprintf(condition, sizeof condition, "If-Match: \"%" PRIu64 "\"", op->condition_index);
    else if (op->condition != HIVE_HISTORY_ALWAYS)
        snprintf(condition, sizeof condition, "If-%sMatch: *",
                 op->condition == HIVE_HISTORY_IF_ABSENT ? "None-" : "");
    if (is_keyed)
        headers[count++] = key;
    if (condition[0])
        headers[count++] = condition;
    const bool is_put = op->type == HIVE_HISTORY_PUT;
    const struct hive_http_request request = {
        .method = is_put                            ? "PUT"
                  : op->type == HIVE_HISTORY_DELETE ? "DELETE"
                                                    : "GET",
        .url = url,
        .token = all->target->token[0] ? all->target->token : NULL,
        .headers = headers,
        .body = is_put ? value : NULL,
        .body_bytes = is_put ? strlen(value) : 0,
        .timeout_ms = timeout_ms,
    };
    struct hive_http_reply reply = {0};
    struct hive_error error;
    int result = hive_http_call(&request, &reply, &error);
    enum attempt attempt = judge(client, result, &reply, answer);
    if (op->type != HIVE_HISTORY_READ)
        answer->seen = 0;
    hive_http_reply_finish(&reply);
    return attempt;
}

/* ---- one operation ---- */

static uint64_t note_begin(struct chaos_clients *all, const struct hive_history_op *op)
{
    pthread_mutex_lock(&all->lock);
    uint64_t number = hive_history_invoke(&all->history, op, now_us(all));
    pthread_mutex_unlock(&all->lock);
    return number;
}

static void note_end(struct chaos_clients *all, const struct hive_history_op *op,
                     const struct hive_history_op *answer)
{
    pthread_mutex_lock(&all->lock);
    hive_history_return(&all->history, op->number, answer, now_us(all));
    pthread_mutex_unlock(&all->lock);
    if (op->type != HIVE_HISTORY_READ && answer->outcome == HIVE_HISTORY_DONE &&
        answer->status == HIVE_HISTORY_OK)
        atomic_fetch_add(&all->acknowledged, 1);
}

/* Until something is certain, or the time is over. What was in doubt once stays so until somebody answers. */
static enum hive_history_outcome carry_out(struct client *client, struct hive_history_op *op, bool is_keyed,
                                           int64_t patience_ms, struct hive_history_op *answer)
{
    int64_t until_ms = hive_clock_monotonic_ms() + patience_ms, left_ms;
    bool is_read = op->type == HIVE_HISTORY_READ, is_in_doubt = false;
    int hops = 0;
    op->number = note_begin(client->all, op);
    *answer = (struct hive_history_op){0};
    while ((left_ms = until_ms - hive_clock_monotonic_ms()) > 0) {
        if (!client->address[0] || !draw(client, 16))
            choose_anybody(client);
        enum attempt attempt =
            try_it(client, op, is_keyed, left_ms < ATTEMPT_MS ? left_ms : ATTEMPT_MS, answer);
        if (attempt == ATTEMPT_DONE)
            break;
        if (attempt == ATTEMPT_REDIRECTED && hops++ < HOPS)
            continue;
        hops = 0;
        choose_anybody(client);
        is_in_doubt = is_in_doubt || attempt == ATTEMPT_UNKNOWN;
        if (is_in_doubt && !is_read && !is_keyed)
            break;
        poll(NULL, 0, (int)(PAUSE_MS + draw(client, PAUSE_MS)));
    }
    if (answer->outcome != HIVE_HISTORY_DONE)
        answer->outcome = is_in_doubt ? HIVE_HISTORY_UNKNOWN : HIVE_HISTORY_REFUSED;
    note_end(client->all, op, answer);
    return answer->outcome;
}

static void draw_write(struct client *client, struct hive_history_op *op)
{
    uint64_t known = client->known_index[op->key % KEYS], form = draw(client, 100);
    op->type = draw(client, 100) < 85 ? HIVE_HISTORY_PUT : HIVE_HISTORY_DELETE;
    if (form < 30 && known) {
        op->condition = HIVE_HISTORY_IF_INDEX;
        op->condition_index = known;
    } else if (form < 40) {
        op->condition =
            op->type == HIVE_HISTORY_PUT && form < 35 ? HIVE_HISTORY_IF_ABSENT : HIVE_HISTORY_IF_EXISTS;
    }
}

static void *work(void *context)
{
    struct client *client = context;
    struct chaos_clients *all = client->all;
    unsigned base = 0;
    while (!atomic_load(&all->is_stopping)) {
        unsigned now_base = (unsigned)(now_us(all) / 1000 / KEYS_MS) * KEYS;
        if (now_base != base)
            memset(client->known_index, 0, sizeof client->known_index);
        base = now_base;
        struct hive_history_op op = {.client = client->number, .key = base + (unsigned)draw(client, KEYS)},
                               answer;
        unsigned keys = atomic_load(&all->keys);
        while (op.key >= keys && !atomic_compare_exchange_weak(&all->keys, &keys, base + KEYS)) {
        }
        if (client->number < WRITERS)
            draw_write(client, &op);
        /* Every other writer repeats with a key. */
        carry_out(client, &op, client->number % 2 == 0, OP_MS, &answer);
        if (answer.outcome == HIVE_HISTORY_DONE)
            client->known_index[op.key % KEYS] = op.type == HIVE_HISTORY_DELETE ? 0 : answer.index;
        poll(NULL, 0, 5 + (int)draw(client, 20));
    }
    return NULL;
}

/* ---- all of them ---- */

struct chaos_clients *chaos_clients_start(const struct hive_target *target, uint64_t seed)
{
    struct chaos_clients *all = hive_calloc(1, sizeof *all);
    all->target = target;
    all->began_us = hive_clock_monotonic_us();
    hive_random_hex(all->run, sizeof all->run - 1);
    pthread_mutex_init(&all->lock, NULL);
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        all->clients[i] = (struct client){.all = all, .number = i, .random = hive_mix_number(seed, i)};
        if (pthread_create(&all->clients[i].thread, NULL, work, &all->clients[i]))
            abort(); /* for want of memory only */
    }
    return all;
}

size_t chaos_clients_acknowledged(struct chaos_clients *all)
{
    return atomic_load(&all->acknowledged);
}

void chaos_clients_stop(struct chaos_clients *all)
{
    atomic_store(&all->is_stopping, true);
    for (unsigned i = 0; i < WRITERS + READERS; i++)
        pthread_join(all->clients[i].thread, NULL);
}

/* The same again until it is answered. */
static bool insist(struct client *client, const struct hive_history_op *wanted, int64_t until_ms)
{
    while (hive_clock_monotonic_ms() < until_ms) {
        struct hive_history_op op = *wanted, answer;
        if (carry_out(client, &op, true, OP_MS, &answer) == HIVE_HISTORY_DONE)
            return true;
    }
    return false;
}

bool chaos_clients_conclude(struct chaos_clients *all, int64_t until_ms)
{
    struct client *client = &all->clients[0];
    unsigned keys = atomic_fetch_add(&all->keys, 1);
    bool is_answered =
        insist(client, &(struct hive_history_op){.key = keys, .type = HIVE_HISTORY_PUT}, until_ms);
    for (unsigned key = 0; key <= keys; key++)
        is_answered = insist(client, &(struct hive_history_op){.key = key}, until_ms) && is_answered;
    return is_answered;
}

const struct hive_history *chaos_clients_history(const struct chaos_clients *all)
{
    return &all->history;
}

unsigned chaos_clients_keys(const struct chaos_clients *all)
{
    return atomic_load(&all->keys);
}

void chaos_clients_clean_up(struct chaos_clients *all)
{
    for (unsigned key = 0; key < chaos_clients_keys(all); key++) {
        char path[64];
        snprintf(path, sizeof path, "/kv/chaos/%s/%u", all->run, key);
        const struct hive_call call = {
            .method = "DELETE", .path = path, .timeout_ms = OP_MS, .is_keyed = true};
        struct hive_answer answer = {0};
        struct hive_error error;
        enum hive_exit status = hive_call(all->target, &call, &answer, &error);
        hive_answer_finish(&answer);
        if (status != HIVE_EXIT_OK && status != HIVE_EXIT_NOT_FOUND)
            break;
    }
}

void chaos_clients_finish(struct chaos_clients *all)
{
    pthread_mutex_destroy(&all->lock);
    hive_history_finish(&all->history);
    free(all);
}
