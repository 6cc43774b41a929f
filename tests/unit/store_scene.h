/* One store on a disk in memory, and its story: what most tests of snapshots begin with. */
#ifndef UNIT_STORE_SCENE_H
#define UNIT_STORE_SCENE_H

#include "unit/store_story.h"

#include "store/catalog.h"

static struct memory *memory;
static struct story story;
static struct store *store;

static inline struct store *open_story(void)
{
    struct store_config config = story_config(memory);
    struct store_recovery found;
    struct hive_error error = {""};
    if (store_open(&config, &store, &found, &error) < 0)
        fail_msg("%s", error.message);
    assert_true(story_is(&story, &found));
    story = story_view(&story);
    store_recovery_finish(&found);
    return store;
}

static inline void reopen(void)
{
    store_close(store);
    memory_revive(memory);
    open_story();
}

static inline int setup(void **state)
{
    (void)state;
    memory = memory_create();
    memset(&story, 0, sizeof story);
    open_story();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    store_close(store);
    memory_revive(memory);
    memory_destroy(memory);
    return 0;
}

static inline void append(raft_index to)
{
    struct hive_buffer batch = {0};
    story_append(&story, &batch, to);
    assert_int_equal(story_write(store, &batch), 0);
}

static inline void snap(raft_index index)
{
    assert_int_equal(story_snap(&story, store, index, story.term), 0);
}

static inline void begin_with(raft_index entries)
{
    struct hive_buffer batch = {0};
    story_vote(&story, &batch, 1, 101);
    story_append(&story, &batch, entries);
    assert_int_equal(story_write(store, &batch), 0);
}

static inline char *path_of(raft_index index, raft_term term)
{
    return hive_format("%s/" CATALOG_SNAPSHOT_NAME, STORY_DIRECTORY, index, term);
}

static inline bool exists(const char *path)
{
    return memory_find(memory->now, path) != NULL;
}

static inline struct memory_file *file_of(const char *path)
{
    struct memory_name *name = memory_find(memory->now, path);
    assert_non_null(name);
    return &memory->files[name->file];
}

static inline void put_file(const char *path, const void *bytes, size_t size)
{
    int file = memory->disk.open(&memory->disk, path, O_RDWR | O_CREAT | O_TRUNC);
    assert_true(file >= 0);
    assert_int_equal(disk_write_bytes(&memory->disk, file, bytes, size, 0), 0);
    memory->disk.close(&memory->disk, file);
}

#endif
