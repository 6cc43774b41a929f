/* GET /members, both ends of it. A founding queen decides by this answer what her group is, so what arrives is taken only where it
 * makes sense as a whole. */
#include "queen/group.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/address.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "raft/configuration.h"

#define ID_MAX ((INT64_C(1) << 53) - 1) /* what a JSON number holds, although ids are texts */

const char *const group_standing_names[] = {
    [RAFT_STANDING_NONE] = "none",
    [RAFT_STANDING_LEARNER] = "learner",
    [RAFT_STANDING_VOTER] = "voter",
    [RAFT_STANDING_REMOVED] = "removed",
    NULL,
};

/* ---- writing ---- */

static void append_text(struct hive_buffer *json, const char *name, const char *text)
{
    hive_buffer_format(json, "\"%s\":", name);
    if (*text)
        hive_json_append_string(json, text, strlen(text));
    else
        hive_buffer_append_text(json, "null");
}

static void append_member(struct hive_buffer *json, const struct raft_member *member)
{
    if (json->data[json->size - 1] == '}')
        hive_buffer_append_text(json, ",");
    hive_buffer_format(json, "{\"id\":\"%" PRIu64 "\",", member->id);
    append_text(json, "address", member->address);
    hive_buffer_format(json, ",\"kind\":\"%s\"", raft_member_kind_names[member->kind]);
}

/* How far a member is, as its leader sees it. */
static void append_progress(struct hive_buffer *json, const struct queen_status *status, raft_id id)
{
    if (id == status->id) {
        hive_buffer_format(json, ",\"match_index\":%" PRIu64, status->last);
        return;
    }
    for (size_t i = 0; i < status->peer_count; i++)
        if (status->peers[i].id == id)
            hive_buffer_format(json, ",\"match_index\":%" PRIu64 ",\"last_ack_ms\":%" PRId64,
                               status->peers[i].match, status->peers[i].last_ack_ms);
}

static void append_members(struct hive_buffer *json, const struct queen_status *status,
                           const struct raft_configuration *members)
{
    hive_buffer_append_text(json, "\"members\":[");
    for (size_t i = 0; i < members->count; i++) {
        const struct raft_member *member = &members->members[i];
        append_member(json, member);
        hive_buffer_format(json, ",\"leader\":%s",
                           strcmp(member->address, status->leader) == 0 ? "true" : "false");
        if (status->role == RAFT_LEADER)
            append_progress(json, status, member->id);
        hive_buffer_append_text(json, "}");
    }
    hive_buffer_append_text(json, "]");
}

void group_append(struct hive_buffer *json, const char *address, const struct queen_status *status,
                  const struct raft_configuration *members, const struct raft_configuration *founding)
{
    hive_buffer_format(json, "{\"id\":\"%" PRIu64 "\",", status->id);
    append_text(json, "address", address);
    hive_buffer_format(json, ",\"standing\":\"%s\",", group_standing_names[status->standing]);
    append_text(json, "leader", status->leader);
    hive_buffer_format(json,
                       ",\"last_index\":%" PRIu64 ",\"commit_index\":%" PRIu64
                       ",\"configuration\":{\"index\":%" PRIu64 ",",
                       status->last, status->commit, members->index);
    append_members(json, status, members);
    hive_buffer_append_text(json, "},\"founding\":");
    if (founding->count == 0) {
        hive_buffer_append_text(json, "null}");
        return;
    }
    hive_buffer_append_text(json, "{\"members\":[");
    for (size_t i = 0; i < founding->count; i++) {
        append_member(json, &founding->members[i]);
        hive_buffer_append_text(json, "}");
    }
    hive_buffer_append_text(json, "]}}");
}

/* ---- reading ---- */

raft_id group_parse_id(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long id = *text >= '1' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    return id && !errno && !*end && id <= ID_MAX ? id : 0;
}

