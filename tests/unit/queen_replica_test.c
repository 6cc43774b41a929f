/* What a replica promises to clients and peers: who is told what, when, and exactly once. */
#include "queen_replica_scene.h"

static void test_a_batch_is_one_write_and_its_clients_are_told_when_it_is_applied(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    size_t writes = scene.writes;
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 3, 10);
    assert_int_equal(scene.writes, writes + 1);
    assert_int_equal(scene.sent_count, 2);
    assert_int_equal(scene.sent[0]->append_entries.entry_count, 3);
    replica_durable(scene.replica, scene.now_ms, scene.write);
    assert_int_equal(scene.answer_count, 0); /* the own disk is no majority */
    assert_true(replica_has_clients(scene.replica));
    scene.are_peers_silent = false;
    scene_settle(&scene);
    assert_int_equal(scene.answer_count, 3);
    for (int tag = 1; tag <= 3; tag++) {
        assert_int_equal(scene_answer(&scene, tag)->outcome, QUEEN_DONE);
        assert_int_equal(scene_answer(&scene, tag)->status, MACHINE_OK);
        assert_int_equal(scene_answer(&scene, tag)->index, scene.answers[0].index + (uint64_t)tag - 1);
    }
    assert_int_equal(scene.applied, 3);
    assert_int_equal(replica_applied(scene.replica), scene.answers[2].index);
    assert_false(replica_has_clients(scene.replica));
    scene_destroy(&scene);
}

static void test_an_answer_to_a_peer_waits_for_its_write_and_not_for_ever(void **state)
{
    (void)state;
    struct scene scene = {.is_disk_slow = true};
    struct replica_config config = scene_config(&scene);
    config.raft.election_timeout_min_ms = config.raft.election_timeout_max_ms = 60000;
    scene_create(&scene, &config, NULL, NULL);
    struct raft_entry entry = {.index = 1, .term = 2, .type = RAFT_ENTRY_NOOP};
    struct raft_message append = scene_append(2, 2, 0, 0, 0, &entry, 1);
    scene_receive(&scene, &append);
    assert_int_equal(scene.replies, 0);
    replica_durable(scene.replica, scene.now_ms, scene.write);
    assert_int_equal(scene.replies, 1);
    assert_int_equal(scene.reply_outcome, QUEEN_DONE);
    assert_int_equal(scene.reply.append_entries_reply.match_index, 1);
    struct raft_entry next = {.index = 2, .term = 2, .type = RAFT_ENTRY_NOOP};
    append = scene_append(2, 2, 1, 2, 0, &next, 1);
    scene_receive(&scene, &append);
    assert_true(replica_deadline_ms(scene.replica) <= scene.now_ms + config.rpc_timeout_ms);
    scene_advance(&scene, config.rpc_timeout_ms - 1);
    assert_int_equal(scene.replies, 1);
    scene_advance(&scene, 1);
    assert_int_equal(scene.replies, 2);
    assert_int_equal(scene.reply_outcome, QUEEN_UNKNOWN);
    replica_durable(scene.replica, scene.now_ms, scene.write);
    assert_int_equal(scene.replies, 2); /* once a request */
    scene_destroy(&scene);
}

static void test_a_request_that_is_meant_for_another_disk_is_discarded(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start(&scene);
    struct raft_message append = scene_append(2, 2, 0, 0, 0, NULL, 0);
    append.to = SCENE_SELF + 7;
    scene_receive(&scene, &append);
    assert_int_equal(scene.replies, 1);
    assert_int_equal(scene.reply_outcome, QUEEN_DISCARDED);
    scene_destroy(&scene);
}

static void test_who_waits_too_long_is_told_unknown_and_the_entry_still_counts(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.request_timeout_ms = 40; /* less than a leader without a majority leads on */
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 3);
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 1, 10);
    scene_read(&scene, 2, false);
    assert_true(replica_deadline_ms(scene.replica) <= scene.now_ms + 40);
    scene_advance(&scene, 39);
    assert_int_equal(scene.answer_count, 0);
    scene_advance(&scene, 1);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_UNCONFIRMED);
    scene.are_peers_silent = false;
    scene_settle(&scene);
    assert_int_equal(scene.applied, 1); /* it was applied after all, and nobody is told twice */
    assert_int_equal(scene.answer_count, 2);
    scene_destroy(&scene);
}

static void test_what_another_leader_cuts_off_is_unknown(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    const struct raft *raft = replica_raft(scene.replica);
    raft_index last = raft_last_index(raft);
    raft_term term = raft_current_term(raft);
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 2, 10);
    scene_settle(&scene);
    struct raft_entry noop = {.index = last + 1, .term = term + 1, .type = RAFT_ENTRY_NOOP};
    struct raft_message append = scene_append(3, term + 1, last, term, last, &noop, 1);
    scene_receive(&scene, &append);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_UNKNOWN);
    assert_string_equal(scene_answer(&scene, 1)->leader, "127.0.0.1:9003");
    scene_put(&scene, 3, 1, 10);
    assert_int_equal(scene_answer(&scene, 3)->outcome, QUEEN_NOT_LEADER);
    assert_string_equal(scene_answer(&scene, 3)->leader, "127.0.0.1:9003");
    scene_destroy(&scene);
}

