/* Packets. A message is copied when it is sent, with its entries, into one piece of memory. A request whose delivery fails is
 * sometimes noticed (a refused or broken connection: UNREACHABLE) and sometimes not. */
#include "sim/network.h"

#include "hive/memory.h"
#include "sim/checks.h"
#include "sim/trace.h"

#define REFUSED_US (1 * MS)

int64_t network_delay_us(struct world *world)
{
    return sim_random_skewed(&world->network_random, world->config.delay_least_us, world->delay_most_us);
}

bool network_passes(struct world *world, unsigned from, unsigned to)
{
    return !world->cut[from][to] && !sim_random_chance(&world->network_random, world->drop_per_mille);
}

static struct packet *packet_copy(struct world *world, const struct raft_message *message)
{
    size_t count = message->type == RAFT_APPEND_ENTRIES ? message->append_entries.entry_count : 0;
    size_t bytes = count * sizeof(struct raft_entry);
    for (size_t i = 0; i < count; i++)
        bytes += message->append_entries.entries[i].bytes;
    struct packet *packet = hive_malloc(sizeof *packet + bytes);
    packet->users = 0;
    packet->message = *message;
    struct raft_entry *entries = (struct raft_entry *)(packet + 1);
    char *data = (char *)(entries + count);
    for (size_t i = 0; i < count; i++) {
        entries[i] = message->append_entries.entries[i];
        if (entries[i].bytes > 0)
            memcpy(data, entries[i].data, entries[i].bytes);
        entries[i].data = data;
        data += entries[i].bytes;
    }
    if (message->type == RAFT_APPEND_ENTRIES)
        packet->message.append_entries.entries = entries;
    LIST_INSERT_HEAD(&world->packets, packet, link);
    return packet;
}

static void packet_free(struct packet *packet)
{
    if (--packet->users > 0)
        return;
    LIST_REMOVE(packet, link);
    free(packet);
}

/* ---- delivery ---- */

static void hear_unreachable(struct world *world, unsigned number, uint64_t peer, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    replica_unreachable(node->replica, node_now_ms(node), peer);
    node_after_step(node);
}

void network_tell_unreachable(struct world *world, unsigned to, uint64_t life, raft_id peer, int64_t after_us)
{
    struct sim_event event = {
        .at_us = world->now_us + after_us, .run = hear_unreachable, .number = peer, .life = life, .node = to};
    sim_events_add(&world->events, &event);
}

static void deliver_request(struct world *world, struct packet *packet)
{
    struct node *node = &world->nodes[packet->to];
    if (node->state != NODE_UP || node->id != packet->message.to) {
        if (!world->cut[packet->to][packet->from])
            network_tell_unreachable(world, packet->from, packet->sender_life, packet->message.to,
                                     REFUSED_US);
        return;
    }
    struct rpc *rpc = hive_malloc(sizeof *rpc);
    *rpc = (struct rpc){.from = packet->from, .from_life = packet->sender_life};
    LIST_INSERT_HEAD(&node->rpcs, rpc, link);
    replica_message(node->replica, node_now_ms(node), &packet->message, rpc);
    node_after_step(node);
}

static bool is_reply(const struct raft_message *message)
{
    return message->type == RAFT_REQUEST_VOTE_REPLY || message->type == RAFT_APPEND_ENTRIES_REPLY ||
           message->type == RAFT_INSTALL_SNAPSHOT_REPLY || message->type == RAFT_TIMEOUT_NOW_REPLY;
}

static void arrive(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    struct packet *packet = argument;
    struct node *node = &world->nodes[number];
    trace_message(world, packet, "arrives");
    if (!is_reply(&packet->message)) {
        deliver_request(world, packet);
    } else if (node->state == NODE_UP && node->life == packet->sender_life) {
        replica_message(node->replica, node_now_ms(node), &packet->message, NULL);
        node_after_step(node);
    }
    packet_free(packet);
}

static void put_under_way(struct world *world, struct packet *packet)
{
    struct sim_event event = {
        .at_us = world->now_us + network_delay_us(world),
        .run = arrive,
        .argument = packet,
        .node = packet->to,
    };
    /* Connections keep the order of what they carry, but not all goes over one. */
    if (!sim_random_chance(&world->network_random, world->config.reorder_per_mille)) {
        int64_t *last_us = &world->last_arrival_us[packet->from][packet->to];
        event.at_us = *last_us = event.at_us > *last_us ? event.at_us : *last_us;
    }
    packet->users++;
    sim_events_add(&world->events, &event);
}

