/* What keys do to the interface: where they go, and what is selected. Nothing here touches a node: an action leaves only
 * through a dialog or a menu, and names the process that it was asked about. */
#include "ui.h"

#include <stdarg.h>

#include "help.h"
#include "hive/memory.h"
#include "keys.h"
#include "line.h"
#include "logs.h"
#include "rows.h"
#include "tasks.h"

#define EVENT_ROWS 5 /* until somebody knows better */

void ui_init(struct ui *ui, int64_t interval_ms)
{
    *ui = (struct ui){.interval_ms = interval_ms, .page_rows = 1, .event_rows = EVENT_ROWS};
}

void ui_forget(struct ui *ui)
{
    memset(ui->left, 0, sizeof ui->left);
    memset(ui->marked, 0, sizeof ui->marked);
    ui->selected[0] = ui->find[0] = '\0';
    ui->panel = UI_PANEL_QUEENS;
    ui->event_serial = 0;
    ui->has_all_events = false;
}

void ui_say(struct ui *ui, const struct model *model, enum event_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ui->status, sizeof ui->status, format, arguments);
    va_end(arguments);
    ui->status_level = level;
    ui->status_until_ms = model->now_ms + UI_STATUS_SHOW_MS;
}

bool ui_has_status(const struct ui *ui, const struct model *model)
{
    return ui->status[0] && model->now_ms < ui->status_until_ms;
}

/* ---- nodes ---- */

size_t ui_rows(const struct ui *ui, const struct model *model, const struct node ***rows)
{
    *rows = hive_calloc(model->node_count + 1, sizeof **rows);
    size_t queens = rows_make(ui, model, UI_PANEL_QUEENS, *rows);
    return queens + rows_make(ui, model, UI_PANEL_DRONES, *rows + queens);
}

static size_t place_of(const struct model *model, const char *address)
{
    size_t at = 0;
    while (at < model->node_count && strcmp(model->nodes[at]->address, address) != 0)
        at++;
    return at;
}

const struct node *ui_selected(const struct ui *ui, const struct model *model, size_t *at)
{
    if (model->node_count == 0)
        return NULL;
    size_t i = place_of(model, ui->selected);
    if (i == model->node_count) {
        const struct node **rows;
        ui_rows(ui, model, &rows);
        i = place_of(model, rows[0]->address);
        free(rows);
    }
    if (at)
        *at = i;
    return model->nodes[i];
}

void ui_select(struct ui *ui, const struct node *node)
{
    snprintf(ui->selected, sizeof ui->selected, "%s", node->address);
    ui->panel = node->role == HIVE_ROLE_QUEEN ? UI_PANEL_QUEENS : UI_PANEL_DRONES;
    snprintf(ui->left[ui->panel], sizeof ui->left[ui->panel], "%s", node->address);
}

static void move_selection(struct ui *ui, const struct model *model, int distance)
{
    const struct node *selected = ui_selected(ui, model, NULL), **rows;
    if (!selected)
        return;
    long last = (long)ui_rows(ui, model, &rows) - 1, at = 0;
    while (rows[at] != selected)
        at++;
    long target = at + distance;
    ui_select(ui, rows[target < 0 ? 0 : target > last ? last : target]);
    free(rows);
}

bool ui_is_marked(const struct ui *ui, const struct node *node)
{
    for (int i = 0; i < UI_MARKS; i++) {
        if (strcmp(ui->marked[i], node->address) == 0)
            return true;
    }
    return false;
}

/* Forgets the mark at `at`; those after it move up. */
static void unmark(struct ui *ui, int at)
{
    for (; at < UI_MARKS - 1; at++)
        memcpy(ui->marked[at], ui->marked[at + 1], sizeof ui->marked[at]);
    ui->marked[UI_MARKS - 1][0] = '\0';
}

void ui_mark(struct ui *ui, const struct node *node)
{
    int at = 0;
    while (at < UI_MARKS && ui->marked[at][0] && strcmp(ui->marked[at], node->address) != 0)
        at++;
    bool was_marked = at < UI_MARKS && ui->marked[at][0];
    if (was_marked)
        unmark(ui, at);
    else if (at == UI_MARKS)
        unmark(ui, 0);
    if (!was_marked)
        snprintf(ui->marked[at < UI_MARKS ? at : UI_MARKS - 1], sizeof ui->marked[0], "%s", node->address);
}

/* ---- panels ---- */

static enum ui_panel panel_after(enum ui_panel panel, int direction)
{
    int panels = UI_PANEL_EVENTS + 1;
    return (enum ui_panel)(((int)panel + direction + panels) % panels);
}

void ui_next_panel(struct ui *ui, const struct model *model, int direction)
{
    enum ui_panel panel = panel_after(ui->panel, direction);
    const struct node **rows = hive_calloc(model->node_count + 1, sizeof *rows);
    size_t count = rows_make(ui, model, panel, rows);
    if (panel != UI_PANEL_EVENTS && count == 0) {
        panel = panel_after(panel, direction);
        count = rows_make(ui, model, panel, rows);
    }
    ui->panel = panel;
    if (panel != UI_PANEL_EVENTS && count > 0) {
        size_t at = 0;
        while (at < count && strcmp(rows[at]->address, ui->left[panel]) != 0)
            at++;
        ui_select(ui, rows[at < count ? at : 0]);
    }
    ui->has_all_events = ui->has_all_events && panel == UI_PANEL_EVENTS;
    free(rows);
}

size_t ui_last_event(const struct ui *ui, const struct model *model)
{
    const struct events *events = &model->events;
    for (size_t i = 0; ui->event_serial && i < events->count; i++) {
        if (events->items[i].serial == ui->event_serial)
            return i;
    }
    return events->count ? events->count - 1 : 0;
}