static void test_more_than_may_wait_is_refused_as_busy(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.request_timeout_ms = 40;
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 3);
    scene.are_peers_silent = scene.is_disk_slow = true;
    struct replica_proposal large = {.bytes = (size_t)HIVE_PENDING_BYTES - 500, .done = scene_done};
    void *bytes = hive_calloc(1, large.bytes);
    large.command = bytes;
    large.context = scene_client(&scene, 1);
    replica_propose(scene.replica, scene.now_ms, &large, 1);
    scene_put(&scene, 2, 2, 300); /* the first one fits */
    assert_null(scene_answer(&scene, 2));
    assert_int_equal(scene_answer(&scene, 3)->outcome, QUEEN_BUSY);
    scene_advance(&scene, 40);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_UNKNOWN);
    scene_put(&scene, 4, 1, 300); /* whose client has gone still takes its place */
    assert_int_equal(scene_answer(&scene, 4)->outcome, QUEEN_BUSY);
    free(bytes);
    scene_destroy(&scene);
}

static void test_a_read_needs_a_quorum_and_a_stale_one_does_not(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    scene_read(&scene, 1, false);
    scene_read(&scene, 2, true);
    assert_null(scene_answer(&scene, 1));
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_DONE);
    assert_true(scene_answer(&scene, 2)->has_machine);
    scene.are_peers_silent = false;
    scene_settle(&scene);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_DONE);
    assert_true(scene_answer(&scene, 1)->has_machine);
    assert_int_equal(scene_answer(&scene, 1)->index, replica_applied(scene.replica));
    scene_destroy(&scene);
}

static void test_a_change_is_done_when_it_is_committed_and_refused_with_its_reason(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    struct raft_change add = {.type = RAFT_CHANGE_ADD,
                              .member = {.id = 9, .kind = RAFT_MEMBER_LEARNER, .address = "127.0.0.1:9"}};
    replica_change(scene.replica, scene.now_ms, &add, scene_done, scene_client(&scene, 1));
    assert_int_equal(scene.members.count, 4); /* in force when appended */
    replica_change(scene.replica, scene.now_ms, &add, scene_done, scene_client(&scene, 2));
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_REFUSED);
    assert_int_not_equal(scene_answer(&scene, 2)->refusal, RAFT_OK);
    assert_null(scene_answer(&scene, 1));
    scene.are_peers_silent = false;
    scene_settle(&scene);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_DONE);
    assert_int_equal(scene.applied, 0);
    scene_destroy(&scene);
}

static void test_a_follower_answers_changes_transfers_and_reads_with_its_leader(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start(&scene);
    scene_bootstrap(&scene, 3);
    struct raft_message append = scene_append(2, 5, 0, 0, 0, NULL, 0);
    scene_receive(&scene, &append);
    struct raft_change remove = {.type = RAFT_CHANGE_REMOVE, .member = {.id = 3}};
    replica_change(scene.replica, scene.now_ms, &remove, scene_done, scene_client(&scene, 1));
    replica_transfer(scene.replica, scene.now_ms, 3, scene_done, scene_client(&scene, 2));
    scene_read(&scene, 3, false);
    for (int tag = 1; tag <= 3; tag++) {
        assert_int_equal(scene_answer(&scene, tag)->outcome, QUEEN_NOT_LEADER);
        assert_string_equal(scene_answer(&scene, tag)->leader, "127.0.0.1:9002");
    }
    scene_destroy(&scene);
}

static void test_the_end_answers_everybody(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 1, 10);
    scene_read(&scene, 2, false);
    replica_transfer(scene.replica, scene.now_ms, 0, scene_done, scene_client(&scene, 3));
    scene_put(&scene, 4, 1, 10);
    replica_stop(scene.replica);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_STOPPING);
    assert_int_equal(scene_answer(&scene, 3)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(scene_answer(&scene, 4)->outcome, QUEEN_STOPPING);
    scene_destroy(&scene);
}

static void test_the_same_events_and_the_same_seed_give_the_same(void **state)
{
    (void)state;
    int64_t deadlines[2];
    for (int run = 0; run < 2; run++) {
        struct scene scene = {0};
        scene_start(&scene);
        scene.are_peers_silent = true;
        scene_bootstrap(&scene, 3);
        scene_advance(&scene, 5000);
        deadlines[run] = replica_deadline_ms(scene.replica);
        scene_destroy(&scene);
    }
    assert_int_equal(deadlines[0], deadlines[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_is_one_write_and_its_clients_are_told_when_it_is_applied),
        cmocka_unit_test(test_an_answer_to_a_peer_waits_for_its_write_and_not_for_ever),
        cmocka_unit_test(test_a_request_that_is_meant_for_another_disk_is_discarded),
        cmocka_unit_test(test_who_waits_too_long_is_told_unknown_and_the_entry_still_counts),
        cmocka_unit_test(test_what_another_leader_cuts_off_is_unknown),
        cmocka_unit_test(test_more_than_may_wait_is_refused_as_busy),
        cmocka_unit_test(test_a_read_needs_a_quorum_and_a_stale_one_does_not),
        cmocka_unit_test(test_a_change_is_done_when_it_is_committed_and_refused_with_its_reason),
        cmocka_unit_test(test_a_follower_answers_changes_transfers_and_reads_with_its_leader),
        cmocka_unit_test(test_the_end_answers_everybody),
        cmocka_unit_test(test_the_same_events_and_the_same_seed_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
