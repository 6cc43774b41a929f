/* Snapshot files: what is written is read again, no changed byte passes, they are written in small steps, they arrive in
 * pieces, and readers keep what they have. */
#include "unit/store_scene.h"

#include <endian.h>

/* ---- bytes ---- */

static void test_every_dump_is_read_as_it_was_written(void **state)
{
    (void)state;
    begin_with(60);
    for (raft_index index = 1; index <= 60; index += 1 + index / 20) { /* of no bytes, of one chunk, of two */
        snap(index);
        story_check_dump(store, index);
        reopen();
        story_check_dump(store, index);
    }
}

static void check_refused(const struct hive_buffer *file, size_t at)
{
    struct raft_snapshot found;
    struct hive_error error = {""};
    put_file("/copy", file->data, file->size);
    int result = snapshot_verify(&memory->disk, "/copy", &found, &error);
    if (result != -EBADMSG)
        fail_msg("byte %zu of %zu: %d", at, file->size, result);
    assert_non_null(strstr(error.message, "/copy is damaged at byte "));
}

static void test_no_changed_byte_passes(void **state)
{
    struct hive_buffer file = {0};
    struct raft_snapshot found;
    (void)state;
    story_file(45, 3, &file);
    put_file("/copy", file.data, file.size);
    assert_int_equal(snapshot_verify(&memory->disk, "/copy", &found, NULL), 0);
    assert_int_equal(found.index, 45);
    for (size_t at = 0; at < file.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            file.data[at] ^= (char)(1 << bit);
            check_refused(&file, at);
            file.data[at] ^= (char)(1 << bit);
        }
    }
    size_t whole = file.size;
    for (file.size = 0; file.size < whole; file.size++)
        check_refused(&file, file.size);
    hive_buffer_append(&file, "", 1);
    check_refused(&file, whole);
    hive_buffer_finish(&file);
}

/* Chunks that are intact, each by itself, but not in their place, or not all there. */
static void test_chunks_are_not_taken_for_each_other(void **state)
{
    struct hive_buffer file = {0}, wrong = {0};
    size_t chunk = SNAPSHOT_CHUNK_HEADER_BYTES + 10, start;
    uint8_t head[SNAPSHOT_CHUNK_HEADER_BYTES], end[SNAPSHOT_FOOTER_BYTES];
    struct raft_snapshot snapshot = story_snapshot(5, 1);
    (void)state;
    snapshot_encode_header(&snapshot, &file);
    start = file.size;
    for (char letter = 'a'; letter <= 'c'; letter++) {
        char data[10];
        memset(data, letter, sizeof data);
        snapshot_encode_chunk(file.size, data, sizeof data, head);
        hive_buffer_append(&file, head, sizeof head);
        hive_buffer_append(&file, data, sizeof data);
    }
    size_t before_end = file.size;
    snapshot_encode_footer(crc32c(0, file.data, file.size), 30, end);
    hive_buffer_append(&file, end, sizeof end);
    put_file("/copy", file.data, file.size);
    assert_int_equal(snapshot_verify(&memory->disk, "/copy", &snapshot, NULL), 0);

    hive_buffer_append(&wrong, file.data, file.size); /* swapped: noticed at the first of them */
    memcpy(wrong.data + start, file.data + start + chunk, chunk);
    memcpy(wrong.data + start + chunk, file.data + start, chunk);
    check_refused(&wrong, start);
    struct snapshot_file reader;
    char byte;
    assert_int_equal(snapshot_open(&memory->disk, "/copy", &reader, NULL), 0);
    assert_int_equal(snapshot_read(&reader, &byte, 1, NULL), -EBADMSG);
    assert_int_equal(snapshot_read(&reader, &byte, 1, NULL), -EBADMSG);
    snapshot_finish(&reader);

    hive_buffer_clear(&wrong); /* the last one is missing */
    hive_buffer_append(&wrong, file.data, before_end - chunk);
    hive_buffer_append(&wrong, end, sizeof end);
    check_refused(&wrong, before_end - chunk);

    wrong.size -= sizeof end; /* the footer has the right checksum, and the wrong length */
    snapshot_encode_footer(crc32c(0, wrong.data, wrong.size), 30, end);
    hive_buffer_append(&wrong, end, sizeof end);
    check_refused(&wrong, before_end - chunk);
    hive_buffer_finish(&file);
    hive_buffer_finish(&wrong);
}

