/* Changes of the members: what is refused, what counts from when on, what is rolled back (rule 13), and
 * how a joining server becomes a voter. */
#include "unit/raft_speech.h"

#include "raft/configuration.h"

/* ---- founding ---- */

static void test_without_a_configuration_nobody_stands(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    struct raft *raft = network->nodes[4].raft;
    for (int i = 0; i < 5; i++)
        raft_network_time_out(network, 4);
    assert_int_equal(raft_role(raft), RAFT_FOLLOWER);
    assert_int_equal(raft_current_term(raft), 0);
    assert_int_equal(raft_standing(raft), RAFT_STANDING_NONE);
    assert_int_equal(raft_configuration(raft)->count, 0);
    raft_network_destroy(network);
}

static void test_a_group_is_founded_once(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 4, .founders = 1});
    struct raft_configuration founding = {.index = 3, .count = 3};
    for (raft_id id = 2; id <= 4; id++)
        founding.members[id - 2] = (struct raft_member){.id = id, .kind = VOTER};
    struct raft_configuration voterless = founding, other = founding;
    for (size_t i = 0; i < 3; i++)
        voterless.members[i].kind = LEARNER;
    other.count = 2;
    raft_network_start_all(network);
    for (raft_id id = 2; id <= 4; id++) {
        raft_network_step(network, id,
                          (struct raft_event){.type = RAFT_EVENT_BOOTSTRAP, .bootstrap = &voterless});
        assert_int_equal(raft_configuration(network->nodes[id].raft)->count, 0);
        raft_network_step(network, id,
                          (struct raft_event){.type = RAFT_EVENT_BOOTSTRAP, .bootstrap = &founding});
        assert_true(network->nodes[id].configuration_changed);
        raft_network_step(network, id,
                          (struct raft_event){.type = RAFT_EVENT_BOOTSTRAP, .bootstrap = &other});
        assert_false(network->nodes[id].configuration_changed);
        assert_int_equal(raft_configuration(network->nodes[id].raft)->count, 3);
        assert_int_equal(raft_configuration(network->nodes[id].raft)->index, 0);
        assert_int_equal(raft_standing(network->nodes[id].raft), RAFT_STANDING_VOTER);
    }
    raft_network_elect(network, 3);
    raft_network_destroy(network);

    /* The first leader's no-op may be there before: it names no members. The entry behind it does. */
    network = raft_network_create(&(struct raft_network_config){.nodes = 4, .founders = 1});
    raft_network_start(network, 4);
    struct raft_entry entry = {.index = 1, .term = 1, .type = RAFT_ENTRY_NOOP};
    struct raft_message append = {.type = RAFT_APPEND_ENTRIES, .from = 2, .to = 4, .term = 1};
    append.append_entries.entries = &entry;
    append.append_entries.entry_count = 1;
    raft_network_receive(network, &append);
    raft_network_step(network, 4, (struct raft_event){.type = RAFT_EVENT_BOOTSTRAP, .bootstrap = &founding});
    assert_int_equal(raft_configuration(network->nodes[4].raft)->count, 3);
    assert_int_equal(raft_last_index(network->nodes[4].raft), 1);
    raft_network_destroy(network);
}

static void test_the_first_leader_records_the_founders_behind_its_no_op(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    const struct raft_entry *entry = raft_entry_at(network->nodes[3].raft, 2);
    struct raft_configuration configuration;
    assert_int_equal(raft_entry_at(network->nodes[3].raft, 1)->type, RAFT_ENTRY_NOOP);
    assert_int_equal(entry->type, RAFT_ENTRY_CONFIGURATION);
    assert_true(raft_configuration_decode(entry->data, entry->bytes, 2, &configuration));
    assert_int_equal(configuration.count, 3);
    assert_string_equal(configuration.members[2].address, "node-3");
    assert_int_equal(raft_configuration(network->nodes[3].raft)->index, 2);
    /* The next one finds it, and adds nothing. */
    raft_network_crash(network, 1, 0);
    wait_for_stickiness(network);
    raft_network_elect(network, 2);
    assert_int_equal(raft_last_index(network->nodes[2].raft), 3);
    raft_network_destroy(network);
}

static void test_members_are_found_again_after_a_restart(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, LEARNER), RAFT_OK);
    raft_network_settle(network);
    for (raft_id id = 1; id <= 4; id++)
        raft_network_crash(network, id, 0);
    raft_network_drop_all(network);
    for (raft_id id = 1; id <= 4; id++) {
        raft_network_start(network, id);
        assert_int_equal(kind_of(network, id, 4), LEARNER);
        assert_int_equal(raft_configuration(network->nodes[id].raft)->index, 3);
        assert_int_equal(raft_standing(network->nodes[id].raft),
                         id == 4 ? RAFT_STANDING_LEARNER : RAFT_STANDING_VOTER);
    }
    raft_network_destroy(network);
}

