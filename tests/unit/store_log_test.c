/* What was written is read again, across segments, truncations, terms and restarts; and what is not this
 * queen's whole log is refused with a message that says what to do. */
#include "unit/store_model.h"

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store/crc32c.h"
#include "store/segment.h"
#include "store/wal.h"

#define SEGMENT 1024

static int setup(void **state)
{
    *state = temporary_directory();
    return 0;
}

static int teardown(void **state)
{
    remove_directory(*state);
    return 0;
}

static off_t size_of(const char *directory, uint64_t sequence)
{
    char *path = segment_path(directory, sequence);
    struct stat status;
    off_t bytes = stat(path, &status) < 0 ? -1 : status.st_size;
    free(path);
    return bytes;
}

static ino_t inode_of(const char *directory, uint64_t sequence)
{
    char *path = segment_path(directory, sequence);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    free(path);
    return status.st_ino;
}

static void test_an_empty_directory_is_an_empty_log(void **state)
{
    char *deep = hive_format("%s/not/there/yet", (char *)*state);
    struct model model = {0};
    store_close(open_as(&disk_system, deep, 0, &model));
    store_close(open_as(&disk_system, deep, 0, &model));
    assert_int_equal(size_of(deep, 1), 1024 * 1024);
    assert_int_equal(size_of(deep, 2), -1);
    free(deep);
}

static void test_steps_of_many_lives_are_read_as_they_were_written(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    for (int life = 0; life < 40; life++) {
        struct store *store = open_as(&disk_system, *state, SEGMENT, &model);
        for (uint64_t writes = random_below(6); writes; writes--) {
            for (uint64_t steps = 1 + random_below(4); steps; steps--) /* a group commit */
                model_step(&model, &batch, 60);
            write_batch(store, &batch);
        }
        store_close(store);
    }
    store_close(open_as(&disk_system, *state, SEGMENT, &model));
    assert_true(size_of(*state, 8) > 0); /* else this test was about one segment */
    hive_buffer_finish(&batch);
}

static void test_a_truncated_log_grows_again_with_other_entries(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&disk_quick, *state, SEGMENT, &model);
    model_vote(&model, &batch, 1, QUEEN);
    for (int i = 0; i < 9; i++)
        model_append(&model, &batch, 20);
    write_batch(store, &batch);
    model_truncate(&model, &batch, 4);
    model_vote(&model, &batch, 3, 0);
    model_append(&model, &batch, 33);
    write_batch(store, &batch);
    store_close(store);
    store = open_as(&disk_quick, *state, SEGMENT, &model);
    model_truncate(&model, &batch, 1);
    write_batch(store, &batch);
    store_close(store);
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
    hive_buffer_finish(&batch);
}

static void test_a_batch_larger_than_a_segment_gets_its_own(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&disk_quick, *state, SEGMENT, &model);
    model_append(&model, &batch, 5000); /* into the first, still empty segment: it is replaced */
    write_batch(store, &batch);
    assert_true(size_of(*state, 1) > 5000);
    store_close(store);
    store = open_as(&disk_quick, *state, SEGMENT, &model);
    model_append(&model, &batch, 10);
    write_batch(store, &batch); /* into segment 2 */
    model_append(&model, &batch, 700);
    write_batch(store, &batch); /* more than half of it: segment 3 is prepared */
    model_append(&model, &batch, 9000);
    write_batch(store, &batch); /* and replaced */
    assert_int_equal(size_of(*state, 2), SEGMENT);
    assert_true(size_of(*state, 3) > 9000);
    model_append(&model, &batch, 10);
    write_batch(store, &batch);
    assert_int_equal(size_of(*state, 4), SEGMENT);
    store_close(store);
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
    hive_buffer_finish(&batch);
}

