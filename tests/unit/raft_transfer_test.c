/* Handing over the leadership (§3.10), and electing without waiting when a leader's process has ended. */
#include "unit/raft_speech.h"

/* ---- transfer ---- */

static void test_a_transfer_makes_the_target_lead_without_a_timeout(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(5);
    raft_term term = raft_current_term(network->nodes[1].raft);
    assert_int_equal(raft_network_transfer(network, 1, 4), RAFT_OK);
    raft_network_settle(network); /* no time passes: the voters have all just heard of a leader */
    assert_int_equal(raft_network_leader(network), 4);
    assert_int_equal(raft_current_term(network->nodes[4].raft), term + 1);
    assert_int_equal(network->nodes[1].transfers, 1);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_FOLLOWER);
    assert_false(raft_is_transferring(network->nodes[1].raft));
    raft_index index = raft_network_propose(network, 4, "x");
    raft_network_settle(network);
    assert_int_equal(raft_commit_index(network->nodes[4].raft), index);
    raft_network_destroy(network);
}

static void test_nobody_in_particular_means_who_is_best_up_to_date(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_ADD, 4, RAFT_MEMBER_LEARNER), RAFT_OK);
    raft_network_settle(network);
    raft_network_cut(network, 1, 2, true);
    raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    assert_int_equal(raft_network_transfer(network, 1, 0), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_network_leader(network), 3);
    raft_network_destroy(network);
}

static void test_transfers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_ADD, 4, RAFT_MEMBER_LEARNER), RAFT_OK);
    raft_network_settle(network);
    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = 3});
    static const struct {
        raft_id at, to;
        enum raft_status status;
    } transfers[] = {{2, 3, RAFT_NOT_LEADER}, {2, 0, RAFT_NOT_LEADER},     {1, 1, RAFT_NOT_VOTER},
                     {1, 4, RAFT_NOT_VOTER},  {1, 9, RAFT_UNKNOWN_MEMBER}, {1, 3, RAFT_NOT_CAUGHT_UP},
                     {1, 2, RAFT_OK},         {1, 2, RAFT_TRANSFERRING}};
    for (size_t i = 0; i < sizeof transfers / sizeof *transfers; i++) {
        enum raft_status status = raft_network_transfer(network, transfers[i].at, transfers[i].to);
        if (status != transfers[i].status)
            fail_msg("transfer %zu: %d", i, (int)status);
    }
    raft_network_destroy(network);

    network = group_led_by_1(1);
    assert_int_equal(raft_network_transfer(network, 1, 0), RAFT_NOT_CAUGHT_UP); /* there is nobody */
    raft_network_destroy(network);
}

static void test_a_target_that_lags_is_brought_up_to_date_first_and_nothing_new_is_taken(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_write_disk(network, 1, "1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 2});
    raft_index last = raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    assert_int_equal(raft_network_transfer(network, 1, 2), RAFT_OK);
    assert_true(raft_is_transferring(node->raft));
    assert_true(is_silent(network, RAFT_TIMEOUT_NOW, 1, 2));

    assert_int_equal(raft_network_propose(network, 1, "y"), 0);
    assert_int_equal(node->status, RAFT_TRANSFERRING);
    assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_REMOVE, 3, RAFT_MEMBER_VOTER),
                     RAFT_TRANSFERRING);
    assert_int_equal(raft_last_index(node->raft), last);
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = last - 1});
    say_append_reply(network, 3, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = last});
    assert_true(is_silent(network, RAFT_TIMEOUT_NOW, 1, 2));
    assert_true(is_silent(network, RAFT_TIMEOUT_NOW, 1, 3));
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = last});
    assert_int_equal(heard(network, RAFT_TIMEOUT_NOW, 1, 2).term, term);
    assert_true(is_silent(network, RAFT_TIMEOUT_NOW, 1, 2)); /* once, and again with the next heartbeat */
    network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 1);
    heard(network, RAFT_TIMEOUT_NOW, 1, 2);
    /* It stands: the leader votes for it, however recently it has led. */
    raft_network_receive(network, &(struct raft_message){.type = RAFT_REQUEST_VOTE,
                                                         .from = 2,
                                                         .to = 1,
                                                         .term = term + 1,
                                                         .request_vote = {.last_log_index = last,
                                                                          .last_log_term = term,
                                                                          .transfer = true,
                                                                          .configuration_index = 1}});
    assert_true(node->transfer_ended);
    assert_int_equal(node->transfer_status, RAFT_OK);
    raft_network_settle(network);
    assert_true(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2).request_vote_reply.vote_granted);
    raft_network_destroy(network);
}

