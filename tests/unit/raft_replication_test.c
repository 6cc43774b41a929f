/* Replication: what followers take over and answer (rules 2 and 3), what leaders make of the answers (rule
 * 6), and the search for the place where two logs part. */
#include "unit/raft_speech.h"

/* ---- rule 2: a log that matches is never shortened ---- */

static void test_rule_02_empty_short_and_late_appends_never_shorten_a_log_that_matches(void **state)
{
    (void)state;
    static const struct {
        raft_index prev;
        raft_term prev_term;
        const char *terms;
        raft_index match; /* what the answer may claim: what was compared, no more */
    } appends[] = {{0, 0, "", 0},    {1, 1, "", 1},  {3, 2, "", 3},  {0, 0, "1", 1},
                   {0, 0, "1 1", 2}, {1, 1, "1", 2}, {2, 1, "2", 3}, {0, 0, "1 1 2 2", 4}};
    for (size_t i = 0; i < sizeof appends / sizeof *appends; i++) {
        struct raft_network *network = one_among_ghosts(3);
        raft_network_start(network, 1);
        say_append(network, 2, 1, 2, 0, 0, "1 1 2 2", 0);
        raft_network_settle(network);
        raft_network_drop_all(network);

        network->nodes[1].disk_held = true;
        say_append(network, 2, 1, 2, appends[i].prev, appends[i].prev_term, appends[i].terms, 0);
        raft_network_assert_log(network, 1, "1 1 2 2");
        assert_int_equal(network->nodes[1].disk.write_count, 0);
        struct raft_message reply = heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2);
        assert_true(reply.append_entries_reply.success);
        if (reply.append_entries_reply.match_index != appends[i].match)
            fail_msg("append %zu: match %" PRIu64, i, reply.append_entries_reply.match_index);
        raft_network_destroy(network);
    }
}

static void test_only_what_conflicts_is_cut_and_what_follows_it(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 1 2 2 2", 2, 0);
    raft_network_start(network, 1);

    say_append(network, 2, 1, 4, 1, 1, "1 2 3", 0); /* entries 2 and 3 are there, 4 is another */
    raft_network_assert_log(network, 1, "1 1 2 3");
    assert_int_equal(network->nodes[1].disk.writes[0].truncate_from, 4);
    assert_int_equal(network->nodes[1].disk.writes[0].entry_count, 1);
    raft_network_settle(network);
    assert_int_equal(network->nodes[1].disk.entry_count, 4);
    assert_int_equal(heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply.match_index, 4);
    raft_network_destroy(network);
}

static void test_entries_that_do_not_join_the_log_are_refused(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 1 2 2 2", 2, 0);
    raft_network_start(network, 1);

    static const struct {
        raft_index prev;
        raft_term prev_term;
        raft_index conflict_index;
        raft_term conflict_term;
    } appends[] = {{7, 3, 6, 0}, {6, 2, 6, 0}, {5, 3, 3, 2}, {4, 3, 3, 2}, {3, 1, 3, 2}, {2, 2, 1, 1}};
    for (size_t i = 0; i < sizeof appends / sizeof *appends; i++) {
        say_append(network, 2, 1, 3, appends[i].prev, appends[i].prev_term, "3", 9);
        raft_network_settle(network);
        raft_network_assert_log(network, 1, "1 1 2 2 2");
        assert_int_equal(raft_commit_index(network->nodes[1].raft), 0);
        struct raft_append_entries_reply reply =
            heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2).append_entries_reply;
        assert_false(reply.success);
        if (reply.conflict_index != appends[i].conflict_index ||
            reply.conflict_term != appends[i].conflict_term)
            fail_msg("append %zu: %" PRIu64 " of term %" PRIu64, i, reply.conflict_index,
                     reply.conflict_term);
    }
    raft_network_destroy(network);
}

static void test_a_deposed_leaders_entries_are_refused_and_it_learns_the_term(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1", 5, 0);
    raft_network_start(network, 1);

    say_append(network, 2, 1, 4, 1, 1, "4", 1);
    raft_network_assert_log(network, 1, "1");
    assert_int_equal(raft_leader(network->nodes[1].raft), 0);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 0);
    struct raft_message reply = heard(network, RAFT_APPEND_ENTRIES_REPLY, 1, 2);
    assert_false(reply.append_entries_reply.success);
    assert_int_equal(reply.term, 5);
    raft_network_destroy(network);

    network = one_among_ghosts(3);
    raft_network_start(network, 1);
    lead(network);
    say_append_reply(network, 2, 1, 9, (struct raft_append_entries_reply){.success = false});
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_FOLLOWER);
    assert_int_equal(raft_current_term(network->nodes[1].raft), 9);
    raft_network_destroy(network);
}