static void test_the_next_segment_is_there_before_it_is_needed(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&disk_quick, *state, SEGMENT, &model);
    model_append(&model, &batch, 300);
    write_batch(store, &batch);
    store_close(store); /* waits for what is being prepared */
    assert_int_equal(size_of(*state, 2), -1);
    store = open_as(&disk_quick, *state, SEGMENT, &model);
    model_append(&model, &batch, 300);
    write_batch(store, &batch);
    store_close(store);
    assert_int_equal(size_of(*state, 2), SEGMENT);
    ino_t prepared = inode_of(*state, 2);
    store = open_as(&disk_quick, *state, SEGMENT, &model);
    assert_int_equal(size_of(*state, 3), -1);
    model_append(&model, &batch, 400);
    write_batch(store, &batch); /* no longer fits into the first */
    store_close(store);
    assert_int_equal(inode_of(*state, 2), prepared);
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
    hive_buffer_finish(&batch);
}

static void test_a_new_segment_is_zeros_behind_its_header(void **state)
{
    struct segment segment;
    struct hive_buffer content = {0};
    assert_int_equal(segment_create(&disk_system, *state, QUEEN, 1, 700000, &segment, NULL), 0);
    segment_close(&disk_system, &segment);
    char *path = segment_path(*state, 1);
    struct stat status;
    assert_int_equal(hive_file_read(path, 1 << 20, &content, NULL), 0);
    assert_int_equal(content.size, 700000);
    for (size_t i = WAL_HEADER_BYTES; i < content.size; i++)
        assert_int_equal(content.data[i], 0);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_blocks * 512 >= 700000); /* real blocks, not a hole that a write has to allocate */
    free(path);
    hive_buffer_finish(&content);
}

static void test_an_unfinished_segment_file_is_no_part_of_the_log(void **state)
{
    char *path = hive_format("%s/segment.tmp", (char *)*state);
    struct model model = {0};
    assert_int_equal(hive_file_write(path, "half", 4, 0600, NULL), 0);
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
    free(path);
}

static void test_writing_nothing_is_fine(void **state)
{
    struct model model = {0};
    struct store *store = open_as(&disk_quick, *state, SEGMENT, &model);
    assert_int_equal(store_write(store, NULL, 0, NULL), 0);
    store_close(store);
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
}

/* ---- what is refused ---- */

static void test_a_locked_directory_names_the_process_that_has_it(void **state)
{
    int ready[2], stay[2];
    char byte = 0, words[64];
    make_directory(*state);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(stay), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store_config config = {.directory = *state};
        struct store_recovery recovery;
        struct store *store;
        close(stay[1]);
        if (store_open(&config, &store, &recovery, NULL) == 0 && write(ready[1], &byte, 1) == 1)
            (void)!read(stay[0], &byte, 1); /* until the test kills it, or is no more */
        _exit(1);
    }
    assert_true(child > 0);
    close(ready[1]);
    close(stay[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    snprintf(words, sizeof words, "process %d", (int)child);
    assert_refused(*state, -EWOULDBLOCK, words);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(stay[1]);
    struct model model = {0};
    store_close(open_as(&disk_quick, *state, 0, &model)); /* the lock died with it */
}

static void test_segments_of_another_queen_are_refused(void **state)
{
    struct model model = {0};
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
    assert_int_equal(identity_write(&disk_quick, *state, QUEEN + 1, NULL), 0);
    assert_refused(*state, -EINVAL, "belongs to queen 4711, and its directory to queen 4712");
    assert_int_equal(identity_write(&disk_quick, *state, QUEEN, NULL), 0);
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
}

/* A log of some full segments. */
static void make_segments(const char *directory, uint64_t count)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&disk_quick, directory, SEGMENT, &model);
    while (size_of(directory, count) < 0) {
        model_append(&model, &batch, 100);
        write_batch(store, &batch);
    }
    store_close(store);
    hive_buffer_finish(&batch);
}

static void test_a_missing_segment_is_named(void **state)
{
    make_segments(*state, 4);
    char *third = segment_path(*state, 3), *first = segment_path(*state, 1);
    assert_int_equal(unlink(third), 0);
    assert_refused(*state, -EBADMSG, third);
    assert_int_equal(unlink(first), 0);
    assert_refused(*state, -EBADMSG, third);
    free(first);
    free(third);
}