/* ---- refusals ---- */

static void test_changes_that_cannot_be_are_refused_and_nothing_happens(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 5);
    raft_index last = raft_last_index(network->nodes[1].raft);
    static const struct {
        raft_id at;
        enum raft_change_type type;
        raft_id member;
        enum raft_status status;
    } changes[] = {
        {2, ADD, 4, RAFT_NOT_LEADER},         {1, ADD, 0, RAFT_UNKNOWN_MEMBER},
        {1, ADD, 2, RAFT_ALREADY_MEMBER},     {1, ADD, 1, RAFT_ALREADY_MEMBER},
        {1, REMOVE, 4, RAFT_UNKNOWN_MEMBER},  {1, PROMOTE, 4, RAFT_UNKNOWN_MEMBER},
        {1, PROMOTE, 2, RAFT_ALREADY_MEMBER}, {1, PROMOTE, 1, RAFT_ALREADY_MEMBER},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        enum raft_status status =
            raft_network_change(network, changes[i].at, changes[i].type, changes[i].member, LEARNER);
        if (status != changes[i].status || network->nodes[changes[i].at].configuration_changed)
            fail_msg("case %zu: %d", i, (int)status);
    }
    /* Nor does anybody take the leader's own place. */
    struct raft_change change = {.type = ADD, .member = {.id = 5, .kind = JOINING, .address = "node-1"}};
    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
    assert_int_equal(network->nodes[1].status, RAFT_ALREADY_MEMBER);
    assert_int_equal(raft_last_index(network->nodes[1].raft), last);
    raft_network_destroy(network);
}

static void test_the_last_voter_stays(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(1, 2);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 1, VOTER), RAFT_LAST_VOTER);
    assert_int_equal(raft_network_change(network, 1, ADD, 2, LEARNER), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 1, VOTER),
                     RAFT_LAST_VOTER); /* a learner is none */
    raft_network_destroy(network);
}

static void test_a_full_group_takes_nobody(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(1);
    struct raft_change change = {.type = ADD, .member = {.kind = LEARNER}};
    for (raft_id id = 100; id < 100 + HIVE_QUEENS - 1; id++) {
        change.member.id = id;
        raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
        assert_int_equal(network->nodes[1].status, RAFT_OK);
        raft_network_drop_all(network); /* nobody is there */
        raft_network_complete_all(network, 1);
    }
    change.member.id = 99;
    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
    assert_int_equal(network->nodes[1].status, RAFT_GROUP_FULL);
    raft_network_destroy(network);
}

static void test_rule_13_no_change_before_an_entry_of_the_own_term_is_committed(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    assert_int_equal(raft_network_change(network, 1, ADD, 7, JOINING), RAFT_TOO_EARLY);
    /* Not even where all that it began with is on a majority. */
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 2});
    assert_int_equal(raft_network_change(network, 1, REMOVE, 3, VOTER), RAFT_TOO_EARLY);
    say_append_reply(network, 2, 1, term,
                     (struct raft_append_entries_reply){.success = true, .match_index = 3});
    assert_int_equal(raft_network_change(network, 1, REMOVE, 3, VOTER), RAFT_OK);
    raft_network_destroy(network);
}

static void test_one_change_at_a_time(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 5);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, LEARNER), RAFT_OK);
    assert_int_equal(network->nodes[1].proposed_first, 3);
    assert_int_equal(raft_network_change(network, 1, ADD, 5, LEARNER), RAFT_CHANGE_PENDING);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 4, LEARNER), RAFT_CHANGE_PENDING);
    raft_network_settle(network);
    assert_int_equal(raft_network_change(network, 1, ADD, 5, LEARNER), RAFT_OK);
    raft_network_destroy(network);
}

/* ---- what counts ---- */

static void test_a_change_is_in_force_when_appended(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    for (raft_id id = 2; id <= 4; id++)
        raft_network_isolate(network, id, true);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 3, VOTER), RAFT_OK);
    assert_true(network->nodes[1].configuration_changed);
    assert_int_equal(kind_of(network, 1, 3), 0);
    raft_network_settle(network);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 2);
    /* Of two, the two are a majority; the one that goes does not count any more. */
    raft_network_isolate(network, 2, false);
    beat(network, 1, 5);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 3);
    assert_int_equal(kind_of(network, 2, 3), 0);
    raft_network_destroy(network);
}

