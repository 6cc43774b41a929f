/* Handing the leadership over: clients wait and are sent to the new leader, or go on here; and how old what a replica shows
 * may be. */
#include "queen_replica_scene.h"

static raft_term term_of(const struct scene *scene)
{
    return raft_current_term(replica_raft(scene->replica));
}

/* The target stands for election, and this server votes for it. */
static void let_stand(struct scene *scene, raft_id candidate)
{
    const struct raft *raft = replica_raft(scene->replica);
    struct raft_message request = {
        .type = RAFT_REQUEST_VOTE, .from = candidate, .to = SCENE_SELF, .term = term_of(scene) + 1};
    request.request_vote = (struct raft_request_vote){
        .last_log_index = raft_last_index(raft),
        .last_log_term = raft_entry_at(raft, raft_last_index(raft))->term,
        .transfer = true,
    };
    scene_receive(scene, &request);
    assert_int_equal(raft_role(raft), RAFT_FOLLOWER);
}

static void let_lead(struct scene *scene, raft_id leader)
{
    const struct raft *raft = replica_raft(scene->replica);
    struct raft_message append = scene_append(leader, term_of(scene), raft_last_index(raft),
                                              raft_entry_at(raft, raft_last_index(raft))->term, 0, NULL, 0);
    scene_receive(scene, &append);
}

static void test_clients_wait_during_a_transfer_and_are_sent_to_the_new_leader(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    scene_forget_sent(&scene);
    replica_transfer(scene.replica, scene.now_ms, 3, scene_done, scene_client(&scene, 1));
    const struct raft_message *now = scene_find(&scene, RAFT_TIMEOUT_NOW);
    assert_non_null(now);
    assert_int_equal(now->to, 3);
    raft_index last = raft_last_index(replica_raft(scene.replica));
    scene_put(&scene, 2, 2, 10);
    scene_read(&scene, 6, false); /* no majority confirms it any more */
    let_stand(&scene, 3);
    scene_put(&scene, 4, 1, 10); /* nobody leads yet: this is no time to be sent away */
    scene_read(&scene, 5, false);
    assert_int_equal(scene.answer_count, 0);
    assert_int_equal(raft_last_index(replica_raft(scene.replica)), last);
    let_lead(&scene, 3);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_DONE);
    for (int tag = 1; tag <= 6; tag++)
        assert_string_equal(scene_answer(&scene, tag)->leader, "127.0.0.1:9003");
    for (int tag = 2; tag <= 6; tag++)
        assert_int_equal(scene_answer(&scene, tag)->outcome, QUEEN_NOT_LEADER);
    assert_false(replica_has_clients(scene.replica));
    scene_destroy(&scene);
}

static void test_what_waited_for_a_transfer_that_failed_is_appended_after_all(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    replica_transfer(scene.replica, scene.now_ms, 0, scene_done, scene_client(&scene, 1));
    raft_index last = raft_last_index(replica_raft(scene.replica));
    scene_put(&scene, 2, 2, 10);
    scene_advance(&scene, TIMEOUT_MAX_MS - 1);
    assert_int_equal(scene.answer_count, 0);
    assert_int_equal(raft_last_index(replica_raft(scene.replica)), last);
    scene_advance(&scene, 1); /* nobody stood for election */
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_REFUSED);
    assert_int_equal(scene_answer(&scene, 1)->refusal, RAFT_NOT_CAUGHT_UP);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_DONE);
    assert_int_equal(scene_answer(&scene, 3)->outcome, QUEEN_DONE);
    assert_int_equal(scene_answer(&scene, 2)->index, last + 1); /* in their order */
    assert_int_equal(scene_answer(&scene, 3)->index, last + 2);
    scene_destroy(&scene);
}

static void test_who_waits_for_a_transfer_waits_no_longer_than_for_anything_else(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.request_timeout_ms = 100;
    config.raft.heartbeat_ms = 140; /* so that nothing else is due before */
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 3);
    scene_read(&scene, 3, false);
    scene_settle(&scene);
    replica_transfer(scene.replica, scene.now_ms, 0, scene_done, scene_client(&scene, 1));
    scene_put(&scene, 2, 1, 10);
    scene.are_peers_silent = true;
    assert_true(replica_deadline_ms(scene.replica) <= scene.now_ms + 100);
    scene_advance(&scene, 99);
    assert_null(scene_answer(&scene, 2));
    scene_advance(&scene, 1);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_BUSY); /* not UNKNOWN: it never was in the log */
    scene_advance(&scene, TIMEOUT_MAX_MS);
    assert_int_equal(scene.applied, 0);
    scene_destroy(&scene);
}