static void test_a_transfer_that_takes_longer_than_an_election_timeout_is_given_up(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_cut(network, 1, 2, true);
    raft_network_propose(network, 1, "x"); /* it does not get this */
    raft_network_settle(network);
    assert_int_equal(raft_network_transfer(network, 1, 2), RAFT_OK);
    while (raft_is_transferring(node->raft)) {
        assert_int_equal(raft_network_propose(network, 1, "y"), 0);
        assert_true(node->clock_ms < 10000);
        node->clock_ms = node->deadline_ms - network->now_ms;
        raft_network_tick(network, 1);
        bool ended = node->transfer_ended;
        enum raft_status status = node->transfer_status;
        raft_network_settle(network);
        if (ended)
            assert_int_equal(status, RAFT_NOT_CAUGHT_UP);
    }
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    raft_index index = raft_network_propose(network, 1, "y");
    assert_int_not_equal(index, 0);
    raft_network_settle(network);
    assert_int_equal(raft_commit_index(node->raft), index);
    raft_network_destroy(network);
}

static void test_a_leader_that_steps_down_otherwise_says_so(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    raft_term term = lead(network);
    node->clock_ms += RAFT_NETWORK_ELECTION_MAX_MS - 20;
    assert_int_equal(raft_network_transfer(network, 1, 2), RAFT_OK);
    node->clock_ms += 20;
    raft_network_tick(network, 1);
    assert_string_equal(node->reason, "no contact with a quorum");
    assert_true(node->transfer_ended);
    assert_int_equal(node->transfer_status, RAFT_NOT_LEADER);
    assert_int_equal(raft_current_term(node->raft), term);
    raft_network_destroy(network);
}

static void say_timeout_now(struct raft_network *network, raft_id from, raft_id to, raft_term term)
{
    raft_network_receive(
        network, &(struct raft_message){.type = RAFT_TIMEOUT_NOW, .from = from, .to = to, .term = term});
}

static void test_the_word_to_stand_is_obeyed_by_voters_and_in_its_term_only(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 4, .founders = 3});
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    raft_network_start(network, 4);
    say_append(network, 2, 1, 5, 0, 0, "1", 1);
    raft_network_settle(network);
    raft_network_drop_all(network);
    say_timeout_now(network, 3, 1, 4); /* of an earlier leader */
    raft_network_settle(network);
    assert_int_equal(raft_current_term(node->raft), 5);
    assert_int_equal(heard(network, RAFT_TIMEOUT_NOW_REPLY, 1, 3).term, 5);
    say_timeout_now(network, 2, 4, 5); /* it is no member */
    assert_int_equal(raft_role(network->nodes[4].raft), RAFT_FOLLOWER);
    assert_int_equal(raft_current_term(network->nodes[4].raft), 5);
    node->disk_held = true;
    say_timeout_now(network, 2, 1, 5);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    assert_int_equal(raft_current_term(node->raft), 6);
    assert_true(is_silent(network, RAFT_REQUEST_VOTE, 1, 2)); /* its vote is not on disk yet */
    assert_true(is_silent(network, RAFT_TIMEOUT_NOW_REPLY, 1, 2));
    raft_network_complete_all(network, 1);
    struct raft_message request = heard(network, RAFT_REQUEST_VOTE, 1, 3);
    assert_true(request.request_vote.transfer);
    assert_false(request.request_vote.pre_vote);
    assert_int_equal(heard(network, RAFT_TIMEOUT_NOW_REPLY, 1, 2).term, 6);
    /* What it does later is its own idea, and disturbs as any other's. */
    node->disk_held = false;
    raft_network_drop_all(network);
    raft_network_time_out(network, 1);
    assert_false(heard(network, RAFT_REQUEST_VOTE, 1, 3).request_vote.transfer);
    say_vote(network, 3, 1, 7, true, true);
    raft_network_settle(network);
    request = heard(network, RAFT_REQUEST_VOTE, 1, 3);
    assert_false(request.request_vote.pre_vote);
    assert_false(request.request_vote.transfer);
    raft_network_destroy(network);
}

