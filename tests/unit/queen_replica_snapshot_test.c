/* When a replica takes a snapshot, what is in it, what it lets go of, and how one that comes from the leader takes the place
 * of everything. */
#include "queen_replica_scene.h"

enum { PIECE_BYTES = 1000 };

static void dump_all(struct scene *scene)
{
    while (replica_snapshot_more(scene->replica, scene->now_ms, PIECE_BYTES))
        ;
}

static void put_one(struct scene *scene, int tag, size_t bytes)
{
    scene->answer_count = 0;
    scene_put(scene, tag, 1, bytes);
    scene_settle(scene);
    assert_int_equal(scene_answer(scene, tag)->outcome, QUEEN_DONE);
}

static void put_many(struct scene *scene, int count, size_t bytes)
{
    for (int i = 0; i < count; i++)
        put_one(scene, i, bytes);
}

static struct machine *load(const struct hive_buffer *dump)
{
    struct machine *machine = NULL;
    struct machine_loader *loader = machine_load_begin();
    assert_int_equal(machine_load_feed(loader, dump->data, dump->size, NULL), 0);
    assert_int_equal(machine_load_end(loader, &machine, NULL), 0);
    return machine;
}

static void test_a_snapshot_is_taken_after_so_many_entries_and_the_log_before_it_goes(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.snapshot_entries = 20;
    config.trailing_entries = 5;
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 1);
    while (replica_applied(scene.replica) < 19)
        put_one(&scene, 1, 10);
    assert_int_equal(scene.begins, 0);
    put_one(&scene, 1, 10);
    assert_int_equal(scene.begun, 20);
    dump_all(&scene);
    assert_int_equal(scene.ends, 1);
    assert_false(replica_snapshot_more(scene.replica, scene.now_ms, PIECE_BYTES));
    put_many(&scene, 25, 10);
    assert_int_equal(scene.begins, 1); /* one at a time */
    assert_int_equal(raft_first_index(replica_raft(scene.replica)), 1);
    assert_int_equal(replica_snapshot_index(scene.replica), 0); /* it is not durable yet */
    replica_snapshot_durable(scene.replica, scene.now_ms);
    assert_int_equal(replica_snapshot_index(scene.replica), 20);
    assert_int_equal(raft_first_index(replica_raft(scene.replica)), 16); /* five of those before it stay */
    assert_int_equal(scene.dropped_before, 16);
    assert_int_equal(scene.begun, 45); /* the next one was due already */
    scene_destroy(&scene);
}

static void test_a_snapshot_is_taken_after_so_many_bytes(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.snapshot_bytes = 10000;
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 1);
    put_many(&scene, 9, 1000);
    assert_int_equal(scene.begins, 0);
    put_many(&scene, 1, 1000);
    assert_int_equal(scene.begins, 1);
    scene_destroy(&scene);
}

static void test_no_snapshot_is_taken_where_none_is_wanted(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 1);
    put_many(&scene, 50, 1000);
    assert_int_equal(scene.begins, 0);
    replica_snapshot(scene.replica, scene.now_ms); /* unless somebody asks */
    assert_int_equal(scene.begun, replica_applied(scene.replica));
    dump_all(&scene);
    replica_snapshot_durable(scene.replica, scene.now_ms);
    replica_snapshot(scene.replica, scene.now_ms); /* nothing is new */
    assert_int_equal(scene.begins, 1);
    scene_destroy(&scene);
}

static void test_a_large_state_is_not_written_again_for_a_few_small_changes(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.snapshot_entries = 10;
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 1);
    for (int i = 0; scene.begins == 0; i++)
        put_one(&scene, i, 4000);
    dump_all(&scene);
    assert_true(scene.dump.size > 28000);
    replica_snapshot_durable(scene.replica, scene.now_ms);
    size_t begins = scene.begins;
    put_many(&scene, 20, 10);
    assert_int_equal(scene.begins, begins);
    for (int i = 0; i < 3; i++) /* together more than a quarter of the last one */
        put_one(&scene, i, 4000);
    assert_int_equal(scene.begins, begins + 1);
    scene_destroy(&scene);
}

