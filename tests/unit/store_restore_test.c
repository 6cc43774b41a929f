/* Backups: the state comes back under a new id, alone in its group; an unfinished restore is no queen; and what is there is never
 * written over. */
#include "unit/store_scene.h"

#include "store/restore.h"

#define BACKUP  "/backup"
#define ADDRESS "queen-9:8080"

static struct hive_buffer backup;

static int setup_backup(void **state)
{
    setup(state);
    story_file(50, 3, &backup);
    put_file(BACKUP, backup.data, backup.size);
    memory->disk.open(&memory->disk, BACKUP, O_RDONLY);
    disk_sync(&memory->disk, file_of(BACKUP) - memory->files);
    memory->disk.close(&memory->disk, 0);
    memory_sync_directory(&memory->disk, "");
    return 0;
}

static int teardown_backup(void **state)
{
    hive_buffer_finish(&backup);
    return teardown(state);
}

static int restore(const char *directory, struct hive_error *error)
{
    return restore_run(&memory->disk, directory, BACKUP, ADDRESS, error);
}

/* Opens a restored directory, checks all that it says, and writes on. Its id, or 0: no queen is there. */
static raft_id check_restored(const char *directory)
{
    struct store_config config = {.directory = directory, .disk = &memory->disk};
    struct store_recovery found;
    struct hive_error error = {""};
    struct store *opened;
    int result = store_open(&config, &opened, &found, &error);
    if (result == -EBADMSG && strstr(error.message, "was not finished: do it again"))
        return 0;
    if (result < 0)
        fail_msg("%s", error.message);
    if (found.is_new) { /* it had not begun */
        store_recovery_finish(&found);
        store_close(opened);
        return 0;
    }
    raft_id id = found.id;
    const struct raft_configuration *members = &found.snapshot->configuration;
    assert_int_equal(found.entry_count, 0);
    assert_int_equal(found.term, 3);
    assert_int_equal(found.voted_for, 0);
    assert_int_equal(found.snapshot->index, 50);
    assert_int_equal(found.snapshot->term, 3);
    assert_int_equal(members->index, 50);
    for (int i = 0; i < 2; i++, members = found.founding) {
        assert_int_equal(members->count, 1);
        assert_int_equal(members->members[0].id, id);
        assert_int_equal(members->members[0].kind, RAFT_MEMBER_VOTER);
        assert_string_equal(members->members[0].address, ADDRESS);
    }
    story_check_dump(opened, 50);
    struct hive_buffer batch = {0};
    store_encode_entry(&batch, &(struct raft_entry){.index = 51, .term = 3});
    assert_int_equal(story_write(opened, &batch), 0);
    store_recovery_finish(&found);
    store_close(opened);
    return id;
}

static void test_a_backup_comes_back_under_a_new_id(void **state)
{
    struct hive_error error = {""};
    (void)state;
    assert_int_equal(restore("/one", &error), 0);
    assert_int_equal(restore("/two", &error), 0);
    raft_id one = check_restored("/one"), two = check_restored("/two");
    assert_true(one && two && one != two);
    assert_false(exists("/one/restoring"));
}

static void test_what_is_there_is_not_written_over(void **state)
{
    struct hive_error error = {""};
    (void)state;
    assert_int_equal(restore(STORY_DIRECTORY, &error), -EWOULDBLOCK); /* a queen runs in it */
    begin_with(5);
    store_close(store);
    assert_int_equal(restore(STORY_DIRECTORY, &error), -EEXIST);
    open_story();
    store_close(store);
    assert_int_equal(restore("/one", &error), 0);
    assert_int_equal(restore("/one", &error), -EEXIST);
    put_file("/other/letters", "", 0);
    assert_int_equal(restore("/other", &error), -EEXIST);
    assert_non_null(strstr(error.message, "there is letters in /other already"));
    open_story();
}

static void test_a_bad_backup_or_address_changes_nothing(void **state)
{
    struct hive_error error = {""};
    char address[HIVE_ADDRESS_BYTES + 1] = "";
    (void)state;
    backup.data[backup.size / 2] ^= 1;
    put_file(BACKUP, backup.data, backup.size);
    assert_int_equal(restore("/one", &error), -EBADMSG);
    backup.data[backup.size / 2] ^= 1;
    put_file(BACKUP, backup.data, backup.size);
    assert_int_equal(restore_run(&memory->disk, "/one", BACKUP, address, &error), -EINVAL);
    memset(address, 'a', HIVE_ADDRESS_BYTES);
    assert_int_equal(restore_run(&memory->disk, "/one", BACKUP, address, &error), -EINVAL);
    assert_int_equal(restore_run(&memory->disk, "/one", "/nothing", ADDRESS, &error), -ENOENT);
    assert_int_equal(restore("/one", &error), 0);
    assert_true(check_restored("/one"));
}

/* At every call: the process ends, or the call fails; and the power is cut after it, or not. Either nothing is there that a queen
 * would start on, or all of it; and where not, doing it again helps. */
static void test_an_unfinished_restore_is_no_queen(void **state)
{
    store_close(store);
    for (int mode = 0; mode < 8; mode++) {
        bool came = true;
        int at = 1, unfinished = 0;
        for (; came; at++) {
            memory_revive(memory);
            memory_destroy(memory);
            setup_backup(state);
            store_close(store);
            memory_revive(memory);
            if (mode % 2)
                memory->crash_at = at;
            else
                memory->fail_at = at;
            int result = restore("/one", NULL);
            came = memory->calls >= at;
            memory_revive(memory);
            if (mode >= 2)
                memory_cut_power(memory);
            raft_id id = check_restored("/one");
            assert_true(id || result < 0);
            if (!id && !exists("/one/identity")) {
                unfinished++;
                assert_int_equal(restore("/one", NULL), 0);
                assert_true(check_restored("/one"));
            }
        }
        assert_true(at > 40 && unfinished > 10);
    }
    open_story();
}

/* On the system's disk, through the front door. */
static void test_a_backup_is_a_file_like_any_other(void **state)
{
    char *directory = temporary_directory(), *path = hive_format("%s/backup", directory);
    char *queen = hive_format("%s/queen", directory);
    struct store_config config = {.directory = queen};
    struct raft_snapshot snapshot;
    struct store_recovery found;
    struct store *opened;
    (void)state;
    assert_int_equal(hive_file_write(path, backup.data, backup.size, 0600, NULL), 0);
    assert_int_equal(store_snapshot_verify(path, &snapshot, NULL), 0);
    assert_int_equal(snapshot.index, 50);
    assert_int_equal(store_restore(queen, path, ADDRESS, NULL), 0);
    assert_int_equal(store_restore(queen, path, ADDRESS, NULL), -EEXIST);
    assert_int_equal(store_open(&config, &opened, &found, NULL), 0);
    assert_int_equal(found.snapshot->index, 50);
    story_check_dump(opened, 50);
    store_recovery_finish(&found);
    store_close(opened);
    remove_directory(directory);
    free(path);
    free(queen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_backup, teardown_backup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_backup_comes_back_under_a_new_id),      TEST(test_what_is_there_is_not_written_over),
        TEST(test_a_bad_backup_or_address_changes_nothing), TEST(test_an_unfinished_restore_is_no_queen),
        TEST(test_a_backup_is_a_file_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
