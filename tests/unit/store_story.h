/* The story of one queen's disk, beside the disk itself: what it was told durably, and so what it has to say when it
 * is asked again; and steps that go on with both. Snapshots included. */
#ifndef UNIT_STORE_STORY_H
#define UNIT_STORE_STORY_H

#include "unit/store_memory.h"

#include "raft/configuration.h"
#include "store/crc32c.h"
#include "store/snapshot.h"

#define STORY_DIRECTORY "/queen"
#define STORY_SEGMENT   1024
#define STORY_ENTRIES   4096
#define STORY_PIECE     100000 /* bytes of a snapshot that come or go at once */

struct story {
    bool is_founded;
    raft_term term;
    raft_id voted_for;
    raft_index last;
    raft_term terms[STORY_ENTRIES]; /* by index; below the snapshot they may be anything */
    raft_index snapshot;            /* the newest; 0: none */
    raft_term snapshot_term;
};

/* ---- contents, which follow from index and term ---- */

static inline struct raft_entry story_entry(raft_index index, raft_term term)
{
    static char data[200];
    memset(data, (int)(index * 7 + term), sizeof data);
    return (struct raft_entry){.index = index,
                               .term = term,
                               .type = RAFT_ENTRY_COMMAND,
                               .data = data,
                               .bytes = (index * 37 + term) % sizeof data};
}

static inline struct raft_snapshot story_snapshot(raft_index index, raft_term term)
{
    struct raft_snapshot snapshot = {.index = index, .term = term, .configuration.index = index / 2};
    for (raft_id id = 1; id <= 1 + index % 3; id++) {
        struct raft_member member = {.id = 100 + id, .kind = RAFT_MEMBER_VOTER};
        snprintf(member.address, sizeof member.address, "queen-%d:%d", (int)id, (int)index);
        raft_configuration_put(&snapshot.configuration, &member);
    }
    return snapshot;
}

/* The machine's dump; some are of more than one chunk. The caller owns it. */
static inline uint8_t *story_dump(raft_index index, size_t *bytes)
{
    *bytes = index % 10 == 0 ? SNAPSHOT_CHUNK_BYTES + 1000 + index : index * 30 % 2000;
    uint8_t *dump = hive_malloc(*bytes);
    for (size_t i = 0; i < *bytes; i++)
        dump[i] = (uint8_t)(index + i * 13 + i / 251);
    return dump;
}

/* The bytes of a snapshot file, as a peer would send them. */
static inline void story_file(raft_index index, raft_term term, struct hive_buffer *file)
{
    struct raft_snapshot snapshot = story_snapshot(index, term);
    size_t bytes, used = 0;
    uint8_t *dump = story_dump(index, &bytes), head[SNAPSHOT_CHUNK_HEADER_BYTES], end[SNAPSHOT_FOOTER_BYTES];
    hive_buffer_clear(file);
    snapshot_encode_header(&snapshot, file);
    while (used < bytes) {
        size_t part = bytes - used < SNAPSHOT_CHUNK_BYTES ? bytes - used : SNAPSHOT_CHUNK_BYTES;
        snapshot_encode_chunk(file->size, dump + used, part, head);
        hive_buffer_append(file, head, sizeof head);
        hive_buffer_append(file, dump + used, part);
        used += part;
    }
    snapshot_encode_footer(crc32c(0, file->data, file->size), bytes, end);
    hive_buffer_append(file, end, sizeof end);
    free(dump);
}

/* ---- what the disk has to say ---- */

/* The story as a start tells it: a snapshot that the log does not reach, or contradicts, replaces it. */
static inline struct story story_view(const struct story *story)
{
    struct story view = *story;
    if (view.snapshot && (view.last < view.snapshot || view.terms[view.snapshot] != view.snapshot_term)) {
        view.last = view.snapshot;
        view.terms[view.snapshot] = view.snapshot_term;
        if (view.term < view.snapshot_term) {
            view.term = view.snapshot_term;
            view.voted_for = 0;
        }
    }
    return view;
}

static inline bool story_same_members(const struct raft_configuration *a, const struct raft_configuration *b)
{
    struct hive_buffer left = {0}, right = {0};
    raft_configuration_encode(&left, a);
    raft_configuration_encode(&right, b);
    bool is_same =
        a->index == b->index && left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
    hive_buffer_finish(&left);
    hive_buffer_finish(&right);
    return is_same;
}

static inline bool story_same_snapshot(const struct story *view, const struct raft_snapshot *found)
{
    if (!found || !view->snapshot)
        return !found && !view->snapshot;
    struct raft_snapshot expected = story_snapshot(view->snapshot, view->snapshot_term);
    return found->index == expected.index && found->term == expected.term &&
           story_same_members(&found->configuration, &expected.configuration);
}

/* True where recovery tells just that. */
static inline bool story_is(const struct story *story, const struct store_recovery *found)
{
    struct story view = story_view(story);
    if (found->term != view.term || found->voted_for != view.voted_for ||
        !story_same_snapshot(&view, found->snapshot) || !found->founding != !view.is_founded)
        return false;
    raft_index before = found->entry_count ? found->entries[0].index - 1 : view.snapshot;
    if (before > view.snapshot || before + found->entry_count != view.last)
        return false;
    for (size_t i = 0; i < found->entry_count; i++) {
        const struct raft_entry *kept = &found->entries[i];
        struct raft_entry entry = story_entry(before + 1 + i, view.terms[before + 1 + i]);
        if (kept->index != entry.index || kept->term != entry.term || kept->type != entry.type ||
            kept->bytes != entry.bytes || (entry.bytes && memcmp(kept->data, entry.data, entry.bytes) != 0))
            return false;
    }
    return true;
}

