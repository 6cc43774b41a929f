/* The transport thread. It exists so that the consensus thread never touches a socket, and so that encoding
 * and decoding of batches happens beside it. */
#include "queen/transport.h"

#include "faults/faults.h"
#include "hive/clock.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/rpc.h"
#include "queen/transport_internal.h"

/* Requests under way to one peer that carry no entries; more wait for nothing useful. */
#define LIGHT_REQUESTS 4
#define IDLE_WAIT_MS   1000
/* Removed members that can still be sent to. */
#define FORMER_PEERS 16

/* ---- peers ---- */

struct transport_peer *transport_find(struct transport *transport, raft_id id)
{
    struct transport_peer *peer;
    LIST_FOREACH(peer, &transport->peers, link)
    {
        if (peer->id == id)
            break;
    }
    return peer;
}

static bool is_idle(const struct transport_peer *peer)
{
    return peer->lanes[LANE_LIGHT] + peer->lanes[LANE_HEAVY] + peer->lanes[LANE_STREAM] == 0 &&
           !peer->stream.is_on;
}

/* Those that were removed longest ago are at the list's end. */
static void forget_former_peers(struct transport *transport)
{
    size_t former = 0;
    struct transport_peer *peer, *next;
    for (peer = LIST_FIRST(&transport->peers); peer; peer = next) {
        next = LIST_NEXT(peer, link);
        if (peer->is_member || ++former <= FORMER_PEERS || !is_idle(peer))
            continue;
        LIST_REMOVE(peer, link);
        free(peer);
    }
}

static void set_members(struct transport *transport, const struct raft_configuration *members)
{
    struct transport_peer *peer;
    LIST_FOREACH(peer, &transport->peers, link)
    peer->is_member = raft_configuration_find(members, peer->id) != NULL;
    for (size_t i = 0; i < members->count; i++) {
        const struct raft_member *member = &members->members[i];
        if (member->id == transport->config.id)
            continue;
        peer = transport_find(transport, member->id);
        if (!peer) {
            peer = hive_calloc(1, sizeof *peer);
            peer->id = member->id;
            peer->is_member = true;
            LIST_INSERT_HEAD(&transport->peers, peer, link);
        }
        snprintf(peer->address, sizeof peer->address, "%s", member->address);
    }
    forget_former_peers(transport);
}

/* ---- requests ---- */

void transport_put_unreachable(struct transport *transport, struct transport_peer *peer, const char *why)
{
    if (!peer->is_down)
        hive_log_warning("peer does not answer", LOG_S("peer", peer->address), LOG_S("error", why));
    peer->is_down = true;
    struct inbox_event event = {.type = INBOX_UNREACHABLE, .peer = peer->id};
    inbox_put(transport->config.inbox, &event);
}

void transport_put_reply(struct transport *transport, struct transport_peer *peer, struct raft_message *reply)
{
    if (peer->is_down)
        hive_log_info("peer answers again", LOG_S("peer", peer->address));
    peer->is_down = false;
    struct inbox_event event = {.type = INBOX_REPLY, .message = reply};
    if (inbox_put(transport->config.inbox, &event) != INBOX_TAKEN)
        inbox_event_finish(&event);
}

const char *transport_failure(const struct hive_http_response *response, char text[64])
{
    if (response->status == 0)
        return response->failure;
    if (response->status == 200)
        return NULL;
    snprintf(text, 64, "HTTP status %d", response->status);
    return text;
}

void transport_end_call(struct transport_call *call)
{
    call->peer->lanes[call->lane]--;
    LIST_REMOVE(call, link);
    free(call);
}

void transport_post(struct transport *transport, struct transport_peer *peer, enum transport_lane lane,
                    const struct raft_message *message, const char *path, int64_t timeout_ms,
                    hive_http_done *done)
{
    struct transport_call *call = hive_malloc(sizeof *call);
    *call = (struct transport_call){
        .transport = transport,
        .peer = peer,
        .lane = lane,
        .type = message->type,
        .from = message->from,
        .context = message->context,
    };
    peer->lanes[lane]++;
    LIST_INSERT_HEAD(&transport->calls, call, link);
    char *url = hive_format("http://%s%s", peer->address, path);
    struct hive_http_request request = {
        .method = "POST",
        .url = url,
        .token = transport->config.token,
        .content_type = "application/json",
        .body = transport->json.data,
        .body_bytes = transport->json.size,
        .timeout_ms = timeout_ms,
        .response_bytes = HIVE_BODY_BYTES,
    };
    faults_send(transport->config.faults, transport->client, &request, peer->address, done, call);
    free(url);
}

static enum raft_message_type reply_type(enum raft_message_type request)
{
    switch (request) {
    case RAFT_REQUEST_VOTE:
        return RAFT_REQUEST_VOTE_REPLY;
    case RAFT_TIMEOUT_NOW:
        return RAFT_TIMEOUT_NOW_REPLY;
    default:
        return RAFT_APPEND_ENTRIES_REPLY;
    }
}

