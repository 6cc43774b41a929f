/* What the tests of the consensus core say: words for changes, and what ghosts say, messages made by hand. */
#ifndef UNIT_RAFT_SPEECH_H
#define UNIT_RAFT_SPEECH_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "lib/raft_network.h"

#define ADD     RAFT_CHANGE_ADD
#define PROMOTE RAFT_CHANGE_PROMOTE
#define REMOVE  RAFT_CHANGE_REMOVE
#define VOTER   RAFT_MEMBER_VOTER
#define JOINING RAFT_MEMBER_JOINING
#define LEARNER RAFT_MEMBER_LEARNER

static inline void say_request_vote(struct raft_network *network, raft_id from, raft_id to, raft_term term,
                                    raft_index last_index, raft_term last_term, bool pre_vote)
{
    raft_network_receive(network, &(struct raft_message){.type = RAFT_REQUEST_VOTE,
                                                         .from = from,
                                                         .to = to,
                                                         .term = term,
                                                         .request_vote = {.last_log_index = last_index,
                                                                          .last_log_term = last_term,
                                                                          .pre_vote = pre_vote}});
}

static inline void say_vote(struct raft_network *network, raft_id from, raft_id to, raft_term term,
                            bool granted, bool pre_vote)
{
    raft_network_receive(network, &(struct raft_message){
                                      .type = RAFT_REQUEST_VOTE_REPLY,
                                      .from = from,
                                      .to = to,
                                      .term = term,
                                      .request_vote_reply = {.vote_granted = granted, .pre_vote = pre_vote}});
}

/* Entries behind `prev` with the given terms, as in "1 1 2"; their data tell index and term. */
static inline void say_append(struct raft_network *network, raft_id from, raft_id to, raft_term term,
                              raft_index prev, raft_term prev_term, const char *terms, raft_index commit)
{
    struct raft_entry entries[16];
    struct hive_buffer data[16] = {{0}};
    char *end;
    size_t count = 0;

    for (raft_term t = strtoull(terms, &end, 10); end != terms; terms = end, t = strtoull(terms, &end, 10)) {
        assert_true(count < 16);
        entries[count] = raft_network_entry(network, prev + count + 1, t, &data[count]);
        count++;
    }
    raft_network_receive(network, &(struct raft_message){.type = RAFT_APPEND_ENTRIES,
                                                         .from = from,
                                                         .to = to,
                                                         .term = term,
                                                         .context = 1,
                                                         .append_entries = {.prev_log_index = prev,
                                                                            .prev_log_term = prev_term,
                                                                            .leader_commit = commit,
                                                                            .entries = entries,
                                                                            .entry_count = count}});
    for (size_t i = 0; i < count; i++)
        hive_buffer_finish(&data[i]);
}

static inline void say_append_reply(struct raft_network *network, raft_id from, raft_id to, raft_term term,
                                    struct raft_append_entries_reply reply)
{
    raft_network_receive(network, &(struct raft_message){.type = RAFT_APPEND_ENTRIES_REPLY,
                                                         .from = from,
                                                         .to = to,
                                                         .term = term,
                                                         .append_entries_reply = reply});
}

/* Takes the oldest packet of the kind out of the queue and gives what it said; fails where there is none. */
static inline struct raft_message heard(struct raft_network *network, enum raft_message_type type,
                                        raft_id from, raft_id to)
{
    struct raft_packet *packet = raft_network_find(network, type, from, to);
    if (!packet)
        raft_network_fail(network, "node %" PRIu64 " did not say what it should to %" PRIu64, from, to);
    struct raft_message message = packet->message;
    if (type == RAFT_APPEND_ENTRIES)
        message.append_entries.entries = NULL; /* they go with the packet */
    if (type == RAFT_INSTALL_SNAPSHOT)
        message.install_snapshot.snapshot = NULL;
    raft_network_drop(network, packet);
    return message;
}

static inline bool is_silent(struct raft_network *network, enum raft_message_type type, raft_id from,
                             raft_id to)
{
    return !raft_network_find(network, type, from, to);
}

/* Node 1, up among ghosts, from the disk that it has (see raft_network_write_disk). */
static inline struct raft_network *one_among_ghosts(size_t nodes)
{
    return raft_network_create(&(struct raft_network_config){.nodes = nodes});
}