static void test_a_dump_is_the_machine_as_it_was_when_it_began_whatever_is_written_meanwhile(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 1);
    for (int i = 0; i < 200; i++)
        put_one(&scene, i, 50);
    uint64_t digest = machine_digest(replica_machine(scene.replica));
    raft_index index = replica_applied(scene.replica);
    replica_snapshot(scene.replica, scene.now_ms);
    assert_int_equal(scene.begun, index);
    for (int i = 199; replica_snapshot_more(scene.replica, scene.now_ms, PIECE_BYTES); i--) {
        put_one(&scene, i, 70);       /* changes what was there */
        put_one(&scene, 1000 + i, 5); /* and adds to it */
    }
    assert_int_not_equal(machine_digest(replica_machine(scene.replica)), digest);
    struct machine *loaded = load(&scene.dump);
    assert_int_equal(machine_digest(loaded), digest);
    machine_destroy(loaded);
    replica_snapshot_durable(scene.replica, scene.now_ms);
    assert_int_equal(replica_snapshot_index(scene.replica), index);
    scene_destroy(&scene);
}

static void test_what_failed_is_tried_again_later_and_later(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.snapshot_entries = 5;
    scene_create(&scene, &config, NULL, NULL);
    scene_lead(&scene, 1);
    put_many(&scene, 5, 10);
    assert_int_equal(scene.begins, 1);
    replica_snapshot_more(scene.replica, scene.now_ms, 1);
    replica_snapshot_failed(scene.replica, scene.now_ms);
    replica_snapshot_failed(scene.replica, scene.now_ms); /* said twice: there is none any more */
    assert_false(replica_snapshot_more(scene.replica, scene.now_ms, PIECE_BYTES));
    put_many(&scene, 5, 10);
    scene_advance(&scene, 999);
    assert_int_equal(scene.begins, 1);
    scene_advance(&scene, 60);
    assert_int_equal(scene.begins, 2);
    replica_snapshot_failed(scene.replica, scene.now_ms);
    scene_advance(&scene, 1990);
    assert_int_equal(scene.begins, 2); /* twice as long */
    scene.is_snapshot_refused = true;
    scene_advance(&scene, 100);
    assert_int_equal(scene.begins, 3);
    scene.is_snapshot_refused = false;
    scene_advance(&scene, 3900);
    assert_int_equal(scene.begins, 3);
    scene_advance(&scene, 200);
    assert_int_equal(scene.begins, 4);
    dump_all(&scene);
    struct machine *loaded = load(&scene.dump); /* what failed before left nothing in it */
    assert_int_equal(machine_digest(loaded), machine_digest(replica_machine(scene.replica)));
    machine_destroy(loaded);
    scene_destroy(&scene);
}

/* ---- from the leader ---- */

static struct raft_snapshot snapshot_at(raft_index index, raft_term term)
{
    return (struct raft_snapshot){.index = index, .term = term, .configuration = scene_group(3)};
}

static void install(struct scene *scene, raft_id leader, raft_term term, const struct raft_snapshot *snapshot,
                    struct machine *machine)
{
    struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT, .from = leader, .to = SCENE_SELF, .term = term};
    message.install_snapshot.snapshot = snapshot;
    replica_install(scene->replica, scene->now_ms, &message, machine, scene);
}

/* A machine with one key, at `index`. */
static struct machine *other_machine(raft_index index)
{
    struct machine *machine = machine_create();
    struct hive_buffer command = {0};
    struct machine_result result;
    scene_encode_put(&command, "other", 3);
    machine_apply(machine, index, command.data, command.size, &result);
    hive_buffer_finish(&command);
    return machine;
}

