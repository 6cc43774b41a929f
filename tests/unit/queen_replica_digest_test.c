/* The hash over the log goes on exactly where it was: after a restart, behind a snapshot that was installed, and for who applied every
 * entry; and a restored group's members agree. */
#include "queen_replica_scene.h"

enum { SNAPSHOT = 40, LAST = 48 };

/* A leader's log up to LAST, and its snapshot at SNAPSHOT. */
struct told {
    struct scene scene;
    struct raft_snapshot snapshot;
    struct raft_entry entries[LAST];
    struct digest last;
};

static struct digest newest(const struct scene *scene)
{
    struct digest list[HIVE_DIGESTS];
    assert_true(digests_list(replica_digests(scene->replica), list) > 0);
    assert_true(list[0].index == replica_applied(scene->replica));
    return list[0];
}

static void put_up_to(struct scene *scene, raft_index index)
{
    while (replica_applied(scene->replica) < index) {
        scene->answer_count = 0;
        scene_put(scene, 1, 1, 20);
        scene_settle(scene);
    }
}

static void tell(struct told *told)
{
    *told = (struct told){0};
    scene_start_leader(&told->scene, 3);
    const struct raft *raft = replica_raft(told->scene.replica);
    put_up_to(&told->scene, SNAPSHOT);
    assert_true(raft_snapshot_at(raft, SNAPSHOT, &told->snapshot));
    replica_snapshot(told->scene.replica, told->scene.now_ms);
    put_up_to(&told->scene, LAST);
    while (replica_snapshot_more(told->scene.replica, told->scene.now_ms, 100))
        ;
    for (raft_index index = 1; index <= LAST; index++)
        told->entries[index - 1] = *raft_entry_at(raft, index);
    told->last = newest(&told->scene);
    assert_int_equal(told->last.index, LAST);
}

static struct machine *load(const struct told *told)
{
    struct machine *machine = NULL;
    struct machine_loader *loader = machine_load_begin();
    assert_int_equal(machine_load_feed(loader, told->scene.dump.data, told->scene.dump.size, NULL), 0);
    assert_int_equal(machine_load_end(loader, &machine, NULL), 0);
    return machine;
}

static void receive_from(struct scene *scene, const struct told *told, raft_index first)
{
    raft_term term = told->last.term;
    struct raft_message append =
        scene_append(2, term, first - 1, first > 1 ? told->entries[first - 2].term : 0, LAST,
                     &told->entries[first - 1], LAST + 1 - first);
    scene_receive(scene, &append);
    assert_int_equal(replica_applied(scene->replica), LAST);
}

static void assert_same(const struct scene *scene, const struct told *told)
{
    struct digest now = newest(scene);
    struct machine_chain chain = machine_chain(replica_machine(scene->replica));
    assert_true(now.index == LAST && now.term == told->last.term && now.hash == told->last.hash);
    assert_true(chain.group != 0 && chain.group == machine_chain(replica_machine(told->scene.replica)).group);
}

static void test_who_applies_every_entry_has_the_leaders_hash(void **state)
{
    (void)state;
    struct told told;
    struct scene scene = {0};
    tell(&told);
    scene_start(&scene);
    receive_from(&scene, &told, 1);
    assert_same(&scene, &told);
    scene_destroy(&scene);
    scene_destroy(&told.scene);
}

static void test_it_goes_on_exactly_behind_an_installed_snapshot(void **state)
{
    (void)state;
    struct told told;
    struct scene scene = {0};
    tell(&told);
    scene_start(&scene);
    struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT, .from = 2, .to = SCENE_SELF, .term = told.last.term};
    message.install_snapshot.snapshot = &told.snapshot;
    replica_install(scene.replica, scene.now_ms, &message, load(&told), &scene);
    struct digest installed = newest(&scene); /* that it stands there shows at once */
    assert_true(installed.index == SNAPSHOT && installed.term == told.snapshot.term);
    scene_settle(&scene);
    receive_from(&scene, &told, SNAPSHOT + 1);
    assert_same(&scene, &told);
    scene_destroy(&scene);
    scene_destroy(&told.scene);
}

