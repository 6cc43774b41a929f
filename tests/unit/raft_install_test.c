/* A snapshot from the leader takes the place of the state: all of it or nothing of it, whatever is on its
 * way to the disk (rule 12), and nothing that is newer goes. */
#include "unit/raft_speech.h"

/* Node 1 follows node 2, with this log on its disk, committed as far as said. */
static struct raft_network *follower_of_2(const char *log, raft_index commit)
{
    struct raft_network *network = one_among_ghosts(3);
    raft_network_start(network, 1);
    say_append(network, 2, 1, 5, 0, 0, log, commit);
    raft_network_settle(network);
    raft_network_drop_all(network);
    return network;
}

static struct raft_message reply_of_1(struct raft_network *network)
{
    return heard(network, RAFT_INSTALL_SNAPSHOT_REPLY, 1, 2);
}

static void test_a_snapshot_replaces_a_log_that_does_not_have_its_entry(void **state)
{
    (void)state;
    static const struct {
        const char *log;
        raft_index commit;
    } cases[] = {{"", 0}, {"1", 1}, {"1 1 2", 2}, {"1 1 2 2 2 2 2 2 2", 2} /* other entries */};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raft_network *network = follower_of_2(cases[i].log, cases[i].commit);
        struct raft_node *node = &network->nodes[1];
        struct raft_snapshot snapshot = snapshot_of(network, 6, 4);
        node->disk_held = true;
        say_install(network, 2, 1, 5, &snapshot);
        assert_int_equal(node->installs, 1);
        assert_true(node->configuration_changed);
        assert_int_equal(raft_first_index(node->raft), 7);
        assert_int_equal(raft_last_index(node->raft), 6);
        assert_int_equal(raft_commit_index(node->raft), 6);
        assert_true(raft_durable_index(node->raft) <= cases[i].commit);
        assert_int_equal(node->log_first, 1); /* the disk's log is still the old one */
        /* Nothing is acknowledged before it is the state on disk, either. */
        say_append(network, 2, 1, 5, 6, 4, "5", 6);
        assert_true(is_silent(network, RAFT_INSTALL_SNAPSHOT_REPLY, 1, 2));
        assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2));
        raft_network_complete_all(network, 1);
        assert_int_equal(reply_of_1(network).install_snapshot_reply.match_index, 6);
        assert_int_equal(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply.match_index, 7);
        assert_int_equal(raft_durable_index(node->raft), 7);
        assert_int_equal(node->log_first, 7);
        raft_network_assert_log(network, 1, "5");
        raft_network_destroy(network);
    }
}

static void test_a_log_that_has_the_snapshots_entry_keeps_what_is_behind_it(void **state)
{
    (void)state;
    struct raft_network *network = follower_of_2("1 1 2 2 5 5", 2);
    struct raft_node *node = &network->nodes[1];
    struct raft_snapshot snapshot = snapshot_of(network, 4, 2);
    say_install(network, 2, 1, 5, &snapshot);
    assert_int_equal(node->disk.writes[0].installs, 0); /* no record: the log goes on as it is */
    raft_network_settle(network);
    raft_network_assert_log(network, 1, "5 5");
    assert_int_equal(raft_commit_index(node->raft), 4);
    assert_int_equal(raft_durable_index(node->raft), 6);
    assert_int_equal(reply_of_1(network).install_snapshot_reply.match_index, 4);
    assert_int_equal(node->disk.first, 5);
    assert_int_equal(node->disk.entry_count, 2);
    raft_network_destroy(network);
}

/* The same, with the entries still on their way to the disk: none counts as durable before. */
static void test_entries_behind_a_snapshot_are_durable_when_their_writes_are(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    struct raft_snapshot snapshot = snapshot_of(network, 2, 1);
    raft_network_start(network, 1);
    node->disk_held = true;
    say_append(network, 2, 1, 1, 0, 0, "1 1 1", 0); /* write 1 */
    say_append(network, 2, 1, 1, 3, 1, "1", 0);     /* write 2 */
    say_install(network, 2, 1, 1, &snapshot);       /* write 3 */
    raft_network_assert_log(network, 1, "1 1");
    assert_int_equal(raft_durable_index(node->raft), 0);
    raft_network_complete(network, 1, 1);
    assert_true(raft_durable_index(node->raft) <= 3);
    assert_true(is_silent(network, RAFT_INSTALL_SNAPSHOT_REPLY, 1, 2));
    raft_network_complete(network, 1, 3);
    assert_int_equal(raft_durable_index(node->raft), 4);
    raft_network_destroy(network);
}

