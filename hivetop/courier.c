/* What changes something goes out from here and nowhere else. */
#include "courier.h"

#include <errno.h>

#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "summary.h"

#define ACTION_TIMEOUT_MS                                                                                    \
    30000 /* beyond what the launcher takes at most: a queen that joins gets the state first */
#define SUBMIT_TIMEOUT_MS 6000 /* above the queens' own limit for a write */

struct parcel {
    struct courier *courier;
    bool is_under_way;
    struct action action; /* kind ACTION_NONE: a task */
    char *body;           /* owned; of a task, for redirects */
    void (*send)(struct parcel *parcel, const char *address);
    int redirects;
};

void courier_init(struct courier *courier, struct hive_http_client *client, const struct source *source,
                  struct model *model, struct ui *ui, struct poller *poller)
{
    *courier =
        (struct courier){.client = client, .source = source, .model = model, .ui = ui, .poller = poller};
    courier->parcels = hive_calloc(COURIER_AT_ONCE, sizeof *courier->parcels);
}

void courier_finish(struct courier *courier)
{
    for (int i = 0; courier->parcels && i < COURIER_AT_ONCE; i++)
        free(courier->parcels[i].body);
    free(courier->parcels);
    courier->parcels = NULL;
}

static struct parcel *take_parcel(struct courier *courier)
{
    for (int i = 0; i < COURIER_AT_ONCE; i++) {
        struct parcel *parcel = &courier->parcels[i];
        if (!parcel->is_under_way) {
            *parcel = (struct parcel){.courier = courier, .is_under_way = true};
            return parcel;
        }
    }
    ui_say(courier->ui, courier->model, EVENT_WARNING, "too much is under way already; wait for the answers");
    return NULL;
}

static void drop_parcel(struct parcel *parcel)
{
    free(parcel->body);
    parcel->body = NULL;
    parcel->is_under_way = false;
}

/* Why it was refused, in the words of whoever refused. */
static void read_problem(const struct hive_http_response *response, char *text, size_t bytes)
{
    if (!response->status) {
        snprintf(text, bytes, "%s", response->failure);
        return;
    }
    snprintf(text, bytes, "answered with %d", response->status);
    cJSON *problem =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    const char *detail = NULL;
    if (problem && (hive_json_string(problem, "detail", &detail, NULL) == 0 ||
                    hive_json_string(problem, "title", &detail, NULL) == 0))
        snprintf(text, bytes, "%s", detail);
    cJSON_Delete(problem);
}

static void set_time(struct courier *courier)
{
    model_set_time(courier->model, hive_clock_monotonic_ms(), hive_clock_unix_ms());
}

/* The queen that a redirect names; NULL where it is none of this cluster's (the token is not for strangers).
 */
