/* Commands as bytes: what a log entry of type COMMAND holds. The format is for ever, as logs on disk hold it;
 * a change takes a new version number, and old versions stay readable.
 *
 * Numbers are little-endian and unsigned unless said otherwise. Every command starts with a head of 10 bytes:
 *
 *     offset  bytes
 *          0      1  version of this format: 1 without an idempotency key, 2 with one
 *          1      1  type, enum machine_command_type
 *          2      8  time_ms, signed
 *
 * Version 2 alone goes on with the idempotency key: 1 byte: its length, 1 to 64; then that many printable ASCII characters.
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

#include "machine/tables.h"

enum { VERSION_PLAIN = 1, VERSION_KEYED = 2 };

#define FIELDS_MAX 5

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
        bytes_put_string(buffer, *bytes);
        break;
    case KIND_U32:
        bytes_put_number(buffer, *(const uint32_t *)member, 4);
        break;
    case KIND_U64:
        bytes_put_number(buffer, *(const uint64_t *)member, 8);
        break;
    case KIND_CONDITION:
        bytes_put_number(buffer, command->condition, 1);
        if (command->condition == MACHINE_IF_INDEX)
            bytes_put_number(buffer, command->condition_index, 8);
        break;
    case KIND_STATE:
        bytes_put_number(buffer, command->state, 1);
        break;
    }
}

bool machine_is_idempotency_key(struct machine_bytes key)
{
    if (key.size < 1 || key.size > HIVE_IDEMPOTENCY_KEY_BYTES)
        return false;
    for (size_t i = 0; i < key.size; i++)
        if (key.data[i] < ' ' || key.data[i] > '~')
            return false;
    return true;
}

void machine_command_encode(const struct machine_command *command, struct hive_buffer *buffer)
{
    const struct machine_bytes *key = &command->idempotency_key;

    assert(command->type > 0 && command->type < TYPE_COUNT);
    assert(key->size <= HIVE_IDEMPOTENCY_KEY_BYTES);
    bytes_put_number(buffer, key->size ? VERSION_KEYED : VERSION_PLAIN, 1);
    bytes_put_number(buffer, command->type, 1);
    bytes_put_number(buffer, (uint64_t)command->time_ms, 8);
    if (key->size) {
        bytes_put_number(buffer, key->size, 1);
        hive_buffer_append(buffer, key->data, key->size);
    }
    for (size_t i = 0; i < FIELDS_MAX; i++)
        put_field(buffer, &fields[command->type][i], command);
}

/* False where the field is cut short or holds what it may not. */
static bool get_field(struct bytes_reader *reader, const struct field *field, struct machine_command *command)
{
    void *member = (char *)command + field->offset;

    switch (field->kind) {
    case KIND_NONE:
        break;
    case KIND_BYTES:
        return bytes_get_string(reader, field->min, field->max, member);
    case KIND_TEXT:
        return bytes_get_text(reader, field->min, field->max, member);
    case KIND_U32:
        *(uint32_t *)member = (uint32_t)bytes_get_number(reader, 4);
        break;
    case KIND_U64:
        *(uint64_t *)member = bytes_get_number(reader, 8);
        break;
    case KIND_CONDITION:
        command->condition = (enum machine_condition)bytes_get_number(reader, 1);
        if (command->condition == MACHINE_IF_INDEX)
            command->condition_index = bytes_get_number(reader, 8);
        return !reader->is_short && command->condition <= MACHINE_IF_EXISTS;
    case KIND_STATE:
        command->state = (enum machine_task_state)bytes_get_number(reader, 1);
        return command->state >= MACHINE_TASK_PENDING && command->state <= MACHINE_TASK_LOST &&
               command->state != MACHINE_TASK_ASSIGNED;
    }
    return !reader->is_short;
}

static bool get_idempotency_key(struct bytes_reader *reader, struct machine_bytes *key)
{
    key->size = bytes_get_number(reader, 1);
    key->data = (const char *)bytes_get(reader, key->size);
    return !reader->is_short && machine_is_idempotency_key(*key);
}

int machine_command_decode(const void *data, size_t bytes, struct machine_command *command,
                           struct hive_error *error)
{
    struct bytes_reader reader = {.data = data, .left = bytes};

    *command = (struct machine_command){0};
    uint64_t version = bytes_get_number(&reader, 1);
    uint64_t type = bytes_get_number(&reader, 1);
    command->time_ms = (int64_t)bytes_get_number(&reader, 8);
    if (reader.is_short)
        return hive_error_set(error, -EINVAL, "a command of %zu bytes is too short", bytes);
    if (version != VERSION_PLAIN && version != VERSION_KEYED)
        return hive_error_set(error, -EINVAL, "a command of format %u: this version knows formats up to %u",
                              (unsigned)version, VERSION_KEYED);
    if (type == 0 || type >= TYPE_COUNT)
        return hive_error_set(error, -EINVAL, "no command has type %u", (unsigned)type);
    command->type = (enum machine_command_type)type;
    if (version == VERSION_KEYED && !get_idempotency_key(&reader, &command->idempotency_key))
        return hive_error_set(error, -EINVAL, "a command of type %u has no good idempotency key",
                              (unsigned)type);
    for (size_t i = 0; i < FIELDS_MAX; i++)
        if (!get_field(&reader, &fields[type][i], command))
            return hive_error_set(error, -EINVAL, "a command of type %u is cut short or out of range in '%s'",
                                  (unsigned)type, fields[type][i].name);
    if (reader.left)
        return hive_error_set(error, -EINVAL, "a command of type %u has %zu bytes too many", (unsigned)type,
                              reader.left);
    return 0;
}

uint64_t machine_command_fingerprint(const void *data, size_t bytes)
{
    struct bytes_reader reader = {.data = data, .left = bytes};

    uint64_t version = bytes_get_number(&reader, 1);
    uint64_t type = bytes_get_number(&reader, 1);
    bytes_get(&reader, 8);
    if (version == VERSION_KEYED)
        bytes_get(&reader, bytes_get_number(&reader, 1));
    assert(!reader.is_short);
    /* The fields have one form only: equal bytes are equal arguments, and the other way round. */
    return bytes_hash(type, reader.data, reader.left);
}
