/* Reads on a lease (§6.4.1): no round of messages while one is young enough, and no stale answer for all
 * that. */
#include "unit/raft_speech.h"

enum { DRIFT_PERCENT = 10, LEASE_MS = RAFT_NETWORK_ELECTION_MIN_MS * (100 - DRIFT_PERCENT) / 100 };

static struct raft_network *leader_with_leases(size_t nodes)
{
    struct raft_network *network = raft_network_create(&(struct raft_network_config){
        .nodes = nodes, .read_lease = true, .clock_drift_percent = DRIFT_PERCENT});
    raft_network_write_disk(network, 1, "1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 2});
    if (nodes == 5)
        say_append_reply(network, 3, 1, term,
                         (struct raft_append_entries_reply){.success = true, .match_index = 2});
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 2);
    raft_network_drop_all(network);
    return network;
}

/* A heartbeat leaves; its round. */
static uint64_t begin_round(struct raft_network *network)
{
    raft_network_drop_all(network);
    network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 1);
    return heard(network, RAFT_APPEND_ENTRIES, 1, 2).append_entries.round;
}

static void confirm(struct raft_network *network, raft_id from, uint64_t round)
{
    say_append_reply(network, from, 1, raft_current_term(network->nodes[1].raft),
                     (struct raft_append_entries_reply){.success = true, .round = round});
}

/* Does a read need no answer of anybody? */
static bool reads_at_once(struct raft_network *network)
{
    static uint64_t context = 100;
    struct raft_node *node = &network->nodes[1];
    size_t before = node->read_count;
    raft_network_read(network, 1, ++context);
    return node->read_count > before && node->reads[node->read_count - 1].context == context &&
           node->reads[node->read_count - 1].status == RAFT_OK;
}

static void test_a_lease_lasts_from_when_the_round_was_sent_and_not_from_its_answers(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_leases(3);
    struct raft_node *node = &network->nodes[1];
    uint64_t round = begin_round(network);
    int64_t sent_ms = node->clock_ms;
    node->clock_ms += 40; /* the answer takes its time */
    confirm(network, 2, round);
    assert_true(reads_at_once(network));
    node->clock_ms = sent_ms + LEASE_MS - 1;
    assert_true(reads_at_once(network));
    node->clock_ms = sent_ms + LEASE_MS;
    assert_false(reads_at_once(network));
    raft_network_destroy(network);
}

static void test_heartbeats_renew_the_lease(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_leases(3);
    for (int i = 0; i < 200; i++) {
        confirm(network, 2, begin_round(network));
        assert_true(reads_at_once(network));
    }
    for (int i = 0; i < 200; i++) { /* and nothing else does */
        begin_round(network);
        confirm(network, 2, 200);
        network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    }
    assert_false(reads_at_once(network));
    raft_network_destroy(network);
}

static void test_a_lease_needs_a_quorum(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_leases(5);
    uint64_t round = begin_round(network);
    confirm(network, 2, round);
    assert_false(reads_at_once(network));
    confirm(network, 3, round);
    assert_true(reads_at_once(network));
    raft_network_destroy(network);
}

static void test_a_lease_is_nothing_before_an_entry_of_the_own_term_is_committed(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 3, .read_lease = true});
    raft_network_write_disk(network, 1, "1 1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    uint64_t round = begin_round(network);
    confirm(network, 2, round);
    assert_false(reads_at_once(network));
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 3, .round = round});
    assert_true(reads_at_once(network));
    raft_network_destroy(network);
}

/* The target may stand whenever the word reaches it, and voters do not wait then: no lease is good any
 * more in this term. */
static void test_a_transfer_ends_all_leases_of_its_term(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_leases(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_settle(network);
    confirm(network, 2, begin_round(network));
    assert_true(reads_at_once(network));
    assert_int_equal(raft_network_transfer(network, 1, 2), RAFT_OK);
    assert_false(is_silent(network, RAFT_TIMEOUT_NOW, 1, 2));
    assert_false(reads_at_once(network));
    while (raft_is_transferring(node->raft))
        confirm(network, 2, begin_round(network));
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    confirm(network, 2, begin_round(network));
    assert_false(reads_at_once(network));
    raft_network_destroy(network);
}

/* Before the word is sent (the target lags), a lease would be good; but proposals are refused meanwhile,
 * and reads take the long way, too. */
static void test_no_lease_while_a_transfer_is_on(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_leases(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    confirm(network, 2, begin_round(network));
    assert_int_equal(raft_network_transfer(network, 1, 2), RAFT_OK);
    assert_true(is_silent(network, RAFT_TIMEOUT_NOW, 1, 2));
    assert_false(reads_at_once(network));
    while (raft_is_transferring(node->raft))
        confirm(network, 2, begin_round(network));
    confirm(network, 2, begin_round(network));
    assert_true(reads_at_once(network)); /* nobody was told to stand */
    raft_network_destroy(network);
}

static void test_without_leases_every_read_takes_a_round(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    beat(network, 1, 3);
    assert_false(reads_at_once(network));
    raft_network_destroy(network);
}

/* What a server promised before it was restarted, it keeps. */
static void test_a_restarted_server_votes_for_nobody_while_a_lease_may_be_out(void **state)
{
    (void)state;
    for (int lease = 0; lease < 2; lease++) {
        struct raft_network *network =
            raft_network_create(&(struct raft_network_config){.nodes = 3, .read_lease = lease});
        raft_network_start(network, 1);
        for (int pre_vote = 1; pre_vote >= 0; pre_vote--) {
            say_request_vote(network, 2, 1, 5, 9, 4, pre_vote);
            raft_network_settle(network);
            assert_int_equal(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2).request_vote_reply.vote_granted,
                             !lease);
        }
        assert_int_equal(raft_current_term(network->nodes[1].raft), lease ? 0 : 5);
        network->nodes[1].clock_ms += RAFT_NETWORK_ELECTION_MIN_MS;
        say_request_vote(network, 2, 1, 5, 9, 4, false);
        raft_network_settle(network);
        assert_true(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2).request_vote_reply.vote_granted);
        raft_network_destroy(network);
    }
}

