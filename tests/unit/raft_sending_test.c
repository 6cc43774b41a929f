/* Sending: batches, limits, probes, peers that do not answer, and that nothing which was lost stays lost. */
#include "unit/raft_speech.h"

#include "hive/memory.h"

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

/* A leader whose peer 2 follows: entries go out optimistically. */
static struct raft_network *leader_with_follower(const struct raft_network_config *config)
{
    struct raft_network *network = raft_network_create(config);
    raft_network_write_disk(network, 1, "1", 1, 0); /* the configuration */
    raft_network_start(network, 1);
    lead(network);
    acknowledge(network, 1, 2); /* the no-op was the first append */
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
    assert_int_equal(network->nodes[1].proposed_first, 3);
    assert_int_equal(raft_last_index(network->nodes[1].raft), 102);
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
    acknowledge(network, heard(network, RAFT_APPEND_ENTRIES, 1, 2).context, 3);
    assert_int_equal(appends_to(network, 2).count, 3); /* one was taken out, one came */
    /* An answer to a heartbeat makes no room: it answers nothing that is counted. */
    acknowledge(network, 0, 3);
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
    acknowledge(network, 0, 2);
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
