/* A disk that interrupts, writes half, fails, or loses power: what was acknowledged stays, what failed is
 * never acknowledged, and nothing that failed is tried again. */
#include "unit/store_model.h"

#include "store/segment.h"
#include "store/wal.h"

#define SECTOR      512
#define FRAME_BYTES 8192 /* most that a test here writes at once; more is the filling of a new segment */

/* The disk's mood. Counts and harms what the testing thread does; the thread that prepares segments fails
 * always or never. */
static _Thread_local bool is_tester;
static struct {
    bool is_slow;        /* every call is interrupted once, and writes are short */
    bool is_interrupted; /* it was, last time */
    bool preparer_fails;
    int calls;   /* so far */
    int fail_at; /* the number of the call that fails; 0: none */

    /* The last write: what it changed, what was there before, and whether it was synced. */
    int file;
    off_t offset;
    size_t bytes;
    uint8_t before[FRAME_BYTES], after[FRAME_BYTES];
    bool is_synced;
} mood;

/* 0, or the error of the call that is made now. */
static int in_this_mood(void)
{
    if (!is_tester)
        return mood.preparer_fails ? -ENOSPC : 0;
    if (mood.is_slow && (mood.is_interrupted = !mood.is_interrupted))
        return -EINTR;
    return ++mood.calls == mood.fail_at ? -EIO : 0;
}

static void remember(int file, const struct iovec *parts, int count, off_t offset)
{
    if (mood.file > 0)
        close(mood.file);
    mood.file = dup(file);
    mood.offset = offset;
    mood.bytes = 0;
    mood.is_synced = false;
    for (int i = 0; i < count; i++) {
        memcpy(mood.after + mood.bytes, parts[i].iov_base, parts[i].iov_len);
        mood.bytes += parts[i].iov_len;
    }
    memset(mood.before, 0, sizeof mood.before);
    assert_true(pread(file, mood.before, mood.bytes, offset) >= 0);
}

static ssize_t moody_write(const struct disk *disk, int file, const struct iovec *parts, int count,
                           off_t offset)
{
    (void)disk;
    int wrong = in_this_mood();
    if (wrong)
        return wrong;
    if (is_tester && mood.is_slow) { /* all but one byte of the first part, or the one that is left */
        struct iovec part = *parts;
        part.iov_len -= part.iov_len > 1;
        return pwritev(file, &part, 1, offset);
    }
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    if (is_tester && bytes <= FRAME_BYTES)
        remember(file, parts, count, offset);
    return pwritev(file, parts, count, offset);
}

static ssize_t moody_read(const struct disk *disk, int file, void *bytes, size_t size, off_t offset)
{
    (void)disk;
    int wrong = in_this_mood();
    return wrong ? wrong : pread(file, bytes, mood.is_slow && size > 1 ? size - 1 : size, offset);
}

static int moody_sync(const struct disk *disk, int file)
{
    (void)disk, (void)file;
    int wrong = in_this_mood();
    if (is_tester && !wrong)
        mood.is_synced = true;
    return wrong;
}

static int moody_sync_directory(const struct disk *disk, const char *path)
{
    (void)disk, (void)path;
    return mood.is_slow ? 0 : in_this_mood();
}

static struct disk disk_moody;

__attribute__((constructor)) static void make_disk_moody(void)
{
    disk_moody = disk_system;
    disk_moody.read = moody_read;
    disk_moody.write = moody_write;
    disk_moody.sync = moody_sync;
    disk_moody.sync_directory = moody_sync_directory;
}

static int setup(void **state)
{
    *state = quick_directory();
    memset(&mood, 0, sizeof mood);
    is_tester = true;
    return 0;
}

static int teardown(void **state)
{
    if (mood.file > 0)
        close(mood.file);
    remove_directory(*state);
    return 0;
}

/* ---- calls that do less than they were asked ---- */

static void test_interrupts_and_short_writes_are_gone_on_from(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    mood.is_slow = true;
    for (int life = 0; life < 3; life++) {
        struct store *store = open_as(&disk_moody, *state, 2048, &model);
        for (int i = 0; i < 20; i++) {
            model_step(&model, &batch, 100);
            write_batch(store, &batch);
        }
        store_close(store);
    }
    store_close(open_as(&disk_quick, *state, 2048, &model));
    hive_buffer_finish(&batch);
}

static ssize_t write_nothing(const struct disk *disk, int file, const struct iovec *parts, int count,
                             off_t offset)
{
    (void)disk, (void)file, (void)parts, (void)count, (void)offset;
    return 0;
}

