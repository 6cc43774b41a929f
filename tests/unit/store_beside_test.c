/* Two threads on one store, as a queen runs it: one writes the log, the other takes snapshots, removes the log's front and
 * reads. Under ThreadSanitizer this tells what they share without asking. */
#include "unit/store_story.h"

#include <stdatomic.h>

#define ENTRIES 3000

static struct store *store;
static _Atomic raft_index written;

static void *write_log(void *argument)
{
    struct story *story = argument;
    while (story->last < ENTRIES) {
        struct hive_buffer batch = {0};
        story_append(story, &batch, story->last + 3);
        if (story_write(store, &batch) < 0)
            abort();
        atomic_store(&written, story->last);
    }
    return NULL;
}

static void test_a_log_is_written_beside_its_snapshots(void **state)
{
    static struct story story, beside;
    struct store_config config = {.segment_bytes = STORY_SEGMENT};
    struct store_recovery found;
    struct hive_buffer batch = {0};
    pthread_t writer;
    char *directory = quick_directory();
    (void)state;
    config.directory = directory;
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    store_recovery_finish(&found);
    story_vote(&story, &batch, 1, 101);
    assert_int_equal(story_write(store, &batch), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_log, &story), 0);
    int taken = 0;
    for (raft_index last = 0; last < ENTRIES;) {
        last = atomic_load(&written);
        if (last <= beside.snapshot)
            continue;
        assert_int_equal(story_snap(&beside, store, last, 1), 0);
        story_check_dump(store, last);
        assert_int_equal(store_drop_before(store, last - 1, NULL), 0);
        taken++;
    }
    pthread_join(writer, NULL);
    assert_true(taken > 3);
    store_close(store);
    story.snapshot = beside.snapshot;
    story.snapshot_term = 1;
    assert_int_equal(store_open(&config, &store, &found, NULL), 0);
    assert_true(story_is(&story, &found));
    assert_true(found.entries[0].index > 1);
    store_recovery_finish(&found);
    store_close(store);
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_is_written_beside_its_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