/* ---- rule 3: a follower commits only what was compared with the leader's log ---- */

static void test_rule_03_a_follower_commits_no_further_than_what_was_compared(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    struct raft *raft;
    raft_network_write_disk(network, 1, "1 1 1 1", 1,
                            0); /* 2 to 4 were never committed, and are not in the leader's log */
    raft_network_start(network, 1);
    raft = network->nodes[1].raft;

    say_append(network, 2, 1, 3, 0, 0, "", 4);
    assert_int_equal(raft_commit_index(raft), 0);
    say_append(network, 2, 1, 3, 1, 1, "", 4);
    assert_int_equal(raft_commit_index(raft), 1);
    say_append(network, 2, 1, 3, 1, 1, "2 2", 4);
    assert_int_equal(raft_commit_index(raft), 3);
    say_append(network, 2, 1, 3, 3, 2, "2 3", 4);
    assert_int_equal(raft_commit_index(raft), 4); /* the leader's own, where that is less */
    say_append(network, 2, 1, 3, 1, 1, "2", 2);
    assert_int_equal(raft_commit_index(raft), 4); /* late: nothing falls */
    raft_network_destroy(network);
}

/* ---- rule 6: replies of an older term, and the order of match and next ---- */

static void test_rule_06_replies_of_an_older_term_are_dropped(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(3);
    raft_network_write_disk(network, 1, "1 1 1", 4, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    assert_int_equal(term, 5);

    struct raft_peer_status before = peer_of(network, 1, 2);
    say_append_reply(network, 2, 1, 4, (struct raft_append_entries_reply){.success = true, .match_index = 4});
    say_append_reply(network, 2, 1, 1,
                     (struct raft_append_entries_reply){.success = false, .conflict_index = 1});
    struct raft_peer_status after = peer_of(network, 1, 2);
    assert_int_equal(after.match, before.match);
    assert_int_equal(after.next, before.next);
    assert_int_equal(after.last_ack_ms, -1);
    assert_int_equal(raft_commit_index(network->nodes[1].raft), 0);
    assert_int_equal(raft_current_term(network->nodes[1].raft), 5);
    raft_network_destroy(network);
}

static void test_rule_06_match_never_falls_and_next_stays_behind_it(void **state)
{
    (void)state;
    struct raft_network *network = one_among_ghosts(5);
    raft_network_write_disk(network, 1, "1 1 1 1", 1, 0);
    raft_network_start(network, 1);
    raft_term term = lead(network);
    const struct raft_append_entries_reply replies[] = {
        {.success = true, .match_index = 3},
        {.success = true, .match_index = 1},
        {.success = true, .match_index = 0},
        {.success = false, .conflict_index = 1},
        {.success = false, .conflict_index = 2, .conflict_term = 1},
        {.success = false, .conflict_index = 9},
        {.success = false, .conflict_index = 0},
        {.success = false, .conflict_index = UINT64_MAX},
        {.success = true, .match_index = 4},
        {.success = true, .match_index = 2},
        {.success = true, .match_index = 99}, /* never sent: not believed */
    };
    raft_index match = 0;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        say_append_reply(network, 2, 1, term, replies[i]);
        if (replies[i].success && replies[i].match_index > match && replies[i].match_index <= 5)
            match = replies[i].match_index;
        struct raft_peer_status peer = peer_of(network, 1, 2);
        if (peer.match != match || peer.next <= peer.match || peer.next > 6)
            fail_msg("reply %zu: match %" PRIu64 ", next %" PRIu64, i, peer.match, peer.next);
    }
    raft_network_destroy(network);
}

/* ---- the search for where two logs part (§5.3 of the paper) ---- */

/* What it took to make the follower's log equal the leader's. */
struct search {
    size_t refusals, entries; /* entries sent to the follower */
};

static void deliver_and_count(struct raft_network *network, struct search *search)
{
    while (network->packets) {
        for (raft_id id = 1; id <= 3; id++)
            raft_network_complete_all(network, id);
        const struct raft_message *message = &network->packets->message;
        if (message->type == RAFT_APPEND_ENTRIES_REPLY && message->from == 3)
            search->refusals += !message->append_entries_reply.success;
        if (message->type == RAFT_APPEND_ENTRIES && message->to == 3)
            search->entries += message->append_entries.entry_count;
        raft_network_deliver(network, network->packets);
        for (raft_id id = 1; id <= 3; id++)
            raft_network_complete_all(network, id);
    }
}

