/* Compaction, and the boundary that it leaves (rule 11): what is before it is committed and therefore
 * matches, what is not known never compares equal, and whoever needs what is gone gets a snapshot. */
#include "unit/raft_speech.h"

/* Node 1 follows, with this log, committed as far as said. */
static struct raft_network *follower_of_2(const char *log, raft_index commit)
{
    struct raft_network *network = one_among_ghosts(3);
    raft_network_start(network, 1);
    say_append(network, 2, 1, 5, 0, 0, log, commit);
    raft_network_settle(network);
    raft_network_drop_all(network);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), commit);
    return network;
}

/* ---- compaction ---- */

static void test_a_snapshot_lets_the_log_go_as_far_as_it_may(void **state)
{
    (void)state;
    static const struct {
        raft_index snapshot, keep_from, first;
    } cases[] = {{3, 9, 4}, {3, 4, 4}, {3, 2, 2}, {3, 1, 1}, {3, 0, 1}, {4, 5, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
        struct raft_node *node = &network->nodes[1];
        assert_true(raft_network_snapshot(network, 1, cases[i].snapshot, cases[i].keep_from));
        if (raft_first_index(node->raft) != cases[i].first || node->log_first != cases[i].first)
            fail_msg("case %zu: the log begins at %" PRIu64, i, raft_first_index(node->raft));
        assert_int_equal(raft_last_index(node->raft), 6); /* nothing behind it goes, uncommitted or not */
        assert_int_equal(raft_durable_index(node->raft), 6);
        assert_int_equal(raft_commit_index(node->raft), 4);
        raft_network_destroy(network);
    }
}

static void test_there_are_snapshots_of_what_is_committed_and_known_only(void **state)
{
    (void)state;
    struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
    struct raft *raft = network->nodes[1].raft;
    struct raft_snapshot snapshot;
    assert_false(raft_snapshot_at(raft, 0, &snapshot));
    assert_false(raft_snapshot_at(raft, 5, &snapshot));
    assert_true(raft_snapshot_at(raft, 3, &snapshot));
    assert_int_equal(snapshot.index, 3);
    assert_int_equal(snapshot.term, 2);
    assert_int_equal(snapshot.configuration.index, 1);
    assert_int_equal(snapshot.configuration.count, 3);
    raft_network_snapshot(network, 1, 3, 4);
    assert_true(raft_snapshot_at(raft, 3, &snapshot)); /* the boundary itself */
    assert_false(raft_snapshot_at(raft, 2, &snapshot));
    /* One that is older than what there is changes nothing. */
    snapshot.index = 2;
    raft_network_step(
        network, 1,
        (struct raft_event){.type = RAFT_EVENT_SNAPSHOT, .compact = {.snapshot = &snapshot, .keep_from = 3}});
    assert_int_equal(raft_first_index(raft), 4);
    raft_network_destroy(network);

    /* Whoever has not heard yet who the members are takes none. */
    network = raft_network_create(&(struct raft_network_config){.nodes = 3, .founders = 2});
    raft_network_start(network, 3);
    struct raft_entry noop = {.index = 1, .term = 1, .type = RAFT_ENTRY_NOOP};
    raft_network_receive(
        network,
        &(struct raft_message){.type = RAFT_APPEND_ENTRIES,
                               .from = 2,
                               .to = 3,
                               .term = 1,
                               .append_entries = {.entries = &noop, .entry_count = 1, .leader_commit = 1}});
    assert_int_equal(raft_commit_index(network->nodes[3].raft), 1);
    assert_false(raft_snapshot_at(network->nodes[3].raft, 1, &snapshot));
    raft_network_destroy(network);
}

static void test_the_members_at_the_snapshot_are_those_in_force_there(void **state)
{
    (void)state;
    struct raft_network *network = group_and_others_led_by_1(3, 5);
    for (raft_id id = 4; id <= 5; id++) { /* entries 3 and 5 */
        assert_int_equal(raft_network_change(network, 1, RAFT_CHANGE_ADD, id, RAFT_MEMBER_LEARNER), RAFT_OK);
        raft_network_propose(network, 1, "x");
        raft_network_settle(network);
    }
    beat(network, 1, 1); /* all know what is committed */
    static const struct {
        raft_index index, configuration;
        size_t count;
    } at[] = {{2, 2, 3}, {3, 3, 4}, {4, 3, 4}, {5, 5, 5}, {6, 5, 5}};
    struct raft_snapshot snapshot;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_true(raft_snapshot_at(network->nodes[1].raft, at[i].index, &snapshot));
        assert_int_equal(snapshot.configuration.index, at[i].configuration);
        assert_int_equal(snapshot.configuration.count, at[i].count);
    }
    assert_true(raft_snapshot_at(network->nodes[1].raft, 1, &snapshot)); /* the founders, who are no entry */
    assert_int_equal(snapshot.configuration.index, 0);
    raft_network_snapshot(network, 1, 4, 5);
    assert_true(raft_snapshot_at(network->nodes[1].raft, 4, &snapshot));
    assert_int_equal(snapshot.configuration.index, 3);
    raft_network_crash(network, 1, 0);
    raft_network_start(network, 1);
    assert_int_equal(raft_configuration(network->nodes[1].raft)->index, 5);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 4); /* the machine is at the snapshot */
    /* Where no entry tells any more, the snapshot does, and not the founding. */
    assert_true(raft_network_snapshot(network, 2, 5, 6));
    assert_int_equal(raft_first_index(network->nodes[2].raft), 6);
    raft_network_crash(network, 2, 0);
    raft_network_start(network, 2);
    assert_int_equal(raft_configuration(network->nodes[2].raft)->index, 5);
    assert_int_equal(raft_configuration(network->nodes[2].raft)->count, 5);
    raft_network_destroy(network);
}