static void test_a_file_of_another_version_is_not_taken_for_damage(void **state)
{
    struct hive_buffer file = {0};
    struct raft_snapshot found;
    (void)state;
    story_file(4, 3, &file);
    struct raft_snapshot snapshot = story_snapshot(4, 3);
    struct hive_buffer header = {0};
    snapshot_encode_header(&snapshot, &header);
    file.data[8] = 2;
    uint32_t crc = htole32(crc32c(0, file.data, header.size - 4));
    memcpy(file.data + header.size - 4, &crc, 4);
    put_file("/copy", file.data, file.size);
    assert_int_equal(snapshot_verify(&memory->disk, "/copy", &found, NULL), -ENOTSUP);
    hive_buffer_finish(&file);
    hive_buffer_finish(&header);
}

/* ---- writing beside the log ---- */

static size_t most_unsynced;

static ssize_t counting_write(const struct disk *disk, int file, const struct iovec *parts, int count,
                              off_t offset)
{
    ssize_t result = memory_write(disk, file, parts, count, offset);
    const struct memory_file *written = &memory_of(disk)->files[file];
    size_t unsynced = 0;
    for (size_t i = 0; i < written->capacity / MEMORY_SECTOR; i++)
        unsynced += written->is_dirty[i] ? MEMORY_SECTOR : 0;
    most_unsynced = unsynced > most_unsynced ? unsynced : most_unsynced;
    return result;
}

static void test_no_more_than_a_piece_waits_for_the_disk(void **state)
{
    static char dump[5 << 20];
    struct store_snapshot_writer *writer;
    struct raft_snapshot snapshot = story_snapshot(3, 1);
    (void)state;
    begin_with(5);
    memory->disk.write = counting_write;
    most_unsynced = 0;
    assert_int_equal(store_snapshot_begin(store, &snapshot, &writer, NULL), 0);
    assert_int_equal(store_snapshot_append(writer, dump, sizeof dump, NULL), 0);
    store_snapshot_abort(writer);
    assert_true(most_unsynced > 256 << 10 && most_unsynced <= (1 << 20) + (300 << 10));
}

static int64_t most_cut;

static int counting_truncate(const struct disk *disk, int file, off_t bytes)
{
    int64_t cut = memory_size(disk, file) - bytes;
    most_cut = cut > most_cut ? cut : most_cut;
    return memory_truncate(disk, file, bytes);
}

static void test_a_large_file_goes_in_steps(void **state)
{
    (void)state;
    char *big = hive_calloc(1, 40 << 20);
    put_file(STORY_DIRECTORY "/incoming-00000000000000000007-00000000000000000001-00000000000099999999", big,
             40 << 20);
    free(big);
    memory->disk.truncate = counting_truncate;
    most_cut = 0;
    assert_int_equal(story_receive(&story, store, 5, 1, 0), 0);
    assert_true(most_cut > 0 && most_cut <= 4 << 20);
    assert_int_equal(memory->files[memory->file_count - 2].now_bytes, 0);
}

static void test_a_full_disk_costs_the_snapshot_and_nothing_else(void **state)
{
    static char dump[3 << 20];
    struct store_snapshot_writer *writer;
    struct raft_snapshot snapshot = story_snapshot(30, 1);
    struct hive_error error = {""};
    (void)state;
    begin_with(40);
    snap(20);
    memory->room = memory_used(memory) + (2 << 20);
    assert_int_equal(store_snapshot_begin(store, &snapshot, &writer, NULL), 0);
    assert_int_equal(store_snapshot_append(writer, dump, sizeof dump, &error), -ENOSPC);
    assert_non_null(strstr(error.message, "No space left"));
    assert_int_equal(store_snapshot_append(writer, dump, 1, &error), -ENOSPC);
    assert_int_equal(store_snapshot_commit(writer, NULL), -ENOSPC);
    assert_true(memory_used(memory) < memory->room - (1 << 20)); /* what was written of it is gone */
    append(41);
    reopen();
    story_check_dump(store, 20);
    snap(30);
    reopen();
}

