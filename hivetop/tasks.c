/* What the tasks' screen shows, and its keys. */
#include "tasks.h"

#include "hive/memory.h"
#include "keys.h"
#include "line.h"
#include "panels.h"

void tasks_init(struct tasks *tasks, struct hive_http_client *client, const struct source *source,
                const struct model *model)
{
    *tasks = (struct tasks){.client = client, .source = source, .model = model, .rows = 1};
}

void tasks_finish(struct tasks *tasks)
{
    task_list_finish(&tasks->list);
    task_finish(&tasks->details);
    free(tasks->shown);
    *tasks = (struct tasks){0};
}

struct area tasks_area(int columns, int rows)
{
    int above = 2 + (columns >= PANELS_COLUMNS_MIN && rows >= PANELS_ROWS_MIN);
    return (struct area){0, above, columns, rows > above + 1 ? rows - above - 1 : 0};
}

void tasks_resize(struct tasks *tasks, int columns, int rows)
{
    struct area area = tasks_area(columns, rows);
    tasks->columns = area.columns;
    tasks->rows = area.rows > 0 ? area.rows : 1;
}

void tasks_update(struct tasks *tasks)
{
    const struct task_list *list = &tasks->list;
    tasks->shown = hive_realloc(tasks->shown, list->count + 1, sizeof(struct task *));
    tasks->shown_count = 0;
    for (size_t i = list->count; i-- > 0;) {
        if (task_filter_fits(tasks->filter, list->items[i]->state))
            tasks->shown[tasks->shown_count++] = list->items[i];
    }
}

/* The task itself or, where it is not shown any more, the next older one; of none, the oldest. */
size_t tasks_selected(const struct tasks *tasks)
{
    size_t at = 0;
    while (tasks->selected && at < tasks->shown_count && tasks->shown[at]->number > tasks->selected)
        at++;
    return at < tasks->shown_count ? at : tasks->shown_count ? tasks->shown_count - 1 : 0;
}

/* At the first row, the newest is selected whichever that will be. */
static void select_row(struct tasks *tasks, long row)
{
    long last = (long)tasks->shown_count - 1;
    row = row > last ? last : row;
    tasks->selected = row > 0 ? tasks->shown[row]->number : 0;
}

/* ---- find ---- */

/* Goes to the nearest match from `first` steps on, around the end. */
static bool jump(struct tasks *tasks, int direction, size_t first)
{
    size_t count = tasks->shown_count, from = tasks_selected(tasks);
    for (size_t i = first; i < count + first && tasks->find[0]; i++) {
        size_t at = (from + (direction > 0 ? i : 2 * count - i)) % count;
        if (task_has(tasks->shown[at], tasks->find)) {
            tasks->selected = tasks->shown[at]->number;
            return true;
        }
    }
    return false;
}

static unsigned typing_key(struct tasks *tasks, int key)
{
    if (key == KEYS_ENTER || key == KEYS_ESCAPE) {
        tasks->is_typing = false;
        if (key == KEYS_ESCAPE) {
            tasks->find[0] = '\0';
            tasks->selected = tasks->found_from;
        }
    } else if (line_key(tasks->find, sizeof tasks->find, key)) {
        tasks->selected = tasks->found_from;
        bool is_found = jump(tasks, 1, 0);
        snprintf(tasks->status, sizeof tasks->status, "%s",
                 tasks->find[0] && !is_found ? "nothing fits" : "");
    }
    return REACTION_NONE;
}

static void find_next(struct tasks *tasks, int direction)
{
    if (!tasks->find[0])
        snprintf(tasks->status, sizeof tasks->status, "press / and type what to look for");
    else if (!jump(tasks, direction, 1))
        snprintf(tasks->status, sizeof tasks->status, "no task has \"%s\" in it", tasks->find);
}

/* ---- keys ---- */

/* The distance that a key moves; false: it does not. */
static bool read_move(const struct tasks *tasks, int key, long *rows)
{
    long page = tasks->rows > 1 ? tasks->rows - 1 : 1;
    switch (key) {
    case 'j':
    case KEYS_DOWN:
        *rows = 1;
        return true;
    case 'k':
    case KEYS_UP:
        *rows = -1;
        return true;
    case ' ':
    case KEYS_PAGE_DOWN:
        *rows = page;
        return true;
    case KEYS_PAGE_UP:
        *rows = -page;
        return true;
    case 'g':
    case KEYS_HOME:
        *rows = -(long)TASK_LIST_MOST - HIVE_TASK_TEXT_BYTES;
        return true;
    case 'G':
    case KEYS_END:
        *rows = (long)TASK_LIST_MOST + HIVE_TASK_TEXT_BYTES;
        return true;
    default:
        return false;
    }
}

static unsigned details_key(struct tasks *tasks, int key)
{
    long rows;
    if (read_move(tasks, key, &rows)) {
        int last = tasks_details_last(tasks, tasks->columns, tasks->rows + 1); /* the titles' row is theirs */
        rows += tasks->details_first;
        tasks->details_first = rows < 0 ? 0 : rows > last ? last : (int)rows;
    } else if (key == KEYS_ENTER || key == KEYS_ESCAPE) {
        tasks->has_details = false;
    } else {
        return REACTION_NOT_MINE;
    }
    return REACTION_NONE;
}

static void change_filter(struct tasks *tasks, enum task_filter filter)
{
    tasks->filter = filter;
    tasks_update(tasks);
}

static unsigned go_back(struct tasks *tasks)
{
    if (tasks->find[0])
        tasks->find[0] = '\0';
    else if (tasks->filter != TASKS_ALL)
        change_filter(tasks, TASKS_ALL);
    else
        return REACTION_BACK;
    return REACTION_NONE;
}

static void open_details(struct tasks *tasks)
{
    if (!tasks->shown_count)
        return;
    tasks->selected = tasks->shown[tasks_selected(tasks)]->number; /* this one, whatever comes */
    task_finish(&tasks->details);
    tasks->has_details = true;
    tasks->details_first = 0;
    tasks->next_ms = 0;
}

unsigned tasks_key(struct tasks *tasks, int key)
{
    long rows;
    tasks->status[0] = '\0';
    if (tasks->is_typing)
        return typing_key(tasks, key);
    if (tasks->has_details)
        return details_key(tasks, key);
    if (read_move(tasks, key, &rows)) {
        select_row(tasks, (long)tasks_selected(tasks) + rows);
        return REACTION_NONE;
    }
    switch (key) {
    case KEYS_ENTER:
        open_details(tasks);
        return REACTION_NONE;
    case 'f':
        change_filter(tasks, (tasks->filter + 1) % TASK_FILTERS);
        return REACTION_NONE;
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
        change_filter(tasks, (enum task_filter)(key - '1'));
        return REACTION_NONE;
    case '/':
        tasks->is_typing = true;
        tasks->find[0] = '\0';
        tasks->found_from = tasks->selected;
        return REACTION_NONE;
    case 'n':
    case 'N':
        find_next(tasks, key == 'n' ? 1 : -1);
        return REACTION_NONE;
    case KEYS_ESCAPE:
        return go_back(tasks);
    default:
        return REACTION_NOT_MINE;
    }
}
