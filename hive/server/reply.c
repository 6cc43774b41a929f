/* Answers: bytes, JSON, and RFC 9457 problem documents. */
#include "server/internal.h"

#include <stdarg.h>

#include "hive/json.h"
#include "hive/log.h"
#include "hive/memory.h"

#define PROBLEM_URI "https://hive.invalid/problems/"

void hive_request_set_header(struct hive_request *request, const char *name, const char *value)
{
    hive_buffer_append(&request->headers, name, strlen(name) + 1);
    hive_buffer_append(&request->headers, value, strlen(value) + 1);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    /* libmicrohttpd refuses line breaks: a value taken from a request cannot forge a header. */
    if (MHD_add_response_header(response, name, value) == MHD_NO)
        hive_log_warning("left out an invalid response header", LOG_S("name", name));
}

void request_reply(struct hive_request *request, unsigned status, const char *content_type,
                   struct MHD_Response *response)
{
    if (content_type)
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (size_t at = 0; at < request->headers.size;) {
        const char *name = request->headers.data + at;
        const char *value = name + strlen(name) + 1;
        add_header(response, name, value);
        at = (size_t)(value - request->headers.data) + strlen(value) + 1;
    }
    request_publish(request, status, response);
}

static void reply(struct hive_request *request, unsigned status, const char *content_type, void *body,
                  size_t bytes, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(bytes, body, mode);
    if (!response) {
        fprintf(stderr, "hive: out of memory (an answer of %zu bytes): aborting\n", bytes);
        abort();
    }
    request_reply(request, status, content_type, response);
}

void hive_request_reply(struct hive_request *request, unsigned status, const char *content_type,
                        const void *body, size_t bytes)
{
    reply(request, status, content_type, hive_memdup(body, bytes), bytes, MHD_RESPMEM_MUST_FREE);
}

void hive_request_reply_json(struct hive_request *request, unsigned status, struct hive_buffer *json)
{
    size_t bytes = json->size;
    reply(request, status, "application/json", hive_buffer_take(json), bytes, MHD_RESPMEM_MUST_FREE);
}

void hive_request_reply_problem(struct hive_request *request, unsigned status, const char *type,
                                const char *detail, ...)
{
    struct hive_buffer text = {0}, json = {0};
    va_list arguments;
    va_start(arguments, detail);
    hive_buffer_vformat(&text, detail, arguments);
    va_end(arguments);
    hive_buffer_format(&json,
                       "{\"type\":\"" PROBLEM_URI "%s\",\"title\":\"%s\",\"status\":%u,\"detail\":", type,
                       MHD_get_reason_phrase_for(status), status);
    hive_json_append_string(&json, text.data, text.size);
    hive_buffer_append_text(&json, "}");
    hive_buffer_finish(&text);
    size_t bytes = json.size;
    reply(request, status, "application/problem+json", hive_buffer_take(&json), bytes, MHD_RESPMEM_MUST_FREE);
}
