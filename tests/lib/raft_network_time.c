/* Time in the test network: who is next, and the short cuts of scripts that let nothing pass but what they
 * wait for. */
#include "lib/raft_network.h"

#include <inttypes.h>

/* The packet reaches its node, or is lost on the way. */
static void arrive(struct raft_network *network, struct raft_packet *packet)
{
    if (!network->nodes[packet->message.to].raft || network->cut[packet->message.from][packet->message.to] ||
        raft_network_chance(network, network->drop_per_mille))
        raft_network_drop(network, packet);
    else
        raft_network_deliver(network, packet);
}

static bool settle_packets(struct raft_network *network)
{
    struct raft_packet *packet = network->packets;
    while (packet && network->nodes[packet->message.to].is_ghost)
        packet = packet->next;
    if (!packet)
        return false;
    arrive(network, packet);
    return true;
}

static bool settle_disks(struct raft_network *network)
{
    for (raft_id id = 1; id <= network->node_count; id++) {
        struct raft_node *node = &network->nodes[id];
        if (node->disk.write_count > 0 && !node->disk_held) {
            raft_network_complete_all(network, id);
            return true;
        }
    }
    return false;
}

void raft_network_settle(struct raft_network *network)
{
    for (int rounds = 0; settle_disks(network) || settle_packets(network); rounds++)
        if (rounds > 100000)
            raft_network_fail(network, "the nodes never stop talking");
}

void raft_network_time_out(struct raft_network *network, raft_id id)
{
    struct raft_node *node = &network->nodes[id];
    if (node->deadline_ms > network->now_ms + node->clock_ms)
        node->clock_ms = node->deadline_ms - network->now_ms;
    raft_network_tick(network, id);
    raft_network_settle(network);
}

void raft_network_elect(struct raft_network *network, raft_id id)
{
    for (int tries = 0; raft_role(network->nodes[id].raft) != RAFT_LEADER; tries++) {
        if (tries == 10)
            raft_network_fail(network, "node %" PRIu64 " does not win", id);
        raft_network_time_out(network, id);
    }
}

/* When something that is due at `from_ms` on the network's clock happens in the node. */
static int64_t awake_ms(const struct raft_node *node, int64_t from_ms)
{
    return from_ms > node->paused_until_ms ? from_ms : node->paused_until_ms;
}

/* What is due, and when; the earliest that was offered. */
struct due {
    int64_t at_ms;
    struct raft_packet *packet; /* one of these three */
    raft_id disk, clock;
};

static void offer(struct due *due, struct due other)
{
    if (other.at_ms < due->at_ms)
        *due = other;
}

/* Does the one thing that is due first, unless that is after `end_ms`. */
static bool run_next(struct raft_network *network, int64_t end_ms)
{
    struct due due = {.at_ms = INT64_MAX};

    for (struct raft_packet *packet = network->packets; packet; packet = packet->next) {
        const struct raft_node *target = &network->nodes[packet->message.to];
        if (!target->is_ghost)
            offer(&due, (struct due){awake_ms(target, packet->due_ms), .packet = packet});
    }
    for (raft_id id = 1; id <= network->node_count; id++) {
        const struct raft_node *node = &network->nodes[id];
        if (!node->raft)
            continue;
        if (node->disk.write_count > 0 && !node->disk_held)
            offer(&due, (struct due){awake_ms(node, node->disk.writes[0].due_ms), .disk = id});
        offer(&due, (struct due){awake_ms(node, node->deadline_ms - node->clock_ms), .clock = id});
    }
    if (due.at_ms > end_ms)
        return false;
    if (due.at_ms > network->now_ms)
        network->now_ms = due.at_ms;
    if (due.clock)
        raft_network_tick(network, due.clock);
    else if (due.disk)
        raft_network_complete(network, due.disk, network->nodes[due.disk].disk.writes[0].number);
    else
        arrive(network, due.packet);
    return true;
}

void raft_network_run(struct raft_network *network, int64_t ms)
{
    int64_t end_ms = network->now_ms + ms;
    for (int64_t rounds = 0; run_next(network, end_ms); rounds++)
        if (rounds > 100000 + ms * 1000)
            raft_network_fail(network, "time does not pass: something is due again and again");
    network->now_ms = end_ms;
}

raft_id raft_network_leader(const struct raft_network *network)
{
    raft_id leader = 0;
    for (raft_id id = 1; id <= network->node_count; id++) {
        const struct raft *raft = network->nodes[id].raft;
        if (raft && raft_role(raft) == RAFT_LEADER &&
            (!leader || raft_current_term(raft) > raft_current_term(network->nodes[leader].raft)))
            leader = id;
    }
    return leader;
}

void raft_network_assert_log(struct raft_network *network, raft_id id, const char *terms)
{
    const struct raft *raft = network->nodes[id].raft;
    struct hive_buffer text = {0};
    hive_buffer_append_text(&text, "");
    for (raft_index i = raft_first_index(raft); i <= raft_last_index(raft); i++)
        hive_buffer_format(&text, "%s%" PRIu64, text.size ? " " : "", raft_entry_at(raft, i)->term);
    if (strcmp(text.data, terms) != 0)
        raft_network_fail(network, "the log of node %" PRIu64 " is %s, not %s", id, text.data, terms);
    hive_buffer_finish(&text);
}