static void test_a_log_without_its_begin_and_without_a_snapshot_is_refused(void **state)
{
    make_segments(*state, 4);
    char *first = segment_path(*state, 1);
    assert_int_equal(unlink(first), 0);
    assert_refused(*state, -EBADMSG, "begins with entry 7, and no snapshot is there");
    free(first);
}

static void test_segments_in_each_others_place_are_refused(void **state)
{
    make_segments(*state, 4);
    char *second = segment_path(*state, 2), *third = segment_path(*state, 3);
    char *aside = hive_format("%s/aside", (char *)*state);
    assert_int_equal(rename(second, aside), 0);
    assert_int_equal(rename(third, second), 0);
    assert_int_equal(rename(aside, third), 0);
    assert_refused(*state, -EBADMSG,
                   "0000000002 is damaged at byte 0: its header is that of another segment");
    free(aside);
    free(second);
    free(third);
}

static void test_a_segment_of_another_format_is_refused(void **state)
{
    struct model model = {0};
    store_close(open_as(&disk_quick, *state, SEGMENT, &model));
    char *path = segment_path(*state, 1);
    uint8_t header[WAL_HEADER_BYTES];
    wal_encode_header(&(struct wal_header){.id = QUEEN, .sequence = 1}, header);
    assert_int_equal(wal_decode_header(header, sizeof header - 1, &(struct wal_header){0}), -EBADMSG);
    header[8] = 3;
    uint32_t crc = htole32(crc32c(0, header, 60));
    memcpy(header + 60, &crc, sizeof crc);
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, header, sizeof header, 0), sizeof header);
    close(file);
    assert_refused(*state, -ENOTSUP, "another version");
    free(path);
}

/* Makes a first segment with one frame in it, right in all its checksums; `opening` may be NULL for none. */
static void forge(const char *directory, const struct hive_buffer *batch, const struct wal_state *opening)
{
    make_directory(directory);
    struct segment segment;
    struct wal_envelope envelope;
    assert_int_equal(segment_create(&disk_quick, directory, QUEEN, 1, SEGMENT, &segment, NULL), 0);
    wal_seal(&envelope, segment.salt, 1, opening, batch->data, batch->size);
    struct iovec parts[] = {
        {envelope.head, envelope.head_bytes}, {batch->data, batch->size}, {&envelope.mark, 1}};
    assert_int_equal(disk_write(&disk_quick, segment.file, parts, 3, WAL_HEADER_BYTES), 0);
    segment_close(&disk_system, &segment);
}

/* Records that contradict what stands before them: neither written nor, where they are in a log, believed. */
static void check_contradiction(const char *directory, struct hive_buffer *batch, const char *words)
{
    struct model model = {0};
    struct hive_error error = {""};
    char *own = hive_format("%s/own", directory), *forged = hive_format("%s/forged", directory);
    make_directory(forged);
    struct store *store = open_as(&disk_quick, own, SEGMENT, &model);
    assert_int_equal(store_write(store, batch->data, batch->size, &error), -EINVAL);
    assert_non_null(strstr(error.message, words));
    store_close(store);
    store_close(open_as(&disk_quick, own, SEGMENT, &model));
    forge(forged, batch, &(struct wal_state){0});
    assert_refused(forged, -EBADMSG, words);
    assert_int_equal(hive_file_remove_tree(own, NULL), 0);
    assert_int_equal(hive_file_remove_tree(forged, NULL), 0);
    free(own);
    free(forged);
    hive_buffer_finish(batch);
}