/* What is in memory only must not be taken off the disk's list. */
static void test_the_disk_keeps_its_log_until_what_replaces_it_is_durable(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft_node *node = &network->nodes[1];
    raft_network_start(network, 1);
    node->disk_held = true;
    say_append(network, 2, 1, 1, 0, 0, "1 1 1", 3); /* committed by others, not here yet */
    assert_true(raft_network_snapshot(network, 1, 3, 4));
    assert_int_equal(raft_first_index(node->raft), 4);
    assert_int_equal(raft_durable_index(node->raft), 0);
    assert_int_equal(node->log_first, 1);
    raft_network_complete_all(network, 1);
    assert_int_equal(raft_durable_index(node->raft), 3);
    assert_int_equal(node->log_first, 4);
    raft_network_destroy(network);
}

static void test_a_long_log_goes_in_no_time_and_is_usable_meanwhile(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(1);
    struct raft_command commands[1000];
    for (size_t i = 0; i < 1000; i++)
        commands[i] = (struct raft_command){.data = "0123456789", .bytes = 10};
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 10; i++) {
            raft_network_step(network, 1,
                              (struct raft_event){.type = RAFT_EVENT_PROPOSE,
                                                  .propose = {.commands = commands, .count = 1000}});
            raft_network_complete_all(network, 1);
        }
        raft_index commit = raft_commit_index(network->nodes[1].raft);
        assert_true(raft_network_snapshot(network, 1, commit, commit - 99));
        for (raft_index i = commit - 99; i <= commit; i++)
            assert_int_equal(raft_entry_at(network->nodes[1].raft, i)->index, i);
        assert_null(raft_entry_at(network->nodes[1].raft, commit - 100));
    }
    assert_int_equal(raft_last_index(network->nodes[1].raft), 200002);
    raft_network_destroy(network);
}

/* ---- rule 11: the follower at its boundary ---- */

static void test_rule_11_appends_below_the_boundary_are_skipped(void **state)
{
    (void)state;
    static const struct {
        raft_index prev;
        raft_term prev_term;
        const char *terms, *log;
        raft_index match;
    } cases[] = {
        {0, 0, "", "5 5", 0},        {0, 0, "1 1", "5 5", 2},
        {1, 1, "1 2 2 5", "5 5", 5}, {2, 1, "2 2 5 5 5", "5 5 5", 7},
        {4, 2, "5", "5 5", 5},       {4, 2, "5 5 5", "5 5 5", 7},
        {1, 1, "1 2", "5 5", 3},
    };
    for (int restarted = 0; restarted < 2; restarted++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
            struct raft *raft;
            raft_network_snapshot(network, 1, 4, 5);
            if (restarted) {
                raft_network_crash(network, 1, 0);
                raft_network_start(network, 1);
            }
            raft = network->nodes[1].raft;
            say_append(network, 2, 1, 5, cases[i].prev, cases[i].prev_term, cases[i].terms, 3);
            raft_network_settle(network);
            raft_network_assert_log(network, 1, cases[i].log);
            struct raft_append_entries_reply reply =
                heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply;
            if (!reply.success || reply.match_index != cases[i].match)
                fail_msg("case %zu: match %" PRIu64, i, reply.match_index);
            assert_int_equal(raft_commit_index(raft), 4);
            raft_network_destroy(network);
        }
}

