/* The tasks, the newest first. */
#include "format.h"
#include "tasks.h"
#include "view.h"

/* The columns, in the order of the table below. */
enum { ID, STATE, DRONE, ATTEMPT, AGE, TOOK, TEXT };

static const struct column columns[] = {
    {"TASK", 8, 20, 0, false, SORT_COUNT, NULL},    {"STATE", 9, 9, 0, false, SORT_COUNT, NULL},
    {"DRONE", 6, 12, 2, false, SORT_COUNT, NULL},   {"TRY", 3, 3, 4, true, SORT_COUNT, NULL},
    {"AGE", 4, 4, 1, true, SORT_COUNT, NULL},       {"TOOK", 6, 6, 3, true, SORT_COUNT, NULL},
    {"TEXT", 20, 4096, 0, false, SORT_COUNT, NULL}, {0}};

/* How long it was, or has been, with its drone; negative: it was not. */
static int64_t took_ms(const struct task *task, int64_t unix_ms)
{
    if (!task->assigned_ms)
        return -1;
    int64_t end_ms = task->finished_ms ? task->finished_ms : unix_ms;
    return end_ms > task->assigned_ms ? end_ms - task->assigned_ms : 0;
}

static void format_field(const struct task *task, int column, int64_t unix_ms, char *text, size_t bytes)
{
    char word[FORMAT_BYTES] = "";
    switch (column) {
    case ID:
        snprintf(text, bytes, "%s", task->id);
        return;
    case STATE:
        snprintf(text, bytes, "%s", task_state_names[task->state]);
        return;
    case DRONE:
        snprintf(text, bytes, "%s", task->drone[0] ? task->drone : "-");
        return;
    case ATTEMPT:
        snprintf(text, bytes, "%lld", (long long)task->attempt);
        return;
    case AGE:
        format_age(unix_ms > task->submitted_ms ? unix_ms - task->submitted_ms : 0, word);
        break;
    case TOOK:
        if (took_ms(task, unix_ms) < 0)
            snprintf(word, sizeof word, "-");
        else
            format_round_trip(took_ms(task, unix_ms) * 1000, word);
        break;
    default: /* why it went wrong is more telling than what it was */
        snprintf(text, bytes, "%s%s%s%s%s", task->name, task->name[0] ? ": " : "",
                 task->state != TASK_SUCCEEDED ? task->detail : "",
                 task->state != TASK_SUCCEEDED && task->detail[0] ? " | " : "", task->text);
        return;
    }
    snprintf(text, bytes, "%s", word);
}

static void draw_row(const struct tasks *tasks, const struct task *task, bool is_selected,
                     struct cells *cells, struct area area, const struct place *places)
{
    char text[3 * TASK_TEXT_BYTES + 16];
    bool is_found = tasks->find[0] && task_has(task, tasks->find);
    if (is_selected)
        cells_put(cells, area.column, area.row, 1, STYLE_NORMAL, ">");
    for (int i = 0; columns[i].title; i++) {
        if (!places[i].width)
            continue;
        int column = area.column + 1 + places[i].start;
        enum style style = i == STATE ? view_task_style(task->state) : STYLE_NORMAL;
        format_field(task, i, tasks->model->unix_ms, text, sizeof text);
        if (is_found && strcasestr(text, tasks->find))
            style = STYLE_FOUND;
        if (columns[i].is_right)
            cells_put_right(cells, column, area.row, places[i].width, style, text);
        else
            cells_put(cells, column, area.row, places[i].width, style, text);
    }
    if (is_selected)
        cells_mark(cells, area.column, area.row, area.columns);
}

/* Why there is nothing to show, or NULL. */
static const char *find_reason(const struct view *view, const struct tasks *tasks)
{
    if (view->ui->shown_ms)
        return "The tasks are only known as they are now: 0 on the main screen goes back to it.";
    if (tasks->shown_count)
        return NULL;
    if (tasks->list.count)
        return "No task is in that state; Esc shows all.";
    if (tasks->is_complete)
        return "There are no tasks; S on the main screen submits one.";
    if (!tasks->address[0])
        return "There is no leader who could tell.";
    return tasks->problem[0] ? tasks->problem : "asking the leader ...";
}

