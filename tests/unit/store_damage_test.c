/* A small log, cut at every byte and flipped in every bit. Whatever is done to it, recovery gives the log as
 * it was after some write, and forgets no write but one that a crash could have torn; or it refuses. What it
 * gives can be written on. */
#include "unit/store_model.h"

#include <fcntl.h>

#include "store/segment.h"
#include "store/wal.h"

#define SEGMENT  1024
#define SEGMENTS 3 /* two in use, one prepared */
#define FIRST    6 /* writes that are in the first segment */
#define WRITES   9

struct place {
    uint64_t sequence;
    size_t start, end; /* of the frame, in its segment */
};

struct log {
    char *directory;
    struct model after[WRITES + 1]; /* so many writes */
    struct place places[WRITES + 1];
    uint8_t bytes[SEGMENTS + 1][SEGMENT]; /* of the segments, by their number */
};

/* ---- the log ---- */

/* Ends the next write. */
static void write_next(struct log *log, struct store *store, struct hive_buffer *batch,
                       const struct model *model)
{
    size_t number = 1;
    while (log->after[number].term)
        number++;
    write_batch(store, batch);
    log->after[number] = *model;
}

static void append(struct model *model, struct hive_buffer *batch, int entries, size_t data_bytes)
{
    while (entries--)
        model_append(model, batch, data_bytes);
}

static void write_log(struct log *log)
{
    struct model model = {0};
    struct hive_buffer batch = {0};
    struct store *store = open_as(&disk_quick, log->directory, SEGMENT, &model);
    append(&model, &batch, 2, 30);
    model_vote(&model, &batch, 1, QUEEN);
    write_next(log, store, &batch, &model);
    append(&model, &batch, 3, 19);
    write_next(log, store, &batch, &model);
    model_truncate(&model, &batch, 4);
    append(&model, &batch, 2, 30);
    model_vote(&model, &batch, 2, 0);
    write_next(log, store, &batch, &model);
    append(&model, &batch, 5, 30);
    write_next(log, store, &batch, &model);
    append(&model, &batch, 1, 100);
    write_next(log, store, &batch, &model);
    model_vote(&model, &batch, 3, 5);
    write_next(log, store, &batch, &model);
    append(&model, &batch, 1, 60); /* the second segment */
    write_next(log, store, &batch, &model);
    model_vote(&model, &batch, 4, 5);
    write_next(log, store, &batch, &model);
    append(&model, &batch, 1, 550);
    write_next(log, store, &batch, &model);
    store_close(store);
    hive_buffer_finish(&batch);
}

/* Reads the log that is on disk and notes where its frames are. */
static void read_log(struct log *log)
{
    struct hive_buffer content = {0};
    for (uint64_t sequence = 1; sequence <= SEGMENTS; sequence++) {
        char *path = segment_path(log->directory, sequence);
        assert_int_equal(hive_file_read(path, SEGMENT, &content, NULL), 0);
        assert_int_equal(content.size, SEGMENT);
        memcpy(log->bytes[sequence], content.data, SEGMENT);
        free(path);

        struct wal_header header;
        struct wal_frame frame;
        assert_int_equal(wal_decode_header(content.data, content.size, &header), 0);
        struct wal_image image = {log->bytes[sequence], SEGMENT, header.salt};
        for (size_t offset = WAL_HEADER_BYTES; wal_decode_frame(&image, offset, &frame);
             offset += frame.bytes)
            log->places[frame.number] = (struct place){sequence, offset, offset + frame.bytes};
    }
    hive_buffer_finish(&content);
}

static int setup(void **state)
{
    struct log *log = hive_calloc(1, sizeof *log);
    log->directory = quick_directory();
    write_log(log);
    read_log(log);
    assert_int_equal(log->places[FIRST].sequence, 1);
    assert_int_equal(log->places[FIRST + 1].sequence, 2);
    const struct place *last = &log->places[WRITES];
    assert_true(last->start < 512 && last->end > 512 &&
                last->end < SEGMENT); /* in two sectors, and zeros behind it */
    *state = log;
    return 0;
}

static int teardown(void **state)
{
    struct log *log = *state;
    remove_directory(log->directory);
    free(log);
    return 0;
}

