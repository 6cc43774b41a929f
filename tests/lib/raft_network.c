/* Nodes, disks, packets and time of the test network; see the header. */
#include "lib/raft_network.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hive/memory.h"
#include "raft/configuration.h"

/* ---- life ---- */

static void found(struct raft_network *network, size_t founders)
{
    for (raft_id id = 1; id <= founders; id++) {
        struct raft_member *member = &network->founding.members[network->founding.count++];
        *member = (struct raft_member){.id = id, .kind = RAFT_MEMBER_VOTER};
        snprintf(member->address, sizeof member->address, "node-%" PRIu64, id);
    }
    for (raft_id id = 1; id <= founders; id++)
        network->nodes[id].disk.founding = network->founding;
}

raft_id raft_network_add_node(struct raft_network *network)
{
    const struct raft_network_config *config = &network->config;
    raft_id id = ++network->node_count;
    assert_true(id <= RAFT_NETWORK_NODES);
    network->nodes[id] = (struct raft_node){.is_ghost = true, .disk = {.first = 1}};
    network->nodes[id].config = (struct raft_config){
        .id = id,
        .election_timeout_min_ms = RAFT_NETWORK_ELECTION_MIN_MS,
        .election_timeout_max_ms = RAFT_NETWORK_ELECTION_MAX_MS,
        .heartbeat_ms = RAFT_NETWORK_HEARTBEAT_MS,
        .batch_entries = config->batch_entries ? config->batch_entries : 1000,
        .batch_bytes = config->batch_bytes ? config->batch_bytes : 1000000,
        .inflight_appends = config->inflight_appends ? config->inflight_appends : 1000,
        .disk_stall_ms = config->disk_stall_ms,
        .pre_vote = !config->no_pre_vote,
        .check_quorum = !config->no_check_quorum,
        .read_lease = config->read_lease,
        .clock_drift_percent = config->clock_drift_percent,
    };
    return id;
}

struct raft_network *raft_network_create(const struct raft_network_config *config)
{
    struct raft_network *network = hive_calloc(1, sizeof *network);
    network->config = *config;
    network->seed = network->random_state = config->seed;
    network->delay_max_ms = network->disk_max_ms = 1;
    network->checks = raft_network_checks_create();
    while (network->node_count < config->nodes)
        raft_network_add_node(network);
    found(network, config->founders ? config->founders : config->nodes);
    return network;
}

static void packet_free(struct raft_packet *packet)
{
    struct raft_message *message = &packet->message;
    if (message->type == RAFT_APPEND_ENTRIES)
        raft_entries_free((struct raft_entry *)message->append_entries.entries,
                          message->append_entries.entry_count);
    if (message->type == RAFT_INSTALL_SNAPSHOT)
        free((void *)message->install_snapshot.snapshot);
    free(packet);
}

static void packets_free(struct raft_packet **list)
{
    while (*list) {
        struct raft_packet *packet = *list;
        *list = packet->next;
        packet_free(packet);
    }
}

void raft_network_destroy(struct raft_network *network)
{
    for (raft_id id = 1; id <= network->node_count; id++) {
        struct raft_node *node = &network->nodes[id];
        raft_destroy(node->raft);
        packets_free(&node->outbox);
        raft_disk_finish(&node->disk);
        free(node->reads);
    }
    packets_free(&network->packets);
    raft_network_checks_destroy(network->checks);
    hive_buffer_finish(&network->trace);
    free(network);
}

void raft_network_trace(struct raft_network *network, const char *format, ...)
{
    if (network->trace.size > 100000)
        hive_buffer_consume(&network->trace, 90000);
    hive_buffer_format(&network->trace, "%8" PRId64 " ", network->now_ms);
    va_list arguments;
    va_start(arguments, format);
    hive_buffer_vformat(&network->trace, format, arguments);
    va_end(arguments);
    hive_buffer_append_text(&network->trace, "\n");
}

void raft_network_fail(struct raft_network *network, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t tail = network->trace.size < 6000 ? network->trace.size : 6000;
    fprintf(stderr, "%.*s\n", (int)tail,
            network->trace.data ? network->trace.data + network->trace.size - tail : "");
    fail_msg("seed %" PRIu64 ", step %" PRIu64 ", %" PRId64 " ms: %s", network->seed, network->steps,
             network->now_ms, text);
    abort();
}