static void test_rule_11_what_contradicts_the_boundary_is_dropped(void **state)
{
    (void)state;
    struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
    raft_network_snapshot(network, 1, 4, 5);
    say_append(network, 2, 1, 5, 4, 3, "5", 4);
    assert_int_equal(raft_dropped_messages(network->nodes[1].raft), 1);
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2));
    raft_network_assert_log(network, 1, "5 5");
    raft_network_destroy(network);
}

static void test_a_conflict_next_to_the_boundary_is_found(void **state)
{
    (void)state;
    struct raft_network *network = follower_of_2("1 1 2 2 2 2", 4);
    raft_network_snapshot(network, 1, 4, 5);
    say_append(network, 3, 1, 6, 6, 4, "6", 4); /* 5 and 6 are others at the leader */
    raft_network_settle(network);
    struct raft_append_entries_reply reply =
        heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 3).append_entries_reply;
    assert_false(reply.success);
    assert_int_equal(reply.conflict_index, 5); /* not before the boundary */
    assert_int_equal(reply.conflict_term, 2);
    say_append(network, 3, 1, 6, 4, 2, "4 4 6", 4);
    raft_network_assert_log(network, 1, "4 4 6");
    raft_network_destroy(network);
}

/* ---- rule 11: the leader at its boundary ---- */

/* Node 1 leads with the log "1 1 2 2 | 5 5" and its no-op of term 6; before the bar it is compacted, and
 * whether it knows the term at the bar depends on what it kept. */
static struct raft_network *leader_behind_4(bool restarted, raft_index keep_from)
{
    struct raft_network *network = follower_of_2("1 1 2 2 5 5", 4);
    raft_network_snapshot(network, 1, 4, keep_from);
    if (restarted) {
        raft_network_crash(network, 1, 0);
        raft_network_start(network, 1);
    }
    wait_for_stickiness(network);
    assert_int_equal(lead(network), 6);
    return network;
}

static void refuse(struct raft_network *network, raft_index conflict, raft_term conflict_term)
{
    say_append_reply(
        network, 2, 1, 6,
        (struct raft_append_entries_reply){.conflict_index = conflict, .conflict_term = conflict_term});
}

static void test_a_follower_that_lacks_what_is_gone_is_sent_a_snapshot(void **state)
{
    (void)state;
    static const struct {
        bool restarted;
        raft_index keep_from, conflict;
        raft_term conflict_term;
        bool is_sent;
    } cases[] = {
        {false, 5, 5, 0, false}, /* the boundary's term is known */
        {true, 5, 5, 0, false},  /* and so it is when it is the snapshot's */
        {false, 5, 4, 0, true},  {false, 5, 1, 0, true},  {false, 3, 3, 0, false},
        {true, 3, 3, 0, true}, /* entry 3 is there, but what was before it is not known any more */
        {true, 3, 4, 0, false},  {false, 5, 3, 2, false}, /* our last of term 2 is at the boundary */
        {false, 5, 2, 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raft_network *network = leader_behind_4(cases[i].restarted, cases[i].keep_from);
        refuse(network, cases[i].conflict, cases[i].conflict_term);
        bool is_sent = !is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2);
        if (is_sent != cases[i].is_sent ||
            (peer_of(network, 1, 2).state == RAFT_PROGRESS_SNAPSHOT) != is_sent)
            fail_msg("case %zu", i);
        if (is_sent)
            assert_int_equal(raft_network_find(network, RAFT_INSTALL_SNAPSHOT, 1, 2)
                                 ->message.install_snapshot.snapshot->index,
                             4);
        raft_network_destroy(network);
    }
}