static void test_it_goes_on_exactly_after_a_restart(void **state)
{
    (void)state;
    struct told told;
    struct scene scene = {0};
    tell(&told);
    struct replica_config config = scene_config(&scene);
    struct raft_recovered recovered = {.term = told.last.term,
                                       .snapshot = &told.snapshot,
                                       .entries = &told.entries[SNAPSHOT],
                                       .entry_count = LAST - SNAPSHOT};
    scene_create(&scene, &config, &recovered, load(&told));
    assert_int_equal(newest(&scene).index, SNAPSHOT);
    struct raft_message heartbeat = scene_append(2, told.last.term, LAST, told.last.term, LAST, NULL, 0);
    scene_receive(&scene, &heartbeat);
    assert_same(&scene, &told);
    scene_destroy(&scene);
    scene_destroy(&told.scene);
}

static void test_another_entry_shows(void **state)
{
    (void)state;
    struct told told;
    struct scene scene = {0};
    struct hive_buffer command = {0};
    tell(&told);
    scene_encode_put(&command, "not what was written", 3);
    told.entries[20].data = command.data;
    told.entries[20].bytes = command.size;
    scene_start(&scene);
    receive_from(&scene, &told, 1);
    struct digest now = newest(&scene);
    assert_true(now.index == LAST && now.hash != told.last.hash);
    scene_destroy(&scene);
    scene_destroy(&told.scene);
    hive_buffer_finish(&command);
}

static void test_the_members_of_a_restored_group_agree(void **state)
{
    (void)state;
    enum { RESTORED = 100000 };
    struct told told;
    struct scene restored = {0}, joins = {0};
    tell(&told);
    struct raft_snapshot snapshot = told.snapshot;
    snapshot.index = snapshot.configuration.index = RESTORED;
    struct replica_config config = scene_config(&restored);
    struct raft_recovered recovered = {.term = told.last.term, .snapshot = &snapshot};
    scene_create(&restored, &config, &recovered, load(&told));

    scene_start(&joins);
    struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT, .from = 2, .to = SCENE_SELF, .term = told.last.term};
    message.install_snapshot.snapshot = &snapshot;
    replica_install(joins.replica, joins.now_ms, &message, load(&told), &joins);
    struct machine_chain one = machine_chain(replica_machine(restored.replica));
    struct machine_chain two = machine_chain(replica_machine(joins.replica));
    assert_int_equal(newest(&restored).index, RESTORED);
    assert_true(one.hash == two.hash && one.group == two.group);
    assert_true(one.group != machine_chain(replica_machine(told.scene.replica)).group);
    scene_destroy(&restored);
    scene_destroy(&joins);
    scene_destroy(&told.scene);
}

/* What a watcher may hold against a queen after a crash. */
static void test_a_term_is_durable_once_the_disk_has_it(void **state)
{
    (void)state;
    struct scene scene = {0};
    scene_start(&scene);
    const struct raft *raft = replica_raft(scene.replica);
    assert_true(raft_term_is_durable(raft));
    scene.is_disk_slow = true;
    scene_bootstrap(&scene, 3);
    raft_term before = raft_current_term(raft);
    for (int i = 0; i < 20 && raft_current_term(raft) == before; i++)
        scene_advance(&scene, 100);
    assert_true(raft_current_term(raft) > before);
    assert_false(raft_term_is_durable(raft));
    scene.is_disk_slow = false;
    scene_settle(&scene);
    assert_true(raft_term_is_durable(raft));
    scene_destroy(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_applies_every_entry_has_the_leaders_hash),
        cmocka_unit_test(test_it_goes_on_exactly_behind_an_installed_snapshot),
        cmocka_unit_test(test_it_goes_on_exactly_after_a_restart),
        cmocka_unit_test(test_another_entry_shows),
        cmocka_unit_test(test_the_members_of_a_restored_group_agree),
        cmocka_unit_test(test_a_term_is_durable_once_the_disk_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
