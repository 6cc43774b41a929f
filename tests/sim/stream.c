/* A snapshot on its way from a leader to a follower, piece by piece, as the transport and the receiver of a queen do it: the answer to
 * each piece says how far the file is there, so that a stream that broke goes on where it was. */
#include "sim/network.h"

#include <errno.h>

#include "hive/memory.h"
#include "sim/trace.h"

#define ANSWER_US (3000 * MS) /* so long a sender waits for an answer */

struct stream {
    uint64_t number;
    struct world *world;
    unsigned from, to;
    raft_id to_id;
    struct raft_message message; /* that asked for it */
    struct store_snapshot_reader *reader;
    struct raft_snapshot snapshot;
    uint64_t file_bytes, offset;
    uint64_t piece; /* number of the piece that is under way */
};

/* Events of a stream carry its number, since it may be gone when they happen. */
static struct stream *find(struct world *world, uint64_t number)
{
    for (unsigned from = 1; from <= SIM_NODES; from++) {
        for (unsigned to = 1; to <= SIM_NODES; to++) {
            struct stream *stream = world->nodes[from].streams[to];
            if (stream && stream->number == number)
                return stream;
        }
    }
    return NULL;
}

void stream_end(struct stream *stream, bool is_broken)
{
    struct world *world = stream->world;
    struct node *node = &world->nodes[stream->from];
    node->streams[stream->to] = NULL;
    trace_event(world, node, "the stream of its snapshot to %s %s", world->nodes[stream->to].address,
                is_broken ? "breaks" : "is over");
    store_snapshot_close(stream->reader);
    if (is_broken) {
        world->coverage.counts[COVER_STREAMS_BROKEN]++;
        network_tell_unreachable(world, stream->from, node->life, stream->to_id, network_delay_us(world));
    }
    free(stream);
}

static sim_run last_answered;

static void add_event(struct stream *stream, int64_t after_us, unsigned node, sim_run *run, void *argument)
{
    struct sim_event event = {
        .at_us = stream->world->now_us + after_us,
        .run = run,
        .number = stream->number,
        .argument = argument,
        .node = node,
        .owns_argument = run == last_answered,
    };
    sim_events_add(&stream->world->events, &event);
}

static void give_up(struct world *world, unsigned number, uint64_t stream_number, void *piece)
{
    (void)number;
    struct stream *stream = find(world, stream_number);
    if (stream && stream->piece == (uint64_t)(uintptr_t)piece)
        stream_end(stream, true);
}

/* ---- the receiver ---- */

static bool incoming_is_of(const struct node *node, const struct stream *stream)
{
    return node->incoming && node->incoming_index == stream->snapshot.index &&
           node->incoming_term == stream->snapshot.term && node->incoming_bytes == stream->file_bytes;
}

static int incoming_begin(struct node *node, const struct stream *stream)
{
    if (incoming_is_of(node, stream))
        return 0;
    store_incoming_suspend(node->incoming);
    node->incoming = NULL;
    node->incoming_index = stream->snapshot.index;
    node->incoming_term = stream->snapshot.term;
    node->incoming_bytes = stream->file_bytes;
    int result = store_incoming_begin(node->store, stream->snapshot.index, stream->snapshot.term,
                                      stream->file_bytes, &node->incoming, &node->incoming_offset, NULL);
    if (result == 0 && node->incoming_offset > 0)
        node->world->coverage.counts[COVER_STREAMS_RESUMED]++;
    return result;
}

static int take_piece(struct node *node, struct stream *stream)
{
    char piece[4096];
    size_t most =
        node->world->config.chunk_bytes < sizeof piece ? node->world->config.chunk_bytes : sizeof piece;
    if (node->incoming_offset != stream->offset)
        return 0; /* the answer says where to go on */
    ssize_t bytes = store_snapshot_read_file(stream->reader, stream->offset, piece, most, NULL);
    if (bytes <= 0)
        return (int)bytes;
    int result = store_incoming_append(node->incoming, piece, (size_t)bytes, NULL);
    if (result == 0)
        node->incoming_offset += (uint64_t)bytes;
    return result;
}

/* All is there: the new machine is loaded beside the work, then the replica takes it. The newest snapshot may be another one, that came
 * before and was not installed because its sender's term was over: it is committed state, too. */