static void test_with_leases_the_end_of_a_leader_is_waited_for(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 3, .read_lease = true});
    raft_network_start_all(network);
    wait_for_stickiness(network);
    raft_network_elect(network, 1);
    beat(network, 1, 1);
    int64_t deadline_ms = network->nodes[2].deadline_ms;
    raft_network_leader_gone(network, 2, 1);
    assert_int_equal(raft_leader(network->nodes[2].raft), 1);
    assert_int_equal(network->nodes[2].deadline_ms, deadline_ms);
    raft_network_destroy(network);
}

/* How old is what a leader knows? As old as what a majority has answered was when it was sent. */
static void test_a_leader_knows_when_it_last_had_its_quorum(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_leases(5);
    struct raft_node *node = &network->nodes[1];
    int64_t elected_ms = node->clock_ms;
    uint64_t round = begin_round(network);
    int64_t sent_ms = network->now_ms + node->clock_ms;
    assert_true(raft_quorum_contact_ms(node->raft) <= network->now_ms + elected_ms);
    confirm(network, 2, round);
    node->clock_ms += 30;
    assert_true(raft_quorum_contact_ms(node->raft) < sent_ms);
    confirm(network, 3, round);
    assert_int_equal(raft_quorum_contact_ms(node->raft), sent_ms);
    uint64_t later = begin_round(network);
    confirm(network, 2, later);
    confirm(network, 3, round);
    assert_int_equal(raft_quorum_contact_ms(node->raft), sent_ms);
    confirm(network, 4, later);
    assert_int_equal(raft_quorum_contact_ms(node->raft), network->now_ms + node->clock_ms);
    raft_network_destroy(network);

    network = group_led_by_1(1);
    network->nodes[1].clock_ms += 5000;
    raft_network_tick(network, 1);
    assert_int_equal(raft_quorum_contact_ms(network->nodes[1].raft),
                     network->now_ms + network->nodes[1].clock_ms);
    raft_network_destroy(network);
    network = group_led_by_1(3);
    assert_int_equal(raft_quorum_contact_ms(network->nodes[2].raft), -1);
    raft_network_destroy(network);
}

/* Real servers with clocks of their own, in weather; the network's check of every read
 * (raft_network_checks.c) sees any that is stale. */
static void test_no_read_is_stale_whatever_happens_to_the_leader(void **state)
{
    (void)state;
    size_t answered = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct raft_network *network = raft_network_create(
            &(struct raft_network_config){.nodes = 3 + seed % 2 * 2, .seed = seed, .read_lease = true});
        uint64_t context = 0;
        for (raft_id id = 1; id <= network->node_count; id++)
            network->nodes[id].clock_ms = (int64_t)raft_network_random_below(network, 100000);
        raft_network_start_all(network);
        for (int i = 0; i < 150; i++) {
            raft_id id = 1 + raft_network_random_below(network, network->node_count);
            raft_id leader = raft_network_leader(network);
            uint64_t dice = raft_network_random_below(network, 12);
            if (dice == 0)
                raft_network_isolate(network, leader ? leader : id, true);
            if (dice == 1)
                raft_network_heal(network);
            if (dice == 2 && network->nodes[id].raft)
                raft_network_crash(network, id, 0);
            if (dice == 3 && leader)
                raft_network_transfer(network, leader, 0);
            if (dice == 4)
                network->nodes[id].paused_until_ms = network->now_ms + 400;
            if (dice == 5)
                network->delay_max_ms = 1 + (int64_t)raft_network_random_below(network, 200);
            if (dice == 6)
                network->delay_max_ms = 2;
            for (raft_id down = 1; down <= network->node_count && dice > 6; down++)
                if (!network->nodes[down].raft)
                    raft_network_start(network, down);
            for (int step = 0; step < 20; step++) { /* whoever believes that it leads is asked */
                for (raft_id asked = 1; asked <= network->node_count; asked++) {
                    struct raft_node *node = &network->nodes[asked];
                    if (!node->raft || raft_role(node->raft) != RAFT_LEADER ||
                        node->paused_until_ms > network->now_ms)
                        continue;
                    raft_network_propose(network, asked, "x");
                    raft_network_read(network, asked, ++context);
                }
                raft_network_run(network, 5);
            }
        }
        for (raft_id id = 1; id <= network->node_count; id++)
            answered += network->nodes[id].read_count;
        raft_network_destroy(network);
    }
    assert_true(answered > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lease_lasts_from_when_the_round_was_sent_and_not_from_its_answers),
        cmocka_unit_test(test_heartbeats_renew_the_lease),
        cmocka_unit_test(test_a_lease_needs_a_quorum),
        cmocka_unit_test(test_a_lease_is_nothing_before_an_entry_of_the_own_term_is_committed),
        cmocka_unit_test(test_a_transfer_ends_all_leases_of_its_term),
        cmocka_unit_test(test_no_lease_while_a_transfer_is_on),
        cmocka_unit_test(test_without_leases_every_read_takes_a_round),
        cmocka_unit_test(test_a_restarted_server_votes_for_nobody_while_a_lease_may_be_out),
        cmocka_unit_test(test_with_leases_the_end_of_a_leader_is_waited_for),
        cmocka_unit_test(test_a_leader_knows_when_it_last_had_its_quorum),
        cmocka_unit_test(test_no_read_is_stale_whatever_happens_to_the_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