static void test_an_installed_snapshot_takes_the_place_of_everything(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start(&scene);
    const struct machine *before = replica_machine(scene.replica);
    struct machine *machine = other_machine(100);
    struct raft_snapshot snapshot = snapshot_at(100, 4);
    install(&scene, 2, 5, &snapshot, machine);
    assert_int_equal(scene.replies, 0); /* not before it is durable */
    assert_int_equal(scene.installed, 100);
    assert_ptr_equal(scene.old, before);
    assert_ptr_equal(replica_machine(scene.replica), machine);
    assert_int_equal(replica_applied(scene.replica), 100);
    assert_int_equal(replica_snapshot_index(scene.replica), 100);
    assert_int_equal(scene.members.count, 3);
    scene_settle(&scene);
    assert_int_equal(scene.replies, 1);
    assert_int_equal(scene.reply.install_snapshot_reply.match_index, 100);
    assert_int_equal(scene.dropped_before, 101);
    /* And the log goes on behind it. */
    struct hive_buffer command = {0};
    scene_encode_put(&command, "next", 3);
    struct raft_entry entry = {
        .index = 101, .term = 5, .type = RAFT_ENTRY_COMMAND, .data = command.data, .bytes = command.size};
    struct raft_message append = scene_append(2, 5, 100, 4, 101, &entry, 1);
    scene_receive(&scene, &append);
    hive_buffer_finish(&command);
    assert_int_equal(machine_kv_count(replica_machine(scene.replica)), 2);
    assert_int_equal(scene.applied, 1);
    scene_destroy(&scene);
}

static void test_a_stale_snapshot_is_answered_and_changes_nothing(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start(&scene);
    struct raft_snapshot snapshot = snapshot_at(100, 4);
    struct machine *machine = other_machine(100);
    install(&scene, 2, 5, &snapshot, machine);
    scene_settle(&scene);
    snapshot = snapshot_at(90, 4);
    install(&scene, 2, 5, &snapshot, other_machine(90)); /* loaded in vain */
    install(&scene, 2, 5, &snapshot, NULL);              /* known to be */
    assert_int_equal(scene.replies, 3);
    assert_int_equal(scene.reply.install_snapshot_reply.match_index, 100);
    assert_ptr_equal(replica_machine(scene.replica), machine);
    assert_int_equal(scene.installed, 100);
    scene_destroy(&scene);
}

static void test_an_install_leaves_nobody_waiting_for_what_it_covers(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    const struct raft *raft = replica_raft(scene.replica);
    raft_term term = raft_current_term(raft);
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 3, 10);
    scene_settle(&scene);
    raft_index last = raft_last_index(raft);
    /* The log agrees with it: the third one lives on. */
    struct raft_snapshot snapshot = snapshot_at(last - 1, term);
    install(&scene, 2, term + 1, &snapshot, other_machine(last - 1));
    assert_int_equal(scene_answer(&scene, 1)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(scene_answer(&scene, 2)->outcome, QUEEN_UNKNOWN);
    assert_null(scene_answer(&scene, 3));
    assert_int_equal(raft_last_index(raft), last);
    struct raft_message append = scene_append(2, term + 1, last, term, last, NULL, 0);
    scene_receive(&scene, &append);
    assert_int_equal(scene_answer(&scene, 3)->outcome, QUEEN_DONE);
    scene_destroy(&scene);
}

static void test_an_install_that_contradicts_the_log_leaves_nobody_waiting_at_all(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    const struct raft *raft = replica_raft(scene.replica);
    raft_term term = raft_current_term(raft);
    scene.are_peers_silent = true;
    scene_put(&scene, 1, 3, 10);
    scene_settle(&scene);
    raft_index last = raft_last_index(raft);
    struct raft_snapshot snapshot = snapshot_at(last - 1, term + 1);
    install(&scene, 2, term + 2, &snapshot, other_machine(last - 1));
    for (int tag = 1; tag <= 3; tag++)
        assert_int_equal(scene_answer(&scene, tag)->outcome, QUEEN_UNKNOWN);
    assert_int_equal(raft_last_index(raft), last - 1);
    assert_false(replica_has_clients(scene.replica));
    scene_destroy(&scene);
}

