/* How servers leave the group: being removed (§4.2.3), and a leader that removes itself (§4.2.2). */
#include "unit/raft_speech.h"

/* ---- removed ---- */

static void test_a_removed_server_hears_of_it_and_stays_quiet(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(4);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 4, VOTER), RAFT_OK);
    raft_network_settle(network);
    struct raft *removed = network->nodes[4].raft;
    assert_int_equal(raft_configuration(removed)->count, 3);
    assert_int_equal(raft_commit_index(removed), 3); /* it knows that it is for good */
    assert_int_equal(raft_standing(removed), RAFT_STANDING_REMOVED);
    struct raft_peer_status peers[8];
    assert_int_equal(raft_peers(network->nodes[1].raft, peers, 8), 2);
    raft_network_drop_all(network);
    for (int i = 0; i < 5; i++) {
        network->nodes[4].clock_ms += RAFT_NETWORK_ELECTION_MAX_MS;
        raft_network_tick(network, 4);
        assert_null(network->packets);
    }
    assert_int_equal(raft_role(removed), RAFT_FOLLOWER);
    assert_int_equal(raft_leader(removed), 0);
    /* It may be taken in again, with its disk. */
    assert_int_equal(raft_network_change(network, 1, ADD, 4, JOINING), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 5);
    assert_int_equal(raft_standing(removed), RAFT_STANDING_VOTER);
    raft_network_destroy(network);
}

static void test_a_removed_server_that_heard_nothing_is_told_by_the_voters(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(4);
    raft_network_isolate(network, 4, true);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 4, VOTER), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 1);
    raft_network_heal(network);
    raft_term term = raft_current_term(network->nodes[1].raft);
    struct raft *removed = network->nodes[4].raft;
    assert_int_equal(raft_standing(removed), RAFT_STANDING_VOTER); /* as far as it knows */
    raft_network_time_out(network, 4);
    assert_int_equal(raft_standing(removed), RAFT_STANDING_REMOVED);
    assert_string_equal(network->nodes[4].reason, "removed from the group");
    raft_network_time_out(network, 4);
    assert_int_equal(raft_role(removed), RAFT_FOLLOWER);
    assert_int_equal(raft_network_leader(network), 1);
    assert_int_equal(raft_current_term(network->nodes[2].raft), term);
    /* After a restart it asks once more, and is told once more. */
    raft_network_crash(network, 4, 0);
    raft_network_start(network, 4);
    raft_network_time_out(network, 4);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_REMOVED);
    raft_network_destroy(network);
}

/* What voters say of removal: of what is committed only, and not to who knows more. */
static void test_nobody_is_told_of_a_removal_that_may_be_undone(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(4);
    for (raft_id id = 2; id <= 4; id++)
        network->nodes[id].disk_held = true;
    assert_int_equal(raft_network_change(network, 1, REMOVE, 4, VOTER), RAFT_OK); /* entry 3 */
    raft_network_settle(network);
    assert_int_equal(kind_of(network, 2, 4), 0);
    assert_int_equal(raft_commit_index(network->nodes[2].raft), 2);
    say_request_vote(network, 4, 2, 9, 9, 9, true);
    assert_false(heard(network, RAFT_REQUEST_VOTE_REPLY, 2, 4).request_vote_reply.removed);
    /* The one that it is about goes on as a voter until then: it may be needed. */
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_VOTER);
    for (raft_id id = 2; id <= 4; id++)
        network->nodes[id].disk_held = false;
    raft_network_settle(network);
    beat(network, 1, 1);
    wait_for_stickiness(network);
    for (raft_index known = 2; known <= 4; known++) {
        raft_network_receive(network, &(struct raft_message){.type = RAFT_REQUEST_VOTE,
                                                             .from = 4,
                                                             .to = 2,
                                                             .term = 9,
                                                             .request_vote = {.last_log_index = 9,
                                                                              .last_log_term = 9,
                                                                              .pre_vote = true,
                                                                              .configuration_index = known}});
        struct raft_request_vote_reply reply =
            heard(network, RAFT_REQUEST_VOTE_REPLY, 2, 4).request_vote_reply;
        assert_int_equal(reply.removed, known <= 3);
        assert_int_equal(reply.vote_granted, known > 3);
    }
    raft_network_destroy(network);
}

