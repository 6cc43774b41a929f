/* Snapshots over the wire: a file in pieces, each a message of its own, so that none is large, and a broken connection
 * costs one piece. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "hive/encoding.h"
#include "hive/json.h"
#include "queen/rpc.h"

#define NUMBER_MAX ((int64_t)1 << 53)

void rpc_encode_piece(const struct queen_snapshot_piece *piece, const char *sender_address,
                      struct hive_buffer *json)
{
    hive_buffer_format(json,
                       "{\"term\":%" PRIu64 ",\"receiver_id\":%" PRIu64 ",\"leader_id\":%" PRIu64
                       ",\"leader\":\"%s\",\"last_included_index\":%" PRIu64
                       ",\"last_included_term\":%" PRIu64 ",\"file_bytes\":%" PRIu64 ",\"offset\":%" PRIu64
                       ",\"data\":\"",
                       piece->term, piece->to, piece->from, sender_address, piece->last_included_index,
                       piece->last_included_term, piece->file_bytes, piece->offset);
    hive_base64_append(json, piece->data, piece->bytes);
    hive_buffer_append_text(json, "\"}");
}

void rpc_encode_piece_reply(const struct rpc_piece_reply *reply, struct hive_buffer *json)
{
    hive_buffer_format(json, "{\"term\":%" PRIu64 ",\"next_offset\":%" PRIu64 ",\"match_index\":%" PRIu64 "}",
                       reply->term, reply->next_offset, reply->match_index);
}

/* Required whole numbers that are not negative. */
struct number {
    const char *name;
    uint64_t *value;
};

static int read_numbers(const cJSON *object, const struct number *numbers, size_t count,
                        struct hive_error *error)
{
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        if (hive_json_int(object, numbers[i].name, 0, NUMBER_MAX, &number, error))
            return -EINVAL;
        *numbers[i].value = (uint64_t)number;
    }
    return 0;
}

static int read_data(const cJSON *object, struct queen_snapshot_piece *piece, struct hive_buffer *data,
                     struct hive_error *error)
{
    const char *text;
    if (hive_json_string(object, "data", &text, error))
        return -EINVAL;
    if (hive_base64_decode(data, text, strlen(text)))
        return hive_error_set(error, -EINVAL, "data must be base64");
    piece->data = data->data;
    piece->bytes = data->size;
    if (piece->offset > piece->file_bytes || data->size > piece->file_bytes - piece->offset)
        return hive_error_set(error, -EINVAL, "offset: the piece goes beyond file_bytes");
    return 0;
}

int rpc_decode_piece(const char *json, size_t bytes, struct queen_snapshot_piece *piece,
                     struct hive_buffer *data, struct hive_error *error)
{
    cJSON *object = hive_json_parse_object(json, bytes, error);
    if (!object)
        return -EINVAL;
    *piece = (struct queen_snapshot_piece){0};
    const struct number numbers[] = {
        {"term", &piece->term},
        {"receiver_id", &piece->to},
        {"leader_id", &piece->from},
        {"last_included_index", &piece->last_included_index},
        {"last_included_term", &piece->last_included_term},
        {"file_bytes", &piece->file_bytes},
        {"offset", &piece->offset},
    };
    int code = read_numbers(object, numbers, sizeof numbers / sizeof numbers[0], error);
    if (!code)
        code = read_data(object, piece, data, error);
    cJSON_Delete(object);
    return code;
}

int rpc_decode_piece_reply(const char *json, size_t bytes, struct rpc_piece_reply *reply,
                           struct hive_error *error)
{
    cJSON *object = hive_json_parse_object(json, bytes, error);
    if (!object)
        return -EINVAL;
    const struct number numbers[] = {
        {"term", &reply->term},
        {"next_offset", &reply->next_offset},
        {"match_index", &reply->match_index},
    };
    int code = read_numbers(object, numbers, sizeof numbers / sizeof numbers[0], error);
    cJSON_Delete(object);
    return code;
}
