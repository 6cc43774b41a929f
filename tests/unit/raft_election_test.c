/* Liveness (rule 14): pre-vote, check-quorum and stalled disks keep a good leader in place and get rid of
 * a bad one. */
#include "unit/raft_speech.h"

static void test_rule_14_a_pre_vote_of_a_lower_term_is_answered_with_ours(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "", 5, 3);
    raft_network_start(network, 1);

    for (raft_term term = 1; term <= 5; term++) {
        say_request_vote(network, 2, 1, term, 0, 0, true);
        struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2);
        assert_false(reply.request_vote_reply.vote_granted);
        assert_int_equal(reply.term, 5);
    }
    /* And the candidate learns from it. */
    raft_network_destroy(network);
    network = one_among_ghosts(3);
    raft_network_start(network, 1);
    raft_network_time_out(network, 1);
    say_vote(network, 2, 1, 5, false, true);
    assert_int_equal(raft_current_term(network->nodes[1].raft), 5);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_FOLLOWER);
    raft_network_destroy(network);
}

static void test_rule_14_a_pre_vote_moves_nobodys_term(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);

    for (int i = 0; i < 20; i++)
        raft_network_time_out(network, 1);
    assert_int_equal(raft_current_term(node->raft), 0);
    say_request_vote(network, 2, 1, 7, 0, 0, true);
    assert_int_equal(raft_current_term(node->raft), 0);
    assert_int_equal(raft_voted_for(node->raft), 0);
    struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2);
    assert_true(reply.request_vote_reply.vote_granted);
    assert_int_equal(reply.term, 7);
    assert_int_equal(node->disk.write_count, 0);
    raft_network_destroy(network);
}

static void test_rule_14_who_hears_from_a_leader_supports_no_other(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    say_append(network, 2, 1, 1, 0, 0, "", 0);
    raft_network_settle(network);

    node->clock_ms += RAFT_NETWORK_ELECTION_MIN_MS - 1;
    say_request_vote(network, 3, 1, 2, 9, 9, true);
    assert_false(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 3).request_vote_reply.vote_granted);
    say_request_vote(network, 3, 1, 2, 9, 9, false);
    assert_false(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 3).request_vote_reply.vote_granted);
    assert_int_equal(raft_current_term(node->raft), 1);
    node->clock_ms += 1;
    say_request_vote(network, 3, 1, 2, 9, 9, true);
    assert_true(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 3).request_vote_reply.vote_granted);
    raft_network_destroy(network);
}

static void test_rule_14_a_leader_yields_to_no_candidate_while_it_has_its_quorum(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    raft_term term = lead(network);

    for (int pre_vote = 0; pre_vote < 2; pre_vote++) {
        say_request_vote(network, 3, 1, term + 5, 99, term + 4, pre_vote);
        struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 3);
        assert_false(reply.request_vote_reply.vote_granted);
        assert_int_equal(raft_role(node->raft), RAFT_LEADER);
        assert_int_equal(raft_current_term(node->raft), term);
    }
    raft_network_destroy(network);
}

/* A group with weather's own timeouts, but a perfect network. */
static struct raft_network *calm_group(size_t nodes, int64_t disk_stall_ms, uint64_t seed)
{
    struct raft_network *network = raft_network_create(
        &(struct raft_network_config){.nodes = nodes, .seed = seed, .disk_stall_ms = disk_stall_ms});
    raft_network_start_all(network);
    raft_network_run(network, 3000);
    assert_int_not_equal(raft_network_leader(network), 0);
    return network;
}

static unsigned elections(const struct raft_network *network)
{
    unsigned won = 0;
    for (raft_id id = 1; id <= network->node_count; id++)
        won += network->nodes[id].elections_won;
    return won;
}

static raft_id follower_other_than(const struct raft_network *network, raft_id other)
{
    raft_id id = 1;
    while (id == raft_network_leader(network) || id == other)
        id++;
    return id;
}

static void test_rule_14_under_a_partial_partition_a_stable_leader_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct raft_network *network = calm_group(3, 0, seed);
        raft_id leader = raft_network_leader(network), lonely = follower_other_than(network, 0);
        raft_id other = follower_other_than(network, lonely);
        raft_term term = raft_current_term(network->nodes[leader].raft);
        unsigned won = elections(network);

        /* `lonely` and the leader lose sight of each other; both see `other`. */
        raft_network_cut(network, leader, lonely, true);
        raft_network_run(network, 5000);
        assert_int_equal(raft_network_leader(network), leader);
        assert_int_equal(elections(network), won);
        for (raft_id id = 1; id <= 3; id++)
            assert_int_equal(raft_current_term(network->nodes[id].raft), term);
        assert_int_not_equal(raft_network_propose(network, leader, "x"), 0);
        raft_network_run(network, 200);
        assert_int_equal(raft_commit_index(network->nodes[other].raft),
                         raft_last_index(network->nodes[leader].raft));
        raft_network_heal(network);
        raft_network_run(network, 1000);
        assert_int_equal(elections(network), won);
        assert_int_equal(raft_commit_index(network->nodes[lonely].raft),
                         raft_commit_index(network->nodes[leader].raft));
        raft_network_destroy(network);
    }
}