static void test_a_successor_that_is_not_heard_of_is_not_waited_for(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    replica_transfer(scene.replica, scene.now_ms, 3, scene_done, scene_client(&scene, 1));
    let_stand(&scene, 3);
    scene_put(&scene, 2, 1, 10);
    scene_advance(&scene, TIMEOUT_MAX_MS - 1);
    assert_null(scene_answer(&scene, 2));
    scene_advance(&scene, 1);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_NOT_LEADER);
    assert_string_equal(scene_answer(&scene, 2)->leader, "");
    scene_destroy(&scene);
}

static void test_a_second_transfer_is_refused_and_the_first_one_goes_on(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    replica_transfer(scene.replica, scene.now_ms, 3, scene_done, scene_client(&scene, 1));
    replica_transfer(scene.replica, scene.now_ms, 2, scene_done, scene_client(&scene, 2));
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_REFUSED);
    assert_int_equal(scene_answer(&scene, 2)->refusal, RAFT_TRANSFERRING);
    let_stand(&scene, 3);
    let_lead(&scene, 3);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_DONE);
    scene_destroy(&scene);
}

static void test_what_was_appended_before_the_transfer_gets_its_answer(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 1, 10);
    raft_index index = raft_last_index(replica_raft(scene.replica));
    let_stand(&scene, 3);
    let_lead(&scene, 3);
    assert_int_equal(scene.answer_count, 0);
    struct raft_entry noop = {.index = index + 1, .term = term_of(&scene), .type = RAFT_ENTRY_NOOP};
    struct raft_message append =
        scene_append(3, term_of(&scene), index, term_of(&scene) - 1, index + 1, &noop, 1);
    scene_receive(&scene, &append);
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_DONE);
    scene_destroy(&scene);
}

static int64_t age_of(struct scene *scene)
{
    scene->answer_count = 0;
    scene_read(scene, 1, true);
    return scene_answer(scene, 1)->age_ms;
}

/* The leader had seen the follower's clock at `echo_ms` when it said this. */
static void receive_with_echo(struct scene *scene, struct raft_message *append, int64_t echo_ms)
{
    append->append_entries.echo_ms = echo_ms;
    scene_receive(scene, append);
}

static void test_a_follower_knows_how_old_its_data_is(void **state)
{
    (void)state;
    struct scene scene = {.now_ms = 1000, .are_peers_silent = true};
    scene_start(&scene);
    scene_bootstrap(&scene, 3);
    assert_int_equal(age_of(&scene), -1);
    struct raft_message heartbeat = scene_append(2, 1, 0, 0, 0, NULL, 0);
    scene_receive(&scene, &heartbeat); /* who knows how long it was under way */
    assert_int_equal(age_of(&scene), -1);
    receive_with_echo(&scene, &heartbeat, scene.now_ms);
    assert_int_equal(age_of(&scene), 0);
    scene_advance(&scene, 30);
    assert_int_equal(age_of(&scene), 30);
    /* The leader has committed what is not here yet: hearing of that makes nothing younger. */
    heartbeat = scene_append(2, 1, 0, 0, 2, NULL, 0);
    receive_with_echo(&scene, &heartbeat, scene.now_ms);
    scene_advance(&scene, 10);
    assert_int_equal(age_of(&scene), 40);
    heartbeat = scene_append(2, 1, 0, 0, 3, NULL, 0);
    scene_receive(&scene, &heartbeat);
    /* Once it is applied, the data is as old as that word. */
    struct raft_entry entries[] = {{.index = 1, .term = 1, .type = RAFT_ENTRY_NOOP},
                                   {.index = 2, .term = 1, .type = RAFT_ENTRY_NOOP},
                                   {.index = 3, .term = 1, .type = RAFT_ENTRY_NOOP}};
    struct raft_message append = scene_append(2, 1, 0, 0, 3, entries, 2);
    receive_with_echo(&scene, &append, scene.now_ms);
    assert_int_equal(replica_applied(scene.replica), 2);
    assert_int_equal(age_of(&scene), 10);
    scene_advance(&scene, 10); /* and there is always something that is not applied yet */
    assert_int_equal(age_of(&scene), 20);
    append = scene_append(2, 1, 2, 1, 4, entries + 2, 1);
    scene_receive(&scene, &append);
    assert_int_equal(age_of(&scene), 10);
    append.to = SCENE_SELF + 1; /* not for this one */
    append.append_entries = (struct raft_append_entries){0};
    receive_with_echo(&scene, &append, scene.now_ms);
    assert_int_equal(age_of(&scene), 10);
    scene_destroy(&scene);
}