/* The bottom of the panel never gets so high that the panel is not full. */
static void move_events(struct ui *ui, const struct model *model, int distance)
{
    long last = (long)model->events.count - 1;
    long first = ui->event_rows - 1 < last ? ui->event_rows - 1 : last;
    long at = (long)ui_last_event(ui, model) + distance;
    at = at < first ? first : at > last ? last : at;
    ui->event_serial = at >= 0 && at < last ? model->events.items[at].serial : 0;
}

void ui_move(struct ui *ui, const struct model *model, int rows)
{
    if (ui->panel == UI_PANEL_EVENTS)
        move_events(ui, model, rows);
    else
        move_selection(ui, model, rows);
}

void ui_sort(struct ui *ui, const struct model *model, int direction)
{
    if (direction == 0) {
        ui->is_sort_reversed = !ui->is_sort_reversed;
    } else {
        const enum sort_column *columns =
            rows_columns(ui->panel == UI_PANEL_DRONES ? UI_PANEL_DRONES : UI_PANEL_QUEENS);
        int count = 0, at = 0;
        while (columns[count] != SORT_COUNT)
            count++;
        while (at < count - 1 && columns[at] != ui->sort)
            at++;
        ui->sort = columns[columns[at] != ui->sort ? 0 : (at + direction + count) % count];
    }
    ui_say(ui, model, EVENT_INFO, "sorted by %s%s", sort_names[ui->sort],
           ui->is_sort_reversed ? ", the other way round" : "");
}

void ui_go_back(struct ui *ui)
{
    if (ui->screen != UI_SCREEN_MAIN)
        ui->screen = UI_SCREEN_MAIN;
    else if (ui->has_details)
        ui->has_details = false;
    else if (ui->has_all_events)
        ui->has_all_events = false;
    else if (ui->find[0])
        ui->find[0] = '\0';
    else
        memset(ui->marked, 0, sizeof ui->marked);
    ui->event_serial = 0;
}

void ui_offer_clusters(struct ui *ui, const struct model *model, char (*names)[HIVE_NAME_BYTES], size_t count)
{
    if (count == 0) {
        ui_say(ui, model, EVENT_WARNING, "no cluster runs on this machine");
        return;
    }
    ui->menu.cluster_count = count < MENU_CLUSTERS ? count : MENU_CLUSTERS;
    memcpy(ui->menu.clusters, names, ui->menu.cluster_count * sizeof *names);
    menu_open(ui, MENU_CLUSTERS_LIST);
    for (size_t i = 0; i < ui->menu.cluster_count; i++) {
        if (strcmp(names[i], model->cluster) == 0)
            ui->menu.at = (int)i;
    }
}

/* ---- keys ---- */

static unsigned input_key(struct ui *ui, const struct model *model, int key)
{
    if (key == KEYS_ENTER) {
        ui->mode = UI_TABLES;
        return ui->input[0] ? REACTION_SUBMIT : REACTION_NONE;
    }
    if (key == KEYS_ESCAPE) {
        ui->mode = UI_TABLES;
        ui_say(ui, model, EVENT_INFO, "nothing was submitted");
    } else {
        line_key(ui->input, sizeof ui->input, key);
    }
    return REACTION_NONE;
}

static void help_key(struct ui *ui, int key)
{
    struct help_line ignored[HELP_LINES];
    int lines = help_make(ignored);
    if (key == 'j' || key == KEYS_DOWN)
        ui->help_first++;
    else if (key == 'k' || key == KEYS_UP)
        ui->help_first--;
    else if (key == KEYS_PAGE_DOWN || key == ' ')
        ui->help_first += ui->page_rows;
    else if (key == KEYS_PAGE_UP)
        ui->help_first -= ui->page_rows;
    else if (key == 'g' || key == KEYS_HOME)
        ui->help_first = 0;
    else if (key == 'G' || key == KEYS_END)
        ui->help_first = lines;
    else
        ui->mode = UI_TABLES;
    int last = lines - ui->page_rows;
    if (ui->help_first > last)
        ui->help_first = last;
    if (ui->help_first < 0)
        ui->help_first = 0;
}

/* A full-screen view takes its keys first; those that mean nothing to it the table may have. */
static unsigned view_key(struct ui *ui, int key)
{
    unsigned reactions = REACTION_NOT_MINE;
    if (ui->screen == UI_SCREEN_LOGS && ui->logs)
        reactions = logs_key(ui->logs, key);
    else if (ui->screen == UI_SCREEN_TASKS && ui->tasks)
        reactions = tasks_key(ui->tasks, key);
    if (reactions & REACTION_BACK)
        ui->screen = UI_SCREEN_MAIN;
    return reactions & ~(unsigned)REACTION_BACK;
}

unsigned ui_key(struct ui *ui, const struct model *model, int key)
{
    if (key == KEYS_NONE || key == KEYS_RESIZE)
        return REACTION_NONE;
    if (key == KEYS_CONTROL_L)
        return REACTION_REPAINT;
    ui->status[0] = '\0'; /* whoever goes on has read it */
    switch (ui->mode) {
    case UI_DIALOG:
        return ui_dialog_key(ui, model, key);
    case UI_INPUT:
        return input_key(ui, model, key);
    case UI_FIND:
        return ui_find_key(ui, model, key);
    case UI_MENU:
        return menu_key(ui, model, key);
    case UI_HELP:
        help_key(ui, key);
        return REACTION_NONE;
    case UI_EVIDENCE:
        ui->mode = UI_TABLES;
        return REACTION_NONE;
    case UI_TABLES:
        break;
    }
    unsigned reactions = view_key(ui, key);
    return reactions & REACTION_NOT_MINE ? keys_press(ui, model, key) : reactions;
}