static void test_an_install_ends_the_own_dump(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    put_many(&scene, 50, 100);
    replica_snapshot(scene.replica, scene.now_ms);
    assert_true(replica_snapshot_more(scene.replica, scene.now_ms, 1));
    const struct raft *raft = replica_raft(scene.replica);
    raft_term term = raft_current_term(raft);
    scene.are_peers_silent = true;
    struct raft_snapshot snapshot = snapshot_at(1000, term);
    install(&scene, 2, term + 1, &snapshot, other_machine(1000));
    assert_int_equal(scene.abandoned, 1);
    assert_false(machine_is_dumping(scene.old));
    assert_false(replica_snapshot_more(scene.replica, scene.now_ms, PIECE_BYTES));
    replica_snapshot(scene.replica, scene.now_ms);
    assert_int_equal(scene.begins, 1); /* the one that came is the newest there can be */
    scene_destroy(&scene);
}

static void test_an_own_snapshot_that_is_overtaken_while_it_is_written_does_no_harm(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start_leader(&scene, 3);
    put_many(&scene, 5, 100);
    replica_snapshot(scene.replica, scene.now_ms);
    dump_all(&scene);
    raft_term term = raft_current_term(replica_raft(scene.replica));
    scene.are_peers_silent = true;
    struct raft_snapshot snapshot = snapshot_at(1000, term);
    install(&scene, 2, term + 1, &snapshot, other_machine(1000));
    scene_settle(&scene);
    replica_snapshot_durable(scene.replica, scene.now_ms);
    assert_int_equal(replica_snapshot_index(scene.replica), 1000);
    assert_int_equal(raft_first_index(replica_raft(scene.replica)), 1001);
    scene_destroy(&scene);
}

static void test_a_replica_goes_on_from_a_snapshot_and_the_log_behind_it(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct replica_config config = scene_config(&scene);
    config.snapshot_entries = 3;
    struct raft_snapshot snapshot = snapshot_at(100, 4);
    snapshot.configuration = scene_group(1);
    snapshot.configuration.index = 2;
    struct hive_buffer command = {0};
    scene_encode_put(&command, "behind", 3);
    struct raft_entry entries[] = {
        {.index = 99, .term = 4, .type = RAFT_ENTRY_NOOP},
        {.index = 100, .term = 4, .type = RAFT_ENTRY_NOOP},
        {.index = 101, .term = 4, .type = RAFT_ENTRY_COMMAND, .data = command.data, .bytes = command.size},
    };
    struct raft_recovered recovered = {
        .term = 4, .snapshot = &snapshot, .entries = entries, .entry_count = 3};
    scene_create(&scene, &config, &recovered, other_machine(100));
    hive_buffer_finish(&command);
    assert_int_equal(replica_applied(scene.replica), 100);
    assert_int_equal(replica_snapshot_index(scene.replica), 100);
    scene_advance(&scene, 1000);
    assert_int_equal(raft_role(replica_raft(scene.replica)), RAFT_LEADER);
    assert_int_equal(scene.applied, 1); /* not what the snapshot has already */
    assert_int_equal(machine_kv_count(replica_machine(scene.replica)), 2);
    assert_int_equal(scene.begins, 0); /* two entries behind it */
    put_one(&scene, 1, 10);
    assert_int_equal(scene.begins, 1);
    scene_destroy(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_is_taken_after_so_many_entries_and_the_log_before_it_goes),
        cmocka_unit_test(test_a_snapshot_is_taken_after_so_many_bytes),
        cmocka_unit_test(test_no_snapshot_is_taken_where_none_is_wanted),
        cmocka_unit_test(test_a_large_state_is_not_written_again_for_a_few_small_changes),
        cmocka_unit_test(test_a_dump_is_the_machine_as_it_was_when_it_began_whatever_is_written_meanwhile),
        cmocka_unit_test(test_what_failed_is_tried_again_later_and_later),
        cmocka_unit_test(test_an_installed_snapshot_takes_the_place_of_everything),
        cmocka_unit_test(test_a_stale_snapshot_is_answered_and_changes_nothing),
        cmocka_unit_test(test_an_install_leaves_nobody_waiting_for_what_it_covers),
        cmocka_unit_test(test_an_install_that_contradicts_the_log_leaves_nobody_waiting_at_all),
        cmocka_unit_test(test_an_install_ends_the_own_dump),
        cmocka_unit_test(test_an_own_snapshot_that_is_overtaken_while_it_is_written_does_no_harm),
        cmocka_unit_test(test_a_replica_goes_on_from_a_snapshot_and_the_log_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