static void put_segment(const struct log *log, uint64_t sequence, size_t size)
{
    char *path = segment_path(log->directory, sequence);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, log->bytes[sequence], size), size);
    if (lseek(file, 0, SEEK_END) != (off_t)size)
        assert_int_equal(ftruncate(file, (off_t)size), 0);
    close(file);
    free(path);
}

/* Puts on disk what `bytes` say: that many segments, the last of them `last_bytes` long. */
static void put_log(const struct log *log, uint64_t count, size_t last_bytes)
{
    for (uint64_t sequence = 1; sequence <= count; sequence++)
        put_segment(log, sequence, sequence == count ? last_bytes : SEGMENT);
    for (uint64_t sequence = count + 1; sequence <= SEGMENTS + 2; sequence++) {
        char *path = segment_path(log->directory, sequence);
        assert_true(unlink(path) == 0 || errno == ENOENT);
        free(path);
    }
}

/* ---- what recovery makes of it ---- */

/* The number of writes that recovery finds, all of them as they were; -EBADMSG where it refuses, with the
 * segment and the byte in the message where they are given. Where it does not refuse, another write must go
 * in and be found. */
static int recover(const struct log *log, uint64_t sequence, size_t offset)
{
    struct store_config config = {.directory = log->directory, .disk = &disk_quick, .segment_bytes = SEGMENT};
    struct hive_error error = {""};
    struct store_recovery found;
    struct store *store;
    int result = store_open(&config, &store, &found, &error);
    if (result < 0) {
        char *words = hive_format("/segment-%010d is damaged at byte %zu: ", (int)sequence, offset);
        assert_int_equal(result, -EBADMSG);
        if (sequence && !strstr(error.message, words))
            fail_msg("\"%s\" is not in \"%s\"", words, error.message);
        free(words);
        return result;
    }
    int writes = WRITES;
    while (writes >= 0 && !model_is(&log->after[writes], &found))
        writes--;
    assert_true(writes >= 0);
    store_recovery_finish(&found);

    struct model model = log->after[writes];
    struct hive_buffer batch = {0};
    append(&model, &batch, 1, 9);
    model_vote(&model, &batch, model.term + 1, QUEEN);
    write_batch(store, &batch);
    store_close(store);
    store_close(open_as(&disk_quick, log->directory, SEGMENT, &model));
    hive_buffer_finish(&batch);
    return writes;
}

/* How many writes are whole in the log up to there. */
static int writes_before(const struct log *log, uint64_t sequence, size_t offset)
{
    int writes = 0;
    while (writes < WRITES &&
           (log->places[writes + 1].sequence < sequence ||
            (log->places[writes + 1].sequence == sequence && log->places[writes + 1].end <= offset)))
        writes++;
    return writes;
}

/* A write that did not get to its end, in any segment, at any byte: as if the rest had never been written. */
static void test_a_log_that_ends_at_any_byte_gives_what_was_whole(void **state)
{
    struct log *log = *state;
    static struct log cut;
    for (uint64_t sequence = 1; sequence <= 2; sequence++) {
        for (size_t offset = WAL_HEADER_BYTES; offset <= SEGMENT; offset++) {
            cut = *log;
            memset(cut.bytes[sequence] + offset, 0, SEGMENT - offset);
            int expected = writes_before(log, sequence, offset);
            put_log(&cut, sequence, SEGMENT);
            assert_int_equal(recover(&cut, 0, 0), expected);
            put_log(&cut, sequence, offset);
            assert_int_equal(recover(&cut, 0, 0), expected);
            if (offset == WAL_HEADER_BYTES)
                continue; /* nothing is in it: then no next one was prepared either */
            memset(cut.bytes[sequence + 1] + WAL_HEADER_BYTES, 0, SEGMENT - WAL_HEADER_BYTES);
            put_log(&cut, sequence + 1, SEGMENT);
            if (expected == writes_before(log, sequence, WAL_HEADER_BYTES))
                assert_int_equal(recover(&cut, sequence, WAL_HEADER_BYTES), -EBADMSG);
            else
                assert_int_equal(recover(&cut, 0, 0), expected);
        }
    }
}

