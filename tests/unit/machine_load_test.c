/* What is no dump is refused, however it was cut or damaged. What is accepted is a machine that goes on, and that is not silently
 * another one. */
#include "unit/machine_random.h"

#include "hive/memory.h"
#include "unit/machine_load.h"

/* A machine with some of everything: tasks in all states, more than one of them finished, given back ones, sessions of all results. */
static struct machine *some_machine(struct stream *stream, size_t commands)
{
    struct machine *machine = machine_create();
    struct hive_buffer command = {0};

    for (size_t i = 0; i < commands; i++) {
        struct machine_result result;
        stream_next(stream, i + 1, &command);
        machine_apply(machine, i + 1, command.data, command.size, &result);
        stream_remember(stream, &result);
    }
    hive_buffer_finish(&command);
    return machine;
}

/* It does not matter what: it must only not fall over. */
static void go_on(struct stream *stream, struct machine *machine)
{
    struct hive_buffer command = {0};
    struct machine_result result;

    for (int i = 0; i < 30 && machine_applied_index(machine) < UINT64_MAX - 1; i++) {
        uint64_t index = machine_applied_index(machine) + 1;
        stream_next(stream, index, &command);
        machine_apply(machine, index, command.data, command.size, &result);
        stream_remember(stream, &result);
    }
    hive_buffer_finish(&command);
}

static void test_every_damaged_byte_is_an_error_or_another_machine(void **state)
{
    (void)state;
    struct stream stream;
    struct hive_buffer dump = {0}, again = {0};
    unsigned refused = 0, accepted = 0;

    stream_start(&stream, 3);
    struct machine *machine = some_machine(&stream, 150);
    uint64_t digest = machine_digest(machine);
    dump_whole(machine, &dump);
    for (size_t at = 0; at < dump.size; at++)
        for (int mask = 1; mask < 256; mask = mask == 128 ? 255 : mask == 255 ? 256 : mask << 1) {
            struct hive_error error;
            dump.data[at] ^= (char)mask;
            struct machine *loaded = load_bytes(dump.data, dump.size, &error);
            if (loaded) {
                /* It is what the bytes say, no more and no less. */
                dump_whole(loaded, &again);
                assert_int_equal(again.size, dump.size);
                assert_true(machine_digest(loaded) != digest);
                if (mask & 1)
                    go_on(&stream, loaded);
                accepted++;
            } else
                refused++;
            machine_destroy(loaded);
            dump.data[at] ^= (char)mask;
        }
    assert_true(refused > 1000 && accepted > 1000);
    stream_finish(&stream);
    hive_buffer_finish(&dump);
    hive_buffer_finish(&again);
    machine_destroy(machine);
}

static void test_every_cut_and_every_surplus_is_an_error(void **state)
{
    (void)state;
    struct stream stream;
    struct hive_buffer dump = {0};
    struct hive_error error;

    stream_start(&stream, 4);
    struct machine *machine = some_machine(&stream, 200);
    dump_whole(machine, &dump);
    for (size_t size = 0; size < dump.size; size++) {
        char *cut = hive_malloc(size); /* a sanitizer sees a read past its end */
        memcpy(cut, dump.data, size);
        assert_null(load_bytes(cut, size, &error));
        assert_non_null(strstr(error.message, "cut short"));
        free(cut);
    }
    hive_buffer_append(&dump, "\1", 1);
    assert_null(load_bytes(dump.data, dump.size, &error));
    assert_non_null(strstr(error.message, "behind its last row"));
    stream_finish(&stream);
    hive_buffer_finish(&dump);
    machine_destroy(machine);
}

static void test_noise_is_an_error(void **state)
{
    (void)state;
    struct stream stream;
    char noise[300];

    stream_start(&stream, 5);
    for (int round = 0; round < 20000; round++) {
        struct hive_error error;
        size_t size = stream_below(&stream, sizeof noise);
        for (size_t i = 0; i < size; i++)
            noise[i] = (char)stream_below(&stream, stream_below(&stream, 4) ? 256 : 5);
        memcpy(noise, "hivedump\2\0\0\0", stream_below(&stream, 13));
        assert_null(load_bytes(noise, size, &error));
    }
}

static void test_an_empty_machine_and_longest_fields(void **state)
{
    (void)state;
    struct machine *machine = machine_create(), *copy = copy_of(machine);
    char *longest = hive_calloc(1, HIVE_VALUE_BYTES + 1);
    struct machine_command command = {.time_ms = INT64_MAX,
                                      .idempotency_key = {longest, HIVE_IDEMPOTENCY_KEY_BYTES}};

    assert_true(machine_digest(copy) == machine_digest(machine));
    machine_destroy(copy);
    memset(longest, 'x', HIVE_VALUE_BYTES);
    command.type = MACHINE_KV_PUT;
    command.key = (struct machine_bytes){longest, HIVE_KEY_BYTES};
    command.value = (struct machine_bytes){longest, HIVE_VALUE_BYTES};
    assert_int_equal(apply(machine, command).status, MACHINE_OK);
    command.idempotency_key.size--;
    command.type = MACHINE_DRONE_REGISTER;
    command.drone = (struct machine_bytes){longest, HIVE_ADDRESS_BYTES - 1};
    command.name = command.version = (struct machine_bytes){longest, HIVE_NAME_BYTES - 1};
    command.secret = (struct machine_bytes){longest, HIVE_TOKEN_BYTES - 1};
    command.capacity = UINT32_MAX;
    assert_int_equal(apply(machine, command).status, MACHINE_OK);
    command.idempotency_key.size--;
    command.type = MACHINE_TASK_SUBMIT;
    command.text = (struct machine_bytes){longest, HIVE_TASK_TEXT_BYTES};
    assert_int_equal(apply(machine, command).status, MACHINE_OK);
    command.type = MACHINE_TASK_ASSIGN;
    command.task = 3;
    command.idempotency_key.size--;
    assert_int_equal(apply(machine, command).status, MACHINE_OK);
    command.type = MACHINE_TASK_UPDATE;
    command.state = MACHINE_TASK_FAILED;
    command.attempt = 1;
    command.detail = (struct machine_bytes){longest, HIVE_ERROR_BYTES - 1};
    command.idempotency_key.size--;
    assert_int_equal(apply(machine, command).status, MACHINE_OK);
    copy = copy_of(machine);
    assert_true(machine_digest(copy) == machine_digest(machine));
    assert_true(apply(copy, command).replayed);
    machine_destroy(copy);
    machine_destroy(machine);
    free(longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_damaged_byte_is_an_error_or_another_machine),
        cmocka_unit_test(test_every_cut_and_every_surplus_is_an_error),
        cmocka_unit_test(test_noise_is_an_error),
        cmocka_unit_test(test_an_empty_machine_and_longest_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