static const struct node *redirect_target(const struct model *model, const char *location)
{
    static const char scheme[] = "http://";
    if (strncmp(location, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *start = location + sizeof scheme - 1;
    size_t bytes = strcspn(start, "/");
    char address[HIVE_ADDRESS_BYTES];
    if (bytes >= sizeof address)
        return NULL;
    memcpy(address, start, bytes);
    address[bytes] = '\0';
    const struct node *node = model_node(model, address);
    return node && node->role == HIVE_ROLE_QUEEN ? node : NULL;
}

/* Only the leader takes tasks and hands the leadership over: where another one answers, it says who leads. True: the
 * parcel is on its way there. */
static bool follow(struct parcel *parcel, const struct hive_http_response *response)
{
    if (response->status != 307 || parcel->redirects >= HIVE_REDIRECTS)
        return false;
    const struct node *leader = redirect_target(parcel->courier->model, response->location);
    if (!leader)
        return false;
    parcel->redirects++;
    parcel->send(parcel, leader->address);
    return true;
}

/* ---- actions ---- */

/* A node that was added gets its name from the launcher. */
static void take_name(struct action *action, const struct hive_http_response *response)
{
    cJSON *answer =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    const cJSON *node = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(answer, "nodes"), 0);
    const char *name = NULL;
    if (cJSON_IsObject(node) && hive_json_string(node, "name", &name, NULL) == 0)
        snprintf(action->node, sizeof action->node, "%s", name);
    cJSON_Delete(answer);
}

static void tell_done(struct courier *courier, struct action *action,
                      const struct hive_http_response *response)
{
    char object[3 * HIVE_NAME_BYTES];
    if (action->kind == ACTION_ADD_QUEEN || action->kind == ACTION_ADD_DRONE)
        take_name(action, response);
    model_take_action_done(courier->model, action);
    action_object(action, object, sizeof object);
    ui_say(courier->ui, courier->model, EVENT_GOOD, "%s %s", object, action_words[action->kind].done);
}

static void tell_not_done(struct courier *courier, const struct action *action,
                          const struct hive_http_response *response)
{
    char problem[HIVE_ERROR_BYTES], why[HIVE_ERROR_BYTES + 64], object[3 * HIVE_NAME_BYTES];
    const char *silent =
        action->kind == ACTION_TRANSFER ? "no word from the leader: " : "no word from the launcher: ";
    read_problem(response, problem, sizeof problem);
    snprintf(why, sizeof why, "%s%s", response->status ? "" : silent, problem);
    model_take_action_failed(courier->model, action, why);
    action_object(action, object, sizeof object);
    ui_say(courier->ui, courier->model, EVENT_BAD, "%s was not %s: %s", object,
           action_words[action->kind].done, why);
}

static void finish_action(struct hive_http_response *response, void *context)
{
    struct parcel *parcel = context;
    struct courier *courier = parcel->courier;
    set_time(courier);
    courier->poller->has_news = true;
    if (follow(parcel, response))
        return;
    if (response->status >= 200 && response->status < 300)
        tell_done(courier, &parcel->action, response);
    else
        tell_not_done(courier, &parcel->action, response);
    poller_hurry(courier->poller, courier->model->now_ms);
    drop_parcel(parcel);
}

/* To the launcher, or (where `address` is given) to that queen. */
static void send_action(struct parcel *parcel, const char *address)
{
    struct courier *courier = parcel->courier;
    struct hive_buffer url = {0}, body = {0};
    hive_buffer_format(&url, "http://%s", address ? address : "localhost");
    const char *method = action_request(&parcel->action, &url, &body);
    struct hive_http_request request = {
        .method = method,
        .url = url.data,
        .unix_socket = address ? NULL : courier->source->control_socket,
        .token = address && courier->source->token[0] ? courier->source->token : NULL,
        .content_type = "application/json",
        .body = body.data,
        .body_bytes = body.size,
        .timeout_ms = ACTION_TIMEOUT_MS,
    };
    hive_http_client_start(courier->client, &request, finish_action, parcel);
    hive_buffer_finish(&url);
    hive_buffer_finish(&body);
}

void courier_act(struct courier *courier, const struct action *action)
{
    struct summary summary;
    const char *address = NULL;
    if (action->kind == ACTION_TRANSFER) {
        summary_of(courier->model, &summary);
        if (!summary.leader) {
            ui_say(courier->ui, courier->model, EVENT_WARNING,
                   "nobody leads who could hand the leadership over");
            return;
        }
        address = summary.leader->address;
    }
    struct parcel *parcel = take_parcel(courier);
    if (!parcel)
        return;
    parcel->action = *action;
    parcel->send = send_action;
    model_take_action(courier->model, action);
    send_action(parcel, address);
    poller_hurry(courier->poller, courier->model->now_ms);
}

/* ---- tasks ---- */

static void tell_submitted(struct courier *courier, const struct hive_http_response *response)
{
    cJSON *answer =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    const char *id = "task";
    if (answer)
        hive_json_string(answer, "id", &id, NULL);
    ui_say(courier->ui, courier->model, EVENT_GOOD, "%s submitted", id);
    model_take_event(courier->model, EVENT_INFO, "%s submitted by you", id);
    cJSON_Delete(answer);
}

static void tell_refused(struct courier *courier, const struct hive_http_response *response)
{
    char problem[HIVE_ERROR_BYTES];
    read_problem(response, problem, sizeof problem);
    const char *outcome = !response->status && response->was_sent
                              ? "the task may or may not have been submitted"
                              : "the task was not submitted";
    ui_say(courier->ui, courier->model, EVENT_BAD, "%s: %s", outcome, problem);
    model_take_event(courier->model, EVENT_BAD, "%s: %s", outcome, problem);
}

static void finish_task(struct hive_http_response *response, void *context)
{
    struct parcel *parcel = context;
    struct courier *courier = parcel->courier;
    set_time(courier);
    courier->poller->has_news = true;
    if (follow(parcel, response))
        return;
    if (response->status >= 200 && response->status < 300)
        tell_submitted(courier, response);
    else
        tell_refused(courier, response);
    poller_hurry(courier->poller, courier->model->now_ms);
    drop_parcel(parcel);
}

static void send_task(struct parcel *parcel, const char *address)
{
    struct courier *courier = parcel->courier;
    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/submit_task", address);
    struct hive_http_request request = {
        .method = "POST",
        .url = url,
        .token = courier->source->token[0] ? courier->source->token : NULL,
        .content_type = "application/json",
        .body = parcel->body,
        .body_bytes = strlen(parcel->body),
        .timeout_ms = SUBMIT_TIMEOUT_MS,
    };
    hive_http_client_start(courier->client, &request, finish_task, parcel);
}

void courier_submit(struct courier *courier, const char *text)
{
    struct summary summary;
    summary_of(courier->model, &summary);
    if (!summary.leader) {
        ui_say(courier->ui, courier->model, EVENT_WARNING,
               "no leader takes tasks right now; submit it again in a moment");
        return;
    }
    struct parcel *parcel = take_parcel(courier);
    if (!parcel)
        return;
    struct hive_buffer body = {0};
    hive_buffer_append_text(&body, "{\"text\":");
    hive_json_append_string(&body, text, strlen(text));
    hive_buffer_append_text(&body, "}");
    parcel->body = hive_buffer_take(&body);
    parcel->send = send_task;
    ui_say(courier->ui, courier->model, EVENT_INFO, "submitting to %s", summary.leader->name);
    send_task(parcel, summary.leader->address);
}
