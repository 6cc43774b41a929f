/* Commands as bytes: what a log entry of type COMMAND holds. The format is for ever, as logs on disk hold it;
 * a change takes a new version number, and old versions stay readable.
 *
 * Numbers are little-endian and unsigned unless said otherwise. Every command starts with a head of 10 bytes:
 *
 *     offset  bytes
 *          0      1  version of this format: 1
 *          1      1  type, enum machine_command_type
 *          2      8  time_ms, signed
 *
 * Then the fields of its type, without gaps, and nothing after them:
 *
 *     KV_PUT          key value condition
 *     KV_DELETE       key condition
 *     DRONE_REGISTER  drone name version secret capacity
 *     DRONE_REMOVE    drone
 *     TASK_SUBMIT     name text
 *     TASK_ASSIGN     task drone
 *     TASK_UPDATE     task attempt drone state detail
 *
 *     key, value, text       4 bytes: length; then the bytes
 *     drone, name, version,
 *     secret, detail         the same, and no byte is 0
 *     condition              1 byte: enum machine_condition; MACHINE_IF_INDEX alone is followed by 8: the index
 *     task                   8 bytes
 *     capacity, attempt      4 bytes
 *     state                  1 byte: enum machine_task_state, but ASSIGNED
 *
 * The least and greatest lengths are in the table below. */
#include "machine/machine.h"

#include <assert.h>
#include <errno.h>

#define FORMAT_VERSION 1
#define FIELDS_MAX     5

enum kind { KIND_NONE, KIND_BYTES, KIND_TEXT, KIND_U32, KIND_U64, KIND_CONDITION, KIND_STATE };

struct field {
    enum kind kind;
    const char *name;
    size_t offset;   /* in struct machine_command; of KIND_BYTES to KIND_U64 */
    size_t min, max; /* length; of KIND_BYTES and KIND_TEXT */
};

#define FIELD(kind, member) kind, #member, offsetof(struct machine_command, member)

static const struct field fields[][FIELDS_MAX] = {
    [MACHINE_KV_PUT] = {{FIELD(KIND_BYTES, key), 1, HIVE_KEY_BYTES},
                        {FIELD(KIND_BYTES, value), 0, HIVE_VALUE_BYTES},
                        {.kind = KIND_CONDITION, .name = "condition"}},
    [MACHINE_KV_DELETE] = {{FIELD(KIND_BYTES, key), 1, HIVE_KEY_BYTES},
                           {.kind = KIND_CONDITION, .name = "condition"}},
    [MACHINE_DRONE_REGISTER] = {{FIELD(KIND_TEXT, drone), 1, HIVE_ADDRESS_BYTES - 1},
                                {FIELD(KIND_TEXT, name), 1, HIVE_NAME_BYTES - 1},
                                {FIELD(KIND_TEXT, version), 0, HIVE_NAME_BYTES - 1},
                                {FIELD(KIND_TEXT, secret), 0, HIVE_TOKEN_BYTES - 1},
                                {FIELD(KIND_U32, capacity), 0, 0}},
    [MACHINE_DRONE_REMOVE] = {{FIELD(KIND_TEXT, drone), 1, HIVE_ADDRESS_BYTES - 1}},
    [MACHINE_TASK_SUBMIT] = {{FIELD(KIND_TEXT, name), 0, HIVE_NAME_BYTES - 1},
                             {FIELD(KIND_BYTES, text), 0, HIVE_TASK_TEXT_BYTES}},
    [MACHINE_TASK_ASSIGN] = {{FIELD(KIND_U64, task), 0, 0},
                             {FIELD(KIND_TEXT, drone), 1, HIVE_ADDRESS_BYTES - 1}},
    [MACHINE_TASK_UPDATE] = {{FIELD(KIND_U64, task), 0, 0},
                             {FIELD(KIND_U32, attempt), 0, 0},
                             {FIELD(KIND_TEXT, drone), 1, HIVE_ADDRESS_BYTES - 1},
                             {.kind = KIND_STATE, .name = "state"},
                             {FIELD(KIND_TEXT, detail), 0, HIVE_ERROR_BYTES - 1}},
};

#define TYPE_COUNT (sizeof fields / sizeof *fields)

static void put_number(struct hive_buffer *buffer, uint64_t number, size_t bytes)
{
    unsigned char *place = hive_buffer_reserve(buffer, bytes);
    for (size_t i = 0; i < bytes; i++)
        place[i] = (unsigned char)(number >> (8 * i));
    buffer->size += bytes;
}

