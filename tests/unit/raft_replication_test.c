/* Replication: what followers take over and answer (rules 2 and 3), what leaders make of the answers (rule
 * 6), the search for the place where two logs part, and the batching of entries. */
#include "unit/raft_speech.h"

#include "hive/memory.h"

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

/* ---- what is sent ---- */

struct appends {
    size_t count, entries, most_entries, most_bytes;
};

/* Looks at the appends with entries that are under way to a ghost. */
static struct appends appends_to(struct raft_network *network, raft_id to)
{
    struct appends appends = {0};
    for (struct raft_packet *packet = network->packets; packet; packet = packet->next) {
        const struct raft_append_entries *append = &packet->message.append_entries;
        size_t bytes = 0;
        if (packet->message.type != RAFT_APPEND_ENTRIES || packet->message.to != to ||
            append->entry_count == 0)
            continue;
        for (size_t i = 0; i < append->entry_count; i++)
            bytes += append->entries[i].bytes;
        appends.count++;
        appends.entries += append->entry_count;
        if (append->entry_count > appends.most_entries)
            appends.most_entries = append->entry_count;
        if (append->entry_count > 1 && bytes > appends.most_bytes)
            appends.most_bytes = bytes;
    }
    return appends;
}

/* An answer of node 2 to the append with that context. */
static void acknowledge(struct raft_network *network, uint64_t context, raft_index match)
{
    raft_network_receive(
        network, &(struct raft_message){.type = RAFT_APPEND_ENTRIES_REPLY,
                                        .from = 2,
                                        .to = 1,
                                        .term = raft_current_term(network->nodes[1].raft),
                                        .context = context,
                                        .append_entries_reply = {.success = true, .match_index = match}});
}

/* A leader whose peer 2 follows: entries go out optimistically. */
static struct raft_network *leader_with_follower(const struct raft_network_config *config)
{
    struct raft_network *network = raft_network_create(config);
    raft_network_start(network, 1);
    lead(network);
    acknowledge(network, 1, 1); /* the no-op was the first append */
    assert_int_equal(peer_of(network, 1, 2).state, RAFT_PROGRESS_REPLICATE);
    raft_network_settle(network);
    raft_network_drop_all(network);
    return network;
}

static void propose_many(struct raft_network *network, size_t count, size_t bytes)
{
    struct raft_command commands[256];
    char *data = hive_calloc(bytes, 1);
    for (size_t i = 0; i < count; i++)
        commands[i] = (struct raft_command){.data = data, .bytes = bytes};
    raft_network_step(
        network, 1,
        (struct raft_event){.type = RAFT_EVENT_PROPOSE, .propose = {.commands = commands, .count = count}});
    free(data);
}

static void test_proposals_of_a_batch_take_one_write_and_one_message(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_follower(&(struct raft_network_config){.nodes = 3});

    network->nodes[1].disk_held = true;
    propose_many(network, 100, 10);
    assert_int_equal(network->nodes[1].proposed_first, 2);
    assert_int_equal(raft_last_index(network->nodes[1].raft), 101);
    assert_int_equal(network->nodes[1].disk.write_count, 1);
    assert_int_equal(network->nodes[1].disk.writes[0].entry_count, 100);
    struct appends appends = appends_to(network, 2);
    assert_int_equal(appends.count, 1);
    assert_int_equal(appends.entries, 100);
    raft_network_destroy(network);
}

static void test_appends_keep_to_the_limits_of_entries_and_bytes(void **state)
{
    (void)state;
    struct raft_network *network =
        leader_with_follower(&(struct raft_network_config){.nodes = 3, .batch_entries = 7});
    propose_many(network, 100, 10);
    struct appends appends = appends_to(network, 2);
    assert_int_equal(appends.entries, 100);
    assert_int_equal(appends.most_entries, 7);
    assert_int_equal(appends.count, 15);
    raft_network_destroy(network);

    network = leader_with_follower(&(struct raft_network_config){.nodes = 3, .batch_bytes = 100});
    propose_many(network, 20, 30);
    propose_many(network, 1, 5000); /* one entry always goes */
    appends = appends_to(network, 2);
    assert_int_equal(appends.entries, 21);
    assert_int_equal(appends.most_bytes, 90);
    raft_network_destroy(network);
}

static void test_no_more_appends_are_under_way_than_allowed(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_follower(
        &(struct raft_network_config){.nodes = 3, .batch_entries = 1, .inflight_appends = 3});

    propose_many(network, 10, 1);
    assert_int_equal(appends_to(network, 2).count, 3);
    acknowledge(network, heard(network, RAFT_APPEND_ENTRIES, 1, 2).context, 2);
    assert_int_equal(appends_to(network, 2).count, 3); /* one was taken out, one came */
    /* An answer to a heartbeat makes no room: it answers nothing that is counted. */
    acknowledge(network, 0, 2);
    assert_int_equal(appends_to(network, 2).count, 3);
    raft_network_destroy(network);
}

static void test_a_peer_is_probed_with_one_append_at_a_time(void **state)
{
    (void)state;
    struct raft_network *network =
        raft_network_create(&(struct raft_network_config){.nodes = 3, .batch_entries = 1});
    raft_network_start(network, 1);
    raft_network_time_out(network, 1);
    say_vote(network, 2, 1, 1, true, true);
    raft_network_settle(network);
    say_vote(network, 2, 1, 1, true, false);
    propose_many(network, 10, 1);
    propose_many(network, 10, 1);
    assert_int_equal(appends_to(network, 2).count, 1);
    assert_int_equal(appends_to(network, 3).count, 1);
    raft_network_destroy(network);
}