static void test_a_cut_with_writes_behind_it_is_refused(void **state)
{
    struct log *log = *state;
    static struct log cut;
    const struct place *last = &log->places[FIRST];
    for (size_t offset = WAL_HEADER_BYTES; offset < last->end; offset++) {
        cut = *log;
        memset(cut.bytes[1] + offset, 0, SEGMENT - offset);
        put_log(&cut, SEGMENTS, SEGMENT);
        assert_int_equal(recover(&cut, 0, 0), -EBADMSG);
    }
}

static void test_a_cut_header_is_refused(void **state)
{
    struct log *log = *state;
    static struct log cut;
    for (size_t offset = 0; offset < WAL_HEADER_BYTES; offset++) {
        for (uint64_t sequence = 1; sequence <= SEGMENTS; sequence++) {
            put_log(log, sequence, offset);
            assert_int_equal(recover(log, sequence, 0), -EBADMSG);
        }
    }
    for (size_t offset = 0; offset < WAL_HEADER_BYTES; offset++) {
        cut = *log;
        memset(cut.bytes[2] + offset, 0, SEGMENT - offset);
        put_log(&cut, SEGMENTS, SEGMENT);
        assert_int_equal(recover(&cut, 2, 0), -EBADMSG);
    }
}

/* What recovery may make of the log with a flipped bit at that byte. True where it refused. */
static bool check_flip(const struct log *log, uint64_t sequence, size_t offset)
{
    int before = writes_before(log, sequence, offset), found;
    const struct place *place =
        before < WRITES ? &log->places[before + 1] : NULL; /* the frame that it is in */
    bool in_frame = place && place->sequence == sequence && place->start <= offset;
    if (offset < WAL_HEADER_BYTES) {
        found = recover(log, sequence, 0);
        assert_int_equal(found, -EBADMSG);
    } else if (sequence == 1) {
        /* In a write, or in the zeros behind the last one: others follow in the next segment. */
        found = recover(log, sequence, in_frame ? place->start : log->places[FIRST].end);
        assert_int_equal(found, -EBADMSG);
    } else if (!in_frame) {
        found = recover(log, 0, 0);
        assert_int_equal(found, WRITES); /* where nothing was written yet: nothing is lost */
    } else {
        found = recover(log, sequence, place->start);
        bool is_inside = offset >= place->start + 4 && offset + 1 < place->end;
        if (before + 1 < WRITES || is_inside)
            assert_int_equal(found, -EBADMSG);
        else /* length and end mark of the last write: without them it looks like one that never ended */
            assert_true(found == -EBADMSG || found == WRITES - 1);
    }
    return found < 0;
}

/* Changes one byte of a segment on disk. */
static void put_byte(const struct log *log, uint64_t sequence, size_t offset, uint8_t byte)
{
    char *path = segment_path(log->directory, sequence);
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)offset), 1);
    close(file);
    free(path);
}

static void test_no_flipped_bit_is_taken_for_something_else(void **state)
{
    struct log *log = *state;
    put_log(log, SEGMENTS, SEGMENT);
    for (uint64_t sequence = 1; sequence <= SEGMENTS; sequence++) {
        for (size_t offset = 0; offset < SEGMENT; offset++) {
            uint8_t byte = log->bytes[sequence][offset];
            for (int bit = 0; bit < 8; bit += byte ? 1 : 7) {
                put_byte(log, sequence, offset, byte ^ (uint8_t)(1 << bit));
                if (check_flip(log, sequence, offset))
                    put_byte(log, sequence, offset, byte); /* a log that is refused is not touched */
                else
                    put_log(log, SEGMENTS, SEGMENT);
            }
        }
    }
}

static void test_a_write_that_was_lost_between_two_others_is_refused(void **state)
{
    struct log *log = *state;
    static struct log changed;
    const struct place *fifth = &log->places[5], *sixth = &log->places[6];
    changed = *log;
    memset(changed.bytes[1] + fifth->start, 0, SEGMENT - fifth->start);
    memcpy(changed.bytes[1] + fifth->start, log->bytes[1] + sixth->start, sixth->end - sixth->start);
    put_log(&changed, 1, SEGMENT);
    assert_int_equal(recover(&changed, 1, fifth->start), -EBADMSG);
    changed.bytes[1][fifth->start + 8] = 5; /* nor does it help to call it the fifth */
    put_log(&changed, 1, SEGMENT);
    assert_int_equal(recover(&changed, 1, fifth->start), -EBADMSG);
}

