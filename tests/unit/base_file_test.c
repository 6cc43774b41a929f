/* Files: whole or not at all, trees removed without leaving them, and locks that end with their holder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/file.h"
#include "hive/memory.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    folder = hive_format("%s/hive-file-XXXXXX", base ? base : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    int result = hive_file_remove_tree(folder, NULL);
    free(folder);
    return result;
}

/* FOLDER/PART; good until four calls later. */
static const char *in_folder(const char *part)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, part);
    return path;
}

static size_t count_entries(const char *path)
{
    DIR *directory = opendir(path);
    assert_non_null(directory);
    size_t count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2; /* . and .. */
}

static void a_written_file_reads_back_and_leaves_nothing_beside(void **state)
{
    (void)state;
    struct hive_buffer content = {0};
    struct hive_error error = {0};
    const char *path = in_folder("file");
    static const char *const texts[] = {"first", "", "a longer second content"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hive_file_write(path, texts[i], strlen(texts[i]), 0600, &error), 0);
        assert_int_equal(hive_file_read(path, 100, &content, &error), 0);
        assert_string_equal(content.data, texts[i]);
        assert_int_equal(content.size, strlen(texts[i]));
        assert_int_equal(count_entries(folder), 1);
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    hive_buffer_finish(&content);
}

static void a_failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    struct hive_error error = {0};
    assert_int_equal(mkdir(in_folder("taken"), 0700), 0);
    assert_int_equal(hive_file_write(in_folder("taken"), "x", 1, 0600, &error), -EISDIR);
    assert_non_null(strstr(error.message, "taken"));
    assert_int_equal(count_entries(folder), 1);
    assert_int_equal(hive_file_write(in_folder("missing/file"), "x", 1, 0600, &error), -ENOENT);
    assert_non_null(strstr(error.message, "missing/file"));
}

static void reading_stops_at_the_cap(void **state)
{
    (void)state;
    struct hive_buffer content = {0};
    struct hive_error error = {0};
    const char *path = in_folder("file");
    size_t bytes = 200000;
    char *data = hive_malloc(bytes);
    memset(data, 'x', bytes);
    assert_int_equal(hive_file_write(path, data, bytes, 0600, NULL), 0);
    assert_int_equal(hive_file_read(path, bytes, &content, &error), 0);
    assert_int_equal(content.size, bytes);
    assert_memory_equal(content.data, data, bytes);
    assert_int_equal(hive_file_read(path, SIZE_MAX, &content, &error), 0);
    assert_int_equal(content.size, bytes);
    assert_int_equal(hive_file_read(path, bytes - 1, &content, &error), -EFBIG);
    assert_int_equal(content.size, 0);
    assert_non_null(strstr(error.message, path));
    free(data);
    hive_buffer_finish(&content);
}

