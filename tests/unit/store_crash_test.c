/* The process ends, or a call fails, at every single call to the disk of a life with snapshots, installs and logs whose
 * front goes; then the power is cut, or not. What the disk tells afterwards is the state before the step that was under way
 * or the one after it, and whatever was acknowledged before is there. */
#include "unit/store_story.h"

static struct memory *memory;

/* ---- a life in steps ---- */

static int append_to(struct story *story, struct store *store, raft_index to)
{
    struct hive_buffer batch = {0};
    story_append(story, &batch, to);
    return story_write(store, &batch);
}

static int step(int number, struct story *story, struct store *store)
{
    struct hive_buffer batch = {0};
    switch (number) {
    case 0:
        return story_found(story, store);
    case 1:
        story_vote(story, &batch, 1, 101);
        story_append(story, &batch, 8);
        return story_write(store, &batch);
    case 2:
        return append_to(story, store, 16);
    case 3: /* two chunks */
        return story_snap(story, store, 10, 1);
    case 4:
        return store_drop_before(store, 9, NULL);
    case 5:
        return append_to(story, store, 22);
    case 6: /* another leader */
        store_encode_truncate(&batch, 20);
        story->last = 19;
        story_vote(story, &batch, 2, 0);
        story_append(story, &batch, 23);
        return story_write(store, &batch);
    case 7:
        return story_snap(story, store, 21, 2);
    case 8:
        return store_drop_before(store, 22, NULL);
    case 9: /* the own machine is ahead of the own disk */
        return story_snap(story, store, 26, 2);
    case 10:
        return append_to(story, store, 30);
    case 11:
        return store_drop_before(store, 27, NULL);
    case 12: /* from a leader that is far ahead, in two goes */
        return story_receive(story, store, 40, 3, 2);
    case 13:
        return story_install(story, store);
    case 14:
        return store_drop_before(store, 41, NULL);
    case 15:
        return append_to(story, store, 45);
    case 16: /* one that agrees with the log */
        return story_receive(story, store, 43, 3, 1);
    case 17:
        return append_to(story, store, 52);
    case 18: /* contradicts the log */
        return story_receive(story, store, 51, 4, 0);
    case 19:
        return story_install(story, store);
    case 20:
        return store_drop_before(store, 52, NULL);
    case 21:
        return append_to(story, store, 60);
    default:
        return 1;
    }
}

static bool is_of_the_log(int number)
{
    static const int others[] = {0, 3, 4, 7, 8, 9, 11, 12, 14, 16, 18, 20};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] == number)
            return false;
    return true;
}

/* The log goes on whatever else has failed. */
static void append_one(struct story *before, struct story *after, struct store *store)
{
    struct hive_buffer batch = {0};
    story_append(before, &batch, before->last + 1);
    hive_buffer_clear(&batch);
    story_append(after, &batch, after->last + 1);
    assert_int_equal(story_write(store, &batch), 0);
}

/* Opens the store, which must be one of the two; leaves in `before` which. */
static struct store *open_as_either(struct story *before, const struct story *after)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    struct store *store;
    struct hive_error error = {""};
    if (store_open(&config, &store, &found, &error) < 0)
        fail_msg("%s", error.message);
    if (!story_is(before, &found)) {
        assert_true(story_is(after, &found));
        *before = *after;
    }
    *before = story_view(before);
    story_check_dump(store, before->snapshot);
    store_recovery_finish(&found);
    return store;
}

/* Lives until the call that was set. True where that came. `is_power_cut`: and then what is not durable may be lost. */
static bool live(bool crashes, bool is_power_cut, int at)
{
    static struct story before, after;
    struct store_config config = story_config(memory);
    struct store_recovery found;
    struct store *store = NULL;
    memset(&before, 0, sizeof before);
    after = before;
    memory_revive(memory);
    if (crashes)
        memory->crash_at = at;
    else
        memory->fail_at = at;
    int number = 0, result = store_open(&config, &store, &found, NULL);
    if (result == 0)
        store_recovery_finish(&found);
    for (; result == 0; number++) {
        before = after;
        result = step(number, &after, store);
    }
    bool is_at_end = result == 1;
    assert_true(is_at_end || result == -EIO);
    if (store && !crashes && !is_at_end && !is_of_the_log(number - 1))
        append_one(&before, &after, store);
    store_close(store);
    bool came = memory->calls >= at;
    memory_revive(memory);
    if (is_power_cut)
        memory_cut_power(memory);

    store = open_as_either(&before, &after);
    struct hive_buffer batch = {0};
    story_append(&before, &batch, before.last + 3);
    assert_int_equal(story_write(store, &batch), 0);
    store_close(store);
    memory_cut_power(memory);
    store_close(open_as_either(&before, &before));
    return came;
}

static void live_until_all_was_seen(bool crashes, bool is_power_cut)
{
    int at = 1;
    bool came = true;
    for (; came; at++) {
        memory = memory_create();
        came = live(crashes, is_power_cut, at);
        memory_destroy(memory);
    }
    assert_true(at > 200);
}

static void test_the_process_ends_at_any_call(void **state)
{
    (void)state;
    live_until_all_was_seen(true, false);
}

static void test_the_power_is_cut_at_any_call(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++)
        live_until_all_was_seen(true, true);
}

static void test_any_call_fails(void **state)
{
    (void)state;
    live_until_all_was_seen(false, false);
}

static void test_any_call_fails_and_then_the_power_is_cut(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++)
        live_until_all_was_seen(false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_process_ends_at_any_call),
        cmocka_unit_test(test_the_power_is_cut_at_any_call),
        cmocka_unit_test(test_any_call_fails),
        cmocka_unit_test(test_any_call_fails_and_then_the_power_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
