/* What is acknowledged is on disk: commit and durability (rules 9 and 10), and what clients may conclude
 * (rule 15). */
#include "unit/raft_speech.h"

/* ---- rule 9: acknowledged means durable, in a group of one too ---- */

static void test_rule_09_a_group_of_one_commits_nothing_before_its_disk(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(1);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    node->disk_held = true;

    raft_network_time_out(network, 1);
    assert_int_equal(raft_role(node->raft), RAFT_CANDIDATE); /* its vote for itself is not durable */
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    assert_int_equal(raft_commit_index(node->raft), 0);
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_commit_index(node->raft), 2); /* the no-op and the configuration */
    assert_int_equal(raft_network_propose(network, 1, "x"), 3);
    uint64_t first = node->disk.writes[0].number;
    assert_int_equal(raft_network_propose(network, 1, "y"), 4);
    assert_int_equal(raft_commit_index(node->raft), 2);
    raft_network_tick(network, 1);
    assert_int_equal(raft_commit_index(node->raft), 2);
    raft_network_complete(network, 1, first);
    assert_int_equal(raft_commit_index(node->raft), 3);
    assert_int_equal(raft_durable_index(node->raft), 3);
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_commit_index(node->raft), 4);
    raft_network_destroy(network);
}

static void test_rule_09_a_follower_acknowledges_only_what_is_on_its_disk(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    say_append(network, 2, 1, 1, 0, 0, "", 0);
    raft_network_settle(network);
    raft_network_drop_all(network);

    node->disk_held = true;
    say_append(network, 2, 1, 1, 0, 0, "1", 0);   /* write n */
    say_append(network, 2, 1, 1, 1, 1, "1 1", 0); /* write n + 1 */
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2));
    /* The same entries again change nothing on disk; the answer waits all the same. */
    say_append(network, 2, 1, 1, 0, 0, "1 1 1", 0);
    assert_int_equal(node->disk.write_count, 2);
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2));
    /* A heartbeat that claims nothing is answered at once: the leader must not take a slow disk for a dead
     * node. */
    say_append(network, 2, 1, 1, 0, 0, "", 0);
    assert_int_equal(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply.match_index, 0);

    raft_network_complete(network, 1, node->disk.writes[0].number);
    assert_int_equal(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply.match_index, 1);
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2));
    raft_network_complete_all(network, 1);
    assert_int_equal(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply.match_index, 3);
    raft_network_destroy(network);
}

static void test_rule_09_a_leader_counts_itself_only_once_its_own_disk_is_done(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    struct raft_node *leader = &network->nodes[1];

    raft_network_crash(network, 3, 0);
    leader->disk_held = true;
    raft_index index = raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    assert_int_equal(raft_durable_index(network->nodes[2].raft), index);
    assert_int_equal(peer_of(network, 1, 2).match, index);
    assert_int_equal(raft_commit_index(leader->raft), index - 1); /* on one disk of three */
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_commit_index(leader->raft), index);
    raft_network_destroy(network);
}

static void test_a_quorum_of_others_commits_beside_the_leaders_disk(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    network->nodes[1].disk_held = true;
    raft_index index = raft_network_propose(network, 1, "x");
    raft_network_settle(network);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), index);
    assert_int_equal(raft_durable_index(network->nodes[1].raft), index - 1);
    raft_network_destroy(network);
}

static void test_rule_09_a_write_that_never_ends_is_never_acknowledged(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_network_crash(network, 3, 0);
    network->nodes[2].disk_held = true;
    raft_index index = raft_network_propose(network, 1, "x");
    raft_network_run(network, 2000);
    assert_true(raft_last_index(network->nodes[2].raft) >= index); /* it has it */
    assert_true(peer_of(network, 1, 2).match < index);             /* and does not say so */
    assert_true(raft_commit_index(network->nodes[1].raft) < index);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
    raft_network_destroy(network);
}

