/* How servers come into the group and out of it: catching up and being promoted (§4.2.1), taking the place
 * of a disk that was lost, being removed (§4.2.3), and a leader that removes itself (§4.2.2). */
#include "unit/raft_speech.h"

/* ---- joining ---- */

static void test_a_joining_server_becomes_a_voter_once_it_has_caught_up(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    for (int i = 0; i < 20; i++)
        raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    raft_network_cut(network, 1, 4, true);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, JOINING), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 10);
    assert_int_equal(kind_of(network, 2, 4), JOINING); /* it has answered nothing yet */
    raft_network_heal(network);
    beat(network, 1, 5);
    assert_int_equal(kind_of(network, 1, 4), VOTER);
    assert_int_equal(kind_of(network, 4, 4), VOTER);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_VOTER);
    assert_string_equal(raft_configuration_find(raft_configuration(network->nodes[2].raft), 4)->address,
                        "node-4");
    /* Of four, three are a majority now. */
    raft_network_isolate(network, 2, true);
    raft_network_isolate(network, 3, true);
    raft_index index = raft_network_propose(network, 1, "y");
    raft_network_settle(network);
    assert_true(raft_commit_index(network->nodes[1].raft) < index);
    raft_network_isolate(network, 3, false);
    beat(network, 1, 5);
    assert_true(raft_commit_index(network->nodes[1].raft) >= index);
    raft_network_destroy(network);
}

/* Node 2 answers all appends that are under way to it: it has everything up to `match`. */
static void answer_all(struct raft_network *network, raft_index match)
{
    do {
        acknowledge(network, heard(network, RAFT_APPEND_ENTRIES, 1, 2).context, match);
    } while (!is_silent(network, RAFT_APPEND_ENTRIES, 1, 2));
}

static void test_a_joining_server_whose_rounds_are_slow_is_not_promoted(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 2, .founders = 1});
    raft_network_write_disk(network, 1, "1", 1, 0);
    raft_network_start(network, 1);
    raft_network_elect(network, 1);
    assert_int_equal(raft_network_change(network, 1, ADD, 2, JOINING), RAFT_OK);
    raft_network_complete_all(network, 1);
    for (int round = 0; round < 5; round++) {
        raft_index target = raft_last_index(network->nodes[1].raft);
        raft_network_propose(network, 1, "x");
        raft_network_complete_all(network, 1);
        for (int i = 0; i < 6; i++) { /* for 300 ms it has all but the last entry of the round */
            network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
            raft_network_tick(network, 1);
            answer_all(network, target - 1);
        }
        assert_int_equal(kind_of(network, 1, 2), JOINING);
        network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, 1);
        answer_all(network, target);
        assert_int_equal(kind_of(network, 1, 2), JOINING);
        assert_int_equal(raft_network_change(network, 1, PROMOTE, 2, VOTER),
                         RAFT_NOT_CAUGHT_UP); /* nor by hand */
    }
    /* One that is quick, and it is. */
    network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 1);
    answer_all(network, raft_last_index(network->nodes[1].raft));
    assert_int_equal(kind_of(network, 1, 2), VOTER);
    raft_network_destroy(network);
}

static void test_a_learner_is_promoted_when_asked_and_only_when_near(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    raft_network_cut(network, 1, 4, true);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, LEARNER), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_NOT_CAUGHT_UP);
    raft_network_heal(network);
    beat(network, 1, 5);
    raft_network_cut(network, 1, 4, true); /* what it was is long ago */
    beat(network, 1, 10);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_NOT_CAUGHT_UP);
    raft_network_heal(network);
    beat(network, 1, 5);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_VOTER);
    raft_network_destroy(network);
}

/* ---- a disk that was lost ---- */

static enum raft_status replace(struct raft_network *network, raft_id leader, raft_id id, const char *address)
{
    struct raft_change change = {.type = ADD, .member = {.id = id, .kind = JOINING}};
    snprintf(change.member.address, sizeof change.member.address, "%s", address);
    raft_network_step(network, leader, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
    return network->nodes[leader].status;
}

static void test_who_joins_under_a_members_address_takes_its_place(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    raft_network_crash(network, 3, 0); /* for good; its disk is lost */
    assert_int_equal(replace(network, 1, 4, "node-3"), RAFT_OK);
    const struct raft_configuration *configuration = raft_configuration(network->nodes[1].raft);
    assert_int_equal(configuration->count, 3);
    assert_int_equal(kind_of(network, 1, 3), 0);
    assert_int_equal(kind_of(network, 1, 4), JOINING);
    raft_network_settle(network);
    beat(network, 1, 5);
    assert_int_equal(kind_of(network, 2, 4), VOTER);
    /* With it in the old one's place, one may fail. */
    raft_network_crash(network, 2, 0);
    raft_index index = raft_network_propose(network, 1, "y");
    raft_network_settle(network);
    beat(network, 1, 1);
    assert_int_equal(raft_commit_index(network->nodes[4].raft), index);
    raft_network_destroy(network);
}

static void test_the_place_of_the_last_other_voter_is_taken_too(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(2, 3);
    assert_int_equal(replace(network, 1, 3, "node-2"), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 5);
    assert_int_equal(kind_of(network, 1, 3), VOTER);
    assert_int_equal(raft_standing(network->nodes[2].raft), RAFT_STANDING_REMOVED);
    raft_network_destroy(network);
}

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
        cmocka_unit_test(test_a_joining_server_becomes_a_voter_once_it_has_caught_up),
        cmocka_unit_test(test_a_joining_server_whose_rounds_are_slow_is_not_promoted),
        cmocka_unit_test(test_a_learner_is_promoted_when_asked_and_only_when_near),
        cmocka_unit_test(test_who_joins_under_a_members_address_takes_its_place),
        cmocka_unit_test(test_the_place_of_the_last_other_voter_is_taken_too),
        cmocka_unit_test(test_a_removed_server_hears_of_it_and_stays_quiet),
        cmocka_unit_test(test_a_removed_server_that_heard_nothing_is_told_by_the_voters),
        cmocka_unit_test(test_nobody_is_told_of_a_removal_that_may_be_undone),
        cmocka_unit_test(test_a_removed_server_gets_no_vote_and_moves_no_term),
        cmocka_unit_test(test_the_leader_goes_on_sending_to_whom_it_removes_until_that_is_committed),
        cmocka_unit_test(
            test_a_leader_that_removes_itself_does_not_count_itself_and_goes_when_it_is_committed),
        cmocka_unit_test(test_a_leader_that_removes_itself_under_load_hands_over_before_it_goes),
        cmocka_unit_test(test_a_leader_that_removed_itself_goes_after_an_election_timeout_at_the_latest),
        cmocka_unit_test(test_figure_4_6_who_is_removed_may_still_be_needed_to_get_it_committed),
        cmocka_unit_test(test_who_is_removed_does_not_count_its_own_vote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
