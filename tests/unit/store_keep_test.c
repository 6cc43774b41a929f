/* Who a queen is, what her disk keeps and for how long, which snapshot she goes on from, and backups. */
#include "unit/store_scene.h"

static struct raft_configuration founders(void)
{
    return story_snapshot(2, 0).configuration;
}

/* That opening is refused with that error, and that the message holds those words. */
static void assert_story_refused(int code, const char *words)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    struct hive_error error = {""};
    store_close(store);
    store = NULL;
    memory_revive(memory);
    int result = store_open(&config, &store, &found, &error);
    if (result != code || !strstr(error.message, words))
        fail_msg("%d, \"%s\" instead of %d, \"%s\"", result, error.message, code, words);
    assert_null(store);
}

static void flip(const char *path, size_t at)
{
    struct memory_file *file = file_of(path);
    file->now[at] ^= 1;
    file->durable[at] ^= 1;
}

/* ---- who ---- */

static raft_id id_of_new_directory(uint64_t (*draw)(const struct disk *), bool *is_new)
{
    struct memory *other = memory_create();
    struct store_config config = story_config(other);
    struct store_recovery found;
    struct store *opened;
    other->disk.random = draw;
    assert_int_equal(store_open(&config, &opened, &found, NULL), 0);
    raft_id id = found.id;
    *is_new = found.is_new;
    store_recovery_finish(&found);
    store_close(opened);
    memory_cut_power(other);
    other->disk.random = memory_random;
    assert_int_equal(store_open(&config, &opened, &found, NULL), 0);
    assert_int_equal(found.id, id); /* durable before anybody was told */
    assert_true(found.is_new);
    store_recovery_finish(&found);
    store_close(opened);
    memory_destroy(other);
    return id;
}

static uint64_t draw_ones(const struct disk *disk)
{
    (void)disk;
    return UINT64_MAX;
}

static uint64_t draw_zero_first(const struct disk *disk)
{
    static int calls;
    (void)disk;
    return calls++ ? 5 : UINT64_C(7) << 48;
}

static void test_an_id_is_48_random_bits_and_belongs_to_the_disk(void **state)
{
    bool is_new;
    (void)state;
    assert_int_equal(id_of_new_directory(draw_ones, &is_new), (UINT64_C(1) << 48) - 1);
    assert_true(is_new);
    assert_int_equal(id_of_new_directory(draw_zero_first, &is_new), 5);
    assert_int_not_equal(id_of_new_directory(memory_random, &is_new),
                         id_of_new_directory(memory_random, &is_new));
}

static void assert_is_new(bool expected)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    store_close(store);
    memory_revive(memory);
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    assert_int_equal(found.is_new, expected);
    store_recovery_finish(&found);
}

static void test_a_queen_is_new_until_something_is_written(void **state)
{
    (void)state;
    assert_is_new(true);
    begin_with(0); /* a vote */
    assert_is_new(false);
    teardown(NULL);
    setup(NULL);
    assert_int_equal(story_found(&story, store), 0);
    assert_is_new(false);
    teardown(NULL);
    setup(NULL);
    assert_int_equal(story_receive(&story, store, 7, 1, 0), 0);
    assert_is_new(false);
}

static void test_a_founding_is_remembered_once(void **state)
{
    struct raft_configuration members = founders(), others = story_snapshot(4, 0).configuration;
    struct store_config config = story_config(memory);
    struct store_recovery found;
    (void)state;
    assert_int_equal(story_found(&story, store), 0);
    assert_int_equal(store_set_founding(store, &others, NULL), -EEXIST);
    store_close(store);
    memory_cut_power(memory);
    memory_revive(memory);
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    members.index = 0;
    assert_true(story_same_members(found.founding, &members));
    store_recovery_finish(&found);
    assert_int_equal(store_set_founding(store, &others, NULL), -EEXIST);

    teardown(NULL);
    setup(NULL);
    begin_with(1); /* entries may come before it, from who was founded earlier */
    assert_int_equal(story_found(&story, store), 0);
    reopen();
    teardown(NULL);
    setup(NULL);
    begin_with(1); /* but who has a snapshot knows the members */
    snap(1);
    assert_int_equal(store_set_founding(store, &others, NULL), -EEXIST);
    reopen();
    assert_int_equal(store_set_founding(store, &others, NULL), -EEXIST);
}

