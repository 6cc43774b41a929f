/* Linearizable reads without a log write: rule 7 (a new leader first commits in its own term) and rule 8 (a
 * read's quorum round is its own). */
#include "unit/raft_speech.h"

/* A leader of three whose no-op is committed by node 2; node 1's other messages are gone. */
static struct raft_network *leader_that_knows_its_commit(void)
{
    struct raft_network *network = one_among_ghosts(3);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 1});
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 1);
    raft_network_drop_all(network);
    return network;
}

/* Node `from` confirms a round, and nothing else. */
static void confirm(struct raft_network *network, raft_id from, uint64_t round)
{
    say_append_reply(network, from, 1, raft_current_term(network->nodes[1].raft),
                     (struct raft_append_entries_reply){.success = true, .round = round});
}

/* The round that went out with the last message to node 2. */
static uint64_t round_sent(struct raft_network *network)
{
    uint64_t round = 0;
    for (struct raft_packet *packet = network->packets; packet; packet = packet->next)
        if (packet->message.type == RAFT_APPEND_ENTRIES && packet->message.to == 2)
            round = packet->message.append_entries.round;
    return round;
}

static void test_rule_07_a_new_leader_appends_a_no_op_of_its_term(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 1 3", 3, 0);
    raft_network_start(network, 1);
    lead(network);
    raft_network_assert_log(network, 1, "1 1 3 4");
    const struct raft_entry *entry = raft_entry_at(network->nodes[1].raft, 4);
    assert_int_equal(entry->type, RAFT_ENTRY_NOOP);
    assert_int_equal(entry->bytes, 0);
    raft_network_destroy(network);
}

static void test_rule_07_no_read_is_served_before_an_entry_of_the_own_term_is_committed(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_write_disk(network, 1, "1 1 3", 3, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);

    raft_network_read(network, 1, 7);
    for (uint64_t round = 0; round < 5; round++) {
        confirm(network, 2, round);
        confirm(network, 3, round);
        node->clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, 1);
    }
    /* Not even where all that an earlier leader may have committed is on a majority. */
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 3});
    assert_int_equal(node->read_count, 0);
    raft_network_drop_all(network);
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 4});
    assert_int_equal(raft_commit_index(node->raft), 4);
    uint64_t round = round_sent(network);
    assert_true(round > 0);
    confirm(network, 3, round);
    assert_int_equal(node->read_count, 1);
    assert_int_equal(node->reads[0].context, 7);
    assert_int_equal(node->reads[0].status, RAFT_OK);
    assert_int_equal(node->reads[0].index, 4);
    raft_network_destroy(network);
}

static void test_rule_08_acknowledgements_from_before_the_read_confirm_nothing(void **state)
{
    (void)state;
    struct raft_network *network = leader_that_knows_its_commit();
    struct raft_node *node = &network->nodes[1];
    uint64_t earlier = round_sent(network);

    raft_network_read(network, 1, 1);
    uint64_t round = round_sent(network);
    assert_true(round > earlier);
    for (int i = 0; i < 3; i++) { /* answers to what was sent before: late, twice, from all */
        confirm(network, 2, earlier);
        confirm(network, 3, earlier);
    }
    assert_int_equal(node->read_count, 0);
    /* Nor do rounds that were never sent. */
    confirm(network, 2, round + 1);
    confirm(network, 3, UINT64_MAX);
    assert_int_equal(node->read_count, 0);
    confirm(network, 3, round);
    assert_int_equal(node->read_count, 1);
    raft_network_destroy(network);
}

static void test_rule_08_a_read_that_comes_while_a_round_is_out_waits_for_the_next(void **state)
{
    (void)state;
    struct raft_network *network = leader_that_knows_its_commit();
    struct raft_node *node = &network->nodes[1];

    raft_network_read(network, 1, 1);
    uint64_t first = round_sent(network);
    raft_network_read(network, 1, 2);
    raft_network_read(network, 1, 3);
    assert_int_equal(round_sent(network), first);
    confirm(network, 2, first);
    assert_int_equal(node->read_count, 1);
    assert_int_equal(node->reads[0].context, 1);
    uint64_t second = round_sent(network); /* both that waited share it */
    assert_true(second > first);
    confirm(network, 3, first);
    assert_int_equal(node->read_count, 1);
    confirm(network, 3, second);
    assert_int_equal(node->read_count, 3);
    raft_network_destroy(network);
}