static void test_a_learner_never_counts(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 5);
    for (raft_id id = 4; id <= 5; id++) {
        assert_int_equal(raft_network_change(network, 1, ADD, id, LEARNER), RAFT_OK);
        raft_network_settle(network);
    }
    beat(network, 1, 1);
    beat(network, 1, 3); /* it gets the log, and is never promoted by itself */
    assert_int_equal(raft_commit_index(network->nodes[5].raft), raft_last_index(network->nodes[1].raft));
    assert_int_equal(kind_of(network, 1, 4), LEARNER);

    /* With both other voters gone, three of five servers commit nothing, confirm no read, and keep no
     * leader. */
    raft_network_isolate(network, 2, true);
    raft_network_isolate(network, 3, true);
    raft_index index = raft_network_propose(network, 1, "x");
    raft_network_read(network, 1, 1);
    raft_network_settle(network);
    assert_int_equal(peer_of(network, 1, 4).match, index);
    assert_int_equal(peer_of(network, 1, 5).match, index);
    assert_true(raft_commit_index(network->nodes[1].raft) < index);
    assert_int_equal(network->nodes[1].read_count, 0);
    raft_network_run(network, RAFT_NETWORK_ELECTION_MAX_MS + RAFT_NETWORK_HEARTBEAT_MS);
    assert_int_not_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    assert_string_equal(network->nodes[1].reason[0] == 'n' ? "no contact with a quorum" : "",
                        "no contact with a quorum");
    /* Nor do they elect one. */
    raft_network_run(network, 3000);
    assert_int_equal(raft_network_leader(network), 0);
    assert_int_equal(raft_role(network->nodes[4].raft), RAFT_FOLLOWER);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_LEARNER);
    raft_network_destroy(network);
}

static void test_a_grant_of_a_server_that_does_not_vote_is_no_vote(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 5, .founders = 3});
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    raft_network_time_out(network, 1);
    say_vote(network, 4, 1, 1, true, true);
    say_vote(network, 5, 1, 1, true, true);
    assert_int_equal(raft_current_term(node->raft), 0);
    assert_true(is_silent(network, RAFT_REQUEST_VOTE, 1, 4));
    say_vote(network, 2, 1, 1, true, true);
    raft_network_settle(network);
    assert_int_equal(raft_current_term(node->raft), 1);
    say_vote(network, 4, 1, 1, true, false);
    say_vote(network, 5, 1, 9, false, false); /* nor is a stranger's term ours */
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE);
    assert_int_equal(raft_current_term(node->raft), 1);
    say_vote(network, 3, 1, 1, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    /* Their acknowledgements are nothing to a leader, either. */
    say_append_reply(network, 4, 1, 1, (struct raft_append_entries_reply){.success = true, .match_index = 2});
    say_append_reply(network, 5, 1, 7, (struct raft_append_entries_reply){.conflict_index = 1});
    raft_network_receive(
        network, &(struct raft_message){.type = RAFT_INSTALL_SNAPSHOT_REPLY, .from = 5, .to = 1, .term = 8});
    raft_network_receive(
        network, &(struct raft_message){.type = RAFT_TIMEOUT_NOW_REPLY, .from = 5, .to = 1, .term = 8});
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    assert_int_equal(raft_commit_index(node->raft), 0);
    raft_network_destroy(network);
}

/* §4.1, §4.2: a server answers whoever asks: it may not know the newest members. */
static void test_voters_and_followers_ask_nobody_for_a_membership(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 5, .founders = 3});
    raft_network_start(network, 1);
    say_request_vote(network, 4, 1, 1, 5, 1, false);
    raft_network_settle(network);
    assert_true(heard(network, RAFT_REQUEST_VOTE_REPLY, 1, 4).request_vote_reply.vote_granted);
    say_append(network, 4, 1, 1, 0, 0, "1", 0);
    raft_network_settle(network);
    assert_true(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 4).append_entries_reply.success);
    assert_int_equal(raft_leader(network->nodes[1].raft), 4);
    raft_network_destroy(network);
}

/* ---- rule 13: what is truncated is undone ---- */

static void test_rule_13_a_truncated_change_is_rolled_back_with_its_majority(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    /* Node 1 alone knows that node 3 was removed, and commits nothing. */
    raft_network_isolate(network, 1, true);
    assert_int_equal(raft_network_change(network, 1, REMOVE, 3, VOTER), RAFT_OK);
    raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    assert_int_equal(raft_configuration(network->nodes[1].raft)->count, 2);
    wait_for_stickiness(network);
    raft_network_elect(network, 2);
    raft_network_heal(network);
    beat(network, 2, 5);
    assert_int_equal(network->nodes[1].rollbacks, 1);
    assert_int_equal(raft_configuration(network->nodes[1].raft)->count, 3);
    assert_int_equal(raft_configuration(network->nodes[1].raft)->index, 2);
    /* Two of three it needs again, and not two of two: 3's vote is enough, and its word counts. */
    raft_network_crash(network, 2, 0);
    wait_for_stickiness(network);
    raft_network_elect(network, 1);
    raft_index index = raft_network_propose(network, 1, "y");
    raft_network_settle(network);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), index);
    raft_network_destroy(network);
}

