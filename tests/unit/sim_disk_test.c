/* The simulator's disk: that it loses what a disk may lose, keeps what it must keep, and is the same from the same seed. A simulated disk
 * that is too kind would let every bug of the store pass. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/buffer.h"
#include "sim/sim_disk.h"

#define SECTOR 512

static struct sim_disk *make(uint64_t seed)
{
    return sim_disk_create(sim_random_stream(seed, 0));
}

static int open_file(struct sim_disk *disk, const char *path)
{
    int file = disk->disk.open(&disk->disk, path, O_RDWR | O_CREAT);
    assert_true(file >= 0);
    return file;
}

static ssize_t put(struct sim_disk *disk, int file, off_t offset, char byte, size_t size)
{
    char bytes[4 * SECTOR];
    memset(bytes, byte, sizeof bytes);
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    return disk_write(&disk->disk, file, &part, 1, offset);
}

static char get(struct sim_disk *disk, const char *path, off_t offset)
{
    char byte = 0;
    int file = disk->disk.open(&disk->disk, path, O_RDONLY);
    if (file < 0)
        return '-';
    if (disk->disk.read(&disk->disk, file, &byte, 1, offset) != 1)
        byte = '.';
    disk->disk.close(&disk->disk, file);
    return byte ? byte : '0';
}

static void lose_power(struct sim_disk *disk)
{
    sim_disk_kill(disk);
    sim_disk_lose_power(disk);
    sim_disk_revive(disk);
}

/* A file that is there for good, with four sectors of 'a'. */
static int make_durable_file(struct sim_disk *disk)
{
    int file = open_file(disk, "/d/f");
    assert_int_equal(put(disk, file, 0, 'a', 4 * SECTOR), 0);
    assert_int_equal(disk->disk.sync(&disk->disk, file), 0);
    assert_int_equal(disk->disk.sync_directory(&disk->disk, "/d"), 0);
    return file;
}

static void test_what_was_synced_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct sim_disk *disk = make(seed);
        make_durable_file(disk);
        lose_power(disk);
        for (int sector = 0; sector < 4; sector++)
            assert_int_equal(get(disk, "/d/f", sector * SECTOR), 'a');
        sim_disk_destroy(disk);
    }
}

static void test_sectors_that_were_not_synced_are_lost_or_kept_each_for_itself(void **state)
{
    (void)state;
    unsigned seen[16] = {0};
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct sim_disk *disk = make(seed);
        int file = make_durable_file(disk);
        unsigned kept = 0;
        assert_int_equal(put(disk, file, 0, 'b', 4 * SECTOR), 0);
        assert_int_equal(get(disk, "/d/f", 0), 'b'); /* whoever reads sees it */
        lose_power(disk);
        for (unsigned sector = 0; sector < 4; sector++) {
            char byte = get(disk, "/d/f", sector * SECTOR);
            assert_true(byte == 'a' || byte == 'b');
            assert_int_equal(byte, get(disk, "/d/f", sector * SECTOR + SECTOR - 1)); /* none is torn */
            kept |= (byte == 'b') << sector;
        }
        seen[kept]++;
        sim_disk_destroy(disk);
    }
    for (size_t i = 0; i < 16; i++)
        assert_true(seen[i] > 0);
}

static void test_the_end_of_a_process_loses_nothing(void **state)
{
    (void)state;
    struct sim_disk *disk = make(1);
    int file = make_durable_file(disk);
    assert_int_equal(put(disk, file, 0, 'b', SECTOR), 0);
    sim_disk_kill(disk);
    assert_int_equal(disk->disk.sync(&disk->disk, file), -EIO);
    sim_disk_revive(disk);
    assert_int_equal(get(disk, "/d/f", 0), 'b');
    sim_disk_destroy(disk);
}

static void test_what_a_failed_sync_left_out_no_later_sync_brings(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim_disk *disk = make(seed);
        int file = make_durable_file(disk);
        assert_int_equal(put(disk, file, 0, 'b', SECTOR), 0);
        sim_disk_fail_after(disk, 1, -EIO);
        assert_int_equal(disk->disk.sync(&disk->disk, file), -EIO);
        assert_int_equal(disk->disk.sync(&disk->disk, file), 0);
        assert_int_equal(get(disk, "/d/f", 0), 'b');
        lose_power(disk);
        lost += get(disk, "/d/f", 0) == 'a';
        sim_disk_destroy(disk);
    }
    assert_true(lost > 20);
}