static void test_a_disk_that_takes_no_bytes_is_an_error_and_no_endless_loop(void **state)
{
    struct disk stuck = disk_quick;
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&stuck, *state, 2048, &model);
    stuck.write = write_nothing;
    model_append(&model, &batch, 10);
    assert_int_equal(store_write(store, batch.data, batch.size, NULL), -EIO);
    store_close(store);
    hive_buffer_finish(&batch);
}

/* ---- calls that fail ---- */

/* Writes until something fails or all is written; opens again and checks. True where something failed. */
static bool live_with_a_failure(const char *directory, int fail_at)
{
    struct store_config config = {.directory = directory, .disk = &disk_moody, .segment_bytes = 1024};
    struct model acknowledged = {0}, model = {0};
    struct store_recovery found;
    struct hive_error error = {""};
    struct hive_buffer batch = {0};
    struct store *store = NULL;
    make_directory(directory);
    mood.calls = 0;
    mood.fail_at = fail_at;
    int result = store_open(&config, &store, &found, &error);
    for (int i = 0; i < 12 && result == 0; i++) {
        model_append(&model, &batch, 150);
        result = store_write(store, batch.data, batch.size, &error);
        if (result == 0)
            acknowledged = model;
        hive_buffer_clear(&batch);
    }
    bool has_failed = result < 0;
    if (has_failed) {
        assert_int_equal(result, -EIO);
        assert_true(error.message[0]);
    }
    if (has_failed && store) { /* the disk is well again; the store does not even ask it */
        int calls = mood.calls;
        model_vote(&model, &batch, 1, 1);
        model = acknowledged;
        model_append(&model, &batch, 150);
        assert_int_equal(store_write(store, batch.data, batch.size, NULL), -EIO);
        assert_int_equal(store_write(store, NULL, 0, NULL), -EIO);
        assert_int_equal(mood.calls, calls);
    }
    store_close(store);
    store = open_store_on(&disk_quick, directory, 1024, &found);
    assert_true(model_is(&acknowledged, &found) || (has_failed && model_is(&model, &found)));
    store_recovery_finish(&found);
    store_close(store);
    hive_buffer_finish(&batch);
    return has_failed;
}

static void check_every_call(const char *directory, int at_least)
{
    int fail_at = 1;
    bool has_failed;
    do {
        char *fresh = hive_format("%s/%d", directory, fail_at);
        has_failed = live_with_a_failure(fresh, fail_at++);
        free(fresh);
    } while (has_failed);
    assert_true(fail_at > at_least);
}

static void test_after_any_failed_call_no_write_is_acknowledged(void **state)
{
    check_every_call(*state, 24);
}

static void test_after_any_failed_call_no_write_is_acknowledged_without_a_preparer(void **state)
{
    mood.preparer_fails = true;
    check_every_call(*state, 30);
}

static void test_a_bad_batch_ends_the_store_too(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct hive_error error = {""};
    struct store *store = open_as(&disk_quick, *state, 2048, &model);
    assert_int_equal(store_write(store, "", ((size_t)1 << 30) + 1, &error), -EFBIG);
    model_append(&model, &batch, 10);
    assert_int_equal(store_write(store, batch.data, batch.size, &error), -EFBIG);
    assert_non_null(strstr(error.message, "takes no more writes"));
    store_close(store);
    hive_buffer_finish(&batch);
}

/* ---- power ---- */

/* What the kernel keeps after a failed sync looks like a write that is on disk, and is not. Whoever believes
 * it must first bring it there. */
static void test_recovery_makes_the_last_write_durable_before_it_is_believed(void **state)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&disk_moody, *state, 2048, &model);
    model_append(&model, &batch, 10);
    write_batch(store, &batch);
    model_append(&model, &batch, 100);
    mood.fail_at = mood.calls + 2; /* the sync behind the write */
    assert_int_equal(store_write(store, batch.data, batch.size, NULL), -EIO);
    store_close(store);
    off_t offset = mood.offset;
    size_t bytes = mood.bytes;
    mood.offset = 0;
    store_close(open_as(&disk_moody, *state, 2048, &model));
    assert_int_equal(mood.offset, offset);
    assert_int_equal(mood.bytes, bytes);
    assert_true(mood.is_synced);
    hive_buffer_finish(&batch);
}

/* For the order of things: where the new segment is looked for, and what happened. */
static char *expected_path;
static int directory_syncs;

