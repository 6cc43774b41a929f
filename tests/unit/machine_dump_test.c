/* Dumps that are taken while commands go on: what is loaded is the machine of when the dump began, whatever was changed, removed or
 * added between its pieces; and it goes on exactly like the original. */
#include "unit/machine_random.h"

#include <malloc.h>

#include "hive/memory.h"
#include "unit/machine_load.h"

enum { SCRIPT = 30000 };

/* Commands to be applied again, on another machine. */
struct script {
    struct hive_buffer bytes;
    size_t ends[SCRIPT];
    uint64_t indexes[SCRIPT];
    struct machine_result results[SCRIPT];
    size_t count;
};

static void script_add(struct script *script, uint64_t index, const struct hive_buffer *command,
                       const struct machine_result *result)
{
    assert_true(script->count < SCRIPT);
    hive_buffer_append(&script->bytes, command->data, command->size);
    script->ends[script->count] = script->bytes.size;
    script->indexes[script->count] = index;
    script->results[script->count++] = *result;
}

static void script_play(const struct script *script, struct machine *machine)
{
    for (size_t i = 0; i < script->count; i++) {
        size_t from = i ? script->ends[i - 1] : 0;
        const struct machine_result *then = &script->results[i];
        struct machine_result result;
        machine_apply(machine, script->indexes[i], script->bytes.data + from, script->ends[i] - from,
                      &result);
        assert_int_equal(result.status, then->status);
        assert_int_equal(result.type, then->type);
        assert_int_equal(result.created, then->created);
        assert_true(result.index == then->index && result.task == then->task);
        assert_int_equal(result.attempt, then->attempt);
        assert_int_equal(result.replayed, then->replayed);
    }
}

static void apply_random(struct stream *stream, struct machine *machine, size_t count, struct script *script)
{
    struct hive_buffer command = {0};
    while (count-- > 0) {
        struct machine_result result;
        uint64_t index = machine_applied_index(machine) + 1 + stream_below(stream, 3);
        stream_next(stream, index, &command);
        machine_apply(machine, index, command.data, command.size, &result);
        stream_remember(stream, &result);
        if (script)
            script_add(script, index, &command, &result);
    }
    hive_buffer_finish(&command);
}

static struct machine *load_in_pieces(struct stream *stream, const struct hive_buffer *dump, size_t most)
{
    struct machine_loader *loader = machine_load_begin();
    struct machine *machine;
    struct hive_error error = {0};

    for (size_t at = 0; at < dump->size;) {
        size_t bytes = stream_below(stream, most + 1);
        if (bytes > dump->size - at)
            bytes = dump->size - at;
        /* A block of its own, so that a sanitizer sees a read past its end. */
        char *piece = hive_malloc(bytes);
        memcpy(piece, dump->data + at, bytes);
        if (machine_load_feed(loader, piece, bytes, &error))
            fail_msg("%s", error.message);
        free(piece);
        at += bytes;
    }
    if (machine_load_end(loader, &machine, &error))
        fail_msg("%s", error.message);
    return machine;
}

/* One dump of `machine`, with commands between its pieces. */
static void dump_and_check(struct stream *stream, struct machine *machine)
{
    struct script *script = hive_calloc(1, sizeof *script);
    struct hive_buffer dump = {0};
    size_t piece = 1 + stream_below(stream, 1500), commands = stream_below(stream, 12);
    uint64_t before = machine_digest(machine), index = machine_applied_index(machine);
    int64_t time_ms = machine_time_ms(machine);

    machine_dump_begin(machine);
    do {
        assert_true(machine_is_dumping(machine));
        apply_random(stream, machine, stream_below(stream, commands + 1), script);
    } while (machine_dump_next(machine, &dump, stream_below(stream, piece)));
    assert_false(machine_is_dumping(machine));
    apply_random(stream, machine, 50, script);

    struct machine *loaded = load_in_pieces(stream, &dump, piece);
    assert_true(machine_digest(loaded) == before);
    assert_true(machine_applied_index(loaded) == index && machine_time_ms(loaded) == time_ms);
    script_play(script, loaded);
    assert_true(machine_digest(loaded) == machine_digest(machine));
    machine_destroy(loaded);
    hive_buffer_finish(&dump);
    hive_buffer_finish(&script->bytes);
    free(script);
}