static void test_the_word_of_a_deposed_leader_makes_nothing_younger(void **state)
{
    (void)state;
    struct scene scene = {.now_ms = 1000, .are_peers_silent = true};
    scene_start(&scene);
    scene_bootstrap(&scene, 3);
    struct raft_message heartbeat = scene_append(2, 4, 0, 0, 0, NULL, 0);
    receive_with_echo(&scene, &heartbeat, scene.now_ms);
    scene_advance(&scene, 20);
    heartbeat = scene_append(3, 3, 0, 0, 0, NULL, 0);
    receive_with_echo(&scene, &heartbeat, scene.now_ms);
    assert_int_equal(age_of(&scene), 20);
    scene_destroy(&scene);
}

static void test_flight_and_the_leaders_own_age_count(void **state)
{
    (void)state;
    struct scene scene = {.now_ms = 1000, .are_peers_silent = true};
    scene_start(&scene);
    scene_bootstrap(&scene, 3);
    struct raft_message heartbeat = scene_append(2, 1, 0, 0, 0, NULL, 0);
    scene_receive(&scene, &heartbeat);
    int64_t seen_ms = scene.now_ms;
    scene_advance(&scene, 40); /* the message takes its time */
    heartbeat.append_entries.age_ms = 7;
    receive_with_echo(&scene, &heartbeat, seen_ms);
    assert_int_equal(age_of(&scene), 47);
    receive_with_echo(&scene, &heartbeat, scene.now_ms + 1); /* no reading of this clock */
    assert_int_equal(age_of(&scene), 47);
    scene_destroy(&scene);
}

static void test_a_leader_is_as_old_as_its_last_word_from_a_majority(void **state)
{
    (void)state;
    struct scene scene = {.now_ms = 1000};
    scene_start_leader(&scene, 3);
    scene_read(&scene, 9, false); /* a round now */
    scene_settle(&scene);
    assert_int_equal(age_of(&scene), 0);
    scene.are_peers_silent = true;
    scene_advance(&scene, 70);
    assert_int_equal(age_of(&scene), 70);
    scene_destroy(&scene);
}

static void test_a_new_leader_that_has_committed_nothing_does_not_know(void **state)
{
    (void)state;
    struct scene scene = {.now_ms = 1000};
    scene_start(&scene);
    scene_bootstrap(&scene, 3);
    scene.is_disk_slow = true;
    for (int i = 0; i < 2000 && raft_role(replica_raft(scene.replica)) != RAFT_LEADER; i++) {
        scene_advance(&scene, 1);
        if (raft_role(replica_raft(scene.replica)) == RAFT_CANDIDATE) {
            replica_durable(scene.replica, scene.now_ms, scene.write);
            scene.are_peers_silent = raft_current_term(replica_raft(scene.replica)) > 0;
            while (scene.sent_count > 0 && raft_role(replica_raft(scene.replica)) == RAFT_CANDIDATE)
                scene_answer_next(&scene);
        }
    }
    assert_int_equal(raft_role(replica_raft(scene.replica)), RAFT_LEADER);
    assert_int_equal(raft_commit_index(replica_raft(scene.replica)), 0);
    assert_int_equal(age_of(&scene), -1);
    /* Not even where a majority is there, but has the entry of this term not yet. */
    struct raft_message *entries = queen_message_copy(scene_find(&scene, RAFT_APPEND_ENTRIES));
    scene_forget_sent(&scene);
    scene.are_peers_silent = true;
    scene_advance(&scene, 60);
    for (size_t i = 0; i < scene.sent_count; i++)
        assert_int_equal(scene.sent[i]->append_entries.entry_count, 0);
    while (scene.sent_count > 0)
        scene_answer_next(&scene);
    assert_int_equal(age_of(&scene), -1);
    scene.sent[scene.sent_count++] = entries;
    scene.is_disk_slow = scene.are_peers_silent = false;
    scene_advance(&scene, 60);
    assert_true(raft_commit_index(replica_raft(scene.replica)) > 0);
    assert_true(age_of(&scene) >= 0);
    scene_destroy(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_wait_during_a_transfer_and_are_sent_to_the_new_leader),
        cmocka_unit_test(test_what_waited_for_a_transfer_that_failed_is_appended_after_all),
        cmocka_unit_test(test_who_waits_for_a_transfer_waits_no_longer_than_for_anything_else),
        cmocka_unit_test(test_a_successor_that_is_not_heard_of_is_not_waited_for),
        cmocka_unit_test(test_a_second_transfer_is_refused_and_the_first_one_goes_on),
        cmocka_unit_test(test_what_was_appended_before_the_transfer_gets_its_answer),
        cmocka_unit_test(test_a_follower_knows_how_old_its_data_is),
        cmocka_unit_test(test_the_word_of_a_deposed_leader_makes_nothing_younger),
        cmocka_unit_test(test_flight_and_the_leaders_own_age_count),
        cmocka_unit_test(test_a_leader_is_as_old_as_its_last_word_from_a_majority),
        cmocka_unit_test(test_a_new_leader_that_has_committed_nothing_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