static void post(struct world *world, struct packet *packet)
{
    world->coverage.counts[COVER_PACKETS]++;
    trace_message(world, packet, "leaves");
    if (!network_passes(world, packet->from, packet->to)) {
        world->coverage.counts[COVER_PACKETS_LOST]++;
        /* Of a lost request or reply the one who asked may hear, sooner or later. */
        unsigned asker = is_reply(&packet->message) ? packet->to : packet->from;
        raft_id asked = is_reply(&packet->message) ? packet->message.from : packet->message.to;
        if (sim_random_chance(&world->network_random, world->config.noticed_per_mille))
            network_tell_unreachable(world, asker, packet->sender_life, asked,
                                     sim_random_skewed(&world->network_random, REFUSED_US, 500 * MS));
        packet->users++;
        packet_free(packet);
        return;
    }
    put_under_way(world, packet);
    if (sim_random_chance(&world->network_random, world->is_healed ? 0 : world->config.duplicate_per_mille)) {
        world->coverage.counts[COVER_PACKETS_DOUBLED]++;
        put_under_way(world, packet);
    }
}

void network_send(struct node *node, const struct raft_message *message)
{
    struct world *world = node->world;
    checks_message(node, message);
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        stream_begin(node, message);
        return;
    }
    struct node *to = world_node_of(world, message->to);
    if (!to || to == node)
        world_fail(world, "%s sends to %llu, which is nobody else", node->address,
                   (unsigned long long)message->to);
    struct packet *packet = packet_copy(world, message);
    packet->from = node->number;
    packet->to = to->number;
    packet->sender_life = node->life;
    post(world, packet);
}

void network_reply(struct node *node, enum queen_outcome outcome, const struct raft_message *reply,
                   struct rpc *rpc)
{
    struct world *world = node->world;
    LIST_REMOVE(rpc, link);
    if (outcome == QUEEN_DONE)
        checks_message(node, reply);
    if (node->is_crashing) {
        /* its connections break; who hears of that hears it from network_crash */
    } else if (rpc->stream) {
        stream_answer(world, rpc->stream, outcome == QUEEN_DONE ? reply : NULL);
    } else if (outcome == QUEEN_DONE) {
        struct packet *packet = packet_copy(world, reply);
        packet->from = node->number;
        packet->to = rpc->from;
        packet->sender_life = rpc->from_life;
        post(world, packet);
    } else if (!world->cut[node->number][rpc->from]) {
        network_tell_unreachable(world, rpc->from, rpc->from_life, node->id, network_delay_us(world));
    }
    free(rpc);
}

/* ---- ends ---- */

static void hear_leader_gone(struct world *world, unsigned number, uint64_t peer, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    const struct node *gone = world_node_of(world, peer);
    /* The connection was closed; and a new one is refused only where no process is behind the port. */
    if (gone->state == NODE_UP && gone->id == peer)
        return;
    world->coverage.counts[COVER_LEADERS_GONE]++;
    replica_leader_gone(node->replica, node_now_ms(node), peer);
    node_after_step(node);
}

static void break_streams(struct node *node)
{
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        struct node *other = &node->world->nodes[i];
        if (node->streams[i])
            stream_end(node->streams[i], true);
        if (other->streams[node->number])
            stream_end(other->streams[node->number], true);
    }
}

void network_crash(struct node *node, bool is_seen)
{
    struct world *world = node->world;
    break_streams(node);
    for (unsigned i = 1; i <= SIM_NODES && is_seen; i++) {
        struct node *other = &world->nodes[i];
        if (other->state != NODE_UP || other == node || world->cut[node->number][i] ||
            world->cut[i][node->number])
            continue;
        struct sim_event event = {
            .at_us = world->now_us + network_delay_us(world),
            .run = hear_leader_gone,
            .number = node->id,
            .life = other->life,
            .node = i,
        };
        sim_events_add(&world->events, &event);
    }
}

void network_destroy(struct world *world)
{
    struct packet *packet;
    while ((packet = LIST_FIRST(&world->packets))) {
        LIST_REMOVE(packet, link);
        free(packet);
    }
}