/* splitmix64 */
static uint64_t random_bits(struct raft_network *network)
{
    uint64_t bits = (network->random_state += 0x9E3779B97F4A7C15U);
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBU;
    return bits ^ (bits >> 31);
}

uint64_t raft_network_random_below(struct raft_network *network, uint64_t below)
{
    return random_bits(network) % below;
}

bool raft_network_chance(struct raft_network *network, unsigned per_mille)
{
    return network->seed && raft_network_random_below(network, 1000) < per_mille;
}

/* Without weather, what makes the core draw its longest election timeout. */
static uint64_t event_random(struct raft_network *network)
{
    return network->seed ? random_bits(network) : RAFT_NETWORK_ELECTION_MAX_MS - RAFT_NETWORK_ELECTION_MIN_MS;
}

static int64_t draw_delay(struct raft_network *network, int64_t max_ms)
{
    return network->seed ? 1 + (int64_t)raft_network_random_below(network, (uint64_t)max_ms) : 1;
}

/* ---- the disk ---- */

struct raft_entry raft_network_entry(const struct raft_network *network, raft_index index, raft_term term,
                                     struct hive_buffer *data)
{
    enum raft_entry_type type = index == 1 ? RAFT_ENTRY_CONFIGURATION : RAFT_ENTRY_COMMAND;
    if (index == 1)
        raft_configuration_encode(data, &network->founding);
    else
        hive_buffer_format(data, "%" PRIu64 ".%" PRIu64, term, index);
    return (struct raft_entry){
        .index = index, .term = term, .type = type, .data = data->data, .bytes = data->size};
}

void raft_network_write_disk(struct raft_network *network, raft_id id, const char *terms, raft_term term,
                             raft_id voted_for)
{
    struct raft_disk *disk = &network->nodes[id].disk;
    raft_term previous = 0;
    char *end;

    assert_null(network->nodes[id].raft);
    assert_int_equal(disk->entry_count, 0);
    for (raft_term t = strtoull(terms, &end, 10); end != terms; terms = end, t = strtoull(terms, &end, 10)) {
        struct hive_buffer data = {0};
        struct raft_entry entry = raft_network_entry(network, disk->entry_count + 1, t, &data);
        raft_network_check_birth(network, &entry, previous);
        raft_disk_append(disk, &entry);
        hive_buffer_finish(&data);
        previous = t;
    }
    disk->term = term;
    disk->voted_for = voted_for;
}

/* ---- packets ---- */

static void packets_append(struct raft_packet **list, struct raft_packet *packet)
{
    while (*list)
        list = &(*list)->next;
    packet->next = NULL;
    *list = packet;
}

static struct raft_packet *packet_copy(const struct raft_message *message)
{
    struct raft_packet *packet = hive_calloc(1, sizeof *packet);
    packet->message = *message;
    if (message->type == RAFT_APPEND_ENTRIES)
        packet->message.append_entries.entries =
            raft_entries_copy(message->append_entries.entries, message->append_entries.entry_count);
    if (message->type == RAFT_INSTALL_SNAPSHOT)
        packet->message.install_snapshot.snapshot = (const struct raft_snapshot *)hive_memdup(
            message->install_snapshot.snapshot, sizeof *message->install_snapshot.snapshot);
    return packet;
}

/* The packet leaves its sender. */
static void packet_send(struct raft_network *network, struct raft_packet *packet)
{
    raft_network_check_leaving(network, &packet->message);
    packet->message.after_write = 0;
    packet->due_ms = network->now_ms + draw_delay(network, network->delay_max_ms);
    packets_append(&network->packets, packet);
    if (raft_network_chance(network, network->duplicate_per_mille))
        raft_network_duplicate(network, packet);
}

static void send_update(struct raft_network *network, raft_id id, const struct raft_update *update)
{
    struct raft_node *node = &network->nodes[id];
    for (size_t i = 0; i < update->message_count; i++) {
        struct raft_packet *packet = packet_copy(&update->messages[i]);
        if (packet->message.after_write > node->disk.durable_write)
            packets_append(&node->outbox, packet);
        else
            packet_send(network, packet);
    }
}

static void flush_outbox(struct raft_network *network, struct raft_node *node)
{
    struct raft_packet *waiting = node->outbox, *next;
    node->outbox = NULL;
    for (; waiting; waiting = next) {
        next = waiting->next;
        if (waiting->message.after_write > node->disk.durable_write)
            packets_append(&node->outbox, waiting);
        else
            packet_send(network, waiting);
    }
}

