/* The transport thread. It exists so that the consensus thread never touches a socket, and so that encoding
 * and decoding of batches happens beside it. */
#include "queen/transport.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/rpc.h"

/* Requests under way to one peer that carry no entries; more wait for nothing useful. */
#define LIGHT_REQUESTS 4
#define IDLE_WAIT_MS   1000

struct peer {
    raft_id id;
    const char *address;
    char *urls[2];    /* by is_append */
    int heavy, light; /* requests under way */
    bool is_down;     /* the last request failed (logged once) */
};

/* One request under way. */
struct call {
    LIST_ENTRY(call) link;
    struct transport *transport;
    struct peer *peer;
    enum raft_message_type type;
    raft_id from;
    uint64_t context;
    bool is_heavy;
};

struct transport {
    struct transport_config config;
    pthread_t thread;
    struct hive_http_client *client;
    struct peer peers[HIVE_QUEENS];
    size_t peer_count;
    LIST_HEAD(, call) calls; /* the thread's own, like the scratch buffer */
    struct hive_buffer json;
    atomic_bool is_stopping;
    pthread_mutex_t mutex; /* guards the queue */
    struct raft_message **queue;
    size_t count, capacity;
};

static void put_unreachable(struct call *call, const char *why)
{
    if (!call->peer->is_down)
        hive_log_warning("peer does not answer", LOG_S("peer", call->peer->address), LOG_S("error", why));
    call->peer->is_down = true;
    struct inbox_event event = {.type = INBOX_UNREACHABLE, .peer = call->peer->id};
    inbox_put(call->transport->config.inbox, &event);
}

static void put_reply(struct call *call, struct raft_message *reply)
{
    if (call->peer->is_down)
        hive_log_info("peer answers again", LOG_S("peer", call->peer->address));
    call->peer->is_down = false;
    reply->from = call->peer->id;
    reply->to = call->from;
    reply->context = call->context;
    struct inbox_event event = {.type = INBOX_REPLY, .message = reply};
    if (inbox_put(call->transport->config.inbox, &event) != INBOX_TAKEN)
        queen_message_free(reply);
}

static void on_response(struct hive_http_response *response, void *context)
{
    struct call *call = context;
    if (call->is_heavy)
        call->peer->heavy--;
    else
        call->peer->light--;
    struct raft_message *reply;
    struct hive_error error;
    enum raft_message_type type =
        call->type == RAFT_REQUEST_VOTE ? RAFT_REQUEST_VOTE_REPLY : RAFT_APPEND_ENTRIES_REPLY;
    if (response->status == 0) {
        put_unreachable(call, response->failure);
    } else if (response->status != 200) {
        char why[64];
        snprintf(why, sizeof why, "HTTP status %d", response->status);
        put_unreachable(call, why);
    } else if (rpc_decode(type, response->body.data, response->body.size, &reply, &error)) {
        put_unreachable(call, error.message);
    } else {
        put_reply(call, reply);
    }
    LIST_REMOVE(call, link);
    free(call);
}

static struct peer *find_peer(struct transport *transport, raft_id id)
{
    for (size_t i = 0; i < transport->peer_count; i++)
        if (transport->peers[i].id == id)
            return &transport->peers[i];
    return NULL;
}

