/* Commands as bytes: what was encoded is decoded again, and no damage to the bytes is worse than an error. */
#include "unit/machine_apply.h"

#include <errno.h>

#include "hive/memory.h"

static uint64_t random_state;

/* xorshift64*: repeatable, and the tests' only need of randomness. */
static uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1DULL;
}

/* `min` to `max` bytes in an own block, so that a sanitizer sees a read past its end. No NUL bytes. */
static struct machine_bytes random_text(size_t min, size_t max)
{
    size_t size = min + random_bits() % (max - min + 1);
    char *data = hive_malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(1 + random_bits() % 255);
    return (struct machine_bytes){data, size};
}

static struct machine_command random_command(enum machine_command_type type)
{
    struct machine_command c = {.type = type, .time_ms = (int64_t)random_bits()};
    switch (type) {
    case MACHINE_KV_PUT:
        c.value = random_text(0, 40);
        /* fall through */
    case MACHINE_KV_DELETE:
        c.key = random_text(1, 20);
        c.condition = (enum machine_condition)(random_bits() % 4);
        c.condition_index = c.condition == MACHINE_IF_INDEX ? random_bits() : 0;
        break;
    case MACHINE_DRONE_REGISTER:
        c.name = random_text(1, HIVE_NAME_BYTES - 1);
        c.version = random_text(0, HIVE_NAME_BYTES - 1);
        c.secret = random_text(0, HIVE_TOKEN_BYTES - 1);
        c.capacity = (uint32_t)random_bits();
        /* fall through */
    case MACHINE_DRONE_REMOVE:
        c.drone = random_text(1, HIVE_ADDRESS_BYTES - 1);
        break;
    case MACHINE_TASK_SUBMIT:
        c.name = random_text(0, HIVE_NAME_BYTES - 1);
        c.text = random_text(0, 60);
        break;
    case MACHINE_TASK_UPDATE:
        c.attempt = (uint32_t)random_bits();
        c.state = (enum machine_task_state)(MACHINE_TASK_RUNNING + random_bits() % 5);
        c.detail = random_text(0, HIVE_ERROR_BYTES - 1);
        /* fall through */
    case MACHINE_TASK_ASSIGN:
        c.task = random_bits();
        c.drone = random_text(1, HIVE_ADDRESS_BYTES - 1);
        break;
    }
    if (random_bits() % 2) {
        c.idempotency_key = random_text(1, HIVE_IDEMPOTENCY_KEY_BYTES);
        for (size_t i = 0; i < c.idempotency_key.size; i++)
            ((char *)c.idempotency_key.data)[i] = (char)(' ' + random_bits() % 95);
    }
    return c;
}

static struct machine_bytes *strings_of(struct machine_command *c, size_t i)
{
    struct machine_bytes *all[] = {&c->key,    &c->value, &c->drone,  &c->name,           &c->version,
                                   &c->secret, &c->text,  &c->detail, &c->idempotency_key};
    return i < sizeof all / sizeof *all ? all[i] : NULL;
}

static void command_finish(struct machine_command *command)
{
    struct machine_bytes *bytes;
    for (size_t i = 0; (bytes = strings_of(command, i)); i++)
        free((void *)bytes->data);
}

static void assert_commands_equal(struct machine_command *a, struct machine_command *b)
{
    struct machine_bytes *bytes, *other;
    for (size_t i = 0; (bytes = strings_of(a, i)) && (other = strings_of(b, i)); i++) {
        assert_int_equal(bytes->size, other->size);
        if (bytes->size)
            assert_memory_equal(bytes->data, other->data, bytes->size);
    }
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->condition, b->condition);
    assert_true(a->condition_index == b->condition_index);
    assert_int_equal(a->capacity, b->capacity);
    assert_true(a->task == b->task);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->state, b->state);
}

/* Decodes from a block of exactly these bytes. */
static int decode_copy(const char *data, size_t size, struct machine_command *command, char **copy,
                       struct hive_error *error)
{
    *copy = hive_malloc(size);
    if (size)
        memcpy(*copy, data, size);
    return machine_command_decode(*copy, size, command, error);
}

/* Touches every byte that the command points to. */
static unsigned touch(struct machine_command *command)
{
    struct machine_bytes *bytes;
    unsigned sum = 0;
    for (size_t i = 0; (bytes = strings_of(command, i)); i++)
        for (size_t j = 0; j < bytes->size; j++)
            sum += (unsigned char)bytes->data[j];
    return sum;
}