/* Node 1 leads with the vote of node 2, whose log is the same; node 3 has another one. */
static struct search search_of(const char *leader_log, const char *follower_log, raft_term term)
{
    struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3});
    struct raft_node *leader = &network->nodes[1];
    struct search search = {0};

    raft_network_write_disk(network, 1, leader_log, term, 0);
    raft_network_write_disk(network, 2, leader_log, term, 0);
    raft_network_write_disk(network, 3, follower_log, term, 0);
    raft_network_start_all(network);
    leader->clock_ms = leader->deadline_ms;
    raft_network_tick(network, 1);
    deliver_and_count(network, &search);
    assert_int_equal(raft_role(leader->raft), RAFT_LEADER);
    leader->clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
    raft_network_tick(network, 1);
    deliver_and_count(network, &search);
    raft_index last = raft_last_index(leader->raft);
    for (raft_index i = 1; i <= last; i++)
        assert_int_equal(raft_entry_at(network->nodes[3].raft, i)->term,
                         raft_entry_at(leader->raft, i)->term);
    assert_int_equal(raft_commit_index(network->nodes[3].raft), last);
    raft_network_destroy(network);
    return search;
}

static void test_a_conflict_costs_one_refusal_a_term_not_one_an_entry(void **state)
{
    (void)state;
    static const struct {
        const char *leader, *follower;
        raft_term term;
        struct search search;
    } cases[] = {
        /* Equal: the new no-op alone. Short by eleven: one refusal, and they are sent; once with the refused
           probe. */
        {"1 1 1 1", "1 1 1 1", 1, {0, 1}},
        {"1 1 1 1 1 1 1 1 1 1 1 1", "1", 1, {1, 1 + 12}},
        /* One term that the leader does not know, to be skipped at once; and two (case f of Figure 7). */
        {"1 1 1 5 5 5 5 5 5 5 5 5", "1 1 1 2 2 2 2 2 2 2 2 2", 5, {1, 1 + 10}},
        {"1 1 1 4 4 5 5 6 6 6", "1 1 1 2 2 2 3 3 3 3 3", 6, {2, 1 + 5 + 8}},
        /* The leader has entries of the follower's conflicting term, but fewer: straight behind its last one.
         */
        {"1 4 4 6 6 6 6 6 6 6 6", "1 4 4 4 4 4 4 4 4 4 4", 6, {1, 1 + 9}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct search search = search_of(cases[i].leader, cases[i].follower, cases[i].term);
        if (search.refusals != cases[i].search.refusals || search.entries != cases[i].search.entries)
            fail_msg("case %zu: %zu refusals, %zu entries sent", i, search.refusals, search.entries);
    }
}

static void test_a_node_that_was_down_at_the_election_is_sent_only_what_it_lacks(void **state)
{
    (void)state;
    struct raft_network *network = raft_network_create(&(struct raft_network_config){.nodes = 3});
    struct search search = {0};
    char log[512] = "1";
    for (int i = 1; i < 200; i++)
        memcpy(log + 2 * i - 1, " 1", 3);
    for (raft_id id = 1; id <= 3; id++)
        raft_network_write_disk(network, id, log, 1, 0);
    raft_network_start_all(network);
    raft_network_crash(network, 3, 0);
    raft_network_elect(network, 1);
    raft_network_run(network, 1000); /* what it was sent is lost, and was found to be */
    raft_network_start(network, 3);
    for (int i = 0; i < 5; i++) {
        network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, 1);
        deliver_and_count(network, &search);
    }
    assert_int_equal(raft_last_index(network->nodes[3].raft), 201);
    if (search.entries > 10)
        fail_msg("it lacked one entry, and was sent %zu", search.entries);
    raft_network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_02_empty_short_and_late_appends_never_shorten_a_log_that_matches),
        cmocka_unit_test(test_only_what_conflicts_is_cut_and_what_follows_it),
        cmocka_unit_test(test_entries_that_do_not_join_the_log_are_refused),
        cmocka_unit_test(test_a_deposed_leaders_entries_are_refused_and_it_learns_the_term),
        cmocka_unit_test(test_rule_03_a_follower_commits_no_further_than_what_was_compared),
        cmocka_unit_test(test_rule_06_replies_of_an_older_term_are_dropped),
        cmocka_unit_test(test_rule_06_match_never_falls_and_next_stays_behind_it),
        cmocka_unit_test(test_a_conflict_costs_one_refusal_a_term_not_one_an_entry),
        cmocka_unit_test(test_a_node_that_was_down_at_the_election_is_sent_only_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