static void check_damage_of(const char *path)
{
    size_t bytes = file_of(path)->now_bytes;
    for (size_t at = 0; at < bytes; at++) {
        flip(path, at);
        assert_story_refused(-EBADMSG, path);
        flip(path, at);
    }
    file_of(path)->now_bytes--;
    assert_story_refused(-EBADMSG, path);
    file_of(path)->now_bytes++;
}

static void test_being_taken_in_is_remembered(void **state)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    (void)state;
    assert_int_equal(store_set_joined(store, 7, NULL), 0);
    assert_int_equal(store_set_joined(store, 9, NULL), 0); /* once more */
    store_close(store);
    memory_cut_power(memory);
    memory_revive(memory);
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    assert_int_equal(found.joined, 9);
    assert_false(found.is_new);
    store_recovery_finish(&found);
    check_damage_of(STORY_DIRECTORY "/joined");
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    store_recovery_finish(&found);
}

static void test_damaged_identities_and_foundings_are_refused(void **state)
{
    (void)state;
    assert_int_equal(story_found(&story, store), 0);
    check_damage_of(STORY_DIRECTORY "/identity");
    check_damage_of(STORY_DIRECTORY "/founding");
    open_story();
}

static void test_a_directory_of_an_earlier_version_is_refused(void **state)
{
    (void)state;
    begin_with(3);
    memory_remove(&memory->disk, STORY_DIRECTORY "/identity");
    assert_story_refused(-ENOTSUP, "was written by an earlier version of hive");
}

static void test_what_a_crash_left_half_made_is_removed(void **state)
{
    static const char *const names[] = {"segment.tmp", "snapshot.tmp", "identity.tmp", "founding.tmp"};
    (void)state;
    begin_with(3);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = hive_format(STORY_DIRECTORY "/%s", names[i]);
        put_file(path, "half", 4);
        free(path);
    }
    reopen();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = hive_format(STORY_DIRECTORY "/%s", names[i]);
        assert_false(exists(path));
        free(path);
    }
}

/* ---- how long ---- */

static raft_index first_entry(void)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    store_close(store);
    memory_revive(memory);
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    assert_true(story_is(&story, &found));
    raft_index first = found.entry_count ? found.entries[0].index : 0;
    store_recovery_finish(&found);
    return first;
}

static int count_segments(void)
{
    int count = 0;
    for (int i = 0; i < MEMORY_NAMES; i++)
        count += memory->now[i].path && strstr(memory->now[i].path, "/segment-");
    return count;
}

static void test_the_log_stays_as_far_as_the_oldest_snapshot_needs_it(void **state)
{
    (void)state;
    begin_with(5);
    for (raft_index index = 6; index <= 60; index++)
        append(index);
    int all = count_segments();
    assert_true(all > 8);
    assert_int_equal(store_drop_before(store, 61, NULL), 0); /* no snapshot stands for anything */
    assert_int_equal(count_segments(), all);
    snap(31);
    assert_int_equal(store_drop_before(store, 1, NULL), 0);
    assert_int_equal(count_segments(), all);
    assert_int_equal(store_drop_before(store, 20, NULL), 0);
    raft_index first = first_entry();
    assert_true(first > 5 && first <= 20);
    assert_int_equal(store_drop_before(store, 61, NULL), 0);
    first = first_entry();
    assert_true(first > 20 && first <= 31); /* the entry at its index tells that log and snapshot agree */
    snap(52);
    assert_int_equal(store_drop_before(store, 61, NULL), 0);
    assert_int_equal(first_entry(), first);
    snap(58);
    assert_int_equal(store_drop_before(store, 61, NULL), 0);
    first = first_entry();
    assert_true(first > 31 && first <= 52);
    append(64);
    first_entry();
}

