/* What the store's tests share: a directory that goes away, a model of what a log should say, and random
 * steps that change both the model and a batch for the store. */
#ifndef UNIT_STORE_MODEL_H
#define UNIT_STORE_MODEL_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hive/file.h"
#include "hive/memory.h"
#include "store/identity.h"
#include "store/store_internal.h"

#define QUEEN 4711

/* ---- a place for the log ---- */

static inline char *temporary_directory_in(const char *base)
{
    char *path = hive_format("%s/hive-store-XXXXXX", base);
    assert_non_null(mkdtemp(path));
    return path;
}

static inline char *temporary_directory(void)
{
    const char *base = getenv("TMPDIR");
    return temporary_directory_in(base && *base ? base : "/tmp");
}

/* In memory where the system has such a place: for tests that write a log anew thousands of times. */
static inline char *quick_directory(void)
{
    const char *memory = "/dev/shm";
    return getenv("TMPDIR") || access(memory, W_OK) < 0 ? temporary_directory()
                                                        : temporary_directory_in(memory);
}

static inline void remove_directory(char *path)
{
    assert_int_equal(hive_file_remove_tree(path, NULL), 0);
    free(path);
}

/* The disk without its slowness, for tests that open a store thousands of times and lose no power. */
static inline int sync_nothing(const struct disk *disk, int file)
{
    (void)disk, (void)file;
    return 0;
}

static inline int sync_no_directory(const struct disk *disk, const char *path)
{
    (void)disk, (void)path;
    return 0;
}

static struct disk disk_quick;

__attribute__((constructor)) static void make_disk_quick(void)
{
    disk_quick = disk_system;
    disk_quick.sync = sync_nothing;
    disk_quick.sync_directory = sync_no_directory;
}

/* ---- random bits that are the same in every run ---- */

static uint64_t random_state = 88172645463325252ull;

static inline uint64_t random_below(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* ---- the model ---- */

#define MODEL_ENTRIES 512

struct model {
    raft_term term;
    raft_id voted_for;
    size_t count;                   /* of entries */
    raft_term terms[MODEL_ENTRIES]; /* of each */
    size_t data_bytes[MODEL_ENTRIES];
};

/* The entry at `index`. Its data depends on index, term and size alone; every third one is all zeros, which
 * on disk looks like nothing. Points into a buffer that the next call uses again. */
static inline struct raft_entry model_entry(const struct model *model, raft_index index)
{
    static char data[65536];
    struct raft_entry entry = {.index = index,
                               .term = model->terms[index - 1],
                               .type = index % 5 ? RAFT_ENTRY_COMMAND : RAFT_ENTRY_NOOP,
                               .data = data,
                               .bytes = model->data_bytes[index - 1]};
    assert_true(entry.bytes <= sizeof data);
    for (size_t i = 0; i < entry.bytes; i++)
        data[i] = index % 3 ? (char)(index * 31 + entry.term * 7 + i) : 0;
    return entry;
}

static inline void model_append(struct model *model, struct hive_buffer *batch, size_t data_bytes)
{
    assert_true(model->count < MODEL_ENTRIES);
    model->terms[model->count] = model->term;
    model->data_bytes[model->count] = data_bytes;
    struct raft_entry entry = model_entry(model, ++model->count);
    store_encode_entry(batch, &entry);
}

static inline void model_truncate(struct model *model, struct hive_buffer *batch, raft_index from)
{
    model->count = from - 1;
    store_encode_truncate(batch, from);
}

static inline void model_vote(struct model *model, struct hive_buffer *batch, raft_term term,
                              raft_id voted_for)
{
    model->term = term;
    model->voted_for = voted_for;
    store_encode_hard_state(batch, term, voted_for);
}

/* One step as the core might ask for: maybe a truncation, entries, term and vote, but something. */
static inline void model_step(struct model *model, struct hive_buffer *batch, size_t data_bytes_max)
{
    size_t before = batch->size;
    while (batch->size == before) {
        if (model->count > 2 && random_below(5) == 0)
            model_truncate(model, batch, model->count - random_below(2));
        raft_term term = model->term + (random_below(3) == 0);
        bool is_new = term != model->term;
        model->term = term;
        for (uint64_t entries = random_below(4); entries; entries--)
            model_append(model, batch, random_below(data_bytes_max + 1));
        if (is_new)
            model_vote(model, batch, term, random_below(4));
    }
}

static inline bool model_is(const struct model *model, const struct store_recovery *found)
{
    if (found->term != model->term || found->voted_for != model->voted_for ||
        found->entry_count != model->count)
        return false;
    for (size_t i = 0; i < model->count; i++) {
        struct raft_entry entry = model_entry(model, i + 1);
        const struct raft_entry *kept = &found->entries[i];
        if (kept->index != entry.index || kept->term != entry.term || kept->type != entry.type ||
            kept->bytes != entry.bytes || (entry.bytes && memcmp(kept->data, entry.data, entry.bytes) != 0))
            return false;
    }
    return true;
}

/* ---- the store, with errors that fail the test ---- */

/* A directory of queen QUEEN, whose id is then no chance. */
static inline void make_directory(const char *directory)
{
    raft_id id;
    assert_int_equal(hive_file_make_directories(directory, 0700, NULL), 0);
    if (identity_read(&disk_quick, directory, &id, NULL) == -ENOENT)
        assert_int_equal(identity_write(&disk_quick, directory, QUEEN, NULL), 0);
}

static inline struct store *open_store_on(const struct disk *disk, const char *directory,
                                          size_t segment_bytes, struct store_recovery *recovery)
{
    struct store_config config = {.directory = directory, .disk = disk, .segment_bytes = segment_bytes};
    struct hive_error error = {""};
    struct store *store = NULL;
    make_directory(directory);
    if (store_open(&config, &store, recovery, &error) < 0)
        fail_msg("%s", error.message);
    assert_int_equal(recovery->id, QUEEN);
    return store;
}

/* Opens the store, checks that it says what the model says, and leaves it open. */
static inline struct store *open_as(const struct disk *disk, const char *directory, size_t segment_bytes,
                                    const struct model *model)
{
    struct store_recovery recovery;
    struct store *store = open_store_on(disk, directory, segment_bytes, &recovery);
    assert_true(model_is(model, &recovery));
    store_recovery_finish(&recovery);
    return store;
}

/* Writes the batch and empties it. */
static inline void write_batch(struct store *store, struct hive_buffer *batch)
{
    struct hive_error error = {""};
    if (store_write(store, batch->data, batch->size, &error) < 0)
        fail_msg("%s", error.message);
    hive_buffer_clear(batch);
}

/* That opening is refused with that error, and that the message holds those words. */
static inline void assert_refused(const char *directory, int code, const char *words)
{
    struct store_config config = {.directory = directory, .disk = &disk_quick};
    struct store_recovery recovery;
    struct hive_error error = {""};
    struct store *store = NULL;
    assert_int_equal(store_open(&config, &store, &recovery, &error), code);
    assert_null(store);
    assert_int_equal(recovery.entry_count, 0);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, error.message);
}

#endif
