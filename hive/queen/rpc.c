/* Raft's messages as JSON. The encoder writes text directly, because it runs for every batch; the decoder
 * trusts nothing. Ids are 48 bits wide and indexes stay far below 2^53, so all of them survive a JSON number.
 */
#include "queen/rpc.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "queen/message.h"

#define NUMBER_MAX ((int64_t)1 << 53)

const char *rpc_path(enum raft_message_type request)
{
    switch (request) {
    case RAFT_REQUEST_VOTE:
        return "/request_vote";
    case RAFT_INSTALL_SNAPSHOT:
        return "/install_snapshot";
    case RAFT_TIMEOUT_NOW:
        return "/timeout_now";
    default:
        return "/append_entries";
    }
}

static void encode_entries(const struct raft_append_entries *append, struct hive_buffer *json)
{
    hive_buffer_append_text(json, ",\"entries\":[");
    for (size_t i = 0; i < append->entry_count; i++) {
        const struct raft_entry *entry = &append->entries[i];
        hive_buffer_format(json, "%s{\"term\":%" PRIu64 ",\"type\":%d,\"data\":\"", i > 0 ? "," : "",
                           entry->term, (int)entry->type);
        hive_base64_append(json, entry->data, entry->bytes);
        hive_buffer_append_text(json, "\"}");
    }
    hive_buffer_append_text(json, "]}");
}

static void encode_vote(const struct raft_message *message, const char *sender_address,
                        struct hive_buffer *json)
{
    const struct raft_request_vote *vote = &message->request_vote;
    hive_buffer_format(
        json,
        ",\"candidate_id\":%" PRIu64 ",\"candidate\":\"%s\",\"last_log_index\":%" PRIu64
        ",\"last_log_term\":%" PRIu64 ",\"pre_vote\":%s,\"transfer\":%s,\"configuration_index\":%" PRIu64 "}",
        message->from, sender_address, vote->last_log_index, vote->last_log_term,
        vote->pre_vote ? "true" : "false", vote->transfer ? "true" : "false", vote->configuration_index);
}

static void encode_append(const struct raft_message *message, struct hive_buffer *json)
{
    const struct raft_append_entries *append = &message->append_entries;
    hive_buffer_format(json,
                       ",\"prev_log_index\":%" PRIu64 ",\"prev_log_term\":%" PRIu64
                       ",\"leader_commit\":%" PRIu64 ",\"round\":%" PRIu64 ",\"echo_ms\":%" PRId64
                       ",\"age_ms\":%" PRId64,
                       append->prev_log_index, append->prev_log_term, append->leader_commit, append->round,
                       append->echo_ms, append->age_ms);
    encode_entries(append, json);
}

void rpc_encode_request(const struct raft_message *message, const char *sender_address,
                        struct hive_buffer *json)
{
    hive_buffer_format(json, "{\"term\":%" PRIu64 ",\"receiver_id\":%" PRIu64, message->term, message->to);
    if (message->type == RAFT_REQUEST_VOTE) {
        encode_vote(message, sender_address, json);
        return;
    }
    hive_buffer_format(json, ",\"leader_id\":%" PRIu64 ",\"leader\":\"%s\"", message->from, sender_address);
    if (message->type == RAFT_APPEND_ENTRIES)
        encode_append(message, json);
    else
        hive_buffer_append_text(json, "}"); /* timeout_now */
}

void rpc_encode_reply(const struct raft_message *message, struct hive_buffer *json)
{
    hive_buffer_format(json, "{\"term\":%" PRIu64, message->term);
    if (message->type == RAFT_REQUEST_VOTE_REPLY) {
        const struct raft_request_vote_reply *vote = &message->request_vote_reply;
        hive_buffer_format(json, ",\"vote_granted\":%s,\"pre_vote\":%s,\"removed\":%s",
                           vote->vote_granted ? "true" : "false", vote->pre_vote ? "true" : "false",
                           vote->removed ? "true" : "false");
    } else if (message->type == RAFT_APPEND_ENTRIES_REPLY) {
        const struct raft_append_entries_reply *append = &message->append_entries_reply;
        hive_buffer_format(json,
                           ",\"success\":%s,\"match_index\":%" PRIu64 ",\"conflict_index\":%" PRIu64
                           ",\"conflict_term\":%" PRIu64 ",\"round\":%" PRIu64 ",\"clock_ms\":%" PRId64,
                           append->success ? "true" : "false", append->match_index, append->conflict_index,
                           append->conflict_term, append->round, append->clock_ms);
    }
    hive_buffer_append_text(json, "}");
}

/* A required whole number that is not negative. */
static int read_number(const cJSON *object, const char *name, uint64_t *value, struct hive_error *error)
{
    int64_t number;
    int code = hive_json_int(object, name, 0, NUMBER_MAX, &number, error);
    if (code)
        return -EINVAL;
    *value = (uint64_t)number;
    return 0;
}

static int read_flag(const cJSON *object, const char *name, bool *value, struct hive_error *error)
{
    return hive_json_bool(object, name, value, error) ? -EINVAL : 0;
}

/* What older senders do not know of: absent is `value` as it stands. */
static int read_flag_if_any(const cJSON *object, const char *name, bool *value, struct hive_error *error)
{
    return hive_json_bool(object, name, value, error) == -EINVAL ? -EINVAL : 0;
}

static int read_number_if_any(const cJSON *object, const char *name, uint64_t *value,
                              struct hive_error *error)
{
    int64_t number = (int64_t)*value;
    if (hive_json_int(object, name, 0, NUMBER_MAX, &number, error) == -EINVAL)
        return -EINVAL;
    *value = (uint64_t)number;
    return 0;
}

