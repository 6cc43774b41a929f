/* What is finished does not change any more: after the first listing only what began unfinished is asked for again, and
 * what is newer. */
#include "task_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hive/json.h"
#include "hive/memory.h"

#define ID_PREFIX "task-"
#define DIGITS    19 /* of a number of 64 bits, whatever they are */

const char *const task_state_names[TASK_STATES] = {"pending", "assigned", "running", "succeeded",
                                                   "failed",  "stopped",  "lost",    "other"};
const char *const task_filter_names[TASK_FILTERS] = {"all", "waiting", "at work", "gone wrong", "done"};

bool task_filter_fits(enum task_filter filter, enum task_state state)
{
    switch (filter) {
    case TASKS_WAITING:
        return state == TASK_PENDING;
    case TASKS_AT_WORK:
        return state == TASK_ASSIGNED || state == TASK_RUNNING;
    case TASKS_BAD:
        return state == TASK_FAILED || state == TASK_STOPPED || state == TASK_LOST;
    case TASKS_DONE:
        return state == TASK_SUCCEEDED;
    case TASKS_ALL:
    case TASK_FILTERS:
        break;
    }
    return true;
}

void task_finish(struct task *task)
{
    free(task->name);
    free(task->text);
    free(task->detail);
    *task = (struct task){0};
}

static void release(struct task *task)
{
    task_finish(task);
    free(task);
}

void task_list_finish(struct task_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        release(list->items[i]);
    free(list->items);
    *list = (struct task_list){0};
}

/* ---- reading ---- */

static uint64_t number_of(const char *id)
{
    size_t prefix = sizeof ID_PREFIX - 1, digits = 0;
    if (strncmp(id, ID_PREFIX, prefix) == 0)
        digits = strspn(id + prefix, "0123456789");
    return digits > 0 && digits <= DIGITS && !id[prefix + digits] ? strtoull(id + prefix, NULL, 10) : 0;
}