static void test_a_dump_is_the_machine_of_when_it_began(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct stream stream;
        struct machine *machine = machine_create();

        stream_start(&stream, seed);
        for (int round = 0; round < 6; round++) {
            apply_random(&stream, machine, stream_below(&stream, seed % 7 ? 300 : 4000), NULL);
            if (stream_below(&stream, 4) == 0) { /* one that is given up leaves nothing behind */
                struct hive_buffer part = {0};
                machine_dump_begin(machine);
                machine_dump_next(machine, &part, stream_below(&stream, 4000));
                apply_random(&stream, machine, stream_below(&stream, 40), NULL);
                machine_dump_abort(machine);
                assert_false(machine_is_dumping(machine));
                hive_buffer_finish(&part);
            }
            dump_and_check(&stream, machine);
        }
        machine_destroy(machine);
        stream_finish(&stream);
    }
}

/* Dumping is reading: a machine that was dumped all the time is like its twin that never was. */
static void test_dumping_changes_nothing(void **state)
{
    (void)state;
    struct stream stream;
    struct machine *machine = machine_create(), *twin = machine_create();

    stream_start(&stream, 7);
    for (int round = 0; round < 300; round++) {
        struct script *script = hive_calloc(1, sizeof *script);
        struct hive_buffer piece = {0};
        apply_random(&stream, machine, stream_below(&stream, 20), script);
        script_play(script, twin);
        assert_true(machine_digest(machine) == machine_digest(twin));
        if (!machine_is_dumping(machine))
            machine_dump_begin(machine);
        machine_dump_next(machine, &piece, stream_below(&stream, 2000));
        hive_buffer_finish(&piece);
        hive_buffer_finish(&script->bytes);
        free(script);
    }
    machine_destroy(machine); /* with a dump under way: nothing leaks */
    machine_destroy(twin);
    stream_finish(&stream);
}

static void put(struct machine *machine, const char *key, const char *value, size_t bytes)
{
    struct machine_command command = {
        .type = MACHINE_KV_PUT, .time_ms = 5, .key = bytes_of(key), .value = {value, bytes}};
    assert_int_equal(apply(machine, command).status, MACHINE_OK);
}

/* However much commands had to save, a piece takes no more than it was told to, and one row. */
static void test_pieces_are_small_whatever_was_saved(void **state)
{
    (void)state;
    enum { KEYS = 500, VALUE = 1000, PIECE = 4096 };
    struct machine *machine = machine_create();
    struct hive_buffer dump = {0};
    char key[16], *value = hive_calloc(1, VALUE);
    size_t last = 0, pieces = 0;

    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(machine, key, value, VALUE);
    }
    uint64_t before = machine_digest(machine);
    machine_dump_begin(machine);
    for (int i = 0; i < KEYS / 2; i++) { /* the other half is walked over */
        snprintf(key, sizeof key, "%d", (i * 7) % KEYS);
        put(machine, key, "changed", 7);
    }
    do {
        assert_true(dump.size - last <= PIECE + VALUE + 100);
        last = dump.size;
        pieces++;
    } while (machine_dump_next(machine, &dump, PIECE));
    assert_in_range(pieces, KEYS * VALUE / PIECE, KEYS * VALUE / PIECE * 2);
    struct machine *loaded = load_dump(&dump);
    assert_true(machine_digest(loaded) == before);
    machine_destroy(loaded);
    hive_buffer_finish(&dump);
    machine_destroy(machine);
    free(value);
}

static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* How much less memory is in use than before: what one step has freed. */
static void assert_freed_little(size_t *before, size_t most)
{
    size_t now = bytes_in_use();
    assert_true(now + most >= *before);
    *before = now;
}