static void test_a_removed_server_gets_no_vote_and_moves_no_term(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(4, 5);
    assert_int_equal(raft_network_change(network, 1, ADD, 5, LEARNER), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 5);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 4, VOTER), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 1);
    wait_for_stickiness(network); /* as though there were no leader */
    raft_term term = raft_current_term(network->nodes[2].raft);
    say_request_vote(network, 4, 2, term + 5, 99, term + 4, false);
    struct raft_message reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 2, 4);
    assert_false(reply.request_vote_reply.vote_granted);
    assert_true(reply.request_vote_reply.removed);
    assert_int_equal(raft_current_term(network->nodes[2].raft), term);
    /* Not even of one that has voted for nobody in this term. */
    assert_int_equal(raft_voted_for(network->nodes[5].raft), 0);
    say_request_vote(network, 4, 5, term, 99, term, false);
    reply = heard(network, RAFT_REQUEST_VOTE_REPLY, 5, 4);
    assert_false(reply.request_vote_reply.vote_granted);
    assert_true(reply.request_vote_reply.removed);
    raft_network_destroy(network);
}

static void test_the_leader_goes_on_sending_to_whom_it_removes_until_that_is_committed(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_network_isolate(network, 2, true);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 3, VOTER), RAFT_OK);
    raft_network_settle(network);
    raft_index index = raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    assert_int_equal(raft_last_index(network->nodes[3].raft), index); /* it has it … */
    assert_true(raft_commit_index(network->nodes[1].raft) < index);   /* … and does not count */
    beat(network, 1, 2);
    raft_network_isolate(network, 2, false);
    beat(network, 1, 5);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), index);
    assert_int_equal(raft_standing(network->nodes[3].raft), RAFT_STANDING_REMOVED);
    raft_network_propose(network, 1, "y");
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES, 1, 3));
    raft_network_destroy(network);
}

/* What leaves in a step points into the log, which an entry that is appended behind it may move. */
struct leaving {
    raft_index removal;
    unsigned committed; /* the removal, since so many steps */
};

static void observe_leaving(struct raft_network *network, raft_id id, const struct raft_event *event,
                            const struct raft_update *update, void *observer)
{
    struct leaving *leaving = observer;
    (void)event;
    if (id != 1 || update->commit_index < leaving->removal)
        return;
    if (leaving->committed++ == 0) {
        assert_int_equal(kind_of(network, 1, 4), JOINING);
        assert_int_equal(update->entry_count, 0);
        assert_true(update->message_count > 0); /* whom it has removed is told */
    }
}

static void test_nobody_is_promoted_in_the_step_in_which_somebody_leaves(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    struct leaving leaving = {0};
    raft_network_isolate(network, 4, true);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, JOINING), RAFT_OK);
    raft_network_settle(network);
    raft_network_isolate(network, 2, true);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 3, VOTER), RAFT_OK);
    leaving.removal = raft_last_index(network->nodes[1].raft);
    raft_network_isolate(network, 4, false);
    beat(network, 1, 3);
    assert_true(raft_commit_index(network->nodes[1].raft) < leaving.removal);
    assert_int_equal(peer_of(network, 1, 4).match, leaving.removal); /* she could be promoted at once */
    raft_network_isolate(network, 2, false);
    network->observe = observe_leaving;
    network->observer = &leaving;
    beat(network, 1, 5);
    assert_true(leaving.committed > 1);
    assert_int_equal(raft_standing(network->nodes[3].raft), RAFT_STANDING_REMOVED);
    assert_int_equal(kind_of(network, 1, 4), VOTER);
    raft_network_destroy(network);
}

