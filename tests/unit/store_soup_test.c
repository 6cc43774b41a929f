/* Random lives of one disk, one after the other: writes, truncations, terms, snapshots of the own machine and of peers,
 * installs and removals, each life ended by a crash at a random call, a failed call, or nothing, with or without a power
 * cut. Every start must tell the story as it was acknowledged. */
#include "unit/store_story.h"

#define LIVES 3000

static struct memory *memory;

struct counts {
    int lives, crashes, failures, cuts, snapshots, installs, contradictions;
} seen;

/* A write of the log: what a follower or a leader may be told to write. */
static int write_some(struct story *story, struct store *store)
{
    struct hive_buffer batch = {0};
    if (story->term == 0)
        story_vote(story, &batch, 1, 1);
    else if (story->last > story->snapshot &&
             random_below(4) == 0) { /* another leader's entries, from there on */
        raft_index from = story->snapshot + 1 + random_below(story->last - story->snapshot);
        store_encode_truncate(&batch, from);
        story->last = from - 1;
        story_vote(story, &batch, story->term + 1, random_below(3));
    } else if (random_below(5) == 0) {
        story_vote(story, &batch, story->term + 1 + random_below(2), random_below(3));
    }
    story_append(story, &batch, story->last + random_below(random_below(8) ? 4 : 25));
    return story_write(store, &batch);
}

/* One of the own machine: of what is in the log, or of what a quorum has and this log gets with the next write. */
static int snap_some(struct story *story, struct store *store)
{
    raft_index index = story->snapshot + 1 + random_below(10);
    seen.snapshots++;
    return story_snap(story, store, index, index > story->last ? story->term : story->terms[index]);
}

/* One of a peer: ahead of the log, or contradicting it, or of what is in it. */
static int receive_some(struct story *story, struct store *store)
{
    raft_index index = story->snapshot + 1 + random_below(30);
    bool contradicts = random_below(2);
    raft_term term = index <= story->last && !contradicts ? story->terms[index] : story->term + 1;
    seen.contradictions += index <= story->last && contradicts;
    return story_receive(story, store, index, term, (int)random_below(4));
}

/* What has to come next, or anything. */
static int step(struct story *story, struct store *store)
{
    bool is_behind = story->last < story->snapshot;
    if (story->term == 0)
        return write_some(story, store);
    bool is_other = story->snapshot && !is_behind && story->terms[story->snapshot] != story->snapshot_term;
    if (is_other || (is_behind && (story->term != story->snapshot_term || random_below(2)))) {
        seen.installs++;
        return story_install(story, store);
    }
    if (is_behind) {
        struct hive_buffer batch = {0};
        story_append(story, &batch, story->snapshot + random_below(3));
        return story_write(store, &batch);
    }
    switch (random_below(8)) {
    case 0:
        return snap_some(story, store);
    case 1:
        return receive_some(story, store);
    case 2:
        return store_drop_before(store, story->snapshot + 1 - random_below(story->snapshot ? 3 : 1), NULL);
    default:
        return write_some(story, store);
    }
}

/* One life; `before` and `after` are what the disk may tell when it is over. */
static void live(struct story *before, struct story *after)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    struct store *store;
    struct hive_error error = {""};
    if (store_open(&config, &store, &found, &error) < 0) {
        if (!memory->crash_at && !memory->fail_at)
            fail_msg("%s", error.message);
        return;
    }
    if (!story_is(before, &found)) {
        assert_true(story_is(after, &found));
        *before = *after;
    }
    *before = *after = story_view(before);
    if (!memory->crash_at && !memory->fail_at)
        story_check_dump(store, before->snapshot);
    store_recovery_finish(&found);
    int result = 0;
    for (uint64_t steps = random_below(30); steps && result == 0 && after->last < STORY_ENTRIES - 100;
         steps--) {
        *before = *after;
        result = step(after, store);
    }
    if (result == 0)
        *before = *after;
    seen.crashes += memory->is_dead;
    seen.failures += result < 0 && !memory->is_dead;
    store_close(store);
}

static void test_every_start_tells_what_was_acknowledged(void **state)
{
    static struct story before, after;
    (void)state;
    memory = memory_create();
    for (seen.lives = 0; seen.lives < LIVES; seen.lives++) {
        memory_revive(memory);
        switch (random_below(4)) {
        case 0:
            memory->crash_at = 1 + (int)random_below(random_below(2) ? 40 : 120);
            break;
        case 1:
            memory->fail_at = 1 + (int)random_below(100);
            break;
        default:
            break;
        }
        live(&before, &after);
        memory_revive(memory);
        if (random_below(2)) {
            memory_cut_power(memory);
            seen.cuts++;
        }
        if (before.last > STORY_ENTRIES - 500 ||
            memory->file_count > MEMORY_FILES - 500) { /* another queen */
            memory_destroy(memory);
            memory = memory_create();
            memset(&before, 0, sizeof before);
            after = before;
        }
    }
    memory_destroy(memory);
    assert_true(seen.crashes > LIVES / 20 && seen.failures > LIVES / 20 && seen.cuts > LIVES / 3);
    assert_true(seen.snapshots > LIVES / 2 && seen.installs > LIVES / 4 && seen.contradictions > LIVES / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_start_tells_what_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
