/* The two famous figures of the Raft paper as scripts: 8 (why only entries of the current term are committed
 * by counting, rule 1) and 7 (every way in which logs can differ when a leader comes to power). The paper's
 * "log 1" is entry 1 here, and every leader's first entry of a term is its no-op. */
#include "unit/raft_speech.h"

/* ---- rule 1, Figure 8 ---- */

/* Lets elections go on, and holds back everything else. */
static void settle_votes(struct raft_network *network)
{
    for (;;) {
        for (raft_id id = 1; id <= network->node_count; id++)
            raft_network_complete_all(network, id);
        struct raft_packet *packet = network->packets;
        while (packet && (packet->message.type == RAFT_APPEND_ENTRIES ||
                          packet->message.type == RAFT_APPEND_ENTRIES_REPLY))
            packet = packet->next;
        if (!packet)
            return;
        if (network->nodes[packet->message.to].raft)
            raft_network_deliver(network, packet);
        else
            raft_network_drop(network, packet);
    }
}

/* Node `id` stands until it wins; nothing of what it then sends arrives. */
static void win(struct raft_network *network, raft_id id)
{
    struct raft_node *node = &network->nodes[id];
    for (int tries = 0; raft_role(node->raft) != RAFT_LEADER; tries++) {
        assert_true(tries < 10);
        node->clock_ms = node->deadline_ms - network->now_ms;
        raft_network_tick(network, id);
        settle_votes(network);
    }
}

/* Lets the leader and one follower exchange appends until the follower's last entry is `last`. */
static void replicate(struct raft_network *network, raft_id leader, raft_id follower, raft_index last)
{
    while (raft_last_index(network->nodes[follower].raft) < last) {
        struct raft_packet *packet = raft_network_find(network, RAFT_APPEND_ENTRIES, leader, follower);
        assert_non_null(packet);
        raft_network_deliver(network, packet);
        raft_network_complete_all(network, follower);
        while ((packet = raft_network_find(network, RAFT_APPEND_ENTRIES_REPLY, follower, leader)))
            raft_network_deliver(network, packet);
    }
}

/* The paper's (a) to (c): the entry of term 2 stands on three of five servers, and the leader of term 4 knows
 * it. */
static struct raft_network *figure_8_c(void)
{
    struct raft_network *network = raft_network_create(&(struct raft_network_config){
        .nodes = 5, .no_pre_vote = true, .no_check_quorum = true, .batch_entries = 1});
    for (raft_id id = 1; id <= 5; id++)
        raft_network_write_disk(network, id, "1", 1, 0);
    raft_network_start_all(network);

    /* (a) S1 leads term 2 and gets its entry 2 to S2. */
    win(network, 1);
    assert_int_equal(raft_current_term(network->nodes[1].raft), 2);
    replicate(network, 1, 2, 2);
    /* (b) S1 crashes; S5 leads term 3 with the votes of S3, S4 and itself, and has another entry 2. */
    raft_network_crash(network, 1, 0);
    raft_network_drop_all(network);
    win(network, 5);
    assert_int_equal(raft_current_term(network->nodes[5].raft), 3);
    raft_network_assert_log(network, 5, "1 3");
    /* (c) S5 crashes; S1 leads term 4 and goes on with its entry 2, to S3 and S4. */
    raft_network_crash(network, 5, 0);
    raft_network_drop_all(network);
    raft_network_start(network, 1);
    win(network, 1);
    assert_int_equal(raft_current_term(network->nodes[1].raft), 4);
    raft_network_assert_log(network, 1, "1 2 4");
    replicate(network, 1, 3, 2);
    replicate(network, 1, 4, 2);
    raft_network_assert_log(network, 3, "1 2");
    raft_network_assert_log(network, 4, "1 2");
    assert_int_equal(peer_of(network, 1, 3).match, 2);
    assert_int_equal(peer_of(network, 1, 4).match, 2);
    return network;
}

