/* All about one task. */
#include "format.h"
#include "tasks.h"
#include "view.h"

#define LABEL_COLUMNS 10

enum style view_task_style(enum task_state state)
{
    static const enum style state_styles[TASK_STATES] = {
        [TASK_PENDING] = STYLE_DIM,    [TASK_ASSIGNED] = STYLE_NORMAL, [TASK_RUNNING] = STYLE_CANDIDATE,
        [TASK_SUCCEEDED] = STYLE_GOOD, [TASK_FAILED] = STYLE_BAD,      [TASK_STOPPED] = STYLE_WARNING,
        [TASK_LOST] = STYLE_WARNING,   [TASK_OTHER] = STYLE_NORMAL};
    return state_styles[state];
}

/* Lines "label value", of which the first ones lie above the screen. */
struct page {
    struct cells *cells;
    struct area area;
    int line, first;
};

static void tell(struct page *page, const char *label, enum style style, const char *text)
{
    int width = page->area.columns - LABEL_COLUMNS - 2;
    char piece[1024];
    do {
        size_t bytes = cells_fit(text, width > 0 ? width : 1), end = strcspn(text, "\n");
        bytes = end < bytes ? end : bytes;
        int row = page->line++ - page->first;
        if (row >= 0 && row < page->area.rows) {
            snprintf(piece, sizeof piece, "%.*s", (int)bytes, text);
            cells_put(page->cells, page->area.column + 1, page->area.row + row, LABEL_COLUMNS, STYLE_DIM,
                      label);
            if (width > 0)
                cells_put(page->cells, page->area.column + LABEL_COLUMNS + 2, page->area.row + row, width,
                          style, piece);
        }
        text += bytes + (bytes == end && text[bytes]);
        label = "";
    } while (*text);
}

static void tell_time(struct page *page, const char *label, int64_t time_ms, int64_t unix_ms)
{
    char time[FORMAT_BYTES] = "", age[FORMAT_BYTES], text[3 * FORMAT_BYTES];
    if (!time_ms)
        return;
    format_time_of_day(time_ms, time);
    format_age(unix_ms > time_ms ? unix_ms - time_ms : 0, age);
    snprintf(text, sizeof text, "%s, %s ago", time, age);
    tell(page, label, STYLE_NORMAL, text);
}

static int tell_task(const struct tasks *tasks, const struct task *task, struct page *page)
{
    char text[2 * HIVE_NAME_BYTES + 64];
    int64_t unix_ms = tasks->model->unix_ms;
    tell(page, "state", view_task_style(task->state), task_state_names[task->state]);
    tell(page, "kind", STYLE_NORMAL, task->kind);
    if (task->name[0])
        tell(page, "name", STYLE_NORMAL, task->name);
    snprintf(text, sizeof text, "%s, attempt %lld", task->drone[0] ? task->drone : "nobody yet",
             (long long)task->attempt);
    tell(page, "drone", STYLE_NORMAL, text);
    tell_time(page, "submitted", task->submitted_ms, unix_ms);
    tell_time(page, "assigned", task->assigned_ms, unix_ms);
    tell_time(page, "finished", task->finished_ms, unix_ms);
    if (task->detail[0])
        tell(page, "detail", task_filter_fits(TASKS_BAD, task->state) ? STYLE_BAD : STYLE_NORMAL,
             task->detail);
    snprintf(text, sizeof text, "a drone prints a text into its log: l on %s",
             task->drone[0] ? task->drone : "it");
    if (task->drone[0] && strcmp(task->kind, "text") == 0)
        tell(page, "output", STYLE_DIM, text);
    tell(page, "text", STYLE_INPUT, task->text);
    return page->line;
}

/* As much of it as is known; NULL: there is none. */
static const struct task *find_task(const struct tasks *tasks)
{
    const struct task *task = tasks->shown_count ? tasks->shown[tasks_selected(tasks)] : NULL;
    return task && tasks->details.number == task->number ? &tasks->details : task;
}

int tasks_details_last(const struct tasks *tasks, int columns, int rows)
{
    struct page page = {.area = {0, 0, columns, 0}}; /* with no rows nothing is drawn, only counted */
    int lines = find_task(tasks) ? tell_task(tasks, find_task(tasks), &page) : 0;
    return lines > rows ? lines - rows : 0;
}

void view_task(const struct view *view, struct cells *cells, struct area area)
{
    const struct tasks *tasks = view->ui->tasks;
    int last = tasks_details_last(tasks, area.columns, area.rows);
    struct page page = {cells, area, 0, tasks->details_first < last ? tasks->details_first : last};
    if (find_task(tasks))
        tell_task(tasks, find_task(tasks), &page);
}
