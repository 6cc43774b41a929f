/* Tasks, as clients see them: submitting, listing, looking at one. */
#include <errno.h>
#include <inttypes.h>

#include "hive/encoding.h"
#include "hive/json.h"
#include "http/answer.h"
#include "http/handlers.h"

static void on_submitted(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    if (answer_unless_applied(request, answer))
        return;
    if (answer->result->status != MACHINE_OK) {
        answer_full(request, HIVE_TASKS_UNFINISHED,
                    "tasks are not finished, which is the most: wait for some, or start more drones");
        return;
    }
    char id[HIVE_ID_BYTES];
    machine_task_id(answer->result->task, id);
    struct hive_buffer json = {0};
    hive_buffer_format(&json, "{\"result\":\"OK\",\"id\":\"%s\",\"state\":\"pending\"}", id);
    hive_request_reply_json(request, 200, &json);
}

/* 0, or -EINVAL and a message. Texts stay the document's. */
static int parse_task(const cJSON *json, struct machine_command *command, struct hive_error *error)
{
    const char *text, *name = "";
    if (hive_json_string(json, "text", &text, error))
        return -EINVAL;
    size_t bytes = strlen(text);
    if (bytes == 0 || bytes > HIVE_TASK_TEXT_BYTES)
        return hive_error_set(error, -EINVAL, "\"text\" must have 1 to %d bytes; it has %zu",
                              HIVE_TASK_TEXT_BYTES, bytes);
    if (hive_json_string(json, "name", &name, error) == -EINVAL)
        return -EINVAL;
    if (*name && !hive_is_name(name))
        return hive_error_set(error, -EINVAL,
                              "\"name\" must be of up to %d letters, digits, '.', '_' and '-'",
                              HIVE_NAME_BYTES - 1);
    command->text = (struct machine_bytes){.data = text, .size = bytes};
    command->name = (struct machine_bytes){.data = name, .size = strlen(name)};
    return 0;
}

void handle_submit_task(struct hive_request *request, void *context)
{
    struct node *node = context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct hive_error error;
    if (answer_if_drone(request, node))
        return;
    cJSON *json = hive_json_parse_object(body, bytes, &error);
    struct machine_command command = {.type = MACHINE_TASK_SUBMIT};
    if (!json || parse_task(json, &command, &error)) {
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
    } else if (answer_idempotency_key(request, &command.idempotency_key)) {
        queen_propose(node->queen, &command, on_submitted, request);
    }
    cJSON_Delete(json);
}

static void append_text_or_null(struct hive_buffer *json, const char *name, const char *text)
{
    hive_buffer_format(json, ",\"%s\":", name);
    if (text && *text)
        hive_json_append_string(json, text, strlen(text));
    else
        hive_buffer_append_text(json, "null");
}

static void append_task(struct hive_buffer *json, const struct machine *machine,
                        const struct machine_task *task)
{
    char id[HIVE_ID_BYTES];
    machine_task_id(task->number, id);
    struct machine_drone drone;
    bool has_drone = task->drone[0] && machine_drone_get(machine, task->drone, &drone);
    hive_buffer_format(json, "{\"id\":\"%s\",\"name\":", id);
    hive_json_append_string(json, task->name, strlen(task->name));
    hive_buffer_append_text(json, ",\"text\":");
    hive_json_append_string(json, task->text.data, task->text.size);
    hive_buffer_format(json, ",\"state\":\"%s\"", machine_task_state_name(task->state));
    append_text_or_null(json, "drone", task->drone);
    append_text_or_null(json, "drone_name", has_drone ? drone.name : NULL);
    hive_buffer_format(json, ",\"attempt\":%" PRIu32 ",\"detail\":", task->attempt);
    hive_json_append_string(json, task->detail, strlen(task->detail));
    hive_buffer_format(json,
                       ",\"submitted_at_ms\":%" PRId64 ",\"assigned_at_ms\":%" PRId64
                       ",\"finished_at_ms\":%" PRId64 "}",
                       task->submitted_at_ms, task->assigned_at_ms, task->finished_at_ms);
}

struct page {
    struct hive_buffer json;
    const struct machine *machine;
    int64_t left;
    uint64_t last; /* number of the last task on the page */
    bool has_more;
};

static bool add_task(const struct machine_task *task, void *context)
{
    struct page *page = context;
    if (page->left == 0 || page->json.size > 4 * HIVE_BODY_BYTES) {
        page->has_more = true;
        return false;
    }
    page->left--;
    page->last = task->number;
    if (page->json.data[page->json.size - 1] != '[')
        hive_buffer_append_text(&page->json, ",");
    append_task(&page->json, page->machine, task);
    return true;
}

static void on_list(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    struct page page = {.machine = answer->machine};
    if (answer_unless_done(request, answer) || !answer_limit(request, &page.left))
        return;
    const char *after = hive_request_query(request, "after");
    uint64_t after_number = after ? machine_task_number(after) : 0;
    if (after && after_number == 0) {
        hive_request_reply_problem(request, 400, "bad-request", "after must be a task's id, such as task-12");
        return;
    }
    hive_buffer_append_text(&page.json, "{\"tasks\":[");
    machine_task_each(answer->machine, after_number, add_task, &page);
    char next[HIVE_ID_BYTES];
    machine_task_id(page.last, next);
    hive_buffer_append_text(&page.json, "]");
    append_text_or_null(&page.json, "next", page.has_more ? next : NULL);
    hive_buffer_append_text(&page.json, "}");
    hive_request_reply_json(request, 200, &page.json);
}

static void on_get(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    if (answer_unless_done(request, answer))
        return;
    struct machine_task task;
    uint64_t number = machine_task_number(hive_request_segment(request, 0, NULL));
    if (number == 0 || !machine_task_get(answer->machine, number, &task)) {
        hive_request_reply_problem(request, 404, "not-found",
                                   "there is no such task (of the finished ones, the last %d are kept)",
                                   HIVE_TASKS_FINISHED);
        return;
    }
    struct hive_buffer json = {0};
    append_task(&json, answer->machine, &task);
    hive_request_reply_json(request, 200, &json);
}

static void read_tasks(struct hive_request *request, struct node *node, queen_done *done)
{
    bool stale;
    if (!answer_if_drone(request, node) && answer_reads_stale(request, &stale))
        queen_read(node->queen, stale, done, request);
}

void handle_list_tasks(struct hive_request *request, void *context)
{
    read_tasks(request, context, on_list);
}

void handle_get_task(struct hive_request *request, void *context)
{
    read_tasks(request, context, on_get);
}