static void for_random_commands(int rounds, void (*check)(struct machine_command *, struct hive_buffer *))
{
    random_state = 42;
    for (int round = 0; round < rounds; round++) {
        enum machine_command_type type = 1 + (enum machine_command_type)(round % MACHINE_TASK_UPDATE);
        struct machine_command command = random_command(type);
        struct hive_buffer buffer = {0};
        machine_command_encode(&command, &buffer);
        check(&command, &buffer);
        hive_buffer_finish(&buffer);
        command_finish(&command);
    }
}

static void check_round_trip(struct machine_command *command, struct hive_buffer *buffer)
{
    struct machine_command decoded;
    struct hive_error error = {0};
    char *copy;
    if (decode_copy(buffer->data, buffer->size, &decoded, &copy, &error))
        fail_msg("%s", error.message);
    assert_commands_equal(command, &decoded);
    free(copy);
}

static void test_what_was_encoded_is_decoded_again(void **state)
{
    (void)state;
    for_random_commands(7000, check_round_trip);
}

static void check_truncations(struct machine_command *command, struct hive_buffer *buffer)
{
    struct machine_command decoded;
    char *copy;
    (void)command;
    for (size_t size = 0; size < buffer->size; size++) {
        struct hive_error error = {0};
        assert_int_equal(decode_copy(buffer->data, size, &decoded, &copy, &error), -EINVAL);
        assert_true(error.message[0]);
        free(copy);
    }
}

static void test_every_truncation_is_an_error(void **state)
{
    (void)state;
    for_random_commands(70, check_truncations);
}

static void check_flips(struct machine_command *command, struct hive_buffer *buffer)
{
    (void)command;
    for (size_t i = 0; i < buffer->size; i++)
        for (int flip = 1; flip < 256; flip = flip < 128 ? flip * 2 : flip + 127) {
            struct machine_command decoded, again;
            struct hive_buffer encoded = {0};
            char *copy;
            buffer->data[i] ^= (char)flip;
            int rc = decode_copy(buffer->data, buffer->size, &decoded, &copy, NULL);
            assert_true(rc == 0 || rc == -EINVAL);
            if (rc == 0) {
                /* A valid command: within bounds, and one that encodes to the very same bytes. */
                touch(&decoded);
                machine_command_encode(&decoded, &encoded);
                assert_int_equal(encoded.size, buffer->size);
                assert_memory_equal(encoded.data, buffer->data, buffer->size);
                assert_int_equal(machine_command_decode(encoded.data, encoded.size, &again, NULL), 0);
                assert_commands_equal(&decoded, &again);
            }
            buffer->data[i] ^= (char)flip;
            hive_buffer_finish(&encoded);
            free(copy);
        }
}

static void test_every_flipped_byte_is_an_error_or_another_valid_command(void **state)
{
    (void)state;
    for_random_commands(70, check_flips);
}

static void check_surplus(struct machine_command *command, struct hive_buffer *buffer)
{
    struct machine_command decoded;
    (void)command;
    hive_buffer_append(buffer, "", 1);
    assert_int_equal(machine_command_decode(buffer->data, buffer->size, &decoded, NULL), -EINVAL);
}

static void test_bytes_behind_a_command_are_an_error(void **state)
{
    (void)state;
    for_random_commands(70, check_surplus);
}

static void test_noise_is_an_error_or_a_command_but_never_read_out_of_bounds(void **state)
{
    (void)state;
    random_state = 7;
    for (int round = 0; round < 20000; round++) {
        struct machine_bytes noise = random_text(0, 64);
        struct machine_command decoded;
        /* Half of them with a right head, to get to the fields. */
        if (noise.size > 1 && round % 2) {
            ((char *)noise.data)[0] = 1;
            ((char *)noise.data)[1] = (char)(random_bits() % 8);
        }
        if (machine_command_decode(noise.data, noise.size, &decoded, NULL) == 0)
            touch(&decoded);
        free((void *)noise.data);
    }
}