static void test_a_silent_peer_gets_heartbeats_but_no_entries(void **state)
{
    (void)state;
    struct raft_network *network = leader_with_follower(&(struct raft_network_config){.nodes = 3});

    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = 2});
    for (int i = 0; i < 4; i++) {
        propose_many(network, 10, 1);
        network->nodes[1].clock_ms += RAFT_NETWORK_HEARTBEAT_MS;
        raft_network_tick(network, 1);
    }
    assert_int_equal(appends_to(network, 2).count, 0);
    assert_false(is_silent(network, RAFT_APPEND_ENTRIES, 1, 2));
    raft_network_drop_all(network);
    /* Its first word, and it gets what it lacks. */
    acknowledge(network, 0, 1);
    assert_int_equal(appends_to(network, 2).entries, 40);
    raft_network_destroy(network);
}

/* ---- nothing stays lost ---- */

/* A real group in which the next append with entries from 1 to 2 was lost without a word. */
static struct raft_network *group_with_lost_append(void)
{
    struct raft_network *network = group_led_by_1(3);
    raft_network_crash(network, 3, 0);
    raft_network_propose(network, 1, "x");
    raft_network_drop(network, raft_network_find(network, RAFT_APPEND_ENTRIES, 1, 2));
    return network;
}

static void assert_caught_up(struct raft_network *network)
{
    assert_int_equal(raft_last_index(network->nodes[2].raft), raft_last_index(network->nodes[1].raft));
    assert_int_equal(raft_commit_index(network->nodes[1].raft), raft_last_index(network->nodes[1].raft));
    assert_int_equal(raft_role(network->nodes[1].raft), RAFT_LEADER);
}

static void test_a_lost_append_is_sent_again(void **state)
{
    (void)state;
    struct raft_network *network = group_with_lost_append();
    raft_network_run(network, RAFT_NETWORK_ELECTION_MAX_MS);
    assert_caught_up(network);
    raft_network_destroy(network);
}

static void test_a_lost_append_is_sent_again_while_reads_keep_the_heartbeats_busy(void **state)
{
    (void)state;
    struct raft_network *network = group_with_lost_append();
    for (uint64_t context = 1; context < 200; context++) {
        raft_network_read(network, 1, context);
        raft_network_run(network, 10);
    }
    assert_caught_up(network);
    raft_network_destroy(network);
}

static void test_an_answer_that_comes_twice_does_not_hide_a_lost_append(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    raft_network_crash(network, 3, 0);
    raft_network_propose(network, 1, "x");
    raft_network_duplicate(network, raft_network_find(network, RAFT_APPEND_ENTRIES, 1, 2));
    raft_network_propose(network, 1, "y");
    struct raft_packet *lost = raft_network_find(network, RAFT_APPEND_ENTRIES, 1, 2);
    while (lost && (lost->message.append_entries.entry_count == 0 ||
                    lost->message.append_entries.entries[0].index != raft_last_index(network->nodes[1].raft)))
        lost = lost->next;
    assert_non_null(lost);
    raft_network_drop(network, lost);
    raft_network_run(network, 2000);
    assert_caught_up(network);
    raft_network_destroy(network);
}

static void test_what_a_peer_reported_unreachable_is_sent_as_soon_as_it_answers(void **state)
{
    (void)state;
    struct raft_network *network = group_with_lost_append();
    raft_network_step(network, 1, (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = 2});
    raft_network_run(network, RAFT_NETWORK_HEARTBEAT_MS + 10);
    assert_caught_up(network);
    raft_network_destroy(network);
}

static void test_a_follower_that_lost_unsynced_entries_gets_them_again(void **state)
{
    (void)state;
    struct raft_network *network = group_led_by_1(3);
    network->nodes[2].disk_held = true;
    raft_network_propose(network, 1, "x");
    raft_network_propose(network, 1, "y");
    raft_network_run(network, 20);
    raft_network_crash(network, 2, 1); /* one of the two reaches its disk */
    network->nodes[2].disk_held = false;
    raft_network_start(network, 2);
    raft_network_run(network, 1000);
    assert_int_equal(raft_last_index(network->nodes[2].raft), raft_last_index(network->nodes[1].raft));
    assert_int_equal(raft_commit_index(network->nodes[2].raft), raft_last_index(network->nodes[1].raft));
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
        cmocka_unit_test(test_proposals_of_a_batch_take_one_write_and_one_message),
        cmocka_unit_test(test_appends_keep_to_the_limits_of_entries_and_bytes),
        cmocka_unit_test(test_no_more_appends_are_under_way_than_allowed),
        cmocka_unit_test(test_a_peer_is_probed_with_one_append_at_a_time),
        cmocka_unit_test(test_a_silent_peer_gets_heartbeats_but_no_entries),
        cmocka_unit_test(test_a_lost_append_is_sent_again),
        cmocka_unit_test(test_a_lost_append_is_sent_again_while_reads_keep_the_heartbeats_busy),
        cmocka_unit_test(test_an_answer_that_comes_twice_does_not_hide_a_lost_append),
        cmocka_unit_test(test_what_a_peer_reported_unreachable_is_sent_as_soon_as_it_answers),
        cmocka_unit_test(test_a_follower_that_lost_unsynced_entries_gets_them_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