/* Who has no vote is told by other means than by the voters, until a leader speaks; who has one is not. */
static void test_the_word_of_a_removal_counts_for_who_has_no_vote_until_a_leader_speaks(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    raft_network_step(network, 4, (struct raft_event){.type = RAFT_EVENT_REMOVED});
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_REMOVED);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, LEARNER), RAFT_OK);
    beat(network, 1, 3);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_LEARNER);
    raft_network_step(network, 4, (struct raft_event){.type = RAFT_EVENT_REMOVED});
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_REMOVED);
    beat(network, 1, 1);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_LEARNER);
    raft_network_step(network, 2, (struct raft_event){.type = RAFT_EVENT_REMOVED});
    assert_int_equal(raft_standing(network->nodes[2].raft), RAFT_STANDING_VOTER);
    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_REMOVED});
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_VOTER);
    raft_network_destroy(network);
}

/* ---- a leader that removes itself (§4.2.2) ---- */

static void
test_a_leader_that_removes_itself_does_not_count_itself_and_goes_when_it_is_committed(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_term term = raft_current_term(network->nodes[1].raft);
    raft_network_isolate(network, 3, true);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 1, VOTER), RAFT_OK);
    raft_network_settle(network);
    raft_index index = raft_network_propose(network, 1, "x"); /* it leads, as before */
    assert_int_not_equal(index, 0);
    raft_network_settle(network);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_VOTER);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 2); /* one of the two that count */
    raft_network_isolate(network, 3, false);
    for (int i = 0; i < 5 && raft_role(network->nodes[1].raft) == RAFT_LEADER; i++)
        beat(network, 1, 1);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_FOLLOWER);
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_REMOVED);
    assert_true(raft_commit_index(network->nodes[1].raft) >= 3);
    /* It has handed over: nobody had to wait for a timeout. */
    raft_id leader = raft_network_leader(network);
    assert_true(leader == 2 || leader == 3);
    assert_int_equal(raft_current_term(network->nodes[leader].raft), term + 1);
    raft_network_propose(network, leader, "y");
    raft_network_settle(network);
    assert_int_equal(raft_commit_index(network->nodes[leader].raft),
                     raft_last_index(network->nodes[leader].raft));
    for (int i = 0; i < 5; i++)
        raft_network_time_out(network, 1);
    assert_int_equal(raft_network_leader(network), leader);
    raft_network_destroy(network);
}

static void test_a_leader_that_removes_itself_under_load_hands_over_before_it_goes(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 5, .seed = 7, .batch_entries = 5});
    raft_network_start_all(network);
    raft_network_run(network, 2000);
    raft_id old = raft_network_leader(network);
    raft_term term = raft_current_term(network->nodes[old].raft);
    network->delay_max_ms = 5;
    network->disk_max_ms = 5;
    assert_int_equal(raft_network_change(network, old, REMOVE, old, VOTER), RAFT_OK);
    int64_t removed_ms = network->now_ms;
    while (raft_network_leader(network) == old || !raft_network_leader(network)) {
        raft_network_propose(network, old, "x"); /* there is always something that the others lack */
        raft_network_run(network, 1);
        if (network->now_ms > removed_ms + 100)
            raft_network_fail(network, "nobody took over");
    }
    assert_int_equal(raft_current_term(network->nodes[raft_network_leader(network)].raft), term + 1);
    raft_network_run(network, 100);
    assert_int_equal(raft_standing(network->nodes[old].raft), RAFT_STANDING_REMOVED);
    raft_network_destroy(network);
}

/* With nobody there who could take over, it goes all the same. */
static void test_a_leader_that_removed_itself_goes_after_an_election_timeout_at_the_latest(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_write_disk(network, 1, "1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    struct raft_append_entries_reply matched = {.success = true, .match_index = 2};
    say_append_reply(network, 2, 1, term, matched);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 1, VOTER), RAFT_OK);
    matched.match_index = 3;
    say_append_reply(network, 2, 1, term, matched);
    raft_network_propose(network, 1, "x");
    say_append_reply(network, 3, 1, term, matched); /* committed; the last entry they do not have */
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    assert_int_equal(raft_network_propose(network, 1, "y"), 0);
    assert_int_equal(node->status, RAFT_TRANSFERRING);
    for (int i = 0; raft_role(node->raft) == RAFT_LEADER; i++) {
        assert_true(i < 6);
        say_append_reply(network, 2, 1, term, matched);
        say_append_reply(network, 3, 1, term, matched);
        node->clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, 1);
    }
    assert_string_equal(node->reason, "removed from the group");
    assert_true(node->transfer_ended);
    assert_int_equal(node->transfer_status, RAFT_NOT_LEADER);
    raft_network_destroy(network);
}