static void test_records_that_contradict_the_log_are_refused(void **state)
{
    struct hive_buffer batch = {0};
    struct raft_entry entry = {.index = 1, .term = 5, .type = RAFT_ENTRY_COMMAND, .data = "x", .bytes = 1};
    store_encode_entry(&batch, &entry);
    entry.index = 3;
    store_encode_entry(&batch, &entry);
    check_contradiction(*state, &batch, "does not follow on the last one");

    store_encode_truncate(&batch, 2);
    check_contradiction(*state, &batch, "were never there");
    store_encode_truncate(&batch, 0);
    check_contradiction(*state, &batch, "were never there");

    store_encode_hard_state(&batch, 7, 1);
    store_encode_hard_state(&batch, 6, 1);
    check_contradiction(*state, &batch, "term goes back");

    store_encode_hard_state(&batch, 7, 1);
    store_encode_hard_state(&batch, 7, 2);
    check_contradiction(*state, &batch, "changes a vote");
    store_encode_hard_state(&batch, 7, 1);
    store_encode_hard_state(&batch, 7, 0);
    check_contradiction(*state, &batch, "changes a vote");

    hive_buffer_append(&batch, "what?", 5);
    check_contradiction(*state, &batch, "not a record");
    store_encode_entry(&batch, &(struct raft_entry){.index = 1, .term = 5, .data = "four", .bytes = 4});
    batch.size--;
    check_contradiction(*state, &batch, "not a record");
    store_encode_entry(&batch, &(struct raft_entry){.index = 1, .term = 5, .data = "four", .bytes = 4});
    memset(batch.data + 2, 0xff, 4); /* the length of its data */
    check_contradiction(*state, &batch, "not a record");
}

static void test_a_segment_that_does_not_open_with_the_state_before_it_is_refused(void **state)
{
    struct hive_buffer batch = {0};
    store_encode_hard_state(&batch, 7, 1);
    forge(*state, &batch, NULL);
    assert_refused(*state, -EBADMSG, "opening is not where it belongs");
    const struct wal_state wrong[] = {{.last_index = 1}, {.term = 1}, {.voted_for = 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        forge(*state, &batch, &wrong[i]);
        assert_refused(*state, -EBADMSG, "does not go on where");
    }
    hive_buffer_finish(&batch);
}

static void test_an_entry_of_an_older_term_than_the_one_before_is_refused(void **state)
{
    struct hive_buffer batch = {0};
    store_encode_entry(&batch, &(struct raft_entry){.index = 1, .term = 5});
    store_encode_entry(&batch, &(struct raft_entry){.index = 2, .term = 4});
    forge(*state, &batch, &(struct wal_state){0});
    assert_refused(*state, -EBADMSG, "older term");
    hive_buffer_finish(&batch);
}

static void test_a_segment_too_small_for_anything_is_refused(void **state)
{
    struct store_config config = {.directory = *state, .segment_bytes = 100};
    struct store_recovery recovery;
    struct store *store;
    assert_int_equal(store_open(&config, &store, &recovery, NULL), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_directory_is_an_empty_log),
        TEST(test_steps_of_many_lives_are_read_as_they_were_written),
        TEST(test_a_truncated_log_grows_again_with_other_entries),
        TEST(test_a_batch_larger_than_a_segment_gets_its_own),
        TEST(test_the_next_segment_is_there_before_it_is_needed),
        TEST(test_a_new_segment_is_zeros_behind_its_header),
        TEST(test_an_unfinished_segment_file_is_no_part_of_the_log),
        TEST(test_writing_nothing_is_fine),
        TEST(test_a_locked_directory_names_the_process_that_has_it),
        TEST(test_segments_of_another_queen_are_refused),
        TEST(test_a_missing_segment_is_named),
        TEST(test_a_log_without_its_begin_and_without_a_snapshot_is_refused),
        TEST(test_segments_in_each_others_place_are_refused),
        TEST(test_a_segment_of_another_format_is_refused),
        TEST(test_records_that_contradict_the_log_are_refused),
        TEST(test_a_segment_that_does_not_open_with_the_state_before_it_is_refused),
        TEST(test_an_entry_of_an_older_term_than_the_one_before_is_refused),
        TEST(test_a_segment_too_small_for_anything_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