static int sync_before_name(const struct disk *disk, int file)
{
    (void)disk, (void)file;
    assert_int_equal(access(expected_path, F_OK), -1);
    mood.is_synced = true;
    return 0;
}

static ssize_t write_before_sync(const struct disk *disk, int file, const struct iovec *parts, int count,
                                 off_t offset)
{
    mood.is_synced = false;
    return disk_system.write(disk, file, parts, count, offset);
}

static int sync_name_last(const struct disk *disk, const char *path)
{
    (void)disk, (void)path;
    assert_int_equal(access(expected_path, F_OK), 0);
    assert_true(mood.is_synced);
    directory_syncs++;
    return 0;
}

static void test_a_segment_is_synced_then_named_then_its_name_is_synced(void **state)
{
    struct disk disk = disk_system;
    struct segment segment;
    disk.write = write_before_sync;
    disk.sync = sync_before_name;
    disk.sync_directory = sync_name_last;
    directory_syncs = 0;
    expected_path = segment_path(*state, 1);
    assert_int_equal(segment_create(&disk, *state, QUEEN, 1, 2048, &segment, NULL), 0);
    assert_int_equal(directory_syncs, 1);
    segment_close(&disk, &segment);
    free(expected_path);
}

/* A process that ends between the two leaves a name that a power cut may take back, with all its data. */
static void test_names_are_made_durable_before_a_log_is_gone_on_with(void **state)
{
    struct model model = {0};
    store_close(open_as(&disk_quick, *state, 2048, &model));
    directory_syncs = 0;
    expected_path = segment_path(*state, 1);
    mood.is_synced = true;
    struct disk disk = disk_quick;
    disk.sync_directory = sync_name_last;
    store_close(open_as(&disk, *state, 2048, &model));
    assert_int_equal(directory_syncs, 1);
    free(expected_path);
}

/* Puts some sectors of the last write back to what they were. True where bytes were lost by that. */
static bool lose_sectors(void)
{
    uint64_t odds = 1 + random_below(8);
    bool is_lost = false;
    for (size_t start = 0, end; start < mood.bytes; start = end) {
        end = start + SECTOR - (size_t)(mood.offset + (off_t)start) % SECTOR;
        if (end > mood.bytes)
            end = mood.bytes;
        if (random_below(odds) == 0 || memcmp(mood.before + start, mood.after + start, end - start) == 0)
            continue;
        assert_int_equal(pwrite(mood.file, mood.before + start, end - start, mood.offset + (off_t)start),
                         end - start);
        is_lost = true;
    }
    return is_lost;
}

static void test_a_power_cut_in_a_write_loses_that_write_alone(void **state)
{
    struct model acknowledged = {0};
    struct hive_buffer batch = {0};
    int lost = 0, kept = 0;
    for (int round = 0; round < 400; round++) {
        struct model model = acknowledged;
        struct store *store = open_as(&disk_moody, *state, 16384, &acknowledged);
        if (model.count > 100)
            model_truncate(&model, &batch, 2);
        for (uint64_t steps = 1 + random_below(3); steps; steps--)
            model_step(&model, &batch, random_below(10) ? 700 : 10);
        mood.fail_at =
            random_below(4) ? mood.calls + 2 : 0; /* the sync behind the write, or that of a new segment */
        int result = store_write(store, batch.data, batch.size, NULL);
        hive_buffer_clear(&batch);
        store_close(store);
        bool is_kept = result == 0 || (mood.offset > 0 && !lose_sectors());
        if (is_kept)
            acknowledged = model;
        kept += is_kept;
        lost += !is_kept;
    }
    store_close(open_as(&disk_moody, *state, 16384, &acknowledged));
    assert_true(lost > 100 && kept > 100);
    hive_buffer_finish(&batch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_interrupts_and_short_writes_are_gone_on_from),
        TEST(test_a_disk_that_takes_no_bytes_is_an_error_and_no_endless_loop),
        TEST(test_after_any_failed_call_no_write_is_acknowledged),
        TEST(test_after_any_failed_call_no_write_is_acknowledged_without_a_preparer),
        TEST(test_a_bad_batch_ends_the_store_too),
        TEST(test_recovery_makes_the_last_write_durable_before_it_is_believed),
        TEST(test_a_segment_is_synced_then_named_then_its_name_is_synced),
        TEST(test_names_are_made_durable_before_a_log_is_gone_on_with),
        TEST(test_a_power_cut_in_a_write_loses_that_write_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
