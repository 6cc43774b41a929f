/* One request whose answer is awaited, for programs that have nothing else to do meanwhile.
 *
 * Each call has a client of its own: no connection is kept, so none can turn out to be dead, and whether the
 * request was sent is known for certain. */
#include "hive/http_client.h"

struct call {
    struct hive_http_reply *reply;
    struct hive_error *error;
    const char *address;
    int result;
    bool is_done;
};

/* A text that does not fit is left out: half of a Location leads to another place. */
static void copy_text(char *place, size_t bytes, const char *text)
{
    snprintf(place, bytes, "%s", strlen(text) < bytes ? text : "");
}

static void finish_call(struct hive_http_response *response, void *context)
{
    struct call *call = context;
    struct hive_http_reply *reply = call->reply;
    call->is_done = true;
    if (!response->status) {
        reply->was_sent = response->was_sent;
        call->result =
            hive_error_set(call->error, response->error_number, "%s: %s", call->address, response->failure);
        return;
    }
    reply->status = response->status;
    reply->body = response->body;
    response->body = (struct hive_buffer){0};
    copy_text(reply->content_type, sizeof reply->content_type, response->content_type);
    copy_text(reply->location, sizeof reply->location, response->location);
    copy_text(reply->etag, sizeof reply->etag, response->etag);
    reply->retry_after_s = response->retry_after_s;
}

/* On a client of its own: no connection is kept, so none can turn out to be dead, and whether a request was
 * sent is known for certain. */
int hive_http_call(const struct hive_http_request *request, struct hive_http_reply *reply,
                   struct hive_error *error)
{
    struct hive_http_client *client = hive_http_client_create();
    const char *address = request->unix_socket ? request->unix_socket : request->url;
    struct call call = {.reply = reply, .error = error, .address = address};
    *reply = (struct hive_http_reply){.retry_after_s = -1};
    hive_http_client_start(client, request, finish_call, &call);
    while (!call.is_done)
        hive_http_client_wait(client, NULL, 0, 1000);
    hive_http_client_destroy(client);
    return call.result;
}

void hive_http_reply_finish(struct hive_http_reply *reply)
{
    hive_buffer_finish(&reply->body);
}