static void test_names_are_lost_until_the_directory_is_synced(void **state)
{
    (void)state;
    unsigned outcomes[4] = {0};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct sim_disk *disk = make(seed);
        make_durable_file(disk);
        assert_int_equal(disk->disk.rename(&disk->disk, "/d/f", "/d/g"), 0);
        open_file(disk, "/d/h");
        lose_power(disk);
        bool is_renamed = get(disk, "/d/g", 0) == 'a', is_made = get(disk, "/d/h", 0) != '-';
        assert_true(is_renamed !=
                    (get(disk, "/d/f", 0) == 'a')); /* a rename is done or not, never lost between */
        outcomes[is_renamed * 2 + is_made]++;
        sim_disk_destroy(disk);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(outcomes[i] > 0);
}

static void test_a_new_size_is_lost_until_it_is_synced(void **state)
{
    (void)state;
    unsigned kept = 0, lost = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim_disk *disk = make(seed);
        int file = make_durable_file(disk);
        assert_int_equal(put(disk, file, 4 * SECTOR, 'b', SECTOR), 0);
        lose_power(disk);
        char byte = get(disk, "/d/f", 4 * SECTOR);
        assert_true(byte == '.' || byte == '0' || byte == 'b');
        lost += byte == '.';
        kept += byte == 'b';
        sim_disk_destroy(disk);
    }
    assert_true(kept > 0 && lost > 0);
}

static void test_it_ends_its_process_in_the_middle_of_a_write(void **state)
{
    (void)state;
    unsigned partial = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim_disk *disk = make(seed);
        int file = make_durable_file(disk);
        sim_disk_crash_after(disk, 1);
        assert_int_equal(put(disk, file, 0, 'b', 4 * SECTOR), -EIO);
        assert_true(disk->is_dead);
        assert_int_equal(put(disk, file, 0, 'c', SECTOR), -EIO);
        sim_disk_revive(disk);
        partial += get(disk, "/d/f", 0) == 'b' && get(disk, "/d/f", 4 * SECTOR - 1) == 'a';
        sim_disk_destroy(disk);
    }
    assert_true(partial > 100);
}

static int count_name(const char *name, void *context)
{
    (void)name;
    ++*(int *)context;
    return 0;
}

static void test_files_locks_and_lists_are_as_the_system_has_them(void **state)
{
    (void)state;
    struct sim_disk *disk = make(1);
    struct hive_error error;
    int count = 0;
    int file = make_durable_file(disk);
    assert_int_equal(disk->disk.open(&disk->disk, "/d/none", O_RDONLY), -ENOENT);
    assert_int_equal(disk->disk.size(&disk->disk, file), 4 * SECTOR);
    assert_int_equal(disk->disk.truncate(&disk->disk, file, SECTOR), 0);
    assert_int_equal(disk->disk.truncate(&disk->disk, file, 2 * SECTOR), 0);
    assert_int_equal(get(disk, "/d/f", SECTOR), '0');
    int lock = disk->disk.lock(&disk->disk, "/d/lock", &error);
    assert_true(lock >= 0);
    assert_int_equal(disk->disk.lock(&disk->disk, "/d/lock", &error), -EWOULDBLOCK);
    disk->disk.close(&disk->disk, lock);
    lock = disk->disk.lock(&disk->disk, "/d/lock", &error);
    assert_true(lock >= 0);
    open_file(disk, "/d/deeper/x");
    assert_int_equal(disk->disk.list(&disk->disk, "/d", count_name, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(disk->disk.remove(&disk->disk, "/d/f"), 0);
    assert_int_equal(disk->disk.size(&disk->disk, file), 2 * SECTOR); /* open files outlive their names */
    sim_disk_destroy(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_synced_stays),
        cmocka_unit_test(test_sectors_that_were_not_synced_are_lost_or_kept_each_for_itself),
        cmocka_unit_test(test_the_end_of_a_process_loses_nothing),
        cmocka_unit_test(test_what_a_failed_sync_left_out_no_later_sync_brings),
        cmocka_unit_test(test_names_are_lost_until_the_directory_is_synced),
        cmocka_unit_test(test_a_new_size_is_lost_until_it_is_synced),
        cmocka_unit_test(test_it_ends_its_process_in_the_middle_of_a_write),
        cmocka_unit_test(test_files_locks_and_lists_are_as_the_system_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