static void test_one_at_a_time(void **state)
{
    struct store_snapshot_writer *writer, *other;
    struct store_incoming *incoming, *second;
    struct raft_snapshot snapshot = story_snapshot(3, 1);
    uint64_t offset;
    (void)state;
    begin_with(5);
    assert_int_equal(store_snapshot_begin(store, &snapshot, &writer, NULL), 0);
    assert_int_equal(store_snapshot_begin(store, &snapshot, &other, NULL), -EBUSY);
    store_snapshot_abort(writer);
    assert_int_equal(store_incoming_begin(store, 3, 1, 10, &incoming, &offset, NULL), 0);
    assert_int_equal(store_incoming_begin(store, 3, 1, 10, &second, &offset, NULL), -EBUSY);
    store_incoming_suspend(incoming);
    store_snapshot_abort(NULL);
    store_incoming_suspend(NULL);
    store_snapshot_close(NULL);
    snap(3);
    snapshot.index = 0;
    assert_int_equal(store_snapshot_begin(store, &snapshot, &writer, NULL), -EINVAL);
    assert_int_equal(store_incoming_begin(store, 0, 1, 10, &incoming, &offset, NULL), -EINVAL);
}

/* ---- keeping ---- */

static void test_two_are_kept_and_the_newest_is_read(void **state)
{
    char *paths[4];
    (void)state;
    begin_with(40);
    for (int i = 0; i < 4; i++) {
        snap(5 + 10 * (raft_index)i);
        paths[i] = path_of(5 + 10 * (raft_index)i, 1);
    }
    assert_true(!exists(paths[0]) && !exists(paths[1]) && exists(paths[2]) && exists(paths[3]));
    story_check_dump(store, 35);
    assert_int_equal(story_snap(&story, store, 35, 1), 0); /* again: nothing changes */
    assert_true(exists(paths[2]) && exists(paths[3]));
    for (int i = 0; i < 4; i++)
        free(paths[i]);
    reopen();
    story_check_dump(store, 35);
}

static void test_a_snapshot_that_was_linked_elsewhere_stays_whole(void **state)
{
    (void)state;
    begin_with(40);
    snap(10);
    char *path = path_of(10, 1);
    struct memory_file *linked = file_of(path);
    size_t bytes = linked->now_bytes;
    memory_step(memory, NULL, "/elsewhere", (int)(linked - memory->files));
    snap(15);
    snap(25);
    assert_false(exists(path));
    assert_int_equal(linked->now_bytes, bytes);
    free(path);
}

static void test_a_reader_keeps_what_it_has_open(void **state)
{
    struct store_snapshot_reader *reader;
    struct hive_buffer file = {0};
    (void)state;
    begin_with(40);
    snap(10);
    char *path = path_of(10, 1);
    struct memory_file *on_disk = file_of(path);
    assert_int_equal(store_snapshot_open(store, &reader, NULL), 0);
    snap(15);
    snap(25);
    assert_false(exists(path));
    story_file(10, 1, &file);
    char *bytes = hive_malloc(file.size);
    assert_int_equal(store_snapshot_file_bytes(reader), file.size);
    assert_int_equal(store_snapshot_read_file(reader, 0, bytes, file.size, NULL), file.size);
    assert_memory_equal(bytes, file.data, file.size);
    assert_int_equal(store_snapshot_read_file(reader, file.size - 7, bytes, file.size, NULL), 7);
    assert_memory_equal(bytes, file.data + file.size - 7, 7);
    assert_int_equal(store_snapshot_read_file(reader, file.size, bytes, file.size, NULL), 0);
    store_close(store); /* it may even outlive the store */
    assert_int_equal(store_snapshot_read_file(reader, 0, bytes, 3, NULL), 3);
    assert_true(on_disk->now_bytes > 0);
    store_snapshot_close(reader);
    assert_int_equal(on_disk->now_bytes, 0); /* and then the space is free */
    memory_revive(memory);
    open_story();
    free(bytes);
    free(path);
    hive_buffer_finish(&file);
}