static void put_field(struct hive_buffer *buffer, const struct field *field,
                      const struct machine_command *command)
{
    const void *member = (const char *)command + field->offset;
    const struct machine_bytes *bytes = member;

    switch (field->kind) {
    case KIND_NONE:
        break;
    case KIND_BYTES:
    case KIND_TEXT:
        assert(bytes->size <= UINT32_MAX);
        put_number(buffer, bytes->size, 4);
        hive_buffer_append(buffer, bytes->data, bytes->size);
        break;
    case KIND_U32:
        put_number(buffer, *(const uint32_t *)member, 4);
        break;
    case KIND_U64:
        put_number(buffer, *(const uint64_t *)member, 8);
        break;
    case KIND_CONDITION:
        put_number(buffer, command->condition, 1);
        if (command->condition == MACHINE_IF_INDEX)
            put_number(buffer, command->condition_index, 8);
        break;
    case KIND_STATE:
        put_number(buffer, command->state, 1);
        break;
    }
}

void machine_command_encode(const struct machine_command *command, struct hive_buffer *buffer)
{
    assert(command->type > 0 && command->type < TYPE_COUNT);
    put_number(buffer, FORMAT_VERSION, 1);
    put_number(buffer, command->type, 1);
    put_number(buffer, (uint64_t)command->time_ms, 8);
    for (size_t i = 0; i < FIELDS_MAX; i++)
        put_field(buffer, &fields[command->type][i], command);
}

/* What is left to decode. */
struct reader {
    const unsigned char *data;
    size_t left;
    bool is_short; /* more was asked for than there was */
};

static const unsigned char *get_bytes(struct reader *reader, size_t bytes)
{
    if (bytes > reader->left) {
        reader->is_short = true;
        return NULL;
    }
    const unsigned char *data = reader->data;
    reader->data += bytes;
    reader->left -= bytes;
    return data;
}

/* 0 where it is short. */
static uint64_t get_number(struct reader *reader, size_t bytes)
{
    const unsigned char *data = get_bytes(reader, bytes);
    uint64_t number = 0;
    for (size_t i = bytes; data && i-- > 0;)
        number = number << 8 | data[i];
    return number;
}

static bool get_string(struct reader *reader, const struct field *field, struct machine_bytes *bytes)
{
    bytes->size = get_number(reader, 4);
    if (reader->is_short || bytes->size < field->min || bytes->size > field->max)
        return false;
    bytes->data = (const char *)get_bytes(reader, bytes->size);
    if (reader->is_short)
        return false;
    return field->kind == KIND_BYTES || !memchr(bytes->data, 0, bytes->size);
}

/* False where the field is cut short or holds what it may not. */
static bool get_field(struct reader *reader, const struct field *field, struct machine_command *command)
{
    void *member = (char *)command + field->offset;

    switch (field->kind) {
    case KIND_NONE:
        break;
    case KIND_BYTES:
    case KIND_TEXT:
        return get_string(reader, field, member);
    case KIND_U32:
        *(uint32_t *)member = (uint32_t)get_number(reader, 4);
        break;
    case KIND_U64:
        *(uint64_t *)member = get_number(reader, 8);
        break;
    case KIND_CONDITION:
        command->condition = (enum machine_condition)get_number(reader, 1);
        if (command->condition == MACHINE_IF_INDEX)
            command->condition_index = get_number(reader, 8);
        return !reader->is_short && command->condition <= MACHINE_IF_EXISTS;
    case KIND_STATE:
        command->state = (enum machine_task_state)get_number(reader, 1);
        return command->state >= MACHINE_TASK_PENDING && command->state <= MACHINE_TASK_LOST &&
               command->state != MACHINE_TASK_ASSIGNED;
    }
    return !reader->is_short;
}

int machine_command_decode(const void *data, size_t bytes, struct machine_command *command,
                           struct hive_error *error)
{
    struct reader reader = {.data = data, .left = bytes};

    *command = (struct machine_command){0};
    uint64_t version = get_number(&reader, 1);
    uint64_t type = get_number(&reader, 1);
    command->time_ms = (int64_t)get_number(&reader, 8);
    if (reader.is_short)
        return hive_error_set(error, -EINVAL, "a command of %zu bytes is too short", bytes);
    if (version != FORMAT_VERSION)
        return hive_error_set(error, -EINVAL, "a command of format %u: this version knows format %u only",
                              (unsigned)version, FORMAT_VERSION);
    if (type == 0 || type >= TYPE_COUNT)
        return hive_error_set(error, -EINVAL, "no command has type %u", (unsigned)type);
    command->type = (enum machine_command_type)type;
    for (size_t i = 0; i < FIELDS_MAX; i++)
        if (!get_field(&reader, &fields[type][i], command))
            return hive_error_set(error, -EINVAL, "a command of type %u is cut short or out of range in '%s'",
                                  (unsigned)type, fields[type][i].name);
    if (reader.left)
        return hive_error_set(error, -EINVAL, "a command of type %u has %zu bytes too many", (unsigned)type,
                              reader.left);
    return 0;
}