static char *copy_text(const cJSON *json, const char *field, size_t most)
{
    const char *text = "";
    hive_json_string(json, field, &text, NULL);
    size_t bytes = strlen(text);
    if (bytes > most) {
        bytes = most; /* a character is not divided */
        while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    return hive_memdup(text, bytes);
}

static int parse(const cJSON *json, size_t text_bytes, struct task *task, struct hive_error *error)
{
    const char *id, *state, *drone = "", *kind = "text";
    *task = (struct task){.state = TASK_OTHER};
    if (hive_json_string(json, "id", &id, error) || hive_json_string(json, "state", &state, error))
        return -EINVAL;
    task->number = number_of(id);
    if (!task->number)
        return hive_error_set(error, -EINVAL, "\"id\" is no task's");
    snprintf(task->id, sizeof task->id, "%s", id);
    for (int i = 0; i < TASK_OTHER; i++) {
        if (strcmp(state, task_state_names[i]) == 0)
            task->state = (enum task_state)i;
    }
    if (hive_json_string(json, "drone_name", &drone, NULL))
        hive_json_string(json, "drone", &drone, NULL);
    hive_json_string(json, "kind", &kind, NULL);
    snprintf(task->drone, sizeof task->drone, "%s", drone);
    snprintf(task->kind, sizeof task->kind, "%s", kind);
    hive_json_int(json, "attempt", 0, INT32_MAX, &task->attempt, NULL);
    hive_json_int(json, "submitted_at_ms", 0, INT64_MAX, &task->submitted_ms, NULL);
    hive_json_int(json, "assigned_at_ms", 0, INT64_MAX, &task->assigned_ms, NULL);
    hive_json_int(json, "finished_at_ms", 0, INT64_MAX, &task->finished_ms, NULL);
    task->name = copy_text(json, "name", text_bytes);
    task->text = copy_text(json, "text", text_bytes);
    task->detail = copy_text(json, "detail", text_bytes);
    return 0;
}

int task_parse(const char *json, size_t bytes, size_t text_bytes, struct task *task, struct hive_error *error)
{
    cJSON *object = hive_json_parse_object(json, bytes, error);
    int result = object ? parse(object, text_bytes, task, error) : -EINVAL;
    cJSON_Delete(object);
    return result;
}

/* ---- the list ---- */

/* The place of the task of that number, or where it would be. */
static size_t place_of(const struct task_list *list, uint64_t number)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct task *task_list_find(const struct task_list *list, uint64_t number)
{
    size_t at = place_of(list, number);
    return at < list->count && list->items[at]->number == number ? list->items[at] : NULL;
}

static bool is_unfinished(const struct task *task)
{
    return task->state == TASK_PENDING || task->state == TASK_ASSIGNED || task->state == TASK_RUNNING ||
           task->state == TASK_OTHER;
}

void task_list_begin(struct task_list *list, bool of_all, uint64_t *after)
{
    size_t at = 0;
    while (at < list->count && !is_unfinished(list->items[at]))
        at++;
    /* Where nothing is unfinished: what is newer than the last. */
    uint64_t from = at < list->count ? list->items[at]->number
                    : list->count    ? list->items[list->count - 1]->number + 1
                                     : 0;
    list->pass++;
    list->from = !of_all ? from : list->is_cut && list->count ? list->items[0]->number : 0;
    *after = list->from > 0 ? list->from - 1 : 0;
}

/* Lets go of a quarter of the list, the oldest. */
static void cut(struct task_list *list)
{
    size_t count = TASK_LIST_MOST / 4;
    for (size_t i = 0; i < count; i++)
        release(list->items[i]);
    list->count -= count;
    memmove(list->items, list->items + count, list->count * sizeof *list->items);
    list->is_cut = true;
}

static void put(struct task_list *list, struct task *task)
{
    size_t at = place_of(list, task->number);
    task->pass = list->pass;
    if (at < list->count && list->items[at]->number == task->number) {
        task_finish(list->items[at]);
        *list->items[at] = *task;
        return;
    }
    if (list->count == TASK_LIST_MOST && at == 0) {
        task_finish(task); /* too old to be kept */
        list->is_cut = true;
        return;
    }
    if (list->count == TASK_LIST_MOST) {
        cut(list);
        at = place_of(list, task->number);
    }
    if (list->count == list->capacity) {
        list->capacity += list->capacity / 2 + 64;
        list->items = hive_realloc(list->items, list->capacity, sizeof *list->items);
    }
    memmove(list->items + at + 1, list->items + at, (list->count - at) * sizeof *list->items);
    list->items[at] = hive_malloc(sizeof *task);
    *list->items[at] = *task;
    list->count++;
}

/* Those that the listing was about and did not name are forgotten by the queens. */
static void drop_unseen(struct task_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct task *task = list->items[i];
        if (task->number >= list->from && task->pass != list->pass)
            release(task);
        else
            list->items[kept++] = task;
    }
    list->count = kept;
}

int task_list_take(struct task_list *list, const char *json, size_t bytes, uint64_t *next,
                   struct hive_error *error)
{
    const cJSON *tasks, *item;
    const char *next_id = "";
    cJSON *page = hive_json_parse_object(json, bytes, error);
    int result = page ? hive_json_array(page, "tasks", &tasks, error) : -EINVAL;
    if (!result && hive_json_string(page, "next", &next_id, error) == -EINVAL)
        result = -EINVAL;
    uint64_t last = 0;
    if (!result) {
        cJSON_ArrayForEach(item, tasks)
        {
            struct task task;
            if (!cJSON_IsObject(item) || parse(item, TASK_TEXT_BYTES, &task, NULL))
                continue;
            last = task.number > last ? task.number : last;
            put(list, &task);
        }
        *next = number_of(next_id);
        if (*next && *next < last)
            *next = last; /* a listing that goes round in circles is none */
        if (!*next)
            drop_unseen(list);
    }
    cJSON_Delete(page);
    return result ? -EINVAL : 0;
}

bool task_has(const struct task *task, const char *text)
{
    return strcasestr(task->id, text) || strcasestr(task->text, text) || strcasestr(task->name, text) ||
           strcasestr(task->drone, text) || strcasestr(task->detail, text) ||
           strcasestr(task_state_names[task->state], text);
}