/* ---- arriving ---- */

/* Lets so many bytes of the snapshot arrive; tells where it began. */
static uint64_t receive(raft_index index, uint64_t until, bool ends, int expected)
{
    struct store_incoming *incoming;
    struct raft_snapshot snapshot;
    struct hive_buffer file = {0};
    uint64_t offset;
    story_file(index, 1, &file);
    assert_int_equal(store_incoming_begin(store, index, 1, file.size, &incoming, &offset, NULL), 0);
    if (until > file.size)
        until = file.size;
    if (offset < until)
        assert_int_equal(store_incoming_append(incoming, file.data + offset, until - offset, NULL), 0);
    if (ends)
        assert_int_equal(store_incoming_commit(incoming, &snapshot, NULL), expected);
    else
        store_incoming_suspend(incoming);
    hive_buffer_finish(&file);
    return offset;
}

static void test_what_has_arrived_is_gone_on_with(void **state)
{
    (void)state;
    begin_with(40);
    assert_int_equal(receive(20, 100000, false, 0), 0);
    assert_int_equal(receive(20, 150000, false, 0), 100000);
    reopen(); /* in another process, too */
    assert_int_equal(receive(20, 200000, true, -EINVAL), 150000);
    assert_int_equal(receive(20, SIZE_MAX, true, 0), 200000);
    story.snapshot = 20;
    story.snapshot_term = 1;
    story_check_dump(store, 20);
    reopen();
    assert_int_equal(receive(30, 1000, false, 0), 0);
    assert_int_equal(receive(31, 100, false, 0), 0);
    assert_int_equal(receive(30, 1000, false, 0), 0);    /* the other one's remains are gone */
    assert_int_equal(receive(20, SIZE_MAX, true, 0), 0); /* one that is here already */
    story_check_dump(store, 20);
    reopen();
}

static void test_bytes_that_a_power_cut_lost_are_noticed_and_sent_again(void **state)
{
    (void)state;
    int begun_anew = 0;
    begin_with(40);
    for (int round = 0; round < 40; round++) {
        receive(20, 200000, false, 0);
        store_close(store);
        memory_revive(memory);
        memory_cut_power(memory);
        open_story();
        struct store_incoming *incoming;
        struct raft_snapshot snapshot;
        struct hive_buffer file = {0};
        uint64_t offset;
        story_file(20, 1, &file);
        assert_int_equal(store_incoming_begin(store, 20, 1, file.size, &incoming, &offset, NULL), 0);
        if (offset < file.size)
            assert_int_equal(store_incoming_append(incoming, file.data + offset, file.size - offset, NULL),
                             0);
        int result = store_incoming_commit(incoming, &snapshot, NULL);
        assert_true(result == 0 || result == -EBADMSG);
        begun_anew += result == -EBADMSG;
        if (result < 0)
            assert_int_equal(receive(20, SIZE_MAX, true, 0), 0);
        char *path = path_of(20, 1);
        store_close(store);
        memory_revive(memory);
        memory_remove(&memory->disk, path);
        memory_sync_directory(&memory->disk, STORY_DIRECTORY);
        open_story();
        free(path);
        hive_buffer_finish(&file);
    }
    assert_true(begun_anew > 5 && begun_anew < 40);
}

/* The kernel keeps them as if they were on disk, and nothing will ever bring them there. */
static void test_bytes_that_could_not_be_synced_are_not_gone_on_with(void **state)
{
    static char bytes[1 << 20];
    struct store_incoming *incoming;
    uint64_t offset;
    (void)state;
    begin_with(40);
    assert_int_equal(store_incoming_begin(store, 20, 1, 2 << 20, &incoming, &offset, NULL), 0);
    memory->fail_at = memory->calls + 2;
    assert_int_equal(store_incoming_append(incoming, bytes, sizeof bytes, NULL), -EIO);
    store_incoming_suspend(incoming);
    assert_int_equal(store_incoming_begin(store, 20, 1, 2 << 20, &incoming, &offset, NULL), 0);
    assert_int_equal(offset, 0);
    store_incoming_suspend(incoming);
}

