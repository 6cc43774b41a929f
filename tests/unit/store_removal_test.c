/* Files that were removed on a real file system: their space is given back in steps, and what somebody else would miss is
 * left whole. */
#include "unit/store_model.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>

#include "store/disk.h"

#define FILE_BYTES (40 << 20)

static char *directory, *path, *link_path;
static struct disk disk;      /* the system's; it counts, and runs nothing beside */
static int64_t most_cut;      /* bytes of one step */
static int unsynced_cuts;     /* since the last sync */
static int pauses, truncates; /* so far */

static int counting_truncate(const struct disk *self, int file, off_t bytes)
{
    int64_t cut = disk_system.size(self, file) - bytes;
    most_cut = cut > most_cut ? cut : most_cut;
    truncates++;
    assert_int_equal(unsynced_cuts++, 0);
    return disk_system.truncate(self, file, bytes);
}

static int counting_sync(const struct disk *self, int file)
{
    unsynced_cuts = 0;
    return disk_system.sync(self, file);
}

static void counting_pause(const struct disk *self, int ms)
{
    (void)self;
    assert_true(ms > 0);
    pauses++;
}

static int setup(void **state)
{
    (void)state;
    directory = quick_directory();
    path = hive_format("%s/large", directory);
    link_path = hive_format("%s/link", directory);
    disk = disk_system;
    disk.truncate = counting_truncate;
    disk.sync = counting_sync;
    disk.pause = counting_pause;
    disk.detach = NULL;
    most_cut = unsynced_cuts = pauses = truncates = 0;
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    int result = file < 0 || ftruncate(file, FILE_BYTES) < 0 ? -1 : 0;
    close(file);
    return result;
}

static int teardown(void **state)
{
    (void)state;
    remove_directory(directory);
    free(path);
    free(link_path);
    return 0;
}

static void assert_whole(int file)
{
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_size, FILE_BYTES);
    assert_int_equal(truncates, 0);
    close(file);
}

static void test_space_is_given_back_in_small_synced_steps(void **state)
{
    (void)state;
    assert_int_equal(disk_remove(&disk, path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(most_cut > 0 && most_cut <= 4 << 20);
    assert_int_equal(truncates, 10);
    assert_int_equal(pauses, truncates - 1);
}

static void test_a_file_with_another_name_stays_whole(void **state)
{
    (void)state;
    assert_int_equal(link(path, link_path), 0);
    assert_int_equal(disk_remove(&disk, path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_whole(open(link_path, O_RDONLY));
}

static void test_a_file_that_somebody_reads_stays_whole(void **state)
{
    (void)state;
    int reader = open(path, O_RDONLY);
    assert_int_equal(disk_remove(&disk, path), 0);
    assert_whole(reader);
}

static void test_a_file_that_kept_its_name_stays_whole(void **state)
{
    (void)state;
    disk_let_go(&disk, disk.open(&disk, path, O_RDWR));
    assert_whole(open(path, O_RDONLY));
    assert_int_equal(disk_remove(&disk, link_path), -ENOENT);
}

static void test_nobody_waits_for_it(void **state)
{
    char name[64];
    struct stat status;
    (void)state;
    int file = open(path, O_RDWR);
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    assert_int_equal(unlink(path), 0);
    disk_let_go(&disk_system, file);
    while (stat(name, &status) == 0 && status.st_nlink == 0) /* until another thread has closed it */
        sched_yield();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_space_is_given_back_in_small_synced_steps),
        TEST(test_a_file_with_another_name_stays_whole),
        TEST(test_a_file_that_somebody_reads_stays_whole),
        TEST(test_a_file_that_kept_its_name_stays_whole),
        TEST(test_nobody_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