static void packet_unlink(struct raft_network *network, struct raft_packet *packet)
{
    struct raft_packet **place = &network->packets;
    while (*place != packet) {
        assert_non_null(*place);
        place = &(*place)->next;
    }
    *place = packet->next;
}

struct raft_packet *raft_network_find(struct raft_network *network, enum raft_message_type type, raft_id from,
                                      raft_id to)
{
    struct raft_packet *packet = network->packets;
    while (packet &&
           (packet->message.type != type || packet->message.from != from || packet->message.to != to))
        packet = packet->next;
    return packet;
}

void raft_network_deliver(struct raft_network *network, struct raft_packet *packet)
{
    packet_unlink(network, packet);
    raft_network_receive(network, &packet->message);
    packet_free(packet);
}

void raft_network_drop(struct raft_network *network, struct raft_packet *packet)
{
    struct raft_node *sender = &network->nodes[packet->message.from];
    raft_id to = packet->message.to;
    packet_unlink(network, packet);
    packet_free(packet);
    if (raft_network_chance(network, network->unreachable_per_mille) && sender->raft)
        raft_network_step(network, sender->config.id,
                          (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = to});
}

void raft_network_drop_all(struct raft_network *network)
{
    packets_free(&network->packets);
}

void raft_network_duplicate(struct raft_network *network, const struct raft_packet *packet)
{
    struct raft_packet *copy = packet_copy(&packet->message);
    copy->due_ms = network->now_ms + draw_delay(network, network->delay_max_ms * 4);
    packets_append(&network->packets, copy);
}

void raft_network_cut(struct raft_network *network, raft_id one, raft_id other, bool cut)
{
    network->cut[one][other] = network->cut[other][one] = cut;
}

void raft_network_isolate(struct raft_network *network, raft_id id, bool cut)
{
    for (raft_id other = 1; other <= network->node_count; other++)
        raft_network_cut(network, id, other, cut);
}

void raft_network_heal(struct raft_network *network)
{
    memset(network->cut, 0, sizeof network->cut);
}

/* ---- nodes ---- */

void raft_network_start(struct raft_network *network, raft_id id)
{
    struct raft_node *node = &network->nodes[id];
    struct raft_recovered recovered = raft_disk_recover(&node->disk);
    assert_null(node->raft);
    raft_network_trace(network, "node %" PRIu64 " starts", id);
    node->is_ghost = false;
    node->raft =
        raft_create(&node->config, &recovered, network->now_ms + node->clock_ms, event_random(network));
    node->deadline_ms = raft_deadline_ms(node->raft);
    raft_network_check_start(network, id);
}

void raft_network_start_all(struct raft_network *network)
{
    for (raft_id id = 1; id <= network->node_count; id++)
        raft_network_start(network, id);
}

void raft_network_crash(struct raft_network *network, raft_id id, size_t records)
{
    struct raft_node *node = &network->nodes[id];
    raft_network_trace(network, "node %" PRIu64 " crashes, %zu records reach its disk", id, records);
    raft_disk_crash(&node->disk, records);
    packets_free(&node->outbox);
    raft_destroy(node->raft);
    node->raft = NULL;
    node->paused_until_ms = 0;
}

static void remember(struct raft_network *network, raft_id id, const struct raft_update *update)
{
    struct raft_node *node = &network->nodes[id];
    node->status = update->status;
    node->proposed_first = update->proposed_first;
    node->deadline_ms = update->deadline_ms;
    node->log_first = update->log_first;
    node->configuration_changed = update->configuration != NULL;
    node->transfer_ended = update->transfer_ended;
    node->transfer_status = update->transfer_status;
    node->transfers += update->transfer_ended && update->transfer_status == RAFT_OK;
    node->installs += update->install != NULL;
    node->rollbacks += update->configuration && update->truncate_from;
    network->truncations += update->truncate_from > 0;
    node->reads = hive_realloc(node->reads, node->read_count + update->read_count + 1, sizeof *node->reads);
    for (size_t i = 0; i < update->read_count; i++)
        node->reads[node->read_count++] = update->reads[i];
    for (size_t i = 0; i < update->transition_count; i++) {
        const struct raft_transition *transition = &update->transitions[i];
        node->elections_won += transition->role == RAFT_LEADER;
        snprintf(node->reason, sizeof node->reason, "%s", transition->reason);
        raft_network_trace(network, "node %" PRIu64 " %s in term %" PRIu64 ": %s", id,
                           (const char *const[]){"FOLLOWER", "CANDIDATE", "LEADER"}[transition->role],
                           transition->term, node->reason);
    }
}