static void test_rule_10_the_end_of_an_earlier_write_does_not_make_an_install_durable(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    struct raft_snapshot snapshot = snapshot_of(network, 6, 2);
    raft_network_start(network, 1);
    node->disk_held = true;
    say_append(network, 2, 1, 2, 0, 0, "1 1", 0); /* write 1 */
    say_install(network, 2, 1, 2, &snapshot);     /* write 2 */
    raft_network_complete(network, 1, 1);
    assert_int_equal(raft_durable_index(node->raft), 0);
    assert_int_equal(node->log_first, 1);
    raft_network_complete(network, 1, 2);
    assert_int_equal(raft_durable_index(node->raft), 6);
    assert_int_equal(node->log_first, 7);
    raft_network_destroy(network);
}

static void test_a_stale_snapshot_changes_nothing(void **state)
{
    (void)state;
    struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
    struct raft_node *node = &network->nodes[1];
    for (raft_index index = 2; index <= 4; index += 2) {
        struct raft_snapshot snapshot = snapshot_of(network, index, index == 2 ? 1 : 2);
        node->disk_held = true;
        say_install(network, 2, 1, 5, &snapshot);
        assert_int_equal(node->installs, 0);
        assert_int_equal(node->disk.write_count, 0);
        assert_int_equal(raft_first_index(node->raft), 1);
        /* The leader learns that it may go on with entries. */
        assert_int_equal(reply_of_1(network).install_snapshot_reply.match_index, 4);
    }
    raft_network_destroy(network);
}

static void test_a_deposed_leaders_snapshot_is_refused_and_it_learns_the_term(void **state)
{
    (void)state;
    struct raft_network *network = follower_of_2("1 1", 1);
    struct raft_snapshot snapshot = snapshot_of(network, 9, 3);
    say_install(network, 2, 1, 4, &snapshot);
    struct raft_message reply = reply_of_1(network);
    assert_int_equal(reply.term, 5);
    assert_int_equal(reply.install_snapshot_reply.match_index, 0);
    assert_int_equal(network->nodes[1].installs, 0);
    raft_network_destroy(network);
}

static void test_snapshots_that_cannot_be_are_dropped(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
        struct raft_snapshot snapshot = snapshot_of(network, 9, 5);
        if (i == 0)
            snapshot.index = 0;
        if (i == 1)
            snapshot.term = 0;
        if (i == 2)
            snapshot.term = 6; /* later than its leader's */
        if (i == 3)
            snapshot.term = 1; /* earlier than what is committed before it */
        if (i == 4)
            snapshot.configuration.count = 0;
        if (i == 5)
            snapshot.configuration.index = 10;
        if (i == 6)
            snapshot.configuration.members[0].id = snapshot.configuration.members[1].id;
        if (i == 7)
            snapshot.index = UINT64_MAX;
        struct raft_message message = {.type = RAFT_INSTALL_SNAPSHOT, .from = 2, .to = 1, .term = 5};
        message.install_snapshot.snapshot = &snapshot;
        raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_MESSAGE, .message = &message});
        if (raft_dropped_messages(network->nodes[1].raft) != 1 || network->nodes[1].installs != 0)
            fail_msg("case %d was not dropped", i);
        raft_network_destroy(network);
    }
}