/* An answer of node 2 to the append of node 1, the leader, with that context. */
static inline void acknowledge(struct raft_network *network, uint64_t context, raft_index match)
{
    raft_network_receive(
        network, &(struct raft_message){.type = RAFT_APPEND_ENTRIES_REPLY,
                                        .from = 2,
                                        .to = 1,
                                        .term = raft_current_term(network->nodes[1].raft),
                                        .context = context,
                                        .append_entries_reply = {.success = true, .match_index = match}});
}

/* Makes node 1 the leader with the votes of ghosts; nothing of what it then says is answered. */
static inline raft_term lead(struct raft_network *network)
{
    struct raft_node *node = &network->nodes[1];
    raft_network_time_out(network, 1);
    raft_term term = raft_current_term(node->raft) + 1;
    for (raft_id id = 2; id <= network->node_count / 2 + 1; id++)
        say_vote(network, id, 1, term, true, true);
    raft_network_settle(network);
    for (raft_id id = 2; id <= network->node_count / 2 + 1; id++)
        say_vote(network, id, 1, term, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    assert_int_equal(raft_current_term(node->raft), term);
    raft_network_settle(network);
    raft_network_drop_all(network);
    return term;
}

/* A snapshot of everything up to that index, with the founders as members. */
static inline struct raft_snapshot snapshot_of(const struct raft_network *network, raft_index index,
                                               raft_term term)
{
    struct raft_snapshot snapshot = {.index = index, .term = term, .configuration = network->founding};
    snapshot.configuration.index = 1; /* as in every log that a test makes up */
    return snapshot;
}

static inline void say_install(struct raft_network *network, raft_id from, raft_id to, raft_term term,
                               const struct raft_snapshot *snapshot)
{
    raft_network_receive(network, &(struct raft_message){.type = RAFT_INSTALL_SNAPSHOT,
                                                         .from = from,
                                                         .to = to,
                                                         .term = term,
                                                         .install_snapshot = {.snapshot = snapshot}});
}

/* The leader's view of a peer. */
static inline struct raft_peer_status peer_of(const struct raft_network *network, raft_id leader, raft_id id)
{
    struct raft_peer_status peers[RAFT_NETWORK_NODES];
    size_t count = raft_peers(network->nodes[leader].raft, peers, RAFT_NETWORK_NODES), i = 0;
    while (i < count && peers[i].id != id)
        i++;
    assert_true(i < count);
    return peers[i];
}

/* A group of real nodes that has elected node 1 and settled; the nodes behind the founders are up, and
 * wait. */
static inline struct raft_network *network_led_by_1(const struct raft_network_config *config)
{
    struct raft_network *network = raft_network_create(config);
    raft_network_start_all(network);
    raft_network_elect(network, 1);
    raft_network_tick(network, 1);
    raft_network_settle(network);
    return network;
}

static inline struct raft_network *group_led_by_1(size_t nodes)
{
    return network_led_by_1(&(struct raft_network_config){.nodes = nodes});
}

static inline struct raft_network *group_and_others_led_by_1(size_t founders, size_t nodes)
{
    return network_led_by_1(&(struct raft_network_config){.nodes = nodes, .founders = founders});
}

/* Heartbeats of a leader and everything that follows from them. Five: whatever was lost before is found to
 * be, and sent again. */
static inline void beat(struct raft_network *network, raft_id leader, int times)
{
    for (int i = 0; i < times; i++) {
        network->nodes[leader].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, leader);
        raft_network_settle(network);
    }
}

/* The kind of a member by a node's configuration in force; 0: none. */
static inline enum raft_member_kind kind_of(const struct raft_network *network, raft_id node, raft_id id)
{
    const struct raft_configuration *configuration = raft_configuration(network->nodes[node].raft);
    const struct raft_member *member = raft_configuration_find(configuration, id);
    return member ? member->kind : (enum raft_member_kind)0;
}

/* Lets everybody forget the leader's last word. */
static inline void wait_for_stickiness(struct raft_network *network)
{
    for (raft_id id = 1; id <= network->node_count; id++)
        network->nodes[id].clock_ms += RAFT_NETWORK_ELECTION_MIN_MS;
}

#endif