/* The same, of a time. */
static int read_time_if_any(const cJSON *object, const char *name, int64_t *value, struct hive_error *error)
{
    uint64_t number = (uint64_t)*value;
    int code = read_number_if_any(object, name, &number, error);
    *value = (int64_t)number;
    return code;
}

static int decode_entry(const cJSON *object, struct raft_entry *entry, struct hive_error *error)
{
    uint64_t type;
    const char *text;
    if (read_number(object, "term", &entry->term, error) || read_number(object, "type", &type, error) ||
        hive_json_string(object, "data", &text, error))
        return hive_error_prefix(error, -EINVAL, "entries");
    if (type < RAFT_ENTRY_NOOP || type > RAFT_ENTRY_CONFIGURATION)
        return hive_error_set(error, -EINVAL,
                              "entries: type must be 1 (no-op), 2 (command) or 3 (configuration)");
    struct hive_buffer data = {0};
    if (hive_base64_decode(&data, text, strlen(text))) {
        hive_buffer_finish(&data);
        return hive_error_set(error, -EINVAL, "entries: data must be base64");
    }
    entry->type = (enum raft_entry_type)type;
    entry->bytes = data.size;
    entry->data = hive_buffer_take(&data);
    return 0;
}

static int decode_append(const cJSON *object, struct raft_message *message, struct hive_error *error)
{
    struct raft_append_entries *append = &message->append_entries;
    const cJSON *entries, *item;
    if (read_number(object, "leader_id", &message->from, error) ||
        read_number(object, "prev_log_index", &append->prev_log_index, error) ||
        read_number(object, "prev_log_term", &append->prev_log_term, error) ||
        read_number(object, "leader_commit", &append->leader_commit, error) ||
        read_number(object, "round", &append->round, error) ||
        read_time_if_any(object, "echo_ms", &append->echo_ms, error) ||
        read_time_if_any(object, "age_ms", &append->age_ms, error) ||
        hive_json_array(object, "entries", &entries, error))
        return -EINVAL;
    struct raft_entry *decoded = hive_calloc((size_t)cJSON_GetArraySize(entries), sizeof *decoded);
    append->entries = decoded;
    cJSON_ArrayForEach(item, entries)
    {
        struct raft_entry *entry = &decoded[append->entry_count];
        entry->index = append->prev_log_index + 1 + append->entry_count;
        if (decode_entry(item, entry, error))
            return -EINVAL;
        append->entry_count++;
    }
    return 0;
}

static int decode_vote(const cJSON *object, struct raft_message *message, struct hive_error *error)
{
    struct raft_request_vote *vote = &message->request_vote;
    return read_number(object, "candidate_id", &message->from, error) ||
                   read_number(object, "last_log_index", &vote->last_log_index, error) ||
                   read_number(object, "last_log_term", &vote->last_log_term, error) ||
                   read_flag(object, "pre_vote", &vote->pre_vote, error) ||
                   read_flag_if_any(object, "transfer", &vote->transfer, error) ||
                   read_number_if_any(object, "configuration_index", &vote->configuration_index, error)
               ? -EINVAL
               : 0;
}

static int decode_vote_reply(const cJSON *object, struct raft_message *message, struct hive_error *error)
{
    struct raft_request_vote_reply *vote = &message->request_vote_reply;
    return read_flag(object, "vote_granted", &vote->vote_granted, error) ||
                   read_flag(object, "pre_vote", &vote->pre_vote, error) ||
                   read_flag_if_any(object, "removed", &vote->removed, error)
               ? -EINVAL
               : 0;
}

static int decode_append_reply(const cJSON *object, struct raft_message *message, struct hive_error *error)
{
    struct raft_append_entries_reply *append = &message->append_entries_reply;
    return read_flag(object, "success", &append->success, error) ||
                   read_number(object, "match_index", &append->match_index, error) ||
                   read_number(object, "conflict_index", &append->conflict_index, error) ||
                   read_number(object, "conflict_term", &append->conflict_term, error) ||
                   read_number(object, "round", &append->round, error) ||
                   read_time_if_any(object, "clock_ms", &append->clock_ms, error)
               ? -EINVAL
               : 0;
}

static int decode_body(const cJSON *object, struct raft_message *message, struct hive_error *error)
{
    bool is_request = message->type == RAFT_REQUEST_VOTE || message->type == RAFT_APPEND_ENTRIES ||
                      message->type == RAFT_TIMEOUT_NOW;
    if (read_number(object, "term", &message->term, error) ||
        (is_request && read_number(object, "receiver_id", &message->to, error)))
        return -EINVAL;
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        return decode_vote(object, message, error);
    case RAFT_REQUEST_VOTE_REPLY:
        return decode_vote_reply(object, message, error);
    case RAFT_APPEND_ENTRIES:
        return decode_append(object, message, error);
    case RAFT_APPEND_ENTRIES_REPLY:
        return decode_append_reply(object, message, error);
    case RAFT_TIMEOUT_NOW:
        return read_number(object, "leader_id", &message->from, error);
    case RAFT_TIMEOUT_NOW_REPLY:
        return 0;
    case RAFT_INSTALL_SNAPSHOT: /* comes in pieces: rpc_piece.c */
    case RAFT_INSTALL_SNAPSHOT_REPLY:
        break;
    }
    return -EINVAL;
}

int rpc_decode(enum raft_message_type type, const char *json, size_t bytes, struct raft_message **message,
               struct hive_error *error)
{
    cJSON *object = hive_json_parse_object(json, bytes, error);
    if (!object)
        return -EINVAL;
    struct raft_message *decoded = hive_calloc(1, sizeof *decoded);
    decoded->type = type;
    int code = decode_body(object, decoded, error);
    cJSON_Delete(object);
    if (code)
        queen_message_free(decoded);
    else
        *message = decoded;
    return code;
}
