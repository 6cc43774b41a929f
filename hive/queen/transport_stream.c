/* The stream of a snapshot to a peer, one piece after the other on a connection of its own. It begins with an empty piece, whose
 * answer says how much the peer has of this file already: what was sent before a connection broke is not sent again. It ends with the
 * peer's reply, once the snapshot is installed there, or as UNREACHABLE; then it is the core's turn to ask for it anew. */
#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/rpc.h"
#include "queen/transport_internal.h"

#define PIECE_TIMEOUT_MS 10000
/* The last piece is answered when the peer has checked the file and loaded it: at so many bytes a millisecond at least. */
#define LAST_TIMEOUT_MS 30000
#define LOAD_BYTES_A_MS 10000
/* After a stream that came no further than the one before it: where the peer's disk is full, the next one will not, either. */
#define FIRST_PAUSE_MS 200
#define LAST_PAUSE_MS  10000

/* What a piece was asked for, on its way through the snapshot thread. */
struct errand {
    struct transport *transport;
    raft_id peer;
    uint64_t offset;
};

/* On the snapshot thread. */
static void on_piece(const struct snapshotter_piece *piece, void *context)
{
    struct errand *errand = context;
    struct transport_order *order = hive_calloc(1, sizeof *order);
    order->peer = errand->peer;
    order->offset = errand->offset;
    if (piece->snapshot) {
        order->snapshot = hive_malloc(sizeof *order->snapshot);
        *order->snapshot = *piece->snapshot;
        order->file_bytes = piece->file_bytes;
        hive_buffer_append(&order->data, piece->data, piece->bytes);
    }
    transport_put_order(errand->transport, order);
    free(errand);
}

static void ask_for_piece(struct transport *transport, struct transport_peer *peer, size_t size)
{
    struct errand *errand = hive_malloc(sizeof *errand);
    *errand = (struct errand){.transport = transport, .peer = peer->id, .offset = peer->stream.offset};
    snapshotter_read_piece(transport->config.snapshotter, peer->id, peer->stream.needed, peer->stream.offset,
                           size, on_piece, errand);
}

void transport_stream_start(struct transport *transport, struct transport_peer *peer,
                            const struct raft_message *message)
{
    struct transport_stream *stream = &peer->stream;
    stream->request = *message; /* the newest one: it is this that the reply answers */
    stream->request.install_snapshot.snapshot = NULL;
    if (stream->is_on || hive_clock_monotonic_ms() < stream->retry_ms)
        return; /* the core asks again */
    stream->is_on = true;
    if (stream->needed != message->install_snapshot.snapshot->index)
        stream->reached = 0; /* another file */
    stream->needed = message->install_snapshot.snapshot->index;
    stream->offset = 0;
    hive_log_info("sending a snapshot", LOG_S("peer", peer->address));
    ask_for_piece(transport, peer, 0);
}

/* A broken connection costs no time as long as the peer gets more of the file each time. */
static void hold_back(struct transport_stream *stream)
{
    int64_t pause_ms = stream->pause_ms * 2;
    bool is_further = stream->offset > stream->reached;
    if (is_further)
        stream->reached = stream->offset;
    pause_ms = pause_ms < FIRST_PAUSE_MS  ? FIRST_PAUSE_MS
               : pause_ms < LAST_PAUSE_MS ? pause_ms
                                          : LAST_PAUSE_MS;
    stream->pause_ms = is_further ? 0 : pause_ms;
    stream->retry_ms = hive_clock_monotonic_ms() + stream->pause_ms;
}

static void give_up(struct transport *transport, struct transport_peer *peer, const char *why)
{
    peer->stream.is_on = false;
    hold_back(&peer->stream);
    hive_log_info("a snapshot did not get through", LOG_S("peer", peer->address), LOG_S("error", why));
    struct inbox_event event = {.type = INBOX_UNREACHABLE, .peer = peer->id};
    inbox_put(transport->config.inbox, &event);
}

static void finish(struct transport *transport, struct transport_peer *peer,
                   const struct rpc_piece_reply *answer)
{
    struct raft_message reply = {
        .type = RAFT_INSTALL_SNAPSHOT_REPLY,
        .from = peer->id,
        .to = peer->stream.request.from,
        .term = answer->term,
        .context = peer->stream.request.context,
    };
    reply.install_snapshot_reply.match_index = answer->match_index;
    peer->stream.is_on = false;
    peer->stream.reached = 0;
    peer->stream.pause_ms = peer->stream.retry_ms = 0;
    hive_log_info("snapshot sent", LOG_S("peer", peer->address), LOG_N("index", answer->match_index));
    transport_put_reply(transport, peer, queen_message_copy(&reply));
}

static void on_answer(struct hive_http_response *response, void *context)
{
    struct transport_call *call = context;
    struct transport *transport = call->transport;
    struct transport_peer *peer = call->peer;
    transport_end_call(call);
    char text[64];
    struct hive_error error;
    struct rpc_piece_reply answer;
    const char *why = transport_failure(response, text);
    if (!why && rpc_decode_piece_reply(response->body.data, response->body.size, &answer, &error))
        why = error.message;
    if (why) {
        give_up(transport, peer, why);
    } else if (answer.match_index > 0 || answer.term > peer->stream.request.term) {
        finish(transport, peer, &answer);
    } else if (answer.next_offset > peer->stream.file_bytes) {
        give_up(transport, peer, "next_offset is beyond the file");
    } else {
        peer->stream.offset = answer.next_offset;
        ask_for_piece(transport, peer, HIVE_SNAPSHOT_CHUNK_BYTES);
    }
}

void transport_stream_piece(struct transport *transport, const struct transport_order *order)
{
    struct transport_peer *peer = transport_find(transport, order->peer);
    if (!peer || !peer->stream.is_on)
        return;
    if (!order->snapshot) {
        give_up(transport, peer, "there is no snapshot to send");
        return;
    }
    peer->stream.file_bytes = order->file_bytes;
    struct queen_snapshot_piece piece = {
        .from = peer->stream.request.from,
        .to = peer->id,
        .term = peer->stream.request.term,
        .last_included_index = order->snapshot->index,
        .last_included_term = order->snapshot->term,
        .file_bytes = order->file_bytes,
        .offset = order->offset,
        .data = order->data.data,
        .bytes = order->data.size,
    };
    hive_buffer_clear(&transport->json);
    rpc_encode_piece(&piece, transport->config.address, &transport->json);
    bool may_be_last = piece.bytes == 0 || piece.offset + piece.bytes >= piece.file_bytes;
    int64_t load_ms = LAST_TIMEOUT_MS + (int64_t)(piece.file_bytes / LOAD_BYTES_A_MS);
    transport_post(transport, peer, LANE_STREAM, &peer->stream.request, rpc_path(RAFT_INSTALL_SNAPSHOT),
                   may_be_last ? load_ms : PIECE_TIMEOUT_MS, on_answer);
}