static void test_what_was_committed_survives_the_loss_of_all_unsynced_writes(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(5);
    raft_index committed = 0;
    for (int i = 0; i < 20; i++) {
        network->nodes[1 + i % 5].disk_held = true;
        raft_network_propose(network, 1, "x");
        raft_network_settle(network);
        network->nodes[1 + (i + 3) % 5].disk_held = false;
        committed = raft_commit_index(network->nodes[1].raft);
    }
    assert_true(committed > 5);
    for (raft_id id = 1; id <= 5; id++)
        raft_network_crash(network, id, 0);
    raft_network_drop_all(network);
    for (raft_id id = 1; id <= 5; id++) {
        network->nodes[id].disk_held = false;
        raft_network_start(network, id);
    }
    for (int i = 0; raft_network_leader(network) == 0; i++) {
        assert_true(i < 10);
        raft_network_time_out(network, 1 + (raft_id)i % 5);
    }
    assert_true(raft_commit_index(network->nodes[raft_network_leader(network)].raft) >= committed);
    raft_network_destroy(network);
}

/* ---- rule 10: the late completion of an overwritten write says nothing ---- */

static void test_rule_10_the_end_of_an_overwritten_write_is_ignored(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    node->disk_held = true;

    say_append(network, 2, 1, 1, 0, 0, "1 1 1", 0); /* write 1 */
    say_append(network, 3, 1, 2, 0, 0, "2 2 2", 0); /* write 2 replaces all three */
    raft_network_assert_log(network, 1, "2 2 2");
    raft_network_complete(network, 1, 1);
    assert_int_equal(raft_durable_index(node->raft), 0);
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3));
    raft_network_complete(network, 1, 2);
    assert_int_equal(raft_durable_index(node->raft), 3);
    assert_int_equal(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3).append_entries_reply.match_index, 3);
    raft_network_destroy(network);
}

static void test_rule_10_a_truncation_takes_back_what_was_durable(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_write_disk(network, 1, "1 1 1", 1, 0);
    raft_network_start(network, 1);
    assert_int_equal(raft_durable_index(node->raft), 3);
    node->disk_held = true;

    say_append(network, 2, 1, 2, 1, 1, "2 2", 0);
    assert_int_equal(raft_durable_index(node->raft), 1);
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_durable_index(node->raft), 3);
    raft_network_destroy(network);
}

/* Were the old write's end believed, the leader would count entries that are on no disk but one. */
static void test_rule_10_a_leader_does_not_count_an_overwritten_write_as_its_own(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    node->disk_held = true;

    say_append(network, 2, 1, 1, 0, 0, "1 1 1 1 1 1", 0); /* write 1: entries 1 to 6 */
    say_append(network, 3, 1, 2, 0, 0, "2", 0);           /* write 2: entry 1 alone */
    raft_network_time_out(network, 1);
    say_vote(network, 2, 1, 3, true, true); /* write 3: its vote */
    raft_network_complete(network, 1, 1);
    assert_int_equal(raft_durable_index(node->raft), 0);
    raft_network_complete(network, 1, 3);
    say_vote(network, 2, 1, 3, true, false);
    assert_int_equal(raft_role(node->raft), RAFT_LEADER);
    raft_index index = raft_network_propose(network, 1, "x");
    assert_int_equal(index, 3);
    assert_int_equal(raft_durable_index(node->raft), 1);
    say_append_reply(network, 2, 1, 3, (struct raft_append_entries_reply){.success = true, .match_index = 3});
    assert_int_equal(raft_commit_index(node->raft), 0); /* on one disk of three */
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_commit_index(node->raft), 3);
    raft_network_destroy(network);
}

/* A write is atomic at record granularity only (raft.h): after a crash any part of it may be there, from the
 * front. */
