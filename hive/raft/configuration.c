/* Members and their bytes. It exists apart from membership.c (who may change them, and when), because the
 * store and the messages need nothing but this. */
#include "raft/configuration.h"

#include <assert.h>
#include <string.h>

enum { VERSION = 1, HEAD_BYTES = 2, MEMBER_BYTES = 8 + 1 + 2 };

const char *const raft_member_kind_names[] = {
    [RAFT_MEMBER_VOTER] = "voter",
    [RAFT_MEMBER_JOINING] = "joining",
    [RAFT_MEMBER_LEARNER] = "learner",
};

/* ---- members ---- */

const struct raft_member *raft_configuration_find(const struct raft_configuration *configuration, raft_id id)
{
    for (size_t i = 0; i < configuration->count; i++)
        if (configuration->members[i].id == id)
            return &configuration->members[i];
    return NULL;
}

const struct raft_member *raft_configuration_find_address(const struct raft_configuration *configuration,
                                                          const char *address)
{
    if (!*address)
        return NULL;
    for (size_t i = 0; i < configuration->count; i++)
        if (strcmp(configuration->members[i].address, address) == 0)
            return &configuration->members[i];
    return NULL;
}

static bool kind_exists(unsigned kind)
{
    return kind == RAFT_MEMBER_VOTER || kind == RAFT_MEMBER_JOINING || kind == RAFT_MEMBER_LEARNER;
}

bool raft_configuration_is_valid(const struct raft_configuration *configuration)
{
    if (configuration->count > HIVE_QUEENS)
        return false;
    for (size_t i = 0; i < configuration->count; i++) {
        const struct raft_member *member = &configuration->members[i];
        if (member->id == 0 || !kind_exists(member->kind) ||
            raft_configuration_find(configuration, member->id) != member ||
            !memchr(member->address, '\0', sizeof member->address))
            return false;
    }
    return true;
}

size_t raft_configuration_voters(const struct raft_configuration *configuration)
{
    size_t voters = 0;
    for (size_t i = 0; i < configuration->count; i++)
        voters += configuration->members[i].kind == RAFT_MEMBER_VOTER;
    return voters;
}

bool raft_configuration_put(struct raft_configuration *configuration, const struct raft_member *member)
{
    size_t at = 0;
    while (at < configuration->count && configuration->members[at].id != member->id)
        at++;
    if (at == HIVE_QUEENS)
        return false;
    configuration->members[at] = *member;
    if (at == configuration->count)
        configuration->count++;
    return true;
}

bool raft_configuration_take_out(struct raft_configuration *configuration, raft_id id)
{
    const struct raft_member *member = raft_configuration_find(configuration, id);
    if (!member)
        return false;
    size_t at = (size_t)(member - configuration->members);
    configuration->count--;
    memmove(&configuration->members[at], &configuration->members[at + 1],
            (configuration->count - at) * sizeof *member);
    return true;
}

/* ---- bytes ---- */

static void put_number(struct hive_buffer *buffer, uint64_t number, size_t bytes)
{
    unsigned char *at = hive_buffer_reserve(buffer, bytes);
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> (8 * i));
    buffer->size += bytes;
}

static uint64_t number_at(const unsigned char *at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)at[i] << (8 * i);
    return number;
}

void raft_configuration_encode(struct hive_buffer *buffer, const struct raft_configuration *configuration)
{
    assert(raft_configuration_is_valid(configuration));
    put_number(buffer, VERSION, 1);
    put_number(buffer, configuration->count, 1);
    for (size_t i = 0; i < configuration->count; i++) {
        const struct raft_member *member = &configuration->members[i];
        size_t address_bytes = strlen(member->address);
        put_number(buffer, member->id, 8);
        put_number(buffer, member->kind, 1);
        put_number(buffer, address_bytes, 2);
        hive_buffer_append(buffer, member->address, address_bytes);
    }
}

bool raft_configuration_decode(const void *data, size_t bytes, raft_index index,
                               struct raft_configuration *configuration)
{
    const unsigned char *at = data;
    *configuration = (struct raft_configuration){.index = index};
    if (bytes < HEAD_BYTES || at[0] != VERSION || at[1] > HIVE_QUEENS)
        return false;
    size_t count = at[1], left = bytes - HEAD_BYTES;
    at += HEAD_BYTES;
    for (size_t i = 0; i < count; i++) {
        if (left < MEMBER_BYTES)
            return false;
        struct raft_member *member = &configuration->members[i];
        size_t address_bytes = (size_t)number_at(at + 9, 2);
        left -= MEMBER_BYTES;
        if (!kind_exists(at[8]) || address_bytes >= sizeof member->address || address_bytes > left ||
            memchr(at + MEMBER_BYTES, '\0', address_bytes))
            return false;
        member->id = number_at(at, 8);
        member->kind = (enum raft_member_kind)at[8];
        memcpy(member->address, at + MEMBER_BYTES, address_bytes);
        at += MEMBER_BYTES + address_bytes;
        left -= address_bytes;
    }
    configuration->count = count;
    return left == 0 && raft_configuration_is_valid(configuration);
}