void raft_network_step(struct raft_network *network, raft_id id, struct raft_event event)
{
    struct raft_node *node = &network->nodes[id];
    struct raft_update update;

    assert_non_null(node->raft);
    event.now_ms = network->now_ms + node->clock_ms;
    event.random = event_random(network);
    network->steps++;
    raft_step(node->raft, &event, &update);
    network->digest = raft_network_digest(network->digest, &update);
    remember(network, id, &update);
    if (network->observe)
        network->observe(network, id, &event, &update, network->observer);
    raft_network_check_step(network, id, &event, &update);
    raft_disk_take(&node->disk, &update, network->now_ms + draw_delay(network, network->disk_max_ms));
    if (update.log_first > node->disk.first)
        raft_disk_drop_before(&node->disk, update.log_first);
    send_update(network, id, &update);
}

void raft_network_tick(struct raft_network *network, raft_id id)
{
    raft_network_step(network, id, (struct raft_event){.type = RAFT_EVENT_TICK});
}

raft_index raft_network_propose(struct raft_network *network, raft_id id, const char *text)
{
    struct raft_command command = {.data = text, .bytes = strlen(text)};
    raft_network_step(
        network, id,
        (struct raft_event){.type = RAFT_EVENT_PROPOSE, .propose = {.commands = &command, .count = 1}});
    return network->nodes[id].status == RAFT_OK ? network->nodes[id].proposed_first : 0;
}

void raft_network_read(struct raft_network *network, raft_id id, uint64_t context)
{
    raft_network_step(network, id, (struct raft_event){.type = RAFT_EVENT_READ, .read_context = context});
}

void raft_network_receive(struct raft_network *network, const struct raft_message *message)
{
    if (message->type == RAFT_INSTALL_SNAPSHOT && message->install_snapshot.snapshot)
        raft_disk_keep_snapshot(&network->nodes[message->to].disk, message->install_snapshot.snapshot);
    raft_network_step(network, message->to,
                      (struct raft_event){.type = RAFT_EVENT_MESSAGE, .message = message});
}

enum raft_status raft_network_change(struct raft_network *network, raft_id id, enum raft_change_type type,
                                     raft_id member, enum raft_member_kind kind)
{
    struct raft_change change = {.type = type, .member = {.id = member, .kind = kind}};
    snprintf(change.member.address, sizeof change.member.address, "node-%" PRIu64, member);
    raft_network_step(network, id, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
    return network->nodes[id].status;
}

enum raft_status raft_network_transfer(struct raft_network *network, raft_id id, raft_id to)
{
    raft_network_step(network, id, (struct raft_event){.type = RAFT_EVENT_TRANSFER, .peer = to});
    return network->nodes[id].status;
}

void raft_network_leader_gone(struct raft_network *network, raft_id id, raft_id leader)
{
    raft_network_step(network, id, (struct raft_event){.type = RAFT_EVENT_LEADER_GONE, .peer = leader});
}

bool raft_network_snapshot(struct raft_network *network, raft_id id, raft_index index, raft_index keep_from)
{
    struct raft_node *node = &network->nodes[id];
    struct raft_event event = {.type = RAFT_EVENT_SNAPSHOT, .compact = {.keep_from = keep_from}};
    struct raft_snapshot snapshot;
    if (!raft_snapshot_at(node->raft, index, &snapshot))
        return false;
    raft_disk_keep_snapshot(&node->disk, &snapshot);
    event.compact.snapshot = &snapshot;
    raft_network_step(network, id, event);
    return true;
}

void raft_network_complete(struct raft_network *network, raft_id id, uint64_t write)
{
    struct raft_node *node = &network->nodes[id];
    if (node->disk.write_count == 0 || node->disk.writes[0].number > write)
        return;
    raft_disk_complete(&node->disk, write);
    raft_network_step(network, id,
                      (struct raft_event){.type = RAFT_EVENT_DURABLE, .write = node->disk.durable_write});
    flush_outbox(network, node);
}

void raft_network_complete_all(struct raft_network *network, raft_id id)
{
    raft_network_complete(network, id, UINT64_MAX);
}
