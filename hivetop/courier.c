/* What changes something goes out from here and nowhere else. */
#include "courier.h"

#include <errno.h>

#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "summary.h"

#define ACTION_TIMEOUT_MS 20000 /* a restart waits for a clean end first */
#define SUBMIT_TIMEOUT_MS 6000  /* above the queens' own limit for a write */

struct parcel {
    struct courier *courier;
    bool is_under_way;
    struct action action; /* kind ACTION_NONE: a task */
    char *body;           /* owned; of a task, for redirects */
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

/* ---- actions ---- */

static void finish_action(struct hive_http_response *response, void *context)
{
    struct parcel *parcel = context;
    struct courier *courier = parcel->courier;
    const struct action *action = &parcel->action;
    set_time(courier);
    if (response->status == 200) {
        model_take_action_done(courier->model, action);
        ui_say(courier->ui, courier->model, EVENT_GOOD, "%s %s", action->node,
               action_words[action->kind].done);
    } else {
        char problem[HIVE_ERROR_BYTES], why[HIVE_ERROR_BYTES + 64];
        read_problem(response, problem, sizeof problem);
        snprintf(why, sizeof why, "%s%s", response->status ? "" : "no word from the launcher: ", problem);
        model_take_action_failed(courier->model, action, why);
        ui_say(courier->ui, courier->model, EVENT_BAD, "%s was not %s: %s", action->node,
               action_words[action->kind].done, why);
    }
    poller_hurry(courier->poller, courier->model->now_ms);
    courier->poller->has_news = true;
    drop_parcel(parcel);
}

void courier_act(struct courier *courier, const struct action *action)
{
    struct parcel *parcel = take_parcel(courier);
    if (!parcel)
        return;
    parcel->action = *action;
    char url[HIVE_NAME_BYTES + 64];
    snprintf(url, sizeof url, "http://localhost/nodes/%s/%s", action->node, action_words[action->kind].path);
    struct hive_buffer body = {0};
    action_body(action, &body);
    struct hive_http_request request = {
        .method = "POST",
        .url = url,
        .unix_socket = courier->source->control_socket,
        .content_type = "application/json",
        .body = body.data,
        .body_bytes = body.size,
        .timeout_ms = ACTION_TIMEOUT_MS,
    };
    model_take_action(courier->model, action);
    hive_http_client_start(courier->client, &request, finish_action, parcel);
    hive_buffer_finish(&body);
    poller_hurry(courier->poller, courier->model->now_ms);
}

/* ---- tasks ---- */

static void send_task(struct parcel *parcel, const char *address);

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

static void tell_submitted(struct courier *courier, const struct hive_http_response *response)
{
    cJSON *answer =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    const char *id = "task";
    if (answer)
        hive_json_string(answer, "id", &id, NULL);
    ui_say(courier->ui, courier->model, EVENT_GOOD, "%s submitted", id);
    events_add(&courier->model->events, courier->model->unix_ms, EVENT_INFO, "%s submitted by you", id);
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
    events_add(&courier->model->events, courier->model->unix_ms, EVENT_BAD, "%s: %s", outcome, problem);
}

static void finish_task(struct hive_http_response *response, void *context)
{
    struct parcel *parcel = context;
    struct courier *courier = parcel->courier;
    set_time(courier);
    courier->poller->has_news = true;
    if (response->status == 307 && parcel->redirects < HIVE_REDIRECTS) {
        const struct node *leader = redirect_target(courier->model, response->location);
        if (leader) {
            parcel->redirects++;
            send_task(parcel, leader->address);
            return;
        }
    }
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
    ui_say(courier->ui, courier->model, EVENT_INFO, "submitting to %s", summary.leader->name);
    send_task(parcel, summary.leader->address);
}