static void reading_what_is_not_there_says_so(void **state)
{
    (void)state;
    struct hive_buffer content = {0};
    struct hive_error error = {0};
    assert_int_equal(hive_file_read(in_folder("none"), 10, &content, &error), -ENOENT);
    assert_non_null(strstr(error.message, "none"));
    assert_int_equal(hive_file_read(folder, 10, &content, &error), -EISDIR);
    hive_buffer_finish(&content);
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    struct hive_error error = {0};
    struct stat status;
    assert_int_equal(hive_file_make_directories(in_folder("a/b//c/"), 0700, &error), 0);
    assert_int_equal(stat(in_folder("a/b/c"), &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(hive_file_make_directories(in_folder("a/b/c"), 0700, &error), 0);
    assert_int_equal(hive_file_write(in_folder("a/file"), "", 0, 0600, NULL), 0);
    assert_int_equal(hive_file_make_directories(in_folder("a/file"), 0700, &error), -ENOTDIR);
    assert_int_equal(hive_file_make_directories(in_folder("a/file/b"), 0700, &error), -ENOTDIR);
    assert_non_null(strstr(error.message, "a/file"));
    assert_int_equal(hive_file_sync_directory(in_folder("a"), &error), 0);
    assert_int_equal(hive_file_sync_directory(in_folder("none"), &error), -ENOENT);
}

static void removing_a_tree_never_follows_links(void **state)
{
    (void)state;
    struct hive_error error = {0};
    assert_int_equal(hive_file_make_directories(in_folder("outside/deep"), 0700, NULL), 0);
    assert_int_equal(hive_file_write(in_folder("outside/deep/kept"), "x", 1, 0600, NULL), 0);
    assert_int_equal(hive_file_make_directories(in_folder("tree/sub/sub"), 0700, NULL), 0);
    assert_int_equal(hive_file_write(in_folder("tree/sub/file"), "x", 1, 0600, NULL), 0);
    assert_int_equal(symlink(in_folder("outside"), in_folder("tree/sub/link")), 0);
    assert_int_equal(symlink("nowhere", in_folder("tree/dangling")), 0);
    assert_int_equal(hive_file_remove_tree(in_folder("tree"), &error), 0);
    assert_int_equal(access(in_folder("tree"), F_OK), -1);
    assert_int_equal(access(in_folder("outside/deep/kept"), F_OK), 0);
    assert_int_equal(hive_file_remove_tree(in_folder("tree"), &error), 0);

    assert_int_equal(symlink(in_folder("outside"), in_folder("link")), 0);
    assert_true(hive_file_remove_tree(in_folder("link"), &error) < 0);
    assert_non_null(strstr(error.message, "link"));
    assert_int_equal(access(in_folder("outside/deep/kept"), F_OK), 0);
}

static void a_lock_excludes_others_and_names_its_holder(void **state)
{
    (void)state;
    struct hive_error error = {0};
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        bool has_lock = hive_file_lock(in_folder("lock"), NULL) >= 0;
        if (write(ready[1], has_lock ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    assert_int_equal(hive_file_lock(in_folder("lock"), &error), -EWOULDBLOCK);
    char pid[16];
    snprintf(pid, sizeof pid, " %d:", (int)holder);
    assert_non_null(strstr(error.message, pid));
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    int lock = hive_file_lock(in_folder("lock"), &error); /* the lock died with its holder */
    assert_true(lock >= 0);
    close(lock);
    close(ready[0]);
    close(ready[1]);
}

static void a_lock_on_a_removed_file_does_not_count(void **state)
{
    (void)state;
    int old = hive_file_lock(in_folder("lock"), NULL);
    assert_true(old >= 0);
    assert_int_equal(unlink(in_folder("lock")), 0);
    int lock = hive_file_lock(in_folder("lock"), NULL);
    assert_true(lock >= 0);
    assert_int_equal(hive_file_lock(in_folder("lock"), NULL), -EWOULDBLOCK);
    close(old);
    close(lock);
    assert_int_equal(hive_file_lock(in_folder("none/lock"), NULL), -ENOENT);
}

static atomic_int holders;
static atomic_bool was_shared;

static void *lock_and_remove(void *context)
{
    (void)context;
    for (int i = 0; i < 3000; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/lock", folder);
        int lock = hive_file_lock(path, NULL);
        if (lock < 0)
            continue;
        if (atomic_fetch_add(&holders, 1) != 0)
            atomic_store(&was_shared, true);
        sched_yield();
        atomic_fetch_sub(&holders, 1);
        unlink(path);
        close(lock);
    }
    return NULL;
}

static void a_lock_has_one_holder_while_its_file_comes_and_goes(void **state)
{
    (void)state;
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lock_and_remove, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_false(atomic_load(&was_shared));
}

static void check_state_directory(const char *state_home, const char *home, const char *expected)
{
    struct hive_error error = {0};
    state_home ? setenv("XDG_STATE_HOME", state_home, 1) : unsetenv("XDG_STATE_HOME");
    home ? setenv("HOME", home, 1) : unsetenv("HOME");
    char *path = hive_file_state_directory(&error);
    if (expected)
        assert_string_equal(path, expected);
    else
        assert_null(path);
    assert_int_equal(*error.message == '\0', expected != NULL);
    free(path);
}

static void the_state_directory_follows_the_environment(void **state)
{
    (void)state;
    check_state_directory("/s", "/h", "/s/hive");
    check_state_directory(NULL, "/h", "/h/.local/state/hive");
    check_state_directory("", "/h", "/h/.local/state/hive");
    check_state_directory("relative", "/h", "/h/.local/state/hive");
    check_state_directory(NULL, "relative", NULL);
    check_state_directory(NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_written_file_reads_back_and_leaves_nothing_beside, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_failed_write_keeps_the_old_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(reading_stops_at_the_cap, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(reading_what_is_not_there_says_so, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(directories_are_made_with_their_parents, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(removing_a_tree_never_follows_links, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_lock_excludes_others_and_names_its_holder, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_lock_on_a_removed_file_does_not_count, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_lock_has_one_holder_while_its_file_comes_and_goes, make_folder,
                                        remove_folder),
        cmocka_unit_test(the_state_directory_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
