/* The key-value store: PUT, GET, DELETE /kv/KEY and GET /kv. A key's ETag is its modification index, which is
 * what compare-and-set compares. */
#include <errno.h>
#include <inttypes.h>

#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "http/answer.h"
#include "http/handlers.h"

/* Values of one page of a listing, at least one; keeps an answer that lists large values in bounds. */
#define PAGE_BYTES (4 * HIVE_BODY_BYTES)

static void set_etag(struct hive_request *request, uint64_t index)
{
    char etag[32];
    snprintf(etag, sizeof etag, "\"%" PRIu64 "\"", index);
    hive_request_set_header(request, "ETag", etag);
}

/* The key in the path. False, and an answer, where it is empty, too long, or no text (a listing could not go
 * on behind a key with a NUL in it: queries cannot carry one). */
static bool read_key(struct hive_request *request, struct machine_bytes *key)
{
    key->data = hive_request_segment(request, 0, &key->size);
    if (key->size == 0)
        hive_request_reply_problem(request, 400, "bad-request", "a key is missing: /kv/KEY");
    else if (key->size > HIVE_KEY_BYTES)
        hive_request_reply_problem(request, 414, "uri-too-long", "the key has %zu bytes; %d are the most",
                                   key->size, HIVE_KEY_BYTES);
    else if (memchr(key->data, '\0', key->size))
        hive_request_reply_problem(request, 400, "bad-request", "a key must not contain a NUL byte (%%00)");
    else
        return true;
    return false;
}

/* "N" with or without the quotes of an entity tag. */
static bool parse_etag(const char *text, uint64_t *index)
{
    bool is_quoted = *text == '"';
    char *end;
    errno = 0;
    if (text[is_quoted] < '0' || text[is_quoted] > '9')
        return false;
    *index = strtoull(text + is_quoted, &end, 10);
    return !errno && !strcmp(end, is_quoted ? "\"" : "");
}

/* If-Match and If-None-Match (RFC 9110, 13.1). False, and an answer, where they make no sense here. */
static bool read_condition(struct hive_request *request, struct machine_command *command)
{
    const char *match = hive_request_header(request, "If-Match");
    const char *none_match = hive_request_header(request, "If-None-Match");
    const char *problem = NULL;
    command->condition = MACHINE_ALWAYS;
    if (match && none_match)
        problem = "give If-Match or If-None-Match, not both";
    else if (none_match && strcmp(none_match, "*"))
        problem = "If-None-Match takes * only: the write happens where the key does not exist";
    else if (none_match)
        command->condition = MACHINE_IF_ABSENT;
    else if (match && !strcmp(match, "*"))
        command->condition = MACHINE_IF_EXISTS;
    else if (match && parse_etag(match, &command->condition_index))
        command->condition = MACHINE_IF_INDEX;
    else if (match)
        problem = "If-Match takes * or the ETag of an earlier answer, such as \"12\"";
    if (problem)
        hive_request_reply_problem(request, 400, "bad-request", "%s", problem);
    return !problem;
}

/* The answer to a PUT or DELETE. */
static void on_written(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    if (answer_unless_applied(request, answer))
        return;
    const struct machine_result *result = answer->result;
    struct machine_bytes key;
    key.data = hive_request_segment(request, 0, &key.size);
    if (result->index > 0)
        set_etag(request, result->index);
    switch (result->status) {
    case MACHINE_OK: {
        struct hive_buffer json = {0};
        hive_buffer_append_text(&json, "{");
        answer_append_bytes(&json, "key", key);
        hive_buffer_format(&json, ",\"index\":%" PRIu64 "}", result->index);
        hive_request_reply_json(request, result->created ? 201 : 200, &json);
        break;
    }
    case MACHINE_NOT_FOUND:
        hive_request_reply_problem(request, 404, "not-found", "there is no such key");
        break;
    case MACHINE_CONFLICT:
        hive_request_reply_problem(
            request, 412, "conflict",
            "the condition does not hold (the ETag of this answer is the key's, where it exists): "
            "read the key again and decide anew");
        break;
    case MACHINE_FULL: /* of keys of the store there may be any number */
        answer_full(request, 0, NULL);
        break;
    case MACHINE_KEY_REUSED: /* answered above */
    case MACHINE_INVALID:
        hive_request_reply_problem(request, 500, "internal", "the queens could not apply this write");
        break;
    }
}