/* All rows were saved, a second copy of the state: whether the dump ends or is given up, no step frees more than a little of it. */
static void test_what_was_saved_is_freed_in_small_steps(void **state)
{
    (void)state;
    enum { KEYS = 2000, VALUE = 10000, PIECE = 4096, LITTLE = 512 * 1024 };
    if (bytes_in_use() == 0)
        skip(); /* a sanitizer's allocator does not say */
    for (int is_given_up = 0; is_given_up <= 1; is_given_up++) {
        struct machine *machine = machine_create();
        struct hive_buffer piece = {0};
        char key[16], *value = hive_calloc(1, VALUE);
        size_t steps = 0, in_use;

        for (int i = 0; i < KEYS; i++) {
            snprintf(key, sizeof key, "%d", i);
            put(machine, key, value, VALUE);
        }
        size_t at_first = bytes_in_use();
        machine_dump_begin(machine);
        for (int i = 0; i < KEYS; i++) {
            snprintf(key, sizeof key, "%d", i);
            put(machine, key, value, VALUE);
        }
        in_use = bytes_in_use();
        assert_true(in_use > at_first + (size_t)KEYS * VALUE);
        if (is_given_up) {
            machine_dump_abort(machine);
            assert_freed_little(&in_use, LITTLE);
            for (; in_use > at_first + LITTLE; steps++) {
                assert_true(steps < KEYS);
                put(machine, "0", value, VALUE);
                assert_freed_little(&in_use, LITTLE);
            }
        } else {
            while (machine_dump_next(machine, &piece, PIECE)) {
                hive_buffer_clear(&piece);
                assert_freed_little(&in_use, LITTLE);
            }
            assert_freed_little(&in_use, LITTLE);
            assert_true(in_use <= at_first + LITTLE);
        }
        hive_buffer_finish(&piece);
        machine_destroy(machine);
        free(value);
    }
}

/* Rows that came after the dump's beginning are passed a few at a time, and not at all behind the last one of then. */
static void test_pieces_are_short_however_many_rows_they_pass(void **state)
{
    (void)state;
    enum { KEYS = 20000, PIECE = 64000 };
    for (int is_behind = 0; is_behind <= 1; is_behind++) {
        struct machine *machine = machine_create();
        struct hive_buffer dump = {0};
        char key[16];
        size_t pieces = 0;

        put(machine, "a", "", 0);
        if (!is_behind)
            put(machine, "z", "", 0);
        machine_dump_begin(machine);
        for (int i = 0; i < KEYS; i++) {
            snprintf(key, sizeof key, "k%d", i);
            put(machine, key, "", 0);
        }
        do
            pieces++;
        while (machine_dump_next(machine, &dump, PIECE));
        if (is_behind)
            assert_int_equal(pieces, 1);
        else
            assert_in_range(pieces, KEYS / 550, KEYS / 450);
        struct machine *loaded = load_dump(&dump);
        assert_int_equal(machine_kv_count(loaded), is_behind ? 1 : 2);
        machine_destroy(loaded);
        hive_buffer_finish(&dump);
        machine_destroy(machine);
    }
}

/* Who adds rows more quickly than the dump takes them cannot keep it from ending. */
static void test_a_dump_ends_whatever_is_added(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct hive_buffer dump = {0};
    size_t pieces = 0;

    for (int i = 0; i < 20; i++)
        submit(machine, "text");
    uint64_t before = machine_digest(machine);
    machine_dump_begin(machine);
    do {
        submit(machine, "more");
        submit(machine, "and more");
        assert_true(++pieces < 60);
    } while (machine_dump_next(machine, &dump, 100));
    struct machine *loaded = load_dump(&dump);
    assert_true(machine_digest(loaded) == before);
    machine_destroy(loaded);
    hive_buffer_finish(&dump);
    machine_destroy(machine);
}

/* A task more than are remembered: it takes the place of the oldest, which is in the dump, as it was there when that began. */
static void test_the_oldest_finished_task_goes_while_a_dump_is_under_way(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct hive_buffer dump = {0};
    uint64_t last = 0;

    register_drone(machine, "h:1");
    for (int i = 0; i < HIVE_TASKS_FINISHED + 3; i++) {
        last = submit(machine, "text").task;
        assign(machine, last, "h:1");
        if (i < HIVE_TASKS_FINISHED)
            update(machine, last, "h:1", 1, i % 2 ? MACHINE_TASK_FAILED : MACHINE_TASK_SUCCEEDED);
    }
    uint64_t before = machine_digest(machine);
    machine_dump_begin(machine);
    machine_dump_next(machine, &dump, 300);
    update(machine, last, "h:1", 1, MACHINE_TASK_STOPPED);
    update(machine, last - 4, "h:1", 1, MACHINE_TASK_STOPPED);
    while (machine_dump_next(machine, &dump, 4096))
        ;
    struct machine *loaded = load_dump(&dump);
    assert_true(machine_digest(loaded) == before);
    update(loaded, last, "h:1", 1, MACHINE_TASK_STOPPED);
    update(loaded, last - 4, "h:1", 1, MACHINE_TASK_STOPPED);
    assert_true(machine_digest(loaded) == machine_digest(machine));
    assert_int_equal(machine_task_counts(loaded).stopped, 2);
    machine_destroy(loaded);
    hive_buffer_finish(&dump);
    machine_destroy(machine);
}