static void start_call(struct transport *transport, struct raft_message *message)
{
    struct peer *peer = find_peer(transport, message->to);
    bool is_append = message->type == RAFT_APPEND_ENTRIES;
    bool is_heavy = is_append && message->append_entries.entry_count > 0;
    bool is_heartbeat =
        is_append && !is_heavy; /* answered from memory; the others may wait for the peer's disk */
    if (!peer || (is_heavy ? peer->heavy >= 1 : peer->light >= LIGHT_REQUESTS)) {
        queen_message_free(message);
        return;
    }
    if (is_heavy)
        peer->heavy++;
    else
        peer->light++;
    hive_buffer_clear(&transport->json);
    rpc_encode_request(message, transport->config.address, &transport->json);
    struct call *call = hive_malloc(sizeof *call);
    *call = (struct call){
        .transport = transport,
        .peer = peer,
        .type = message->type,
        .from = message->from,
        .context = message->context,
        .is_heavy = is_heavy,
    };
    LIST_INSERT_HEAD(&transport->calls, call, link);
    queen_message_free(message);
    struct hive_http_request request = {
        .method = "POST",
        .url = peer->urls[is_append],
        .token = transport->config.token,
        .content_type = "application/json",
        .body = transport->json.data,
        .body_bytes = transport->json.size,
        .timeout_ms = is_heartbeat ? transport->config.heartbeat_timeout_ms : transport->config.timeout_ms,
        .response_bytes = HIVE_BODY_BYTES,
    };
    hive_http_client_start(transport->client, &request, on_response, call);
}

static void *run(void *argument)
{
    struct transport *transport = argument;
    struct raft_message **taken = NULL;
    size_t taken_capacity = 0;
    while (!transport->is_stopping) {
        pthread_mutex_lock(&transport->mutex);
        struct raft_message **filled = transport->queue;
        size_t count = transport->count, capacity = transport->capacity;
        transport->queue = taken;
        transport->capacity = taken_capacity;
        transport->count = 0;
        pthread_mutex_unlock(&transport->mutex);
        taken = filled;
        taken_capacity = capacity;
        for (size_t i = 0; i < count; i++)
            start_call(transport, taken[i]);
        hive_http_client_wait(transport->client, NULL, 0, count > 0 ? 0 : IDLE_WAIT_MS);
    }
    free(taken);
    return NULL;
}

struct transport *transport_start(const struct transport_config *config)
{
    struct transport *transport = hive_calloc(1, sizeof *transport);
    transport->config = *config;
    for (size_t i = 0; i < config->peer_count; i++) {
        struct peer *peer = &transport->peers[transport->peer_count++];
        *peer = (struct peer){.id = config->peers[i].id, .address = config->peers[i].address};
        peer->urls[0] = hive_format("http://%s%s", peer->address, rpc_path(RAFT_REQUEST_VOTE));
        peer->urls[1] = hive_format("http://%s%s", peer->address, rpc_path(RAFT_APPEND_ENTRIES));
    }
    transport->client = hive_http_client_create();
    pthread_mutex_init(&transport->mutex, NULL);
    pthread_create(&transport->thread, NULL, run, transport);
    pthread_setname_np(transport->thread, "transport");
    return transport;
}

void transport_send(struct transport *transport, struct raft_message *message)
{
    pthread_mutex_lock(&transport->mutex);
    if (transport->count == transport->capacity) {
        transport->capacity = transport->capacity ? transport->capacity * 2 : 16;
        transport->queue = hive_realloc(transport->queue, transport->capacity, sizeof(struct raft_message *));
    }
    transport->queue[transport->count++] = message;
    bool is_first = transport->count == 1;
    pthread_mutex_unlock(&transport->mutex);
    if (is_first)
        hive_http_client_wake(transport->client);
}

void transport_stop(struct transport *transport)
{
    if (!transport)
        return;
    transport->is_stopping = true;
    hive_http_client_wake(transport->client);
    pthread_join(transport->thread, NULL);
    hive_http_client_destroy(transport->client);
    struct call *call;
    while ((call = LIST_FIRST(&transport->calls))) {
        LIST_REMOVE(call, link);
        free(call);
    }
    for (size_t i = 0; i < transport->count; i++)
        queen_message_free(transport->queue[i]);
    for (size_t i = 0; i < transport->peer_count; i++) {
        free(transport->peers[i].urls[0]);
        free(transport->peers[i].urls[1]);
    }
    pthread_mutex_destroy(&transport->mutex);
    hive_buffer_finish(&transport->json);
    free(transport->queue);
    free(transport);
}