static void write_key(struct hive_request *request, struct node *node, enum machine_command_type type)
{
    struct machine_command command = {.type = type};
    if (answer_if_drone(request, node) || !read_key(request, &command.key) ||
        !read_condition(request, &command) || !answer_idempotency_key(request, &command.idempotency_key))
        return;
    if (type == MACHINE_KV_PUT)
        command.value.data = hive_request_body(request, &command.value.size);
    queen_propose(node->queen, &command, on_written, request);
}

void handle_put_key(struct hive_request *request, void *context)
{
    write_key(request, context, MACHINE_KV_PUT);
}

void handle_delete_key(struct hive_request *request, void *context)
{
    write_key(request, context, MACHINE_KV_DELETE);
}

static void on_get(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    if (answer_unless_done(request, answer))
        return;
    struct machine_bytes key;
    struct machine_kv entry;
    key.data = hive_request_segment(request, 0, &key.size);
    if (!machine_kv_get(answer->machine, key, &entry)) {
        hive_request_reply_problem(request, 404, "not-found", "there is no such key");
        return;
    }
    set_etag(request, entry.modified_index);
    hive_request_reply(request, 200, "application/octet-stream", entry.value.data, entry.value.size);
}

void handle_get_key(struct hive_request *request, void *context)
{
    struct node *node = context;
    struct machine_bytes key;
    bool stale;
    if (!answer_if_drone(request, node) && read_key(request, &key) && answer_reads_stale(request, &stale))
        queen_read(node->queen, stale, on_get, request);
}

/* One page of a listing, being written. */
struct page {
    struct hive_buffer json;
    struct hive_buffer last_key; /* to go on behind */
    int64_t left;
    bool has_more;
};

static bool add_entry(const struct machine_kv *entry, void *context)
{
    struct page *page = context;
    if (page->left == 0 || page->json.size > PAGE_BYTES) {
        page->has_more = true;
        return false;
    }
    page->left--;
    hive_buffer_append_text(&page->json, page->json.data[page->json.size - 1] == '[' ? "{" : ",{");
    answer_append_bytes(&page->json, "key", entry->key);
    hive_buffer_append_text(&page->json, ",");
    answer_append_bytes(&page->json, "value", entry->value);
    hive_buffer_format(&page->json, ",\"index\":%" PRIu64 ",\"version\":%" PRIu64 "}", entry->modified_index,
                       entry->version);
    hive_buffer_clear(&page->last_key);
    hive_buffer_append(&page->last_key, entry->key.data, entry->key.size);
    return true;
}

static struct machine_bytes query_bytes(struct hive_request *request, const char *name)
{
    const char *text = hive_request_query(request, name);
    return text ? (struct machine_bytes){.data = text, .size = strlen(text)}
                : (struct machine_bytes){.data = ""};
}

static void on_list(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    struct page page = {0};
    if (answer_unless_done(request, answer) || !answer_limit(request, &page.left))
        return;
    hive_buffer_append_text(&page.json, "{\"entries\":[");
    machine_kv_each(answer->machine, query_bytes(request, "prefix"), query_bytes(request, "after"), add_entry,
                    &page);
    hive_buffer_append_text(&page.json, "],");
    if (page.has_more)
        answer_append_bytes(&page.json, "next",
                            (struct machine_bytes){.data = page.last_key.data, .size = page.last_key.size});
    else
        hive_buffer_append_text(&page.json, "\"next\":null");
    hive_buffer_append_text(&page.json, "}");
    hive_buffer_finish(&page.last_key);
    hive_request_reply_json(request, 200, &page.json);
}

void handle_list_keys(struct hive_request *request, void *context)
{
    struct node *node = context;
    bool stale;
    if (!answer_if_drone(request, node) && answer_reads_stale(request, &stale))
        queen_read(node->queen, stale, on_list, request);
}