static void check_install_frees(bool is_reopened)
{
    begin_with(5);
    for (raft_index index = 6; index <= 60; index++)
        append(index);
    snap(31);
    story.terms[50] = 7; /* the leader's log has another entry there */
    assert_int_equal(story_receive(&story, store, 50, 7, 0), 0);
    assert_int_equal(story_install(&story, store), 0);
    if (is_reopened)
        reopen();
    assert_int_equal(store_drop_before(store, 51, NULL), 0);
    assert_true(count_segments() <= 2); /* the one in use, and maybe the next one */
    assert_int_equal(first_entry(), 0);
    append(55);
    assert_int_equal(first_entry(), 51);
    for (raft_index index = 56; index <= 90; index++)
        append(index);
    snap(74); /* with it are 50, and then 81: what is older than the install holds up nothing */
    assert_int_equal(store_drop_before(store, 91, NULL), 0);
    assert_true(first_entry() <= 51);
    snap(81);
    assert_int_equal(store_drop_before(store, 91, NULL), 0);
    raft_index first = first_entry();
    assert_true(first > 60 && first <= 74);
}

static void test_what_was_before_an_install_goes(void **state)
{
    check_install_frees(false);
    teardown(state);
    setup(state);
    check_install_frees(true);
}

static void test_a_failed_removal_leaves_no_gap(void **state)
{
    (void)state;
    begin_with(60);
    for (raft_index index = 61; index <= 120; index++)
        append(index);
    snap(112);
    memory->calls = 0;
    memory->fail_at = 3; /* the second segment's */
    struct hive_error error = {""};
    assert_int_equal(store_drop_before(store, 112, &error), -EIO);
    assert_non_null(strstr(error.message, "cannot remove " STORY_DIRECTORY "/segment-"));
    memory->fail_at = 0;
    append(121);
    int left = count_segments(); /* as long as nobody knows what is durable, no other one goes */
    assert_int_equal(store_drop_before(store, 112, NULL), 0);
    assert_int_equal(count_segments(), left);
    first_entry();
    assert_int_equal(store_drop_before(store, 112, NULL), 0);
    assert_true(count_segments() < left);
    first_entry();
}

/* All that was known of terms and votes is gone with them: nobody may begin anew from the snapshot alone. */
static void test_a_prepared_segment_without_those_before_it_is_refused(void **state)
{
    (void)state;
    begin_with(60);
    while (store->spare.file < 0)
        append(story.last + 1);
    char *last = segment_path(STORY_DIRECTORY, store->spare.sequence);
    snap(60);
    for (int i = 0; i < MEMORY_NAMES; i++) {
        const char *path = memory->now[i].path;
        if (path && strstr(path, "/segment-") && strcmp(path, last) != 0)
            memory_remove(&memory->disk, path);
    }
    assert_story_refused(-EBADMSG, "nothing is in it, though the segments before it are gone");
    free(last);
}

/* ---- which ---- */

static void damage(raft_index index, raft_term term)
{
    char *path = path_of(index, term);
    flip(path, file_of(path)->now_bytes / 2);
    free(path);
}

static void test_an_older_snapshot_does_where_the_log_joins_it(void **state)
{
    (void)state;
    begin_with(5);
    for (raft_index index = 6; index <= 60; index++)
        append(index);
    snap(31);
    snap(52);
    assert_int_equal(store_drop_before(store, 53, NULL), 0);
    damage(52, 1);
    story.snapshot = 31;
    reopen();
    story_check_dump(store, 31);
    char *path = path_of(52, 1);
    assert_false(exists(path));
    free(path);
    snap(55); /* and life goes on */
    reopen();
    damage(31, 1); /* one that nobody asks for may be what it wants */
    reopen();
    damage(55, 1);
    assert_story_refused(-EBADMSG, "is damaged at byte ");
}

static void test_the_log_alone_does_where_it_is_all_there(void **state)
{
    (void)state;
    begin_with(60);
    snap(31);
    damage(31, 1);
    story.snapshot = 0;
    reopen();
    story_check_dump(store, 0);
}

