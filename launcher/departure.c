/* A change of members takes one at a time, and waits for the leader's first commit, so that "not now" (409, 503) is an
 * answer like others: it is asked again. "No such member" is what is wanted. */
#include "departure.h"

#include <errno.h>

#include "hive/address.h"
#include "hive/api.h"
#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"

#define ASK_TIMEOUT_MS 6000 /* beyond the queens' own limit for a write that finds no majority */
#define RETRY_MS       100

struct departure {
    struct hive_http_client *client;
    char leader[HIVE_ADDRESS_BYTES], address[HIVE_ADDRESS_BYTES];
    char token[HIVE_TOKEN_BYTES];
    int64_t ask_at_ms, deadline_ms;
    bool is_asking;
    enum departure_state state;
    int redirects, status;
    char why[HIVE_ERROR_BYTES];
};

struct departure *departure_start(struct hive_http_client *client, const char *leader, const char *address,
                                  const char *token, int64_t deadline_ms)
{
    struct departure *departure = hive_calloc(1, sizeof *departure);
    departure->client = client;
    departure->deadline_ms = deadline_ms;
    snprintf(departure->leader, sizeof departure->leader, "%s", leader);
    snprintf(departure->address, sizeof departure->address, "%s", address);
    snprintf(departure->token, sizeof departure->token, "%s", token);
    return departure;
}

void departure_free(struct departure *departure)
{
    free(departure);
}

bool departure_is_asking(const struct departure *departure)
{
    return departure->is_asking;
}

int departure_status(const struct departure *departure)
{
    return departure->status;
}

const char *departure_why(const struct departure *departure)
{
    return departure->why;
}

/* What the problem document says, and true where it will pass. */
static bool read_problem(struct departure *departure, const struct hive_http_response *response)
{
    static const char *const passing[] = {"change-pending", "too-early"};
    const char *type = "", *detail = "";
    cJSON *json =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    if (json) {
        hive_json_string(json, "type", &type, NULL);
        hive_json_string(json, "detail", &detail, NULL);
    }
    const char *last = strrchr(type, '/');
    bool passes = response->status == 503;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        passes |= strcmp(last ? last + 1 : type, passing[i]) == 0;
    snprintf(departure->why, sizeof departure->why, "%.480s", *detail ? detail : "it was refused");
    cJSON_Delete(json);
    return passes;
}

/* The leader that a redirect names. */
static bool follow(struct departure *departure, const char *location)
{
    static const char scheme[] = "http://";
    struct hive_address parsed;
    if (departure->redirects++ == HIVE_REDIRECTS || strncmp(location, scheme, sizeof scheme - 1) != 0)
        return false;
    char address[HIVE_ADDRESS_BYTES];
    int bytes = (int)strcspn(location + sizeof scheme - 1, "/?#");
    snprintf(address, sizeof address, "%.*s", bytes, location + sizeof scheme - 1);
    if (hive_address_parse(address, &parsed, NULL))
        return false;
    memcpy(departure->leader, address, sizeof address);
    return true;
}

static void answered(struct hive_http_response *response, void *context)
{
    struct departure *departure = context;
    int64_t now_ms = hive_clock_monotonic_ms();
    departure->is_asking = false;
    departure->status = response->status;
    departure->ask_at_ms = now_ms + RETRY_MS;
    if (response->status == 200 || response->status == 404) {
        departure->state = DEPARTURE_DONE;
    } else if (response->status == 307 && follow(departure, response->location)) {
        departure->ask_at_ms = now_ms;
    } else if (response->status == 0) { /* it may have died of its age; who leads now? */
        snprintf(departure->why, sizeof departure->why, "%s: %s", departure->leader, response->failure);
        departure->state = DEPARTURE_FAILED;
    } else if (!read_problem(departure, response) || departure->ask_at_ms >= departure->deadline_ms) {
        departure->state = DEPARTURE_FAILED;
    }
}

static void ask(struct departure *departure)
{
    struct hive_buffer url = {0};
    hive_buffer_format(&url, "http://%s/members/", departure->leader);
    hive_path_append(&url, departure->address);
    departure->is_asking = true;
    hive_http_client_start(departure->client,
                           &(struct hive_http_request){
                               .method = "DELETE",
                               .url = url.data,
                               .token = departure->token,
                               .timeout_ms = ASK_TIMEOUT_MS,
                           },
                           answered, departure);
    hive_buffer_finish(&url);
}

enum departure_state departure_step(struct departure *departure, int64_t now_ms, int64_t *due_ms)
{
    *due_ms = INT64_MAX;
    if (departure->state == DEPARTURE_TRYING && !departure->is_asking) {
        if (now_ms >= departure->ask_at_ms)
            ask(departure);
        else
            *due_ms = departure->ask_at_ms;
    }
    return departure->state;
}