static void test_a_round_needs_a_quorum(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(5);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    raft_term term = lead(network);
    for (raft_id id = 2; id <= 3; id++)
        say_append_reply(network, id, 1, term,
                         (struct raft_append_entries_reply){.success = true, .match_index = 1});
    raft_network_read(network, 1, 1);
    uint64_t round = round_sent(network);
    confirm(network, 4, round);
    confirm(network, 4, round);
    assert_int_equal(node->read_count, 0);
    /* Whoever refuses entries still confirms who leads. */
    say_append_reply(network, 5, 1, term,
                     (struct raft_append_entries_reply){.conflict_index = 1, .round = round});
    assert_int_equal(node->read_count, 1);
    raft_network_destroy(network);
}

static void test_a_read_sees_what_was_committed_before_it(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    struct raft_node *node = &network->nodes[1];

    for (uint64_t i = 1; i <= 50; i++) {
        raft_network_propose(network, 1, "x");
        raft_network_settle(network);
        raft_network_read(network, 1, i);
        raft_network_settle(network);
        assert_int_equal(node->read_count, i);
        assert_int_equal(node->reads[i - 1].status, RAFT_OK);
        assert_int_equal(node->reads[i - 1].index, raft_commit_index(node->raft));
    }
    raft_network_destroy(network);
}

static void test_a_group_of_one_reads_at_once(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(1);
    raft_network_read(network, 1, 5);
    assert_int_equal(network->nodes[1].read_count, 1);
    assert_int_equal(network->nodes[1].reads[0].status, RAFT_OK);
    raft_network_destroy(network);
}

static void test_followers_refuse_reads_at_once(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_network_read(network, 2, 5);
    assert_int_equal(network->nodes[2].status, RAFT_NOT_LEADER);
    assert_int_equal(network->nodes[2].read_count, 1);
    assert_int_equal(network->nodes[2].reads[0].context, 5);
    assert_int_equal(network->nodes[2].reads[0].status, RAFT_NOT_LEADER);
    raft_network_destroy(network);
}

static void test_a_deposed_leader_refuses_the_reads_that_wait(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    struct raft_node *old = &network->nodes[1];

    raft_network_isolate(network, 1, true);
    raft_network_read(network, 1, 1);
    raft_network_read(network, 1, 2);
    raft_network_settle(network);
    assert_int_equal(old->read_count, 0);
    network->nodes[2].clock_ms += RAFT_NETWORK_ELECTION_MIN_MS;
    network->nodes[3].clock_ms += RAFT_NETWORK_ELECTION_MIN_MS;
    raft_network_elect(network, 2);
    raft_network_propose(network, 2, "x");
    raft_network_settle(network);
    assert_int_equal(old->read_count, 0); /* it does not know yet, and says nothing */
    raft_network_heal(network);
    network->nodes[2].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 2);
    raft_network_settle(network);
    assert_int_equal(old->read_count, 2);
    assert_int_equal(old->reads[0].status, RAFT_NOT_LEADER);
    assert_int_equal(old->reads[1].status, RAFT_NOT_LEADER);
    raft_network_destroy(network);
}

static void test_a_read_whose_round_was_lost_is_confirmed_by_the_next_heartbeat(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_network_read(network, 1, 1);
    raft_network_drop_all(network);
    raft_network_run(network, RAFT_NETWORK_HEARTBEAT_MS + 10);
    assert_int_equal(network->nodes[1].read_count, 1);
    assert_int_equal(network->nodes[1].reads[0].status, RAFT_OK);
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_07_a_new_leader_appends_a_no_op_of_its_term),
        cmocka_unit_test(test_rule_07_no_read_is_served_before_an_entry_of_the_own_term_is_committed),
        cmocka_unit_test(test_rule_08_acknowledgements_from_before_the_read_confirm_nothing),
        cmocka_unit_test(test_rule_08_a_read_that_comes_while_a_round_is_out_waits_for_the_next),
        cmocka_unit_test(test_a_round_needs_a_quorum),
        cmocka_unit_test(test_a_read_sees_what_was_committed_before_it),
        cmocka_unit_test(test_a_group_of_one_reads_at_once),
        cmocka_unit_test(test_followers_refuse_reads_at_once),
        cmocka_unit_test(test_a_deposed_leader_refuses_the_reads_that_wait),
        cmocka_unit_test(test_a_read_whose_round_was_lost_is_confirmed_by_the_next_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