static void test_a_damaged_snapshot_that_nothing_replaces_is_refused(void **state)
{
    (void)state;
    begin_with(60); /* it was ahead of the log: that does not tell what was acknowledged */
    snap(31);
    story.terms[70] = 1;
    assert_int_equal(story_snap(&story, store, 70, 1), 0);
    damage(70, 1);
    assert_story_refused(-EBADMSG, "is damaged at byte ");
    damage(70, 1);
    open_story(); /* as it was, it would have done; and now the log begins there */
    damage(70, 1);
    assert_story_refused(-EBADMSG, "is damaged at byte ");
    damage(70, 1);
    open_story();
    char *path = path_of(70, 1);
    memory_remove(&memory->disk, path);
    assert_story_refused(-EBADMSG, "begins with entry 71, and no snapshot is there");
    free(path);
}

static void test_a_snapshot_under_another_ones_name_is_refused(void **state)
{
    (void)state;
    begin_with(60);
    snap(31);
    char *path = path_of(31, 1), *name = path_of(32, 1);
    memory_rename(&memory->disk, path, name);
    story.snapshot = 0;
    reopen(); /* the log does without it */
    free(path);
    free(name);
}

static void test_records_of_an_install_that_cannot_be_are_refused(void **state)
{
    struct {
        raft_index install, truncate, entry;
        raft_term term;
        const char *words;
    } wrong[] = {
        {9, 0, 0, 0, "older than the one before"},
        {0, 10, 0, 0, "what a snapshot stands for"},
        {0, 0, 13, 3, "does not follow on the last one"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct hive_buffer batch = {0};
        struct hive_error error = {""};
        assert_int_equal(story_receive(&story, store, 10, 3, 0), 0);
        assert_int_equal(story_install(&story, store), 0);
        append(11);
        if (wrong[i].install)
            store_encode_install(&batch, wrong[i].install, 3);
        if (wrong[i].truncate)
            store_encode_truncate(&batch, wrong[i].truncate);
        if (wrong[i].entry)
            store_encode_entry(&batch, &(struct raft_entry){.index = wrong[i].entry, .term = wrong[i].term});
        assert_int_equal(store_write(store, batch.data, batch.size, &error), -EINVAL);
        assert_non_null(strstr(error.message, wrong[i].words));
        hive_buffer_finish(&batch);
        teardown(NULL);
        setup(NULL);
    }
}

static void test_an_entry_of_an_older_term_than_the_install_is_refused(void **state)
{
    struct hive_buffer batch = {0};
    (void)state;
    assert_int_equal(story_receive(&story, store, 10, 3, 0), 0);
    assert_int_equal(story_install(&story, store), 0);
    store_encode_entry(&batch, &(struct raft_entry){.index = 11, .term = 2});
    assert_int_equal(story_write(store, &batch), 0);
    assert_story_refused(-EBADMSG, "it holds an entry of an older term than the one before it");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_id_is_48_random_bits_and_belongs_to_the_disk),
        TEST(test_a_queen_is_new_until_something_is_written),
        TEST(test_a_founding_is_remembered_once),
        TEST(test_being_taken_in_is_remembered),
        TEST(test_damaged_identities_and_foundings_are_refused),
        TEST(test_a_directory_of_an_earlier_version_is_refused),
        TEST(test_what_a_crash_left_half_made_is_removed),
        TEST(test_the_log_stays_as_far_as_the_oldest_snapshot_needs_it),
        TEST(test_what_was_before_an_install_goes),
        TEST(test_a_failed_removal_leaves_no_gap),
        TEST(test_a_prepared_segment_without_those_before_it_is_refused),
        TEST(test_an_entry_of_an_older_term_than_the_install_is_refused),
        TEST(test_an_older_snapshot_does_where_the_log_joins_it),
        TEST(test_the_log_alone_does_where_it_is_all_there),
        TEST(test_a_damaged_snapshot_that_nothing_replaces_is_refused),
        TEST(test_a_snapshot_under_another_ones_name_is_refused),
        TEST(test_records_of_an_install_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
