/* Votes: durable before they are said (rule 4), one a term and voter (rule 5), and none for an older log. */
#include "unit/raft_speech.h"

/* ---- rule 4: term and vote are durable before any reply that depends on them ---- */

static void test_rule_04_a_vote_is_durable_before_it_is_said(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    node->disk_held = true;

    say_request_vote(network, 2, 1, 5, 0, 0, false);
    assert_int_equal(raft_voted_for(node->raft), 2);
    assert_true(is_silent(network, RAFT_REQUEST_VOTE_REPLY, 1, 2));
    raft_network_complete_all(network, 1);
    assert_int_equal(node->disk.term, 5);
    assert_int_equal(node->disk.voted_for, 2);
    struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2);
    assert_true(reply.request_vote_reply.vote_granted);
    assert_int_equal(reply.term, 5);
    raft_network_destroy(network);
}

static void test_rule_04_a_new_term_is_durable_before_any_reply_that_names_it(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_write_disk(network, 1, "1 1", 1, 0);
    raft_network_start(network, 1);
    node->disk_held = true;

    /* A vote that is refused (the candidate's log is too old) carries the new term all the same. */
    say_request_vote(network, 2, 1, 5, 1, 1, false);
    assert_true(is_silent(network, RAFT_REQUEST_VOTE_REPLY, 1, 2));
    /* So does the answer to a heartbeat, and the refusal of entries that do not fit. */
    say_append(network, 3, 1, 6, 0, 0, "", 0);
    say_append(network, 3, 1, 6, 7, 6, "", 0);
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3));
    raft_network_complete(network, 1, 1); /* term 5 */
    assert_false(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2).request_vote_reply.vote_granted);
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3));
    raft_network_complete(network, 1, 2); /* term 6 */
    assert_true(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3).append_entries_reply.success);
    assert_false(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3).append_entries_reply.success);
    raft_network_destroy(network);
}

static void test_rule_04_a_candidate_votes_for_itself_on_disk_first(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    node->disk_held = true;

    raft_network_time_out(network, 1);
    raft_network_drop_all(network);
    say_vote(network, 2, 1, 1, true, true);
    assert_int_equal(raft_current_term(node->raft), 1);
    assert_true(is_silent(network, RAFT_REQUEST_VOTE, 1, 2));
    /* Even with another's vote it does not lead: two of three needs its own, and that is not durable. */
    say_vote(network, 2, 1, 1, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    raft_network_complete_all(network, 1);
    assert_int_equal(node->disk.voted_for, 1);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    raft_network_destroy(network);
}

static void test_rule_04_stepping_down_in_the_same_term_keeps_the_vote(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);

    raft_network_time_out(network, 1);
    say_vote(network, 2, 1, 1, true, true);
    raft_network_settle(network);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    assert_int_equal(raft_current_term(node->raft), 1);
    /* Node 2 won the term; node 3 still asks for votes in it. */
    say_append(network, 2, 1, 1, 0, 0, "", 0);
    assert_int_equal(raft_role(node->raft), RAFT_FOLLOWER);
    assert_int_equal(raft_voted_for(node->raft), 1);
    say_request_vote(network, 3, 1, 1, 9, 1, false);
    raft_network_settle(network);
    assert_false(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 3).request_vote_reply.vote_granted);
    raft_network_destroy(network);
}

static void test_rule_04_a_vote_survives_a_restart(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_start(network, 1);
    say_request_vote(network, 2, 1, 5, 0, 0, false);
    raft_network_settle(network);
    raft_network_crash(network, 1, 0);
    raft_network_drop_all(network);
    raft_network_start(network, 1);

    say_request_vote(network, 3, 1, 5, 0, 0, false);
    raft_network_settle(network);
    assert_false(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 3).request_vote_reply.vote_granted);
    say_request_vote(network, 2, 1, 5, 0, 0, false);
    raft_network_settle(network);
    assert_true(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2).request_vote_reply.vote_granted);
    raft_network_destroy(network);
}