/* Reads the newest snapshot from end to end. */
/* The newest snapshot stands for `meta_index` and has the bytes of the story's `index`: the same, but where a backup was put back. */
static inline void story_check_dump_of(struct store *store, raft_index meta_index, raft_index index)
{
    struct store_snapshot_reader *reader;
    struct hive_error error = {""};
    size_t bytes, used = 0;
    if (index == 0) {
        assert_int_equal(store_snapshot_open(store, &reader, NULL), -ENOENT);
        return;
    }
    uint8_t *dump = story_dump(index, &bytes), *got = hive_malloc(STORY_PIECE);
    assert_int_equal(store_snapshot_open(store, &reader, &error), 0);
    assert_int_equal(store_snapshot_meta(reader)->index, meta_index);
    ssize_t part;
    while ((part = store_snapshot_read(reader, got, STORY_PIECE, &error)) > 0) {
        assert_true(used + (size_t)part <= bytes);
        assert_memory_equal(got, dump + used, part);
        used += (size_t)part;
    }
    if (part < 0)
        fail_msg("%s", error.message);
    assert_int_equal(used, bytes);
    store_snapshot_close(reader);
    free(dump);
    free(got);
}

static inline void story_check_dump(struct store *store, raft_index index)
{
    story_check_dump_of(store, index, index);
}

/* ---- steps: each goes on with the story, and asks the disk to ---- */

static inline struct store_config story_config(struct memory *memory)
{
    return (struct store_config){
        .directory = STORY_DIRECTORY, .disk = &memory->disk, .segment_bytes = STORY_SEGMENT};
}

static inline int story_write(struct store *store, struct hive_buffer *batch)
{
    int result = store_write(store, batch->data, batch->size, NULL);
    hive_buffer_finish(batch);
    return result;
}

static inline void story_append(struct story *story, struct hive_buffer *batch, raft_index to)
{
    while (story->last < to) {
        story->terms[++story->last] = story->term;
        struct raft_entry entry = story_entry(story->last, story->term);
        store_encode_entry(batch, &entry);
    }
}

static inline void story_vote(struct story *story, struct hive_buffer *batch, raft_term term, raft_id voted)
{
    story->term = term;
    story->voted_for = voted;
    store_encode_hard_state(batch, term, voted);
}

static inline int story_found(struct story *story, struct store *store)
{
    struct raft_configuration members = story_snapshot(2, 0).configuration;
    story->is_founded = true;
    return store_set_founding(store, &members, NULL);
}

/* A snapshot of the own machine. */
static inline int story_snap(struct story *story, struct store *store, raft_index index, raft_term term)
{
    struct store_snapshot_writer *writer;
    struct raft_snapshot snapshot = story_snapshot(index, term);
    size_t bytes, used = 0;
    uint8_t *dump = story_dump(index, &bytes);
    story->snapshot = index;
    story->snapshot_term = term;
    int result = store_snapshot_begin(store, &snapshot, &writer, NULL);
    bool has_begun = result == 0;
    while (result == 0 && used < bytes) {
        size_t part = bytes - used < STORY_PIECE ? bytes - used : STORY_PIECE;
        result = store_snapshot_append(writer, dump + used, part, NULL);
        used += part;
    }
    if (result == 0)
        result = store_snapshot_commit(writer, NULL);
    else if (has_begun)
        store_snapshot_abort(writer);
    free(dump);
    return result;
}

/* A snapshot from a peer, whose stream breaks once after `pieces`; installed only by story_install. */
static inline int story_receive(struct story *story, struct store *store, raft_index index, raft_term term,
                                int pieces)
{
    struct store_incoming *incoming;
    struct hive_buffer file = {0};
    struct raft_snapshot snapshot, expected = story_snapshot(index, term);
    uint64_t offset;
    story_file(index, term, &file);
    int result = store_incoming_begin(store, index, term, file.size, &incoming, &offset, NULL);
    bool has_begun = result == 0;
    while (result == 0 && offset < file.size) {
        size_t part = file.size - offset < STORY_PIECE ? file.size - offset : STORY_PIECE;
        result = store_incoming_append(incoming, file.data + offset, part, NULL);
        if (result == 0 && --pieces == 0) {
            uint64_t before = offset + part;
            store_incoming_suspend(incoming);
            result = store_incoming_begin(store, index, term, file.size, &incoming, &offset, NULL);
            has_begun = result == 0;
            if (result == 0)
                assert_int_equal(offset, before);
            continue;
        }
        offset += part;
    }
    if (result == 0) {
        result = store_incoming_commit(incoming, &snapshot, NULL);
        if (result == 0)
            assert_true(story_same_members(&snapshot.configuration, &expected.configuration));
    } else if (has_begun) {
        store_incoming_suspend(incoming);
    }
    story->snapshot = index;
    story->snapshot_term = term;
    hive_buffer_finish(&file);
    return result;
}

/* The log's part of an install. */
static inline int story_install(struct story *story, struct store *store)
{
    struct hive_buffer batch = {0};
    story->last = story->snapshot;
    story->terms[story->last] = story->snapshot_term;
    store_encode_install(&batch, story->snapshot, story->snapshot_term);
    if (story->snapshot_term > story->term)
        story_vote(story, &batch, story->snapshot_term, 0);
    return story_write(store, &batch);
}

#endif