static int finish(struct node *node, struct stream *stream)
{
    struct raft_snapshot snapshot;
    int result = store_incoming_commit(node->incoming, &snapshot, NULL);
    node->incoming = NULL;
    if (result < 0)
        return result;
    bool is_newer = snapshot.index > replica_applied(node->replica);
    struct machine *machine = is_newer ? snapshotter_load(node, &snapshot) : NULL;
    if (is_newer && !machine)
        return -EIO;
    struct raft_message message = stream->message;
    message.install_snapshot.snapshot = &snapshot;
    struct rpc *rpc = hive_malloc(sizeof *rpc);
    *rpc = (struct rpc){
        .from = stream->from,
        .from_life = stream->world->nodes[stream->from].life,
        .stream = stream->number,
    };
    LIST_INSERT_HEAD(&node->rpcs, rpc, link);
    replica_install(node->replica, node_now_ms(node), &message, machine, rpc);
    return 0;
}

static void answered(struct world *world, unsigned number, uint64_t stream_number, void *offset);

static void piece_arrives(struct world *world, unsigned number, uint64_t stream_number, void *unused)
{
    (void)unused;
    struct node *node = &world->nodes[number];
    struct stream *stream = find(world, stream_number);
    if (!stream)
        return;
    if (node->state != NODE_UP || node->id != stream->to_id) {
        stream_end(stream, true);
        return;
    }
    /* A leader that is no more would begin its file again and again, and the new one its own: the newer term's has the way. */
    if (stream->message.term < node->incoming_leader_term) {
        stream_end(stream, true);
        return;
    }
    node->incoming_leader_term = stream->message.term;
    int result = incoming_begin(node, stream);
    if (result == 0)
        result = take_piece(node, stream);
    bool is_complete = result == 0 && node->incoming_offset == stream->file_bytes;
    uint64_t offset = node->incoming_offset;
    if (is_complete)
        result = finish(node, stream);
    stream = find(world, stream_number);
    if (result < 0) {
        store_incoming_suspend(node->incoming);
        node->incoming = NULL;
        if (stream)
            stream_end(stream, true);
    } else if (!is_complete && network_passes(world, number, stream->from)) {
        add_event(stream, network_delay_us(world), stream->from, answered, (void *)(uintptr_t)offset);
    }
    node_after_step(node);
}

/* ---- the sender ---- */

static void send_piece(struct stream *stream)
{
    struct world *world = stream->world;
    stream->piece++;
    if (network_passes(world, stream->from, stream->to))
        add_event(stream, network_delay_us(world) + world->config.disk_least_us, stream->to, piece_arrives,
                  NULL);
    add_event(stream, ANSWER_US, 0, give_up, (void *)(uintptr_t)stream->piece);
}

static void answered(struct world *world, unsigned number, uint64_t stream_number, void *offset)
{
    (void)number;
    struct stream *stream = find(world, stream_number);
    if (!stream)
        return;
    stream->offset = (uint64_t)(uintptr_t)offset;
    send_piece(stream);
}

static void last_answered(struct world *world, unsigned number, uint64_t stream_number, void *argument)
{
    struct raft_message *reply = argument;
    struct stream *stream = find(world, stream_number);
    struct node *node = &world->nodes[number];
    if (stream) {
        stream_end(stream, false);
        replica_message(node->replica, node_now_ms(node), reply, NULL);
        node_after_step(node);
    }
    free(reply);
}

void stream_answer(struct world *world, uint64_t number, const struct raft_message *reply)
{
    struct stream *stream = find(world, number);
    if (!stream)
        return;
    if (!reply)
        stream_end(stream, true);
    else if (network_passes(world, stream->to, stream->from))
        add_event(stream, network_delay_us(world), stream->from, last_answered,
                  hive_memdup(reply, sizeof *reply));
    /* else give_up ends it */
}

void stream_begin(struct node *node, const struct raft_message *message)
{
    struct world *world = node->world;
    struct node *to = world_node_of(world, message->to);
    if (node->streams[to->number]) {
        node->streams[to->number]->message = *message; /* it is this that the reply answers */
        return;
    }
    struct store_snapshot_reader *reader;
    if (store_snapshot_open(node->store, &reader, NULL) < 0) {
        network_tell_unreachable(world, node->number, node->life, message->to, 10 * MS);
        return;
    }
    struct stream *stream = hive_malloc(sizeof *stream);
    *stream = (struct stream){
        .number = ++world->stream_count,
        .world = world,
        .from = node->number,
        .to = to->number,
        .to_id = message->to,
        .message = *message,
        .reader = reader,
        .snapshot = *store_snapshot_meta(reader),
        .file_bytes = store_snapshot_file_bytes(reader),
    };
    node->streams[to->number] = stream;
    trace_event(world, node, "streams its snapshot at %llu to %s", (unsigned long long)stream->snapshot.index,
                to->address);
    send_piece(stream);
}