static void test_rule_14_a_node_that_was_cut_off_returns_without_an_election(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct raft_network *network = calm_group(5, 0, seed);
        raft_id away = follower_other_than(network, 0), leader = raft_network_leader(network);
        unsigned won = elections(network);
        raft_network_isolate(network, away, true);
        raft_network_run(network, 5000);
        raft_network_heal(network);
        raft_network_run(network, 2000);
        assert_int_equal(elections(network), won);
        assert_int_equal(raft_leader(network->nodes[away].raft), leader);
        raft_network_destroy(network);
    }
}

static void test_rule_14_a_node_that_returns_with_a_higher_term_does_not_stay_outside(void **state)
{
    (void)state;
    struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3, .seed = 3});
    raft_network_write_disk(network, 3, "", 40, 3);
    raft_network_start(network, 1);
    raft_network_start(network, 2);
    raft_network_run(network, 2000);
    assert_true(raft_current_term(network->nodes[1].raft) < 40);
    raft_network_start(network, 3);
    raft_network_run(network, 2000);
    assert_true(raft_current_term(network->nodes[raft_network_leader(network)].raft) > 40);
    for (raft_id id = 1; id <= 3; id++)
        assert_int_equal(raft_leader(network->nodes[id].raft), raft_network_leader(network));
    raft_network_destroy(network);
}

static void test_rule_14_a_leader_without_a_quorum_steps_down(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct raft_network *network = calm_group(5, 0, seed);
        raft_id leader = raft_network_leader(network), companion = follower_other_than(network, 0);
        raft_term term = raft_current_term(network->nodes[leader].raft);

        raft_network_isolate(network, leader, true);
        raft_network_isolate(network, companion, true);
        raft_network_cut(network, leader, companion, false); /* two of five are no quorum */
        raft_network_run(network, RAFT_NETWORK_ELECTION_MAX_MS - 2 * RAFT_NETWORK_HEARTBEAT_MS);
        assert_int_equal(raft_role(network->nodes[leader].raft), RAFT_LEADER);
        raft_network_run(network, 4 * RAFT_NETWORK_HEARTBEAT_MS);
        assert_int_not_equal(raft_role(network->nodes[leader].raft), RAFT_LEADER);
        assert_int_equal(raft_current_term(network->nodes[leader].raft), term);
        raft_network_run(network, 2000);
        raft_id other = raft_network_leader(network);
        assert_true(other != 0 && other != leader && other != companion);
        raft_network_destroy(network);
    }
}

static void test_rule_14_a_leader_with_a_quorum_stays(void **state)
{
    (void)state;
    struct raft_network *network = calm_group(5, 0, 4);
    raft_id leader = raft_network_leader(network);
    unsigned won = elections(network);

    for (int i = 0, cut = 0; cut < 2; i++) {
        raft_id id = (raft_id)(i + 1);
        if (id != leader) {
            raft_network_isolate(network, id, true);
            cut++;
        }
    }
    raft_network_run(network, 5000);
    assert_int_equal(raft_network_leader(network), leader);
    assert_int_equal(elections(network), won);
    raft_network_destroy(network);
}

static void test_rule_14_a_leader_whose_disk_has_stalled_gives_way(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct raft_network *network = calm_group(3, 400, seed);
        raft_id leader = raft_network_leader(network);
        struct raft_node *stalled = &network->nodes[leader];
        unsigned won = stalled->elections_won;

        raft_network_run(network, 1000);
        stalled->disk_held = true;
        assert_int_equal(raft_network_leader(network), leader); /* nothing to write: nothing has stalled */
        raft_network_propose(network, leader, "x");
        raft_network_run(network, 300);
        assert_int_equal(raft_role(stalled->raft), RAFT_LEADER);
        raft_network_run(network, 200);
        assert_int_not_equal(raft_role(stalled->raft), RAFT_LEADER);
        raft_network_run(network, 5000);
        assert_int_not_equal(raft_network_leader(network), 0);
        assert_int_not_equal(raft_network_leader(network), leader);
        assert_int_equal(stalled->elections_won, won);
        /* It would have had reason to stand meanwhile, and did not. */
        raft_network_isolate(network, leader, true);
        raft_term term = raft_current_term(stalled->raft);
        raft_network_run(network, 3000);
        assert_int_equal(raft_role(stalled->raft), RAFT_FOLLOWER);
        assert_int_equal(raft_current_term(stalled->raft), term);
        /* A disk that moves again is a disk. */
        stalled->disk_held = false;
        raft_network_heal(network);
        raft_network_run(network, 2000);
        assert_int_equal(raft_durable_index(stalled->raft),
                         raft_last_index(network->nodes[raft_network_leader(network)].raft));
        raft_network_destroy(network);
    }
}