static void test_any_part_of_a_write_that_reached_the_disk_can_be_started_from(void **state)
{
    (void)state;
    for (size_t records = 0; records <= 5; records++) {
        struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3});
        raft_network_write_disk(network, 1, "1 1 1", 1, 0);
        raft_network_write_disk(network, 2, "1 2 2 2", 2, 0);
        raft_network_write_disk(network, 3, "1 2 2 2", 2, 0);
        raft_network_start(network, 1);
        network->nodes[1].disk_held = true;
        say_append(network, 2, 1, 2, 1, 1, "2 2 2", 0); /* truncation, three entries, term 2 */
        raft_network_crash(network, 1, records);
        network->nodes[1].disk_held = false;
        for (raft_id id = 1; id <= 3; id++)
            raft_network_start(network, id);
        raft_network_tick(network, 1);
        raft_network_elect(network, 2);
        raft_network_assert_log(network, 1, "1 2 2 2 3");
        raft_network_destroy(network);
    }
}

/* ---- rule 15, the core's part ---- */

static void test_rule_15_a_refused_proposal_is_in_no_log(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_index last = raft_last_index(network->nodes[1].raft);

    assert_int_equal(raft_network_propose(network, 2, "x"), 0);
    assert_int_equal(network->nodes[2].status, RAFT_NOT_LEADER);
    raft_network_settle(network);
    for (raft_id id = 1; id <= 3; id++)
        assert_int_equal(raft_last_index(network->nodes[id].raft), last);
    raft_network_destroy(network);
}

static void test_rule_15_the_fate_of_an_accepted_proposal_is_open_until_its_place_is_committed(void **state)
{
    (void)state;
    for (int survives = 0; survives < 2; survives++) {
        struct raft_network *network = group_led_by_1(3);
        raft_term term = raft_current_term(network->nodes[1].raft);
        raft_index index = raft_network_propose(network, 1, "x");
        assert_int_equal(network->nodes[1].status, RAFT_OK);
        if (survives) {
            raft_network_deliver(network, raft_network_find(network, RAFT_APPEND_ENTRIES, 1, 2));
            raft_network_complete_all(network, 2);
        }
        raft_network_crash(network, 1, 0);
        raft_network_drop_all(network);
        network->nodes[2].clock_ms += RAFT_NETWORK_ELECTION_MIN_MS;
        network->nodes[3].clock_ms += RAFT_NETWORK_ELECTION_MIN_MS;
        raft_network_elect(network, 2);
        /* The next leader settled it, one way or the other: by its index and term the proposer could tell. */
        assert_true(raft_commit_index(network->nodes[2].raft) >= index);
        raft_term settled = raft_entry_at(network->nodes[2].raft, index)->term;
        assert_int_equal(settled == term, survives);
        raft_network_destroy(network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_09_a_group_of_one_commits_nothing_before_its_disk),
        cmocka_unit_test(test_rule_09_a_follower_acknowledges_only_what_is_on_its_disk),
        cmocka_unit_test(test_rule_09_a_leader_counts_itself_only_once_its_own_disk_is_done),
        cmocka_unit_test(test_a_quorum_of_others_commits_beside_the_leaders_disk),
        cmocka_unit_test(test_rule_09_a_write_that_never_ends_is_never_acknowledged),
        cmocka_unit_test(test_what_was_committed_survives_the_loss_of_all_unsynced_writes),
        cmocka_unit_test(test_rule_10_the_end_of_an_overwritten_write_is_ignored),
        cmocka_unit_test(test_rule_10_a_truncation_takes_back_what_was_durable),
        cmocka_unit_test(test_rule_10_a_leader_does_not_count_an_overwritten_write_as_its_own),
        cmocka_unit_test(test_rule_15_a_refused_proposal_is_in_no_log),
        cmocka_unit_test(test_rule_15_the_fate_of_an_accepted_proposal_is_open_until_its_place_is_committed),
        cmocka_unit_test(test_any_part_of_a_write_that_reached_the_disk_can_be_started_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
