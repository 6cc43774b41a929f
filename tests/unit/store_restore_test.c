/* Backups: the state comes back under a new id, alone in its group; an unfinished restore is no queen; and what is there is never
 * written over. */
#include "unit/store_scene.h"

#include "hive/clock.h"
#include "store/restore.h"

#define BACKUP  "/backup"
#define ADDRESS "queen-9:8080"
#define NOW_MS  ((int64_t)1795272969000)
#define BEGIN   ((raft_index)NOW_MS * 250) /* where a group begins that is restored now */

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
    return restore_run(&memory->disk, directory, BACKUP, ADDRESS, NOW_MS, error);
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
    assert_int_equal(found.snapshot->index, BEGIN);
    assert_int_equal(found.snapshot->term, 3);
    assert_int_equal(members->index, BEGIN);
    for (int i = 0; i < 2; i++, members = found.founding) {
        assert_int_equal(members->count, 1);
        assert_int_equal(members->members[0].id, id);
        assert_int_equal(members->members[0].kind, RAFT_MEMBER_VOTER);
        assert_string_equal(members->members[0].address, ADDRESS);
    }
    story_check_dump_of(opened, BEGIN, 50);
    struct hive_buffer batch = {0};
    store_encode_entry(&batch, &(struct raft_entry){.index = BEGIN + 1, .term = 3});
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

/* Restores the backup at `path` at that time; the index that the new group's log begins behind. */
static raft_index index_restored_at(const char *directory, const char *path, int64_t unix_ms)
{
    struct store_config config = {.directory = directory, .disk = &memory->disk};
    struct store_recovery found;
    struct hive_error error = {""};
    struct store *opened;
    assert_int_equal(restore_run(&memory->disk, directory, path, ADDRESS, unix_ms, &error), 0);
    assert_int_equal(store_open(&config, &opened, &found, &error), 0);
    raft_index index = found.snapshot->index;
    store_recovery_finish(&found);
    store_close(opened);
    return index;
}

/* What a lost group wrote behind its backup must not be the new one's, also where the new one is lost in turn and its backup, or
 * the first one again, is put back. */
static void test_indexes_are_used_by_one_group_only(void **state)
{
    (void)state;
    raft_index first = index_restored_at("/one", BACKUP, NOW_MS);
    assert_true(first > 50 + (raft_index)1000 * 1000 * 1000);
    raft_index second = index_restored_at("/two", BACKUP, NOW_MS + 1000);
    assert_true(second >= first + 100 * 1000); /* a second's writes */
    assert_true(index_restored_at("/three", BACKUP, NOW_MS + 2000) >= second + 100 * 1000);

    struct hive_buffer later = {0};
    story_file(first + 7, 3, &later); /* a backup of a group that was restored */
    put_file("/later", later.data, later.size);
    hive_buffer_finish(&later);
    assert_true(index_restored_at("/four", "/later", NOW_MS + 3000) == second + 500 * 1000);
}

static void test_a_wrong_clock_still_leads_far_ahead(void **state)
{
    static const int64_t clocks_ms[] = {-1, 0, 60 * 1000, NOW_MS, NOW_MS * 3, INT64_MAX};
    struct hive_buffer later = {0};
    (void)state;
    story_file(BEGIN + 1, 3, &later);
    put_file("/later", later.data, later.size);
    hive_buffer_finish(&later);
    for (size_t i = 0; i < sizeof clocks_ms / sizeof clocks_ms[0]; i++) {
        char directory[] = {'/', (char)('a' + (int)i), '\0'};
        assert_true(index_restored_at(directory, "/later", clocks_ms[i]) ==
                    BEGIN + 1 + (raft_index)1000 * 1000 * 1000 * 1000);
    }
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
    assert_int_equal(restore_run(&memory->disk, "/one", BACKUP, address, NOW_MS, &error), -EINVAL);
    memset(address, 'a', HIVE_ADDRESS_BYTES);
    assert_int_equal(restore_run(&memory->disk, "/one", BACKUP, address, NOW_MS, &error), -EINVAL);
    assert_int_equal(restore_run(&memory->disk, "/one", "/nothing", ADDRESS, NOW_MS, &error), -ENOENT);
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
    assert_true(found.snapshot->index > (raft_index)hive_clock_unix_ms() * 100);
    story_check_dump_of(opened, found.snapshot->index, 50);
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
        TEST(test_a_backup_comes_back_under_a_new_id),      TEST(test_indexes_are_used_by_one_group_only),
        TEST(test_a_wrong_clock_still_leads_far_ahead),     TEST(test_what_is_there_is_not_written_over),
        TEST(test_a_bad_backup_or_address_changes_nothing), TEST(test_an_unfinished_restore_is_no_queen),
        TEST(test_a_backup_is_a_file_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