/* The bytes of logs that are already on disks. */
static void test_the_format_is_byte_for_byte_what_it_says(void **state)
{
    (void)state;
    static const struct {
        struct machine_command command;
        const char *bytes;
        size_t size;
    } cases[] = {
#define BYTES(text) text, sizeof text - 1
#define HEAD(type)  "\1" type "\x08\7\6\5\4\3\2\1"
#define TIME        .time_ms = 0x0102030405060708
        {{.type = MACHINE_KV_PUT, TIME, .key = {BYTES("k")}, .value = {BYTES("vw")}},
         BYTES(HEAD("\1") "\1\0\0\0k\2\0\0\0vw\0")},
        {{.type = MACHINE_KV_DELETE,
          TIME,
          .key = {BYTES("k")},
          .condition = MACHINE_IF_INDEX,
          .condition_index = 258},
         BYTES(HEAD("\2") "\1\0\0\0k\1\2\1\0\0\0\0\0\0")},
        {{.type = MACHINE_KV_DELETE, TIME, .key = {BYTES("k")}, .condition = MACHINE_IF_EXISTS},
         BYTES(HEAD("\2") "\1\0\0\0k\3")},
        {{.type = MACHINE_DRONE_REGISTER,
          TIME,
          .drone = {BYTES("h:1")},
          .name = {BYTES("n")},
          .version = {BYTES("v")},
          .secret = {BYTES("s")},
          .capacity = 4},
         BYTES(HEAD("\3") "\3\0\0\0h:1\1\0\0\0n\1\0\0\0v\1\0\0\0s\4\0\0\0")},
        {{.type = MACHINE_DRONE_REMOVE, TIME, .drone = {BYTES("h:1")}}, BYTES(HEAD("\4") "\3\0\0\0h:1")},
        {{.type = MACHINE_TASK_SUBMIT, TIME, .text = {BYTES("t\0")}},
         BYTES(HEAD("\5") "\0\0\0\0\2\0\0\0t\0")},
        {{.type = MACHINE_TASK_ASSIGN, TIME, .task = 9, .drone = {BYTES("h:1")}},
         BYTES(HEAD("\6") "\x09\0\0\0\0\0\0\0\3\0\0\0h:1")},
        {{.type = MACHINE_TASK_UPDATE,
          TIME,
          .task = 9,
          .attempt = 2,
          .drone = {BYTES("h:1")},
          .state = MACHINE_TASK_FAILED,
          .detail = {BYTES("d")}},
         BYTES(HEAD("\7") "\x09\0\0\0\0\0\0\0\2\0\0\0\3\0\0\0h:1\5\1\0\0\0d")},
        {{.type = MACHINE_KV_PUT,
          TIME,
          .key = {BYTES("k")},
          .value = {BYTES("vw")},
          .idempotency_key = {BYTES("once")}},
         BYTES("\2\1\x08\7\6\5\4\3\2\1\4once\1\0\0\0k\2\0\0\0vw\0")},
#undef BYTES
#undef HEAD
#undef TIME
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hive_buffer buffer = {0};
        machine_command_encode(&cases[i].command, &buffer);
        assert_int_equal(buffer.size, cases[i].size);
        assert_memory_equal(buffer.data, cases[i].bytes, cases[i].size);
        hive_buffer_finish(&buffer);
    }
}

/* 0 where a command with such a field can be decoded. */
static int decode_with_size(enum machine_command_type type, size_t field, size_t size, char fill)
{
    random_state = 1;
    struct machine_command command = random_command(type), decoded;
    struct machine_bytes *bytes = strings_of(&command, field);
    struct hive_buffer buffer = {0};

    free((void *)bytes->data);
    bytes->data = hive_malloc(size);
    bytes->size = size;
    memset((void *)bytes->data, fill, size);
    machine_command_encode(&command, &buffer);
    int rc = machine_command_decode(buffer.data, buffer.size, &decoded, NULL);
    hive_buffer_finish(&buffer);
    command_finish(&command);
    return rc;
}