static void test_an_old_write_behind_the_last_one_is_not_believed(void **state)
{
    struct log *log = *state;
    static struct log changed;
    const struct place *old = &log->places[FIRST + 1], *last = &log->places[WRITES];
    changed = *log;
    memcpy(changed.bytes[2] + last->end, log->bytes[2] + old->start, old->end - old->start);
    put_log(&changed, SEGMENTS, SEGMENT);
    assert_int_equal(recover(&changed, 2, last->end), -EBADMSG);
}

static void test_a_write_of_another_segment_is_not_believed(void **state)
{
    struct log *log = *state;
    static struct log changed;
    const struct place *last = &log->places[WRITES];
    struct hive_buffer batch = {0};
    struct wal_header header;
    struct wal_envelope envelope;
    changed = *log;
    assert_int_equal(wal_decode_header(log->bytes[2], SEGMENT, &header), 0);
    store_encode_hard_state(&batch, 100, 1);
    wal_seal(&envelope, header.salt + 1, WRITES + 1, NULL, batch.data, batch.size);
    uint8_t *at = changed.bytes[2] + last->end;
    memcpy(at, envelope.head, envelope.head_bytes);
    memcpy(at + envelope.head_bytes, batch.data, batch.size);
    at[envelope.head_bytes + batch.size] = envelope.mark;
    put_log(&changed, SEGMENTS, SEGMENT);
    assert_int_equal(recover(&changed, 2, last->end), -EBADMSG);
    hive_buffer_finish(&batch);
}

/* A value can hold any bytes, those of an earlier write to this very segment included: they are no write
 * behind it. */
static void test_a_torn_value_that_looks_like_a_write_is_cut(void **state)
{
    struct log *log = *state;
    static struct log torn;
    const struct place *old = &log->places[FIRST + 1], *last = &log->places[WRITES];
    torn = *log;
    memcpy(torn.bytes[2] + last->start + 60, log->bytes[2] + old->start, old->end - old->start);
    assert_true(last->start + 60 + old->end - old->start <= 512);
    memset(torn.bytes[2] + 512, 0, SEGMENT - 512);
    put_log(&torn, SEGMENTS, SEGMENT);
    assert_int_equal(recover(&torn, 0, 0), WRITES - 1);
}

static void test_what_was_cut_is_gone_for_good(void **state)
{
    struct log *log = *state;
    static struct log torn;
    const struct place *last = &log->places[WRITES];
    torn = *log;
    memset(torn.bytes[2] + last->start, 0, 512 - last->start); /* its first sector is missing */
    put_log(&torn, SEGMENTS, SEGMENT);
    struct store_recovery found;
    store_close(open_store_on(&disk_quick, log->directory, SEGMENT, &found));
    assert_true(model_is(&log->after[WRITES - 1], &found));
    assert_int_equal(found.truncated_bytes, last->end - last->start);
    store_recovery_finish(&found);
    store_close(open_store_on(&disk_quick, log->directory, SEGMENT, &found));
    assert_int_equal(found.truncated_bytes, 0);
    store_recovery_finish(&found);
    read_log(&torn);
    for (size_t offset = last->start; offset < SEGMENT; offset++)
        assert_int_equal(torn.bytes[2][offset], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_that_ends_at_any_byte_gives_what_was_whole),
        cmocka_unit_test(test_a_cut_with_writes_behind_it_is_refused),
        cmocka_unit_test(test_a_cut_header_is_refused),
        cmocka_unit_test(test_no_flipped_bit_is_taken_for_something_else),
        cmocka_unit_test(test_a_write_that_was_lost_between_two_others_is_refused),
        cmocka_unit_test(test_an_old_write_behind_the_last_one_is_not_believed),
        cmocka_unit_test(test_a_write_of_another_segment_is_not_believed),
        cmocka_unit_test(test_a_torn_value_that_looks_like_a_write_is_cut),
        cmocka_unit_test(test_what_was_cut_is_gone_for_good),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
