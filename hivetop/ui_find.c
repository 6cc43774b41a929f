/* Looking for a node or, with the events in focus, for an event: what is typed is found while it is typed, from where
 * one stood. */
#include "hive/memory.h"
#include "keys.h"
#include "line.h"
#include "rows.h"
#include "ui.h"

/* What is searched: the events, or the nodes as they stand on the screen. */
struct haystack {
    const struct node **rows; /* owned; NULL: the events */
    size_t count, at;
};

static void open_haystack(const struct ui *ui, const struct model *model, struct haystack *haystack)
{
    *haystack = (struct haystack){.count = model->events.count, .at = ui_last_event(ui, model)};
    if (ui->panel == UI_PANEL_EVENTS)
        return;
    haystack->at = 0;
    haystack->count = ui_rows(ui, model, &haystack->rows);
    const struct node *selected = ui_selected(ui, model, NULL);
    while (haystack->at < haystack->count && haystack->rows[haystack->at] != selected)
        haystack->at++;
}

static bool fits(const struct ui *ui, const struct model *model, const struct haystack *haystack, size_t at)
{
    return haystack->rows ? rows_is_found(ui, haystack->rows[at])
                          : rows_has_found(ui, model->events.items[at].text);
}

static void go_to(struct ui *ui, const struct model *model, const struct haystack *haystack, size_t at)
{
    if (haystack->rows)
        ui_select(ui, haystack->rows[at]);
    else
        ui->event_serial = model->events.items[at].serial;
}

/* Goes to the nearest match from `first` steps on, in that direction, around the end. */
static bool jump(struct ui *ui, const struct model *model, int direction, size_t first)
{
    struct haystack haystack;
    bool is_found = false;
    open_haystack(ui, model, &haystack);
    for (size_t i = first; i < haystack.count + first && !is_found; i++) {
        size_t steps = direction > 0 ? i : haystack.count * 2 - i,
               at = (haystack.at + steps) % haystack.count;
        is_found = fits(ui, model, &haystack, at);
        if (is_found)
            go_to(ui, model, &haystack, at);
    }
    free(haystack.rows);
    return is_found;
}

static void return_to_start(struct ui *ui)
{
    memcpy(ui->selected, ui->found_from, sizeof ui->selected);
    ui->event_serial = ui->found_from_serial;
}

void ui_find(struct ui *ui)
{
    memcpy(ui->found_from, ui->selected, sizeof ui->found_from);
    ui->found_from_serial = ui->event_serial;
    ui->find[0] = '\0';
    ui->mode = UI_FIND;
}

unsigned ui_find_key(struct ui *ui, const struct model *model, int key)
{
    if (key == KEYS_ENTER) {
        ui->mode = UI_TABLES;
    } else if (key == KEYS_ESCAPE) {
        ui->mode = UI_TABLES;
        ui->find[0] = '\0';
        return_to_start(ui);
    } else if (line_key(ui->find, sizeof ui->find, key)) {
        return_to_start(ui);
        /* The events are read from the newest back. */
        ui->is_nothing_found = ui->find[0] && !jump(ui, model, ui->panel == UI_PANEL_EVENTS ? -1 : 1, 0);
    }
    return REACTION_NONE;
}

void ui_find_next(struct ui *ui, const struct model *model, int direction)
{
    if (!ui->find[0])
        ui_say(ui, model, EVENT_INFO, "press / and type what to look for");
    else if (!jump(ui, model, ui->panel == UI_PANEL_EVENTS ? -direction : direction, 1))
        ui_say(ui, model, EVENT_WARNING, "nothing has \"%s\" in it", ui->find);
}