static void test_lengths_end_at_their_limits(void **state)
{
    (void)state;
    enum { KEY, VALUE, DRONE, NAME, VERSION, SECRET, TEXT, DETAIL };
    static const struct {
        enum machine_command_type type;
        size_t field, min, max;
        bool is_text;
    } cases[] = {
        {MACHINE_KV_PUT, KEY, 1, HIVE_KEY_BYTES, false},
        {MACHINE_KV_PUT, VALUE, 0, HIVE_VALUE_BYTES, false},
        {MACHINE_KV_DELETE, KEY, 1, HIVE_KEY_BYTES, false},
        {MACHINE_DRONE_REGISTER, DRONE, 1, HIVE_ADDRESS_BYTES - 1, true},
        {MACHINE_DRONE_REGISTER, NAME, 1, HIVE_NAME_BYTES - 1, true},
        {MACHINE_DRONE_REGISTER, VERSION, 0, HIVE_NAME_BYTES - 1, true},
        {MACHINE_DRONE_REGISTER, SECRET, 0, HIVE_TOKEN_BYTES - 1, true},
        {MACHINE_DRONE_REMOVE, DRONE, 1, HIVE_ADDRESS_BYTES - 1, true},
        {MACHINE_TASK_SUBMIT, NAME, 0, HIVE_NAME_BYTES - 1, true},
        {MACHINE_TASK_SUBMIT, TEXT, 0, HIVE_TASK_TEXT_BYTES, false},
        {MACHINE_TASK_ASSIGN, DRONE, 1, HIVE_ADDRESS_BYTES - 1, true},
        {MACHINE_TASK_UPDATE, DRONE, 1, HIVE_ADDRESS_BYTES - 1, true},
        {MACHINE_TASK_UPDATE, DETAIL, 0, HIVE_ERROR_BYTES - 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(decode_with_size(cases[i].type, cases[i].field, cases[i].min, 'x'), 0);
        assert_int_equal(decode_with_size(cases[i].type, cases[i].field, cases[i].max, 'x'), 0);
        assert_int_equal(decode_with_size(cases[i].type, cases[i].field, cases[i].max + 1, 'x'), -EINVAL);
        if (cases[i].min)
            assert_int_equal(decode_with_size(cases[i].type, cases[i].field, cases[i].min - 1, 'x'), -EINVAL);
        /* What becomes a C string must not hide a part of itself behind a NUL. */
        assert_int_equal(decode_with_size(cases[i].type, cases[i].field, 2, '\0'),
                         cases[i].is_text ? -EINVAL : 0);
    }
}

static int decode_encoded(const struct machine_command *command)
{
    struct machine_command decoded;
    struct hive_buffer buffer = {0};
    machine_command_encode(command, &buffer);
    int rc = machine_command_decode(buffer.data, buffer.size, &decoded, NULL);
    hive_buffer_finish(&buffer);
    return rc;
}

static void test_values_end_at_their_limits(void **state)
{
    (void)state;
    for (int value = 0; value < 256; value++) {
        struct machine_command delete = {
            .type = MACHINE_KV_DELETE, .key = bytes_of("k"), .condition = (enum machine_condition)value};
        struct machine_command update = {
            .type = MACHINE_TASK_UPDATE, .drone = bytes_of("h:1"), .state = (enum machine_task_state)value};
        bool is_state =
            value == MACHINE_TASK_PENDING || (value >= MACHINE_TASK_RUNNING && value <= MACHINE_TASK_LOST);
        assert_int_equal(decode_encoded(&delete), value <= MACHINE_IF_EXISTS ? 0 : -EINVAL);
        assert_int_equal(decode_encoded(&update), is_state ? 0 : -EINVAL);

        char head[] = "\1\4\0\0\0\0\0\0\0\0\3\0\0\0h:1"; /* removes a drone */
        struct machine_command decoded;
        head[1] = (char)value;
        if (value == 0 || value > MACHINE_TASK_UPDATE)
            assert_int_equal(machine_command_decode(head, sizeof head - 1, &decoded, NULL), -EINVAL);
        head[1] = MACHINE_DRONE_REMOVE;
        head[0] = (char)value;
        assert_int_equal(machine_command_decode(head, sizeof head - 1, &decoded, NULL),
                         value == 1 ? 0 : -EINVAL);
    }
}

static void test_idempotency_keys_are_short_and_printable(void **state)
{
    (void)state;
    char bytes[128] = "\2\4\0\0\0\0\0\0\0\0"; /* removes a drone */
    struct machine_command decoded;

    for (size_t size = 0; size <= HIVE_IDEMPOTENCY_KEY_BYTES + 2; size++) {
        bytes[10] = (char)size;
        memset(bytes + 11, 'k', size);
        memcpy(bytes + 11 + size, "\3\0\0\0h:1", 7);
        int rc = machine_command_decode(bytes, 11 + size + 7, &decoded, NULL);
        assert_int_equal(rc, size >= 1 && size <= HIVE_IDEMPOTENCY_KEY_BYTES ? 0 : -EINVAL);
    }
    for (int c = 0; c < 256; c++) {
        bytes[10] = 3;
        memcpy(bytes + 11, "abc\3\0\0\0h:1", 10);
        bytes[12] = (char)c;
        assert_int_equal(machine_command_decode(bytes, 21, &decoded, NULL),
                         c >= ' ' && c <= '~' ? 0 : -EINVAL);
        if (c == '~')
            assert_memory_equal(decoded.idempotency_key.data, "a~c", decoded.idempotency_key.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_encoded_is_decoded_again),
        cmocka_unit_test(test_every_truncation_is_an_error),
        cmocka_unit_test(test_every_flipped_byte_is_an_error_or_another_valid_command),
        cmocka_unit_test(test_bytes_behind_a_command_are_an_error),
        cmocka_unit_test(test_noise_is_an_error_or_a_command_but_never_read_out_of_bounds),
        cmocka_unit_test(test_the_format_is_byte_for_byte_what_it_says),
        cmocka_unit_test(test_lengths_end_at_their_limits),
        cmocka_unit_test(test_values_end_at_their_limits),
        cmocka_unit_test(test_idempotency_keys_are_short_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