static void draw_table(const struct view *view, struct cells *cells, struct area titles, struct area area)
{
    const struct tasks *tasks = view->ui->tasks;
    struct place places[TABLE_COLUMNS];
    const char *reason = find_reason(view, tasks);
    if (reason) {
        view_text(cells, (struct area){1, titles.row, area.columns - 2, area.rows + 1}, STYLE_DIM, reason);
        return;
    }
    struct column fitted[TABLE_COLUMNS];
    memcpy(fitted, columns, sizeof columns);
    fitted[ID].max = cells_width(tasks->shown[0]->id) + 1; /* ids only grow: this is the longest */
    table_fit(fitted, area.columns - 1, places);
    cells_paint(cells, titles.column, titles.row, titles.columns, STYLE_HEADING);
    table_titles(cells, columns, places, titles.column + 1, titles.row, STYLE_HEADING, view->ui);
    int count = (int)tasks->shown_count, selected = (int)tasks_selected(tasks);
    int first = table_first(count, area.rows, selected);
    for (int i = 0; i < area.rows && first + i < count; i++) {
        struct area row = {area.column, area.row + i, area.columns, 1};
        draw_row(tasks, tasks->shown[first + i], first + i == selected, cells, row, places);
    }
}

/* ---- the screen ---- */

static void draw_heading(const struct view *view, struct cells *cells, struct area area)
{
    const struct tasks *tasks = view->ui->tasks;
    char title[128], tail[HIVE_ERROR_BYTES + 64] = "", age[FORMAT_BYTES];
    struct heading heading = {title, true, tail, STYLE_BAD};
    if (tasks->has_details && tasks->shown_count)
        snprintf(title, sizeof title, "TASK %s ", tasks->shown[tasks_selected(tasks)]->id);
    else if (tasks->filter != TASKS_ALL)
        snprintf(title, sizeof title, "TASKS %s: %zu of %zu%s ", task_filter_names[tasks->filter],
                 tasks->shown_count, tasks->list.count, tasks->list.is_cut ? " kept" : "");
    else
        snprintf(title, sizeof title, "TASKS %zu%s ", tasks->list.count,
                 tasks->list.is_cut ? ", the newest" : "");
    format_age(tasks->is_complete ? view->model->now_ms - tasks->learnt_ms : -1, age);
    if (view->ui->shown_ms)
        snprintf(tail, sizeof tail, " live only ");
    else if (!tasks->address[0])
        snprintf(tail, sizeof tail, " NO LEADER%s%s%s ", tasks->is_complete ? ", this is of " : "",
                 tasks->is_complete ? age : "", tasks->is_complete ? " ago" : "");
    else if (tasks->problem[0])
        snprintf(tail, sizeof tail, " %.60s ", tasks->problem);
    else if (tasks->is_complete && view->model->now_ms - tasks->learnt_ms > 10000)
        snprintf(tail, sizeof tail, " of %s ago ", age);
    view_heading(cells, area, &heading);
}

static void draw_footer(const struct view *view, struct cells *cells, struct area area)
{
    const struct tasks *tasks = view->ui->tasks;
    if (tasks->is_typing)
        view_input(tasks->status[0] ? "find (nothing fits): " : "find: ", tasks->find, cells, area);
    else if (tasks->status[0])
        view_status(EVENT_WARNING, tasks->status, cells, area);
    else if (ui_has_status(view->ui, view->model))
        view_status(view->ui->status_level, view->ui->status, cells, area);
    else
        view_screen_keys(KEYS_TASKS, cells, area);
}

void view_tasks(const struct view *view, struct cells *cells, struct area area)
{
    const struct tasks *tasks = view->ui->tasks;
    struct area rows = tasks_area(area.columns, area.rows);
    struct area titles = {0, rows.row - 1, area.columns, 1}, heading = {0, rows.row - 2, area.columns, 1};
    struct area top = {0, 0, area.columns, heading.row};
    if (view->is_broken)
        view_broken(view, cells, top);
    else if (top.rows > 0)
        view_header(view, cells, top);
    draw_heading(view, cells, heading);
    if (tasks->has_details && !view->ui->shown_ms)
        view_task(view, cells, (struct area){0, titles.row, area.columns, rows.rows + 1});
    else
        draw_table(view, cells, titles, rows);
    if (area.rows > rows.row)
        draw_footer(view, cells, (struct area){0, area.rows - 1, area.columns, 1});
}