static void test_the_format_is_byte_for_byte_what_it_says(void **state)
{
    (void)state;
    static const char expected[] = "hivedump"
                                   "\2\0\0\0"
                                   "\7\0\0\0\0\0\0\0"
                                   "\xa0\x0f\0\0\0\0\0\0" /* 4000 */
                                   "\xa0\x0f\0\0\0\0\0\0"
                                   "\1\0\0\0\0\0\0\0"
                                   "\1\0\0\0\0\0\0\0"
                                   "\2\0\0\0\0\0\0\0"
                                   "\1\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* no chain */
                                   /* key k */
                                   "\1\x22\0\0\0"
                                   "\1\0\0\0\0\0\0\0"
                                   "\7\0\0\0\0\0\0\0"
                                   "\2\0\0\0\0\0\0\0"
                                   "\1\0\0\0k"
                                   "\1\0\0\0w"
                                   /* drone h:1 */
                                   "\2\x2e\0\0\0"
                                   "\2\0\0\0\0\0\0\0"
                                   "\xe8\3\0\0\0\0\0\0" /* 1000 */
                                   "\4\0\0\0"
                                   "\3\0\0\0h:1"
                                   "\7\0\0\0a drone"
                                   "\0\0\0\0"
                                   "\0\0\0\0"
                                   /* task-3, failed */
                                   "\3\x47\0\0\0"
                                   "\3\0\0\0\0\0\0\0"
                                   "\5"
                                   "\1\0\0\0"
                                   "\xd0\7\0\0\0\0\0\0"   /* 2000 */
                                   "\xb8\x0b\0\0\0\0\0\0" /* 3000 */
                                   "\xa0\x0f\0\0\0\0\0\0" /* 4000 */
                                   "\1\0\0\0\0\0\0\0"
                                   "\0\0\0\0"
                                   "\4\0\0\0text"
                                   "\3\0\0\0h:1"
                                   "\3\0\0\0why"
                                   /* task-4, pending */
                                   "\3\x42\0\0\0"
                                   "\4\0\0\0\0\0\0\0"
                                   "\1"
                                   "\0\0\0\0"
                                   "\xd0\7\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0"
                                   "\5\0\0\0later"
                                   "\0\0\0\0"
                                   "\0\0\0\0"
                                   /* the session of the second write to k */
                                   "\4\x38\0\0\0"
                                   "\7\0\0\0\0\0\0\0"
                                   "\xa0\x0f\0\0\0\0\0\0"
                                   "\x11\x9b\x2d\x48\xc1\x3f\xca\xda" /* hashed by hand */
                                   "\0\1\0"
                                   "\7\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0"
                                   "\5\0\0\0again";
    struct machine *machine = machine_create();
    struct hive_buffer dump = {0};

    put(machine, "k", "v", 1);
    register_drone(machine, "h:1");
    submit(machine, "text");
    submit(machine, "later");
    assign(machine, 3, "h:1");
    update(machine, 3, "h:1", 1, MACHINE_TASK_FAILED);
    apply(machine, (struct machine_command){.type = MACHINE_KV_PUT,
                                            .key = bytes_of("k"),
                                            .value = bytes_of("w"),
                                            .idempotency_key = bytes_of("again")});
    dump_whole(machine, &dump);
    assert_int_equal(dump.size, sizeof expected - 1);
    assert_memory_equal(dump.data, expected, dump.size);
    hive_buffer_finish(&dump);
    machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dump_is_the_machine_of_when_it_began),
        cmocka_unit_test(test_dumping_changes_nothing),
        cmocka_unit_test(test_pieces_are_small_whatever_was_saved),
        cmocka_unit_test(test_what_was_saved_is_freed_in_small_steps),
        cmocka_unit_test(test_pieces_are_short_however_many_rows_they_pass),
        cmocka_unit_test(test_a_dump_ends_whatever_is_added),
        cmocka_unit_test(test_the_oldest_finished_task_goes_while_a_dump_is_under_way),
        cmocka_unit_test(test_the_format_is_byte_for_byte_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
