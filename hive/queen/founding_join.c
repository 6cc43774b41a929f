/* What the founding thread says to other queens: it asks them who they are and what they know of a group, and to take its queen into
 * theirs. */
#include "queen/founding_internal.h"

#include <errno.h>
#include <inttypes.h>

#include "faults/faults.h"
#include "hive/address.h"
#include "hive/buffer.h"
#include "hive/json.h"
#include "hive/log.h"
#include "hive/memory.h"

#define ASK_MS 1000 /* for one answer; a queen needs a few, and one that is stopped gives none */
#define JOIN_MS                                                                                              \
    10000 /* for being taken in, which waits for a majority: longer than a leader lets it wait (--request-timeout) */

/* ---- asking ---- */

/* The "detail" of a problem document, or what the status is. */
static void describe(const struct hive_buffer *body, int status, char *text, size_t bytes)
{
    const char *detail = NULL;
    cJSON *json = hive_json_parse_object(body->data ? body->data : "", body->size, NULL);
    if (json)
        hive_json_string(json, "detail", &detail, NULL);
    if (detail)
        snprintf(text, bytes, "%s", detail);
    else
        snprintf(text, bytes, "it answers with HTTP status %d", status);
    cJSON_Delete(json);
}

static void take_answer(struct hive_http_response *response, void *context)
{
    struct founding_peer *peer = context;
    struct hive_error error = {{0}};
    if (response->status == 0) {
        snprintf(peer->failure, sizeof peer->failure, "%s", response->failure);
    } else if (response->status != 200) {
        describe(&response->body, response->status, peer->failure, sizeof peer->failure);
    } else if (group_parse(response->body.data ? response->body.data : "", response->body.size, &peer->answer,
                           &error)) {
        snprintf(peer->failure, sizeof peer->failure, "that is no answer of a queen: %.100s", error.message);
    } else {
        peer->is_answered = true;
    }
}

void founding_ask(struct founding *founding, const char *const *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct founding_peer *peer = &founding->peers[i];
        char *url = hive_format("http://%s/members", addresses[i]);
        *peer = (struct founding_peer){.listed = addresses[i]};
        faults_send(founding->faults, founding->client,
                    &(struct hive_http_request){.method = "GET",
                                                .url = url,
                                                .token = founding->token,
                                                .timeout_ms = ASK_MS,
                                                .response_bytes = GROUP_ANSWER_BYTES},
                    addresses[i], take_answer, peer);
        free(url);
    }
    while (!founding->is_stopping && hive_http_client_pending(founding->client) > 0)
        hive_http_client_wait(founding->client, NULL, 0, ASK_MS);
}

/* ---- being taken in ---- */

static void keep_reply(struct hive_http_response *response, void *context)
{
    struct founding *founding = context;
    founding->is_answered = true;
    founding->reply.status = response->status;
    founding->reply.body = response->body;
    response->body = (struct hive_buffer){0};
    snprintf(founding->reply.location, sizeof founding->reply.location, "%s", response->location);
    if (!response->status)
        hive_buffer_append_text(&founding->reply.body, response->failure);
}

/* Posts to `address`; false where the founding ends meanwhile. */
static bool post_self(struct founding *founding, const char *address)
{
    struct hive_buffer body = {0};
    hive_buffer_format(&body, "{\"id\":\"%" PRIu64 "\",\"address\":", founding->self.id);
    hive_json_append_string(&body, founding->address, strlen(founding->address));
    hive_buffer_append_text(&body, ",\"kind\":\"joining\"}");
    char *url = hive_format("http://%s/members", address);
    founding->is_answered = false;
    faults_send(founding->faults, founding->client,
                &(struct hive_http_request){.method = "POST",
                                            .url = url,
                                            .token = founding->token,
                                            .content_type = "application/json",
                                            .body = body.data,
                                            .body_bytes = body.size,
                                            .timeout_ms = JOIN_MS,
                                            .response_bytes = GROUP_ANSWER_BYTES},
                address, keep_reply, founding);
    while (!founding->is_answered && !founding->is_stopping)
        hive_http_client_wait(founding->client, NULL, 0, JOIN_MS);
    free(url);
    hive_buffer_finish(&body);
    return founding->is_answered;
}

/* The queen's address of a redirect to "http://HOST:PORT/…". */
static bool redirect_target(const char *location, char address[HIVE_ADDRESS_BYTES])
{
    static const char scheme[] = "http://";
    struct hive_address parsed;
    if (strncmp(location, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *start = location + sizeof scheme - 1;
    size_t bytes = strcspn(start, "/?#");
    if (bytes >= HIVE_ADDRESS_BYTES)
        return false;
    snprintf(address, HIVE_ADDRESS_BYTES, "%.*s", (int)bytes, start);
    return hive_address_parse(address, &parsed, NULL) == 0;
}

/* True where the answer is "you are one already", which an earlier try may have brought about. */
static bool is_member_already(const struct hive_buffer *body)
{
    const char *type = "", *last;
    cJSON *json = hive_json_parse_object(body->data ? body->data : "", body->size, NULL);
    if (json)
        hive_json_string(json, "type", &type, NULL);
    last = strrchr(type, '/');
    bool is_so = strcmp(last ? last + 1 : type, "already-member") == 0;
    cJSON_Delete(json);
    return is_so;
}

/* The index of the entry that took her in; 0 where the answer does not tell. */
static raft_index index_in(const struct hive_buffer *body)
{
    int64_t index = 0;
    cJSON *json = hive_json_parse_object(body->data ? body->data : "", body->size, NULL);
    if (json)
        hive_json_int(json, "index", 0, INT64_MAX, &index, NULL);
    cJSON_Delete(json);
    return (raft_index)index;
}

/* The queen at `address` says that this one is a member already; since when, her list of the members tells. */
static raft_index ask_since_when(struct founding *founding, const char *address)
{
    raft_index index = 0;
    founding_ask(founding, &address, 1);
    founding_judge_place(&founding->self, founding->peers, 1, &index, NULL);
    return index;
}

void founding_ask_to_join(struct founding *founding, const char *given)
{
    char address[HIVE_ADDRESS_BYTES], detail[300], reason[HIVE_ERROR_BYTES];
    raft_index index = 0;
    bool is_taken = false;
    snprintf(address, sizeof address, "%s", given);
    for (int hop = 0; hop <= HIVE_REDIRECTS; hop++) {
        if (!post_self(founding, address))
            return;
        struct hive_http_reply *reply = &founding->reply;
        bool is_redirected = reply->status == 307 && redirect_target(reply->location, address);
        is_taken = reply->status == 200 || (reply->status == 409 && is_member_already(&reply->body));
        if (reply->status == 200)
            index = index_in(&reply->body);
        if (reply->status == 0)
            snprintf(detail, sizeof detail, "%.200s", reply->body.data);
        else
            describe(&reply->body, reply->status, detail, sizeof detail);
        hive_buffer_finish(&reply->body);
        if (!is_redirected)
            break;
    }
    if (is_taken && index == 0)
        index = ask_since_when(founding, address);
    if (index > 0) {
        const char *leader = address;
        hive_log_info("taken into the group", LOG_S("by", leader));
        snprintf(reason, sizeof reason, "%.150s has taken this queen into the group: the log is on its way",
                 address);
        founding_explain(founding, reason, reason);
        founding_note_joined(founding, index);
        return;
    }
    snprintf(reason, sizeof reason, "asks %.150s to take her into the group: %s", address, detail);
    founding_explain(founding, reason, reason);
}