static int name_index(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static int parse_kind(const char *name, enum raft_member_kind *kind)
{
    for (int i = RAFT_MEMBER_VOTER; i <= RAFT_MEMBER_LEARNER; i++)
        if (strcmp(raft_member_kind_names[i], name) == 0) {
            *kind = (enum raft_member_kind)i;
            return 0;
        }
    return -EINVAL;
}

static int parse_identity(const cJSON *json, raft_id *id, char address[HIVE_ADDRESS_BYTES],
                          struct hive_error *error)
{
    const char *id_text, *address_text;
    struct hive_address parsed;
    if (hive_json_string(json, "id", &id_text, error) ||
        hive_json_string(json, "address", &address_text, error))
        return -EINVAL;
    *id = group_parse_id(id_text);
    if (!*id)
        return hive_error_set(error, -EINVAL, "\"id\" must be a decimal number of up to 53 bits, as a text");
    if (hive_address_parse(address_text, &parsed, error))
        return hive_error_prefix(error, -EINVAL, "\"address\"");
    if (parsed.port == 0 || strlen(address_text) >= HIVE_ADDRESS_BYTES)
        return hive_error_set(error, -EINVAL, "\"address\" is none to call");
    snprintf(address, HIVE_ADDRESS_BYTES, "%s", address_text);
    return 0;
}

static int parse_member(const cJSON *json, struct raft_configuration *configuration, struct hive_error *error)
{
    struct raft_member *member = &configuration->members[configuration->count];
    const char *kind;
    raft_id id;
    char address[HIVE_ADDRESS_BYTES];
    if (configuration->count == HIVE_QUEENS)
        return hive_error_set(error, -EINVAL, "\"members\" are more than %d", HIVE_QUEENS);
    if (parse_identity(json, &id, address, error) || hive_json_string(json, "kind", &kind, error))
        return -EINVAL;
    if (parse_kind(kind, &member->kind))
        return hive_error_set(error, -EINVAL, "\"kind\" must be voter, joining or learner");
    if (raft_configuration_find(configuration, id) || raft_configuration_find_address(configuration, address))
        return hive_error_set(error, -EINVAL, "\"members\" has id %" PRIu64 " or address %s twice", id,
                              address);
    member->id = id;
    memcpy(member->address, address, sizeof address);
    configuration->count++;
    return 0;
}

static int parse_members(const cJSON *json, struct raft_configuration *configuration,
                         struct hive_error *error)
{
    const cJSON *members, *member;
    if (hive_json_array(json, "members", &members, error))
        return -EINVAL;
    cJSON_ArrayForEach(member, members)
    {
        if (!cJSON_IsObject(member))
            return hive_error_set(error, -EINVAL, "\"members\" must be objects");
        if (parse_member(member, configuration, error))
            return -EINVAL;
    }
    return 0;
}

static int parse(const cJSON *json, struct group_answer *answer, struct hive_error *error)
{
    const char *standing;
    const cJSON *configuration, *founding = NULL;
    int64_t index, commit = 0;
    if (parse_identity(json, &answer->id, answer->address, error) ||
        hive_json_string(json, "standing", &standing, error) ||
        hive_json_object(json, "configuration", &configuration, error) ||
        hive_json_int(configuration, "index", 0, INT64_MAX, &index, error) ||
        hive_json_int(json, "commit_index", 0, INT64_MAX, &commit, error) == -EINVAL)
        return -EINVAL;
    int known = name_index(group_standing_names, standing);
    if (known < 0)
        return hive_error_set(error, -EINVAL, "\"standing\" is none that is known");
    answer->standing = (enum raft_standing)known;
    answer->configuration.index = (raft_index)index;
    answer->commit = (raft_index)commit;
    if (parse_members(configuration, &answer->configuration, error))
        return hive_error_prefix(error, -EINVAL, "\"configuration\"");
    if (hive_json_object(json, "founding", &founding, error) == -EINVAL)
        return -EINVAL;
    if (founding && parse_members(founding, &answer->founding, error))
        return hive_error_prefix(error, -EINVAL, "\"founding\"");
    if (founding && answer->founding.count == 0)
        return hive_error_set(error, -EINVAL, "\"founding\" names nobody");
    return 0;
}

int group_parse(const char *text, size_t bytes, struct group_answer *answer, struct hive_error *error)
{
    *answer = (struct group_answer){0};
    cJSON *json = hive_json_parse_object(text, bytes, error);
    int result = json ? parse(json, answer, error) : -EINVAL;
    cJSON_Delete(json);
    return result;
}

/* ---- asking ---- */

bool group_is_same(const struct raft_configuration *a, const struct raft_configuration *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct raft_member *member = &a->members[i], *other = raft_configuration_find(b, member->id);
        if (!other || other->kind != member->kind || strcmp(other->address, member->address) != 0)
            return false;
    }
    return true;
}

static bool knows(const struct group_answer *answer, raft_id id)
{
    return raft_configuration_find(&answer->configuration, id) ||
           raft_configuration_find(&answer->founding, id);
}

bool group_is_shared(const struct group_answer *a, const struct group_answer *b)
{
    if (knows(a, b->id) || knows(b, a->id))
        return true;
    for (size_t i = 0; i < a->configuration.count; i++)
        if (knows(b, a->configuration.members[i].id))
            return true;
    for (size_t i = 0; i < a->founding.count; i++)
        if (knows(b, a->founding.members[i].id))
            return true;
    return false;
}