static void test_a_candidate_and_a_leader_of_an_older_term_give_way_to_a_snapshot(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    raft_network_propose(network, 1, "x");
    raft_network_read(network, 1, 7);
    raft_network_settle(network);
    struct raft_snapshot snapshot = snapshot_of(network, 8, term + 1);
    say_install(network, 2, 1, term + 1, &snapshot);
    raft_network_settle(network);
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_FOLLOWER);
    assert_int_equal(raft_leader(network->nodes[1].raft), 2);
    assert_int_equal(raft_last_index(network->nodes[1].raft), 8);
    assert_int_equal(network->nodes[1].read_count, 1);
    assert_int_equal(network->nodes[1].reads[0].status, RAFT_NOT_LEADER);
    raft_network_destroy(network);
}

/* ---- members ---- */

static void test_the_snapshots_members_are_in_force_and_a_later_change_in_the_log_stays_so(void **state)
{
    (void)state;
    for (int keeps = 0; keeps < 2; keeps++) {
        struct raft_network *network = group_and_others_led_by_1(3, 5);
        raft_network_cut(network, 1, 3, true);
        assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_ADD, 4, RAFT_MEMBER_LEARNER), RAFT_OK);
        raft_network_settle(network); /* entry 3 */
        struct raft_snapshot snapshot;
        assert_true(raft_snapshot_at(network->nodes[1].raft, 3, &snapshot));
        if (keeps) { /* node 3 has entries 3 to 5, with another change among them, and knows of no commit */
            raft_network_propose(network, 1, "x");
            raft_network_settle(network);
            assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_ADD, 5, RAFT_MEMBER_LEARNER),
                             RAFT_OK);
            struct raft_message append = {.type = RAFT_APPEND_ENTRIES, .from = 1, .to = 3};
            append.term = raft_current_term(network->nodes[1].raft);
            append.append_entries =
                (struct raft_append_entries){.prev_log_index = 2,
                                             .prev_log_term = append.term,
                                             .entries = raft_entry_at(network->nodes[1].raft, 3),
                                             .entry_count = 3};
            raft_network_receive(network, &append);
            raft_network_settle(network);
        }
        say_install(network, 1, 3, raft_current_term(network->nodes[1].raft), &snapshot);
        raft_network_settle(network);
        assert_int_equal(network->nodes[3].installs, 1);
        assert_int_equal(raft_configuration(network->nodes[3].raft)->index, keeps ? 5 : 3);
        assert_int_equal(kind_of(network, 3, 4), RAFT_MEMBER_LEARNER);
        assert_int_equal(kind_of(network, 3, 5), keeps ? RAFT_MEMBER_LEARNER : 0);
        raft_network_destroy(network);
    }
}

/* A change that is in the follower's log alone goes with the log. */
static void test_a_change_that_was_never_committed_goes_with_the_log_that_a_snapshot_replaces(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_network_isolate(network, 1, true);
    assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_REMOVE, 3, RAFT_MEMBER_VOTER), RAFT_OK);
    raft_network_complete_all(network, 1);
    assert_int_equal(kind_of(network, 1, 3), 0);
    wait_for_stickiness(network);
    raft_network_elect(network, 2);
    for (int i = 0; i < 5; i++)
        raft_network_propose(network, 2, "x");
    raft_network_settle(network);
    raft_index commit = raft_commit_index(network->nodes[2].raft);
    assert_true(raft_network_snapshot(network, 2, commit, commit + 1));
    raft_network_heal(network);
    beat(network, 2, 5);
    assert_int_equal(network->nodes[1].installs, 1);
    assert_int_equal(kind_of(network, 1, 3), RAFT_MEMBER_VOTER);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), raft_last_index(network->nodes[2].raft));
    raft_network_destroy(network);
}

/* ---- rule 12 ---- */

