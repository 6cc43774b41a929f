/* The snapshot thread over real files: what it is given becomes a snapshot, what it sends can be taken in by another, and who
 * waits for it is answered, also at the end. */
#include "queen_snapshotter_scene.h"

static void test_a_dump_becomes_the_newest_snapshot(void **state)
{
    (void)state;
    struct stage stage;
    struct told told = {0};
    sem_init(&told.told, 0, 0);
    set_up(&stage);
    snapshotter_open(stage.snapshotter, on_open, &told);
    assert_int_equal(wait_for(&told)->outcome, QUEEN_UNKNOWN); /* there is none yet */
    assert_null(told.reader);
    struct machine *machine = machine_with(100, 100000); /* more than may wait at once */
    assert_int_equal(write_dump(&stage, 1, 100, machine), 0);
    snapshotter_open(stage.snapshotter, on_open, &told);
    assert_int_equal(wait_for(&told)->outcome, QUEEN_DONE);
    assert_int_equal(store_snapshot_meta(told.reader)->index, 100);
    store_snapshot_close(told.reader);
    machine_destroy(machine);
    tear_down(&stage);
}

static void test_a_dump_that_is_given_up_leaves_nothing_and_the_next_one_is_whole(void **state)
{
    (void)state;
    struct stage stage;
    struct told told = {0};
    sem_init(&told.told, 0, 0);
    set_up(&stage);
    struct raft_snapshot snapshot = snapshot_at(50);
    snapshotter_begin(stage.snapshotter, 1, &snapshot);
    snapshotter_append(stage.snapshotter, 1, "half of it", 10);
    snapshotter_end(stage.snapshotter, 1, false);
    struct machine *machine = machine_with(5, 10);
    assert_int_equal(write_dump(&stage, 2, 60, machine), 0); /* its result is the first there is */
    assert_int_equal(read_piece(&stage, &told, 2, 1, 0, 0), 60);
    hive_buffer_finish(&told.data);
    machine_destroy(machine);
    tear_down(&stage);
}

static void test_a_peer_gets_the_same_file_to_its_end_unless_that_is_too_old(void **state)
{
    (void)state;
    struct stage stage;
    struct told told = {0};
    sem_init(&told.told, 0, 0);
    set_up(&stage);
    assert_int_equal(read_piece(&stage, &told, 2, 1, 0, 100), 0); /* none yet */
    struct machine *machine = machine_with(5, 10);
    write_dump(&stage, 1, 10, machine);
    assert_int_equal(read_piece(&stage, &told, 2, 5, 0, 100), 10);
    assert_int_equal(told.data.size, 100);
    write_dump(&stage, 2, 20, machine);
    write_dump(&stage, 3, 30, machine); /* the first one's name is gone now */
    assert_int_equal(read_piece(&stage, &told, 2, 5, 0, 100), 10);
    assert_int_equal(read_piece(&stage, &told, 3, 5, 0, 100), 30);
    assert_int_equal(read_piece(&stage, &told, 2, 15, 0, 100), 30);
    hive_buffer_finish(&told.data);
    machine_destroy(machine);
    tear_down(&stage);
}

static void test_what_one_sends_the_other_takes_in_and_goes_on_after_its_end(void **state)
{
    (void)state;
    struct stage source, target;
    struct told sent = {0}, taken = {0};
    sem_init(&sent.told, 0, 0);
    sem_init(&taken.told, 0, 0);
    set_up(&source);
    set_up(&target);
    struct machine *machine = machine_with(40, 10000);
    write_dump(&source, 1, 40, machine);
    uint64_t offset = 0;
    for (int piece = 0;; piece++) {
        read_piece(&source, &sent, 2, 1, offset, 50000);
        take_piece(&target, &taken, &sent, offset);
        if (offset + sent.data.size == sent.file_bytes)
            break;
        assert_int_equal(wait_for(&taken)->outcome, QUEEN_DONE);
        assert_int_equal(taken.next_offset, offset + sent.data.size);
        take_piece(&target, &taken, &sent, offset); /* once more: it knows better */
        assert_int_equal(wait_for(&taken)->next_offset, offset + sent.data.size);
        offset = taken.next_offset;
        if (piece != 3)
            continue;
        close_stage(&target);
        open_stage(&target);
        sent.data.size = 0;
        take_piece(&target, &taken, &sent, 0); /* how far was I? */
        assert_int_equal(wait_for(&taken)->next_offset, offset);
    }
    struct inbox_event event = await_event(&target, INBOX_INSTALL);
    assert_int_equal(event.message->install_snapshot.snapshot->index, 40);
    assert_int_equal(event.message->from, 2);
    assert_int_equal(machine_digest(event.machine), machine_digest(machine));
    struct raft_message reply = {.type = RAFT_INSTALL_SNAPSHOT_REPLY, .term = 9};
    reply.install_snapshot_reply.match_index = 40;
    event.rpc_done(QUEEN_DONE, &reply, event.context);
    assert_int_equal(wait_for(&taken)->match_index, 40);
    assert_int_equal(taken.term, 9);
    inbox_event_finish(&event);
    hive_buffer_finish(&sent.data);
    machine_destroy(machine);
    tear_down(&source);
    tear_down(&target);
}