static void test_a_disk_that_is_slow_but_moves_has_not_stalled(void **state)
{
    (void)state;
    struct raft_network *network = calm_group(3, 400, 6);
    raft_id leader = raft_network_leader(network);
    struct raft_node *slow = &network->nodes[leader];

    slow->disk_held = true;
    for (int i = 0; i < 20; i++) {
        raft_network_propose(network, leader, "x");
        raft_network_propose(network, leader, "y");
        raft_network_run(network, 300);
        raft_network_complete(network, leader, slow->disk.writes[0].number); /* always some behind */
    }
    assert_int_equal(raft_network_leader(network), leader);
    raft_network_destroy(network);
}

/* Raft asks of a disk that it be faster than the election timeout. One that is not must delay an election,
 * not undo it. */
static void test_a_candidate_whose_disk_is_slower_than_its_timeout_still_wins(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct raft_network *network =
            raft_network_create(&(struct raft_network_config){.nodes = 3, .seed = seed});
        raft_network_write_disk(network, 1, "1 1", 1, 0); /* node 3 is down, and node 2 must not win */
        raft_network_write_disk(network, 2, "1", 1, 0);
        raft_network_start(network, 1);
        raft_network_start(network, 2);
        network->nodes[1].disk_held = true;
        for (int i = 0; i < 10; i++) {
            raft_network_run(network, RAFT_NETWORK_ELECTION_MAX_MS + 100);
            raft_network_complete_all(network, 1);
        }
        assert_int_equal(raft_network_leader(network), 1);
        raft_network_destroy(network);
    }
}

static void test_a_paused_leader_finds_itself_deposed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct raft_network *network = calm_group(3, 0, seed);
        raft_id old = raft_network_leader(network);

        network->nodes[old].paused_until_ms = network->now_ms + 2000;
        raft_network_run(network, 1500);
        raft_id leader = raft_network_leader(network);
        assert_int_not_equal(leader, old);
        raft_index index = raft_network_propose(network, leader, "x");
        raft_network_run(network, 100);
        assert_true(raft_commit_index(network->nodes[leader].raft) >= index);
        raft_network_run(network, 1500);
        assert_int_equal(raft_leader(network->nodes[old].raft), raft_network_leader(network));
        assert_true(raft_commit_index(network->nodes[old].raft) >= index);
        raft_network_destroy(network);
    }
}

static void test_election_timeouts_are_drawn_anew_and_within_bounds(void **state)
{
    (void)state;
    struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3, .seed = 8});
    struct raft_node *node = &network->nodes[1];
    int64_t low_ms = INT64_MAX, high_ms = 0;

    raft_network_start(network, 1);
    for (int i = 0; i < 2000; i++) {
        int64_t at_ms = network->now_ms + node->clock_ms;
        raft_network_time_out(network, 1);
        int64_t drawn_ms = node->deadline_ms - (network->now_ms + node->clock_ms);
        assert_true(network->now_ms + node->clock_ms > at_ms);
        low_ms = drawn_ms < low_ms ? drawn_ms : low_ms;
        high_ms = drawn_ms > high_ms ? drawn_ms : high_ms;
        raft_network_drop_all(network);
    }
    assert_int_equal(low_ms, RAFT_NETWORK_ELECTION_MIN_MS);
    assert_int_equal(high_ms, RAFT_NETWORK_ELECTION_MAX_MS);
    raft_network_destroy(network);
}

static void test_groups_of_one_to_seven_elect_exactly_one_leader(void **state)
{
    (void)state;
    for (size_t nodes = 1; nodes <= 7; nodes++) {
        struct raft_network *network = calm_group(nodes, 0, nodes);
        raft_id leader = raft_network_leader(network);
        for (raft_id id = 1; id <= nodes; id++) {
            assert_int_equal(raft_leader(network->nodes[id].raft), leader);
            assert_int_equal(raft_role(network->nodes[id].raft), id == leader ? RAFT_LEADER : RAFT_FOLLOWER);
        }
        raft_network_destroy(network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_14_a_pre_vote_of_a_lower_term_is_answered_with_ours),
        cmocka_unit_test(test_rule_14_a_pre_vote_moves_nobodys_term),
        cmocka_unit_test(test_rule_14_who_hears_from_a_leader_supports_no_other),
        cmocka_unit_test(test_rule_14_a_leader_yields_to_no_candidate_while_it_has_its_quorum),
        cmocka_unit_test(test_rule_14_under_a_partial_partition_a_stable_leader_stays),
        cmocka_unit_test(test_rule_14_a_node_that_was_cut_off_returns_without_an_election),
        cmocka_unit_test(test_rule_14_a_node_that_returns_with_a_higher_term_does_not_stay_outside),
        cmocka_unit_test(test_rule_14_a_leader_without_a_quorum_steps_down),
        cmocka_unit_test(test_rule_14_a_leader_with_a_quorum_stays),
        cmocka_unit_test(test_rule_14_a_leader_whose_disk_has_stalled_gives_way),
        cmocka_unit_test(test_a_disk_that_is_slow_but_moves_has_not_stalled),
        cmocka_unit_test(test_a_candidate_whose_disk_is_slower_than_its_timeout_still_wins),
        cmocka_unit_test(test_a_paused_leader_finds_itself_deposed),
        cmocka_unit_test(test_election_timeouts_are_drawn_anew_and_within_bounds),
        cmocka_unit_test(test_groups_of_one_to_seven_elect_exactly_one_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