/* Figure 4.6: of S1 and S2, S1 removes itself and ends before S2 has the entry. S2 cannot win without S1,
 * whose log is longer: S1 must stand, although the newest configuration that it knows does not have it;
 * and must not count itself. */
static void test_figure_4_6_who_is_removed_may_still_be_needed_to_get_it_committed(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(2);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 1, VOTER), RAFT_OK);
    raft_network_complete_all(network, 1);
    raft_network_crash(network, 1, 0);
    raft_network_drop_all(network);
    wait_for_stickiness(network);
    raft_network_start(network, 1);
    for (int i = 0; i < 3; i++) {
        raft_network_time_out(network, 2);
        assert_int_equal(raft_role(network->nodes[2].raft) == RAFT_LEADER, false);
    }
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_VOTER);
    raft_network_isolate(network, 1, true);
    raft_network_time_out(network, 1);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_CANDIDATE); /* its own vote is none */
    raft_network_heal(network);
    for (int i = 0; i < 4 && raft_standing(network->nodes[1].raft) == RAFT_STANDING_VOTER; i++) {
        raft_network_time_out(network, 1);
        beat(network, 1, 5);
    }
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_REMOVED);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_FOLLOWER);
    raft_network_elect(network, 2);
    assert_int_equal(raft_commit_index(network->nodes[2].raft), raft_last_index(network->nodes[2].raft));
    raft_network_destroy(network);
}

static void test_who_is_removed_does_not_count_its_own_vote(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 1, VOTER), RAFT_OK);
    raft_network_complete_all(network, 1);
    raft_network_crash(network, 1, 0);
    raft_network_drop_all(network);
    raft_network_start(network, 1);
    raft_network_isolate(network, 3, true);
    wait_for_stickiness(network);
    for (int i = 0; i < 5; i++) { /* of 2 and 3, two are a majority */
        raft_network_time_out(network, 1);
        assert_int_not_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    }
    raft_network_heal(network);
    for (int i = 0; i < 5 && raft_standing(network->nodes[1].raft) == RAFT_STANDING_VOTER; i++) {
        raft_network_time_out(network, 1);
        beat(network, 1, 5);
    }
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_REMOVED);
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_removed_server_hears_of_it_and_stays_quiet),
        cmocka_unit_test(test_a_removed_server_that_heard_nothing_is_told_by_the_voters),
        cmocka_unit_test(test_nobody_is_told_of_a_removal_that_may_be_undone),
        cmocka_unit_test(test_a_removed_server_gets_no_vote_and_moves_no_term),
        cmocka_unit_test(test_the_leader_goes_on_sending_to_whom_it_removes_until_that_is_committed),
        cmocka_unit_test(test_nobody_is_promoted_in_the_step_in_which_somebody_leaves),
        cmocka_unit_test(test_the_word_of_a_removal_counts_for_who_has_no_vote_until_a_leader_speaks),
        cmocka_unit_test(
            test_a_leader_that_removes_itself_does_not_count_itself_and_goes_when_it_is_committed),
        cmocka_unit_test(test_a_leader_that_removes_itself_under_load_hands_over_before_it_goes),
        cmocka_unit_test(test_a_leader_that_removed_itself_goes_after_an_election_timeout_at_the_latest),
        cmocka_unit_test(test_figure_4_6_who_is_removed_may_still_be_needed_to_get_it_committed),
        cmocka_unit_test(test_who_is_removed_does_not_count_its_own_vote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