/* A deposed leader goes on sending: its pieces are answered with the term that is over it, and take nothing from the new one's. */
static void test_a_deposed_leaders_pieces_do_not_disturb_the_new_ones(void **state)
{
    (void)state;
    struct stage source, target;
    struct told newer = {0}, older = {0}, taken = {0};
    sem_init(&taken.told, 0, 0);
    set_up(&source);
    set_up(&target);
    struct machine *machine = machine_with(5, 1000);
    write_dump(&source, 1, 10, machine);
    read_file(&source, &older, 2, 1);
    write_dump(&source, 2, 20, machine);
    read_file(&source, &newer, 3, 1);
    size_t half = newer.data.size / 2, all = newer.data.size;
    newer.data.size = half;
    take_piece_of(&target, &taken, 9, &newer, 0);
    assert_int_equal(wait_for(&taken)->next_offset, half);
    take_piece_of(&target, &taken, 8, &older, 0);
    assert_int_equal(wait_for(&taken)->outcome, QUEEN_DONE);
    assert_int_equal(taken.term, 9);
    assert_int_equal(taken.next_offset, 0);
    newer.data.size = 0;
    take_piece_of(&target, &taken, 9, &newer, 0); /* how far is it? */
    assert_int_equal(wait_for(&taken)->next_offset, half);
    newer.data.size = all;
    hive_buffer_consume(&newer.data, half);
    take_piece_of(&target, &taken, 9, &newer, half);
    struct inbox_event event = await_event(&target, INBOX_INSTALL);
    assert_int_equal(event.message->install_snapshot.snapshot->index, 20);
    event.rpc_done(QUEEN_STOPPING, NULL, event.context);
    wait_for(&taken);
    inbox_event_finish(&event);
    hive_buffer_finish(&older.data);
    hive_buffer_finish(&newer.data);
    machine_destroy(machine);
    tear_down(&source);
    tear_down(&target);
}

/* Complete on disk, but the core would not have it, as its sender's term was over: when the next leader sends an older one, the newest
 * is what is handed in, with its machine. */
static void test_the_newest_snapshot_is_handed_in_whichever_came_last(void **state)
{
    (void)state;
    struct stage source, target;
    struct told newer = {0}, older = {0}, taken = {0};
    sem_init(&taken.told, 0, 0);
    set_up(&source);
    set_up(&target);
    struct machine *machine = machine_with(5, 1000);
    write_dump(&source, 1, 10, machine);
    read_file(&source, &older, 2, 1);
    write_dump(&source, 2, 20, machine);
    read_file(&source, &newer, 3, 1);
    for (raft_term term = 8; term <= 9; term++) {
        take_piece_of(&target, &taken, term, term == 8 ? &newer : &older, 0);
        struct inbox_event event = await_event(&target, INBOX_INSTALL);
        assert_int_equal(event.message->install_snapshot.snapshot->index, 20);
        assert_int_equal(event.message->term, term);
        assert_non_null(event.machine);
        event.rpc_done(QUEEN_DISCARDED, NULL, event.context);
        wait_for(&taken);
        inbox_event_finish(&event);
    }
    hive_buffer_finish(&older.data);
    hive_buffer_finish(&newer.data);
    machine_destroy(machine);
    tear_down(&source);
    tear_down(&target);
}