static void test_rule_13_a_promotion_that_is_truncated_makes_a_learner_again(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 4);
    assert_int_equal(raft_network_change(network, 1, ADD, 4, LEARNER), RAFT_OK);
    raft_network_settle(network);
    beat(network, 1, 1);
    raft_network_isolate(network, 1, true);
    raft_network_isolate(network, 4, true);
    raft_network_cut(network, 1, 4, false);
    assert_int_equal(raft_network_change(network, 1, PROMOTE, 4, VOTER), RAFT_OK);
    raft_network_settle(network);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_VOTER);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 3); /* two of four */
    wait_for_stickiness(network);
    raft_network_elect(network, 2);
    raft_network_heal(network);
    beat(network, 2, 5);
    assert_int_equal(raft_standing(network->nodes[4].raft), RAFT_STANDING_LEARNER);
    assert_int_equal(kind_of(network, 1, 4), LEARNER);
    raft_network_destroy(network);
}

/* The bug that Ongaro reported in 2015, as a script: S1 appends a change in term 1, S2 leads term 2 with
 * another, and S1 then leads term 3. Without rule 13, S2's change would be appended before S2 has
 * committed anything, and the two majorities need not meet. */
static void test_rule_13_two_changes_of_different_leaders_do_not_both_get_a_majority(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(4, 6);
    raft_network_isolate(network, 1, true);
    assert_int_equal(raft_network_change(network, 1, ADD, 5, JOINING), RAFT_OK); /* on node 1 alone */
    wait_for_stickiness(network);
    for (int i = 0; raft_role(network->nodes[2].raft) != RAFT_LEADER; i++) {
        assert_true(i < 10);
        network->nodes[2].clock_ms = network->nodes[2].deadline_ms - network->now_ms;
        raft_network_tick(network, 2);
        for (int phase = 0; phase < 2; phase++) /* its votes arrive; its no-op does not */
            for (raft_id id = 3; id <= 4; id++) {
                struct raft_packet *packet;
                raft_network_complete_all(network, 2);
                while ((packet = raft_network_find(network, RAFT_REQUEST_VOTE, 2, id)))
                    raft_network_deliver(network, packet);
                raft_network_complete_all(network, id);
                while ((packet = raft_network_find(network, RAFT_REQUEST_VOTE_REPLY, id, 2)))
                    raft_network_deliver(network, packet);
            }
    }
    assert_int_equal(raft_network_change(network, 2, REMOVE, 1, VOTER), RAFT_TOO_EARLY);
    /* Once it may, the group has seen an entry of its term, and node 1's change has no majority any more. */
    raft_network_settle(network);
    assert_int_equal(raft_network_change(network, 2, REMOVE, 1, VOTER), RAFT_OK);
    raft_network_settle(network);
    raft_network_heal(network);
    for (int i = 0; i < 3; i++)
        raft_network_time_out(network, 1);
    beat(network, 2, 5);
    assert_int_equal(raft_network_leader(network), 2);
    for (raft_id id = 2; id <= 4; id++)
        assert_int_equal(kind_of(network, id, 5), 0);
    assert_int_equal(raft_standing(network->nodes[1].raft), RAFT_STANDING_REMOVED);
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_configuration_nobody_stands),
        cmocka_unit_test(test_a_group_is_founded_once),
        cmocka_unit_test(test_the_first_leader_records_the_founders_behind_its_no_op),
        cmocka_unit_test(test_members_are_found_again_after_a_restart),
        cmocka_unit_test(test_changes_that_cannot_be_are_refused_and_nothing_happens),
        cmocka_unit_test(test_the_last_voter_stays),
        cmocka_unit_test(test_a_full_group_takes_nobody),
        cmocka_unit_test(test_rule_13_no_change_before_an_entry_of_the_own_term_is_committed),
        cmocka_unit_test(test_one_change_at_a_time),
        cmocka_unit_test(test_a_change_is_in_force_when_appended),
        cmocka_unit_test(test_a_learner_never_counts),
        cmocka_unit_test(test_a_grant_of_a_server_that_does_not_vote_is_no_vote),
        cmocka_unit_test(test_voters_and_followers_ask_nobody_for_a_membership),
        cmocka_unit_test(test_rule_13_a_truncated_change_is_rolled_back_with_its_majority),
        cmocka_unit_test(test_rule_13_a_promotion_that_is_truncated_makes_a_learner_again),
        cmocka_unit_test(test_rule_13_two_changes_of_different_leaders_do_not_both_get_a_majority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