/* … and the next process does not know of it: what it finds looks like any other file. */
static void test_bytes_that_an_earlier_process_could_not_sync_are_written_again(void **state)
{
    struct store_incoming *incoming;
    struct raft_snapshot snapshot;
    struct hive_buffer file = {0};
    uint64_t offset;
    (void)state;
    begin_with(40);
    story_file(20, 1, &file);
    assert_int_equal(store_incoming_begin(store, 20, 1, file.size, &incoming, &offset, NULL), 0);
    assert_int_equal(store_incoming_append(incoming, file.data, file.size, NULL), 0);
    memory->fail_at = memory->calls + 1;
    memory->crash_at = memory->calls + 2; /* before the file could be removed */
    assert_int_equal(store_incoming_commit(incoming, &snapshot, NULL), -EIO);
    reopen();
    assert_int_equal(receive(20, SIZE_MAX, true, 0), file.size);
    story.snapshot = 20;
    story.snapshot_term = 1;
    store_close(store);
    memory_revive(memory);
    memory_cut_power(memory);
    open_story();
    story_check_dump(store, 20);
    hive_buffer_finish(&file);
}

static void test_what_is_not_what_it_was_said_to_be_is_removed(void **state)
{
    struct store_incoming *incoming;
    struct raft_snapshot snapshot;
    struct hive_buffer file = {0};
    uint64_t offset;
    (void)state;
    begin_with(40);
    story_file(7, 1, &file);
    for (raft_term term = 1; term <= 2; term++) {
        assert_int_equal(store_incoming_begin(store, 9 - term, term, file.size, &incoming, &offset, NULL), 0);
        assert_int_equal(offset, 0);
        assert_int_equal(store_incoming_append(incoming, file.data, file.size, NULL), 0);
        assert_int_equal(store_incoming_append(incoming, "x", 1, NULL), -EINVAL);
        assert_int_equal(store_incoming_commit(incoming, &snapshot, NULL), -EBADMSG);
    }
    assert_int_equal(store_incoming_begin(store, 8, 1, file.size, &incoming, &offset, NULL), 0);
    assert_int_equal(offset, 0);
    store_incoming_suspend(incoming);
    char *path = hive_format("%s/" CATALOG_INCOMING_NAME, STORY_DIRECTORY, (uint64_t)8, (uint64_t)1,
                             (uint64_t)file.size);
    hive_buffer_append(&file, "too long", 8);
    put_file(path, file.data, file.size); /* more than it says: nothing of it can be right */
    assert_int_equal(store_incoming_begin(store, 8, 1, file.size - 8, &incoming, &offset, NULL), 0);
    assert_int_equal(offset, 0);
    store_incoming_suspend(incoming);
    story_check_dump(store, 0);
    free(path);
    hive_buffer_finish(&file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_dump_is_read_as_it_was_written),
        TEST(test_no_changed_byte_passes),
        TEST(test_chunks_are_not_taken_for_each_other),
        TEST(test_a_file_of_another_version_is_not_taken_for_damage),
        TEST(test_no_more_than_a_piece_waits_for_the_disk),
        TEST(test_a_large_file_goes_in_steps),
        TEST(test_a_full_disk_costs_the_snapshot_and_nothing_else),
        TEST(test_one_at_a_time),
        TEST(test_two_are_kept_and_the_newest_is_read),
        TEST(test_a_snapshot_that_was_linked_elsewhere_stays_whole),
        TEST(test_a_reader_keeps_what_it_has_open),
        TEST(test_what_has_arrived_is_gone_on_with),
        TEST(test_bytes_that_a_power_cut_lost_are_noticed_and_sent_again),
        TEST(test_bytes_that_could_not_be_synced_are_not_gone_on_with),
        TEST(test_bytes_that_an_earlier_process_could_not_sync_are_written_again),
        TEST(test_what_is_not_what_it_was_said_to_be_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