/* People are told what hinders snapshots, for as long as it does. */
static void test_what_fails_is_told_until_it_goes_well(void **state)
{
    (void)state;
    struct stage stage, target;
    struct told told = {0}, sent = {.index = 7, .snapshot_term = 1, .file_bytes = 12};
    char obstacle[96], reason[HIVE_ERROR_BYTES];
    sem_init(&told.told, 0, 0);
    set_up(&stage);
    set_up(&target);
    assert_false(snapshotter_reason(stage.snapshotter, reason));
    struct machine *machine = machine_with(5, 10);
    snprintf(obstacle, sizeof obstacle, "%s/snapshot.tmp", stage.directory);
    assert_int_equal(mkdir(obstacle, 0700), 0);
    assert_true(write_dump(&stage, 1, 10, machine) < 0);
    assert_true(snapshotter_reason(stage.snapshotter, reason));
    assert_non_null(strstr(reason, "a snapshot cannot be written: "));
    assert_non_null(strstr(reason, "snapshot.tmp"));
    assert_int_equal(rmdir(obstacle), 0);
    assert_int_equal(write_dump(&stage, 2, 10, machine), 0);
    assert_false(snapshotter_reason(stage.snapshotter, reason));

    hive_buffer_append_text(&sent.data, "no snapshot!");
    take_piece(&target, &told, &sent, 0);
    wait_for(&told);
    assert_true(snapshotter_reason(target.snapshotter, reason));
    assert_non_null(strstr(reason, "the leader's snapshot cannot be taken in: "));
    hive_buffer_clear(&sent.data);
    read_file(&stage, &sent, 2, 1);
    take_piece(&target, &told, &sent, 0);
    struct inbox_event event = await_event(&target, INBOX_INSTALL);
    assert_false(snapshotter_reason(target.snapshotter, reason));
    event.rpc_done(QUEEN_STOPPING, NULL, event.context);
    wait_for(&told);
    inbox_event_finish(&event);
    hive_buffer_finish(&sent.data);
    machine_destroy(machine);
    tear_down(&stage);
    tear_down(&target);
}

static void test_bytes_that_are_no_snapshot_are_refused(void **state)
{
    (void)state;
    struct stage stage;
    struct told told = {0}, sent = {.index = 7, .snapshot_term = 1, .file_bytes = 12};
    sem_init(&told.told, 0, 0);
    set_up(&stage);
    hive_buffer_append_text(&sent.data, "no snapshot!");
    take_piece(&stage, &told, &sent, 0);
    assert_int_equal(wait_for(&told)->outcome, QUEEN_UNKNOWN);
    snapshotter_open(stage.snapshotter, on_open, &told);
    assert_int_equal(wait_for(&told)->outcome, QUEEN_UNKNOWN);
    hive_buffer_finish(&sent.data);
    tear_down(&stage);
}

static void block(enum queen_outcome outcome, raft_term term, uint64_t next_offset, raft_index match_index,
                  void *context)
{
    (void)outcome, (void)term, (void)next_offset, (void)match_index;
    wait_for(context);
}

static void test_pieces_beyond_what_may_wait_are_refused_and_the_end_answers_the_rest(void **state)
{
    (void)state;
    struct stage stage;
    struct told go = {0}, told[20], sent = {.index = 7, .snapshot_term = 1, .file_bytes = 1000};
    sem_init(&go.told, 0, 0);
    set_up(&stage);
    struct queen_snapshot_piece first = {
        .to = SELF, .term = 1, .last_included_index = 7, .last_included_term = 1, .file_bytes = 1000};
    snapshotter_take_piece(stage.snapshotter, &first, block, &go);
    size_t busy = 0;
    for (size_t i = 0; i < 20; i++) {
        told[i] = (struct told){.outcome = QUEEN_REFUSED};
        sem_init(&told[i].told, 0, 0);
        take_piece(&stage, &told[i], &sent, 0);
        if (sem_trywait(&told[i].told) == 0) {
            assert_int_equal(told[i].outcome, QUEEN_BUSY);
            sem_post(&told[i].told);
            busy++;
        }
    }
    assert_true(busy >= 11); /* eight may wait, and one may have been taken out already */
    sem_post(&go.told);
    snapshotter_stop(stage.snapshotter);
    for (size_t i = 0; i < 20; i++)
        wait_for(&told[i]);
    take_piece(&stage, &told[0], &sent, 0);
    assert_int_equal(wait_for(&told[0])->outcome, QUEEN_STOPPING);
    stage.snapshotter = (snapshotter_destroy(stage.snapshotter), snapshotter_start(stage.store, stage.inbox));
    tear_down(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dump_becomes_the_newest_snapshot),
        cmocka_unit_test(test_a_dump_that_is_given_up_leaves_nothing_and_the_next_one_is_whole),
        cmocka_unit_test(test_a_peer_gets_the_same_file_to_its_end_unless_that_is_too_old),
        cmocka_unit_test(test_what_one_sends_the_other_takes_in_and_goes_on_after_its_end),
        cmocka_unit_test(test_a_deposed_leaders_pieces_do_not_disturb_the_new_ones),
        cmocka_unit_test(test_the_newest_snapshot_is_handed_in_whichever_came_last),
        cmocka_unit_test(test_what_fails_is_told_until_it_goes_well),
        cmocka_unit_test(test_bytes_that_are_no_snapshot_are_refused),
        cmocka_unit_test(test_pieces_beyond_what_may_wait_are_refused_and_the_end_answers_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
