/* Asking the leader for tasks, page by page. Copies would do for most of it, but the leader knows them first; and he
 * answers from what he has, without asking his followers: to be watched must cost him little. */
#include <inttypes.h>

#include "hive/clock.h"
#include "hive/json.h"
#include "summary.h"
#include "tasks.h"

#define PAUSE_SHARE 4 /* a listing that takes long is followed by a pause that is so many times as long */

static void ask_page(struct tasks *tasks, uint64_t after);

/* ---- answers ---- */

static void take_problem(struct tasks *tasks, const struct hive_http_response *response)
{
    if (!response->status) {
        snprintf(tasks->problem, sizeof tasks->problem, "%s", response->failure);
        return;
    }
    snprintf(tasks->problem, sizeof tasks->problem, "it answered with %d", response->status);
    cJSON *problem =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    const char *detail;
    if (problem && hive_json_string(problem, "detail", &detail, NULL) == 0)
        snprintf(tasks->problem, sizeof tasks->problem, "%s", detail);
    cJSON_Delete(problem);
}

static void end_listing(struct tasks *tasks, bool is_complete)
{
    int64_t now_ms = hive_clock_monotonic_ms(), pause_ms = (now_ms - tasks->begun_ms) * PAUSE_SHARE;
    tasks->is_under_way = false;
    tasks->next_ms = now_ms + (pause_ms > tasks->pause_ms ? pause_ms : tasks->pause_ms);
    if (is_complete) {
        tasks->problem[0] = '\0';
        tasks->is_complete = true;
        tasks->learnt_ms = now_ms;
    } else {
        tasks->all_ms = 0; /* what is known may have holes */
    }
}

static void finish_page(struct hive_http_response *response, void *context)
{
    struct tasks *tasks = context;
    struct hive_error error;
    uint64_t next = 0;
    tasks->has_news = true;
    if (response->status != 200) {
        take_problem(tasks, response);
        end_listing(tasks, false);
    } else if (task_list_take(&tasks->list, response->body.data, response->body.size, &next, &error)) {
        snprintf(tasks->problem, sizeof tasks->problem, "%s", error.message);
        end_listing(tasks, false);
    } else if (next && tasks->is_wanted) {
        ask_page(tasks, next);
    } else {
        end_listing(tasks, !next);
    }
    tasks_update(tasks);
}

static void finish_details(struct hive_http_response *response, void *context)
{
    struct tasks *tasks = context;
    struct task task;
    tasks->is_detail_under_way = false;
    if (response->status != 200 ||
        task_parse(response->body.data, response->body.size, HIVE_TASK_TEXT_BYTES, &task, NULL))
        return; /* what the list knows is shown as well */
    task_finish(&tasks->details);
    tasks->details = task;
    tasks->has_news = true;
}

/* ---- questions ---- */

static void ask(struct tasks *tasks, const char *path, hive_http_done *done)
{
    char url[HIVE_ADDRESS_BYTES + 128];
    snprintf(url, sizeof url, "http://%s%s", tasks->address, path);
    struct hive_http_request request = {.method = "GET",
                                        .url = url,
                                        .token = tasks->source->token[0] ? tasks->source->token : NULL,
                                        .timeout_ms = TASKS_TIMEOUT_MS};
    hive_http_client_start(tasks->client, &request, done, tasks);
}

static void ask_page(struct tasks *tasks, uint64_t after)
{
    char path[128], from[64] = "";
    if (after)
        snprintf(from, sizeof from, "&after=task-%" PRIu64, after);
    snprintf(path, sizeof path, "/tasks?consistency=stale&limit=%d%s", TASKS_PAGE, from);
    tasks->is_under_way = true;
    ask(tasks, path, finish_page);
}

static void ask_details(struct tasks *tasks)
{
    char path[128];
    if (!tasks->has_details || tasks->is_detail_under_way || !tasks->shown_count)
        return;
    snprintf(path, sizeof path, "/tasks/%s?consistency=stale", tasks->shown[tasks_selected(tasks)]->id);
    tasks->is_detail_under_way = true;
    ask(tasks, path, finish_details);
}

/* Whom to ask; another one may know other tasks. */
static bool find_leader(struct tasks *tasks)
{
    struct summary summary;
    summary_of(tasks->model, &summary);
    const char *address = summary.leader ? summary.leader->address : "";
    if (strcmp(address, tasks->address) != 0) {
        snprintf(tasks->address, sizeof tasks->address, "%s", address);
        tasks->all_ms = 0;
        tasks->next_ms = 0;
        tasks->problem[0] = '\0';
        tasks->has_news = true;
    }
    return address[0];
}

int tasks_turn(struct tasks *tasks, const struct ui *ui)
{
    int64_t now_ms = tasks->model->now_ms;
    tasks->is_wanted = ui->screen == UI_SCREEN_TASKS && !ui->shown_ms && tasks->client;
    tasks->pause_ms = ui->interval_ms;
    if (!tasks->is_wanted || !find_leader(tasks) || tasks->is_under_way)
        return -1;
    if (now_ms < tasks->next_ms)
        return (int)(tasks->next_ms - now_ms);
    uint64_t after;
    bool of_all = tasks->all_ms == 0 || now_ms - tasks->all_ms >= TASKS_ALL_MS;
    task_list_begin(&tasks->list, of_all, &after);
    tasks->all_ms = of_all ? now_ms : tasks->all_ms;
    tasks->begun_ms = now_ms;
    ask_page(tasks, after);
    ask_details(tasks);
    return -1;
}