/* ---- a leader whose process has ended ---- */

static void test_followers_of_a_dead_leader_elect_another_without_waiting(void **state)
{
    (void)state;
    for (size_t nodes = 3; nodes <= 7; nodes += 2)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct raft_network *network =
                raft_network_create(&(struct raft_network_config){.nodes = nodes, .seed = seed});
            raft_network_start_all(network);
            raft_network_run(network, 2000);
            raft_id old = raft_network_leader(network), leader = 0;
            raft_network_crash(network, old, 0);
            int64_t gone_ms = network->now_ms;
            for (raft_id id = 1; id <= nodes; id++) /* some notice it later than others */
                if (network->nodes[id].raft) {
                    raft_network_leader_gone(network, id, old);
                    raft_network_run(network, (int64_t)(seed % 3));
                }
            while (!(leader = raft_network_leader(network)) && network->now_ms < gone_ms + 10000)
                raft_network_run(network, 1);
            if (!leader || network->now_ms - gone_ms > 60)
                raft_network_fail(network, "it took %" PRId64 " ms", network->now_ms - gone_ms);
            raft_network_destroy(network);
        }
}

static void test_a_mistake_about_the_leaders_end_deposes_nobody_who_has_a_quorum(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct raft_network *network =
            raft_network_create(&(struct raft_network_config){.nodes = 5, .seed = seed});
        raft_network_start_all(network);
        raft_network_run(network, 2000);
        raft_id leader = raft_network_leader(network);
        raft_term term = raft_current_term(network->nodes[leader].raft);
        raft_id mistaken[2] = {leader % 5 + 1, (leader + 1) % 5 + 1}; /* two of five: the others hold to it */
        for (int i = 0; i < 20; i++) {
            for (int m = 0; m < 2; m++)
                raft_network_leader_gone(network, mistaken[m], leader);
            raft_network_run(network, 100);
        }
        assert_int_equal(raft_network_leader(network), leader);
        assert_int_equal(raft_current_term(network->nodes[leader].raft), term);
        raft_network_destroy(network);
    }
}

static void test_the_end_of_one_who_does_not_lead_is_nothing(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    int64_t deadline_ms = network->nodes[2].deadline_ms;
    raft_network_leader_gone(network, 2, 3);
    assert_int_equal(raft_leader(network->nodes[2].raft), 1);
    assert_int_equal(network->nodes[2].deadline_ms, deadline_ms);
    raft_network_leader_gone(network, 1, 1);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    raft_network_leader_gone(network, 2, 1);
    assert_int_equal(raft_leader(network->nodes[2].raft), 0);
    assert_true(network->nodes[2].deadline_ms < network->now_ms + network->nodes[2].clock_ms + 16);
    raft_network_tick(network, 1);
    beat(network, 1, 1); /* it lives: all is as before */
    assert_int_equal(raft_leader(network->nodes[2].raft), 1);
    assert_true(network->nodes[2].deadline_ms >
                network->now_ms + network->nodes[2].clock_ms + RAFT_NETWORK_ELECTION_MIN_MS - 1);
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_transfer_makes_the_target_lead_without_a_timeout),
        cmocka_unit_test(test_nobody_in_particular_means_who_is_best_up_to_date),
        cmocka_unit_test(test_transfers_that_cannot_be_are_refused),
        cmocka_unit_test(test_a_target_that_lags_is_brought_up_to_date_first_and_nothing_new_is_taken),
        cmocka_unit_test(test_a_transfer_that_takes_longer_than_an_election_timeout_is_given_up),
        cmocka_unit_test(test_a_leader_that_steps_down_otherwise_says_so),
        cmocka_unit_test(test_the_word_to_stand_is_obeyed_by_voters_and_in_its_term_only),
        cmocka_unit_test(test_followers_of_a_dead_leader_elect_another_without_waiting),
        cmocka_unit_test(test_a_mistake_about_the_leaders_end_deposes_nobody_who_has_a_quorum),
        cmocka_unit_test(test_the_end_of_one_who_does_not_lead_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