static void on_response(struct hive_http_response *response, void *context)
{
    struct transport_call *call = context;
    char text[64];
    struct raft_message *reply;
    struct hive_error error;
    const char *why = transport_failure(response, text);
    if (!why && rpc_decode(reply_type(call->type), response->body.data, response->body.size, &reply, &error))
        why = error.message;
    if (why) {
        transport_put_unreachable(call->transport, call->peer, why);
    } else {
        reply->from = call->peer->id;
        reply->to = call->from;
        reply->context = call->context;
        transport_put_reply(call->transport, call->peer, reply);
    }
    transport_end_call(call);
}

static void send_message(struct transport *transport, const struct raft_message *message)
{
    struct transport_peer *peer = transport_find(transport, message->to);
    if (!peer)
        return;
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        transport_stream_start(transport, peer, message);
        return;
    }
    bool is_append = message->type == RAFT_APPEND_ENTRIES;
    enum transport_lane lane = is_append && message->append_entries.entry_count > 0 ? LANE_HEAVY : LANE_LIGHT;
    if (peer->lanes[lane] >= (lane == LANE_HEAVY ? 1 : LIGHT_REQUESTS))
        return;
    /* A heartbeat is answered from memory; the others may wait for the peer's disk. */
    bool is_heartbeat = is_append && lane == LANE_LIGHT;
    hive_buffer_clear(&transport->json);
    rpc_encode_request(message, transport->config.address, &transport->json);
    transport_post(transport, peer, lane, message, rpc_path(message->type),
                   is_heartbeat ? transport->config.heartbeat_timeout_ms : transport->config.timeout_ms,
                   on_response);
}

/* ---- orders ---- */

static void order_destroy(struct transport_order *order)
{
    queen_message_free(order->message);
    free(order->members);
    free(order->snapshot);
    hive_buffer_finish(&order->data);
    free(order);
}

void transport_put_order(struct transport *transport, struct transport_order *order)
{
    pthread_mutex_lock(&transport->mutex);
    bool is_first = TAILQ_EMPTY(&transport->orders);
    TAILQ_INSERT_TAIL(&transport->orders, order, link);
    pthread_mutex_unlock(&transport->mutex);
    if (is_first)
        hive_http_client_wake(transport->client);
}

void transport_send(struct transport *transport, struct raft_message *message)
{
    struct transport_order *order = hive_calloc(1, sizeof *order);
    order->message = message;
    transport_put_order(transport, order);
}

void transport_set_members(struct transport *transport, const struct raft_configuration *members)
{
    struct transport_order *order = hive_calloc(1, sizeof *order);
    order->members = hive_malloc(sizeof *order->members);
    *order->members = *members;
    transport_put_order(transport, order);
}

static void obey(struct transport *transport, struct transport_order *order)
{
    if (order->message)
        send_message(transport, order->message);
    else if (order->members)
        set_members(transport, order->members);
    else
        transport_stream_piece(transport, order);
    order_destroy(order);
}

static void *run(void *argument)
{
    struct transport *transport = argument;
    while (!transport->is_stopping) {
        struct transport_queue taken = TAILQ_HEAD_INITIALIZER(taken);
        pthread_mutex_lock(&transport->mutex);
        TAILQ_CONCAT(&taken, &transport->orders, link);
        pthread_mutex_unlock(&transport->mutex);
        bool had_work = !TAILQ_EMPTY(&taken);
        struct transport_order *order;
        while ((order = TAILQ_FIRST(&taken))) {
            TAILQ_REMOVE(&taken, order, link);
            obey(transport, order);
        }
        hive_http_client_wait(transport->client, NULL, 0, had_work ? 0 : IDLE_WAIT_MS);
    }
    return NULL;
}

/* ---- life ---- */

struct transport *transport_start(const struct transport_config *config)
{
    struct transport *transport = hive_calloc(1, sizeof *transport);
    transport->config = *config;
    TAILQ_INIT(&transport->orders);
    transport->client = hive_http_client_create();
    pthread_mutex_init(&transport->mutex, NULL);
    pthread_create(&transport->thread, NULL, run, transport);
    pthread_setname_np(transport->thread, "transport");
    return transport;
}

void transport_stop(struct transport *transport)
{
    if (!transport)
        return;
    transport->is_stopping = true;
    hive_http_client_wake(transport->client);
    pthread_join(transport->thread, NULL);
    hive_http_client_destroy(transport->client);
    struct transport_call *call;
    while ((call = LIST_FIRST(&transport->calls))) {
        LIST_REMOVE(call, link);
        free(call);
    }
    struct transport_order *order;
    while ((order = TAILQ_FIRST(&transport->orders))) {
        TAILQ_REMOVE(&transport->orders, order, link);
        order_destroy(order);
    }
    struct transport_peer *peer;
    while ((peer = LIST_FIRST(&transport->peers))) {
        LIST_REMOVE(peer, link);
        free(peer);
    }
    pthread_mutex_destroy(&transport->mutex);
    hive_buffer_finish(&transport->json);
    free(transport);
}