/* ---- rule 5: votes are counted per voter and term ---- */

static void test_rule_05_one_vote_a_term_and_the_same_candidate_may_ask_again(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_start(network, 1);

    static const struct {
        raft_id candidate;
        raft_term term;
        bool granted;
    } requests[] = {{2, 5, true}, {2, 5, true},  {3, 5, false}, {2, 5, true},
                    {3, 6, true}, {2, 6, false}, {2, 5, false}};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        say_request_vote(network, requests[i].candidate, 1, requests[i].term, 0, 0, false);
        raft_network_settle(network);
        struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 1, requests[i].candidate);
        if (reply.request_vote_reply.vote_granted != requests[i].granted)
            fail_msg("request %zu", i);
    }
    raft_network_destroy(network);
}

static void test_rule_05_a_voter_counts_once_however_often_it_speaks(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(5);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);

    raft_network_time_out(network, 1);
    for (int i = 0; i < 5; i++)
        say_vote(network, 2, 1, 1, true, true);
    assert_int_equal(raft_current_term(node->raft), 0);
    say_vote(network, 3, 1, 1, true, true);
    raft_network_settle(network);
    assert_int_equal(raft_current_term(node->raft), 1);
    for (int i = 0; i < 5; i++)
        say_vote(network, 2, 1, 1, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    /* Neither does a refusal turn into a vote. */
    say_vote(network, 4, 1, 1, false, false);
    say_vote(network, 4, 1, 1, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    say_vote(network, 3, 1, 1, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    raft_network_destroy(network);
}

static void test_rule_05_votes_of_an_older_election_do_not_count(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);

    for (raft_term term = 1; term <= 2; term++) {
        raft_network_time_out(network, 1);
        say_vote(network, 2, 1, term, true, true);
        raft_network_settle(network);
        assert_int_equal(raft_current_term(node->raft), term);
    }
    say_vote(network, 2, 1, 1, true, false); /* late */
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    say_vote(network, 2, 1, 3, true, true); /* nor does a pre-vote count as a vote */
    say_vote(network, 2, 1, 2, true, true);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    say_vote(network, 2, 1, 2, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    raft_network_destroy(network);
}

static void test_a_candidate_with_an_older_log_gets_no_vote(void **state)
{
    (void)state;
    static const struct {
        raft_index index;
        raft_term term;
        bool granted;
    } logs[] = {/* the voter's is 1 2 2 */
                {3, 2, true}, {4, 2, true}, {2, 2, false}, {1, 3, true}, {9, 1, false}, {0, 0, false}};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
        for (int pre_vote = 0; pre_vote < 2; pre_vote++) {
            struct raft_network *network = one_among_ghosts(3);
            raft_network_write_disk(network, 1, "1 2 2", 2, 0);
            raft_network_start(network, 1);
            say_request_vote(network, 2, 1, 4, logs[i].index, logs[i].term, pre_vote);
            raft_network_settle(network);
            struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 2);
            if (reply.request_vote_reply.vote_granted != logs[i].granted)
                fail_msg("log %zu, pre-vote %d", i, pre_vote);
            raft_network_destroy(network);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_04_a_vote_is_durable_before_it_is_said),
        cmocka_unit_test(test_rule_04_a_new_term_is_durable_before_any_reply_that_names_it),
        cmocka_unit_test(test_rule_04_a_candidate_votes_for_itself_on_disk_first),
        cmocka_unit_test(test_rule_04_stepping_down_in_the_same_term_keeps_the_vote),
        cmocka_unit_test(test_rule_04_a_vote_survives_a_restart),
        cmocka_unit_test(test_rule_05_one_vote_a_term_and_the_same_candidate_may_ask_again),
        cmocka_unit_test(test_rule_05_a_voter_counts_once_however_often_it_speaks),
        cmocka_unit_test(test_rule_05_votes_of_an_older_election_do_not_count),
        cmocka_unit_test(test_a_candidate_with_an_older_log_gets_no_vote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