static void test_heartbeats_go_on_beside_a_snapshot_and_claim_nothing_that_is_gone(void **state)
{
    (void)state;
    struct raft_network *network = leader_behind_4(false, 5);
    say_append_reply(network, 3, 1, 6, (struct raft_append_entries_reply){.success = true, .match_index = 2});
    raft_network_drop_all(network);
    refuse(network, 1, 0);
    assert_false(is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2));
    raft_network_drop_all(network);
    raft_network_propose(network, 1, "x");
    assert_true(is_silent(network, RAFT_APPEND_ENTRIES, 1, 2)); /* no entries meanwhile */
    refuse(network, 1, 0);                                      /* of an earlier probe: late */
    assert_int_equal(peer_of(network, 1, 2).state, RAFT_PROGRESS_SNAPSHOT);
    network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 1);
    for (raft_id id = 2; id <= 3; id++) { /* where node 3 matches is known, but not the term there */
        struct raft_append_entries beat = heard(network, RAFT_APPEND_ENTRIES, 1, id).append_entries;
        assert_int_equal(beat.prev_log_index, 0);
        assert_int_equal(beat.prev_log_term, 0);
        assert_int_equal(beat.entry_count, 0);
    }
    assert_true(is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2));
    /* It has it: the rest comes as entries. */
    raft_network_receive(network, &(struct raft_message){.type = RAFT_INSTALL_SNAPSHOT_REPLY,
                                                         .from = 2,
                                                         .to = 1,
                                                         .term = 6,
                                                         .install_snapshot_reply = {.match_index = 4}});
    assert_int_equal(peer_of(network, 1, 2).state, RAFT_PROGRESS_REPLICATE);
    assert_int_equal(heard(network, RAFT_APPEND_ENTRIES, 1, 2).append_entries.entry_count, 4);
    raft_network_destroy(network);
}

static void test_a_stream_that_broke_is_begun_again_when_the_peer_answers(void **state)
{
    (void)state;
    struct raft_network *network = leader_behind_4(false, 5);
    refuse(network, 1, 0);
    raft_network_drop_all(network);
    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = 2});
    assert_int_equal(peer_of(network, 1, 2).state, RAFT_PROGRESS_PROBE);
    raft_network_propose(network, 1, "x");
    assert_true(is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2));
    say_append_reply(network, 2, 1, 6, (struct raft_append_entries_reply){.success = true});
    assert_false(is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2));
    /* One of which nothing is heard at all, is asked for again, now and then. */
    raft_network_drop_all(network);
    for (int i = 0; i < 2 * RAFT_NETWORK_ELECTION_MAX_MS / RAFT_NETWORK_HEARTBEAT_MS; i++) {
        network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        say_append_reply(network, 2, 1, 6, (struct raft_append_entries_reply){.success = true});
    }
    assert_false(is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2));
    heard(network, RAFT_INSTALL_SNAPSHOT, 1, 2);
    heard(network, RAFT_INSTALL_SNAPSHOT, 1, 2);
    assert_true(is_silent(network, RAFT_INSTALL_SNAPSHOT, 1, 2));
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_lets_the_log_go_as_far_as_it_may),
        cmocka_unit_test(test_there_are_snapshots_of_what_is_committed_and_known_only),
        cmocka_unit_test(test_the_members_at_the_snapshot_are_those_in_force_there),
        cmocka_unit_test(test_the_disk_keeps_its_log_until_what_replaces_it_is_durable),
        cmocka_unit_test(test_a_long_log_goes_in_no_time_and_is_usable_meanwhile),
        cmocka_unit_test(test_rule_11_appends_below_the_boundary_are_skipped),
        cmocka_unit_test(test_rule_11_what_contradicts_the_boundary_is_dropped),
        cmocka_unit_test(test_a_conflict_next_to_the_boundary_is_found),
        cmocka_unit_test(test_a_follower_that_lacks_what_is_gone_is_sent_a_snapshot),
        cmocka_unit_test(test_heartbeats_go_on_beside_a_snapshot_and_claim_nothing_that_is_gone),
        cmocka_unit_test(test_a_stream_that_broke_is_begun_again_when_the_peer_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