static void test_rule_01_only_entries_of_the_current_term_commit_by_counting(void **state)
{
    (void)state;
    struct raft_network *network = figure_8_c();
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 0);

    /* (d) S1 crashes; S5 leads with the votes of S2, S3 and S4, and replaces the entry of term 2. */
    raft_network_crash(network, 1, 0);
    raft_network_drop_all(network);
    raft_network_start(network, 5);
    raft_network_elect(network, 5);
    raft_network_start(network, 1);
    network->nodes[5].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 5);
    raft_network_settle(network);
    raft_network_tick(network, 5);
    raft_network_settle(network);
    for (raft_id id = 2; id <= 5; id++)
        assert_int_equal(raft_entry_at(network->nodes[id].raft, 2)->term, 3);
    assert_true(raft_commit_index(network->nodes[5].raft) >= 3);
    raft_network_destroy(network);
}

static void test_rule_01_older_entries_commit_with_one_of_the_current_term(void **state)
{
    (void)state;
    struct raft_network *network = figure_8_c();

    /* (e) The entry of term 4 reaches a majority: it is committed, and with it everything in front. */
    replicate(network, 1, 3, 3);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 0); /* two of five */
    replicate(network, 1, 4, 3);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 3);
    raft_network_crash(network, 1, 0);
    raft_network_drop_all(network);
    raft_network_start(network, 5);
    for (int i = 0; i < 5; i++) {
        raft_network_time_out(network, 5);
        assert_int_not_equal(raft_role(network->nodes[5].raft), RAFT_LEADER);
    }
    raft_network_elect(network, 3);
    raft_network_settle(network);
    assert_int_equal(raft_entry_at(network->nodes[5].raft, 2)->term, 2);
    assert_int_equal(raft_entry_at(network->nodes[5].raft, 3)->term, 4);
    raft_network_destroy(network);
}

/* ---- Figure 7 ---- */

static void test_figure_7_a_new_leader_makes_all_logs_equal_its_own(void **state)
{
    (void)state;
    static const char *const logs[] = {
        "1 1 1 4 4 5 5 6 6 6",     /* the leader for term 8 */
        "1 1 1 4 4 5 5 6 6",       /* a: lacks an entry */
        "1 1 1 4",                 /* b: lacks many */
        "1 1 1 4 4 5 5 6 6 6 6",   /* c: one too many */
        "1 1 1 4 4 5 5 6 6 6 7 7", /* d: two too many, of a later term */
        "1 1 1 4 4 4 4",           /* e: both */
        "1 1 1 2 2 2 3 3 3 3 3",   /* f: both, for terms */
    };
    for (size_t batch = 1; batch <= 8; batch *= 8) {
        struct raft_network *network =
            raft_network_create(&(struct raft_network_config){.nodes = 7, .batch_entries = batch});
        for (raft_id id = 1; id <= 7; id++)
            raft_network_write_disk(network, id, logs[id - 1], 7, 0);
        raft_network_start_all(network);
        raft_network_elect(network, 1);
        assert_int_equal(raft_current_term(network->nodes[1].raft), 8);
        for (raft_id id = 1; id <= 7; id++)
            raft_network_assert_log(network, id, "1 1 1 4 4 5 5 6 6 6 8");
        assert_int_equal(raft_commit_index(network->nodes[1].raft), 11);
        raft_network_destroy(network);
    }
}

static void test_figure_7_a_long_log_of_old_terms_does_not_win(void **state)
{
    (void)state;
    /* (f) among (b) and (e): more entries than they have, but their last term is later. */
    struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3});
    raft_network_write_disk(network, 1, "1 1 1 2 2 2 3 3 3 3 3", 7, 0);
    raft_network_write_disk(network, 2, "1 1 1 4", 7, 0);
    raft_network_write_disk(network, 3, "1 1 1 4 4 4 4", 7, 0);
    raft_network_start_all(network);
    for (int i = 0; i < 5; i++) {
        raft_network_time_out(network, 1);
        assert_int_not_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    }
    raft_network_elect(network, 2); /* (e) has more than (b) and refuses; (f)'s vote is enough */
    raft_network_assert_log(network, 1, "1 1 1 4 8");
    raft_network_assert_log(network, 3, "1 1 1 4 8");
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_01_only_entries_of_the_current_term_commit_by_counting),
        cmocka_unit_test(test_rule_01_older_entries_commit_with_one_of_the_current_term),
        cmocka_unit_test(test_figure_7_a_new_leader_makes_all_logs_equal_its_own),
        cmocka_unit_test(test_figure_7_a_long_log_of_old_terms_does_not_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