static void test_rule_12_a_crash_at_any_record_of_an_install_leaves_the_old_state_or_the_new_one(void **state)
{
    (void)state;
    /* The group's log is "1 2 3 3 3 3", a snapshot stands for five of them, and node 1 has another past.
     * What is under way when it crashes: an append, the install with a new term, and an append behind it. */
    static const char *const pasts[] = {"", "1", "1 1 1", "1 1 1 1 1 1 1 1", "1 2 3 3 3 3"};
    for (size_t past = 0; past < sizeof pasts / sizeof *pasts; past++)
        for (size_t records = 0; records <= 7; records++)
            for (int has_file = 0; has_file < 2; has_file++) {
                struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3});
                struct raft_node *node = &network->nodes[1];
                struct raft_snapshot snapshot = snapshot_of(network, 5, 3);
                raft_network_write_disk(network, 1, pasts[past], 3, 0);
                raft_network_write_disk(network, 2, "1 2 3 3 3 3", 3, 0);
                raft_network_write_disk(network, 3, "1 2 3 3 3 3", 3, 0);
                raft_network_start(network, 1);
                node->disk_held = true;
                say_append(network, 2, 1, 3, 0, 0, "1", 0);
                if (has_file) {
                    say_install(network, 2, 1, 4, &snapshot);
                    say_append(network, 2, 1, 4, 5, 3, "3", 5);
                }
                raft_network_crash(network, 1, records);
                node->disk_held = false;
                raft_network_start(network, 1);
                bool is_new = raft_commit_index(node->raft) == 5;
                if (is_new !=
                    has_file) /* the file was complete: it is the state, whether its record got there or not */
                    fail_msg("past %zu, %zu records: commit %" PRIu64, past, records,
                             raft_commit_index(node->raft));
                for (raft_id id = 2; id <= 3; id++)
                    raft_network_start(network, id);
                raft_network_drop_all(network);
                raft_network_elect(network, 2);
                beat(network, 2, 5);
                assert_int_equal(raft_commit_index(node->raft), raft_last_index(network->nodes[2].raft));
                raft_network_destroy(network);
            }
}

static void test_a_node_far_behind_catches_up_by_a_snapshot_while_writes_go_on(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct raft_network *network = raft_network_create(&(struct raft_network_config){
            .nodes = 3, .seed = seed, .batch_entries = 4, .inflight_appends = 2});
        raft_network_start_all(network);
        raft_network_run(network, 2000);
        raft_id leader = raft_network_leader(network), away = leader == 3 ? 2 : 3;
        raft_network_crash(network, away, 0);
        for (int i = 0; i < 200; i++) {
            raft_network_propose(network, leader, "x");
            raft_network_run(network, 2);
        }
        raft_index commit = raft_commit_index(network->nodes[leader].raft);
        assert_true(raft_network_snapshot(network, leader, commit, commit - 10));
        raft_network_start(network, away);
        for (int i = 0; i < 500; i++) {
            raft_network_propose(network, leader, "y");
            raft_network_run(network, 2);
        }
        raft_network_run(network, 500);
        assert_int_equal(raft_network_leader(network), leader);
        assert_int_equal(network->nodes[away].installs, 1);
        assert_int_equal(raft_commit_index(network->nodes[away].raft),
                         raft_last_index(network->nodes[leader].raft));
        raft_network_destroy(network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_replaces_a_log_that_does_not_have_its_entry),
        cmocka_unit_test(test_a_log_that_has_the_snapshots_entry_keeps_what_is_behind_it),
        cmocka_unit_test(test_entries_behind_a_snapshot_are_durable_when_their_writes_are),
        cmocka_unit_test(test_rule_10_the_end_of_an_earlier_write_does_not_make_an_install_durable),
        cmocka_unit_test(test_a_stale_snapshot_changes_nothing),
        cmocka_unit_test(test_a_deposed_leaders_snapshot_is_refused_and_it_learns_the_term),
        cmocka_unit_test(test_snapshots_that_cannot_be_are_dropped),
        cmocka_unit_test(test_a_candidate_and_a_leader_of_an_older_term_give_way_to_a_snapshot),
        cmocka_unit_test(test_the_snapshots_members_are_in_force_and_a_later_change_in_the_log_stays_so),
        cmocka_unit_test(test_a_change_that_was_never_committed_goes_with_the_log_that_a_snapshot_replaces),
        cmocka_unit_test(
            test_rule_12_a_crash_at_any_record_of_an_install_leaves_the_old_state_or_the_new_one),
        cmocka_unit_test(test_a_node_far_behind_catches_up_by_a_snapshot_while_writes_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
