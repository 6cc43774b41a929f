/* The mouse does nothing that a key could not do, and asks the same questions. */
#include "keys.h"
#include "tag.h"
#include "ui.h"

#define WHEEL_ROWS 3

static unsigned turn(struct ui *ui, const struct model *model, uint32_t tag, int rows)
{
    if (ui->mode == UI_MENU || ui->mode == UI_HELP ||
        (ui->mode == UI_TABLES && ui->screen != UI_SCREEN_MAIN)) {
        unsigned reactions = REACTION_NONE;
        for (int i = 0; i < (ui->mode == UI_MENU ? 1 : WHEEL_ROWS); i++)
            reactions |= ui_key(ui, model, rows > 0 ? KEYS_DOWN : KEYS_UP);
        return reactions;
    }
    if (ui->mode != UI_TABLES)
        return REACTION_NONE;
    enum ui_panel focus = ui->panel;
    if (TAG_KIND_OF(tag) == TAG_PANEL && TAG_VALUE_OF(tag) == UI_PANEL_EVENTS)
        ui->panel = UI_PANEL_EVENTS; /* for this turn: the focus stays */
    else if (TAG_KIND_OF(tag) == TAG_NODE && focus == UI_PANEL_EVENTS)
        ui->panel = UI_PANEL_QUEENS;
    bool is_elsewhere = ui->panel == UI_PANEL_EVENTS;
    ui_move(ui, model, rows);
    if (is_elsewhere)
        ui->panel = focus;
    return REACTION_NONE;
}

static unsigned click_table(struct ui *ui, const struct model *model, uint32_t tag)
{
    int value = TAG_VALUE_OF(tag);
    switch (TAG_KIND_OF(tag)) {
    case TAG_NODE:
        if ((size_t)value < model->node_count)
            ui_select(ui, model->nodes[value]);
        return REACTION_NONE;
    case TAG_TITLE:
        ui->is_sort_reversed = ui->sort == (enum sort_column)value && !ui->is_sort_reversed;
        ui->sort = (enum sort_column)value;
        return REACTION_CONFIG;
    case TAG_PANEL:
        if (value == UI_PANEL_EVENTS)
            ui->panel = UI_PANEL_EVENTS;
        return REACTION_NONE;
    case TAG_KEY:
        return ui_key(ui, model, value);
    default:
        return REACTION_NONE;
    }
}

unsigned ui_mouse(struct ui *ui, const struct model *model, uint32_t tag, int wheel)
{
    if (wheel)
        return turn(ui, model, tag, wheel * WHEEL_ROWS);
    switch (ui->mode) {
    case UI_TABLES:
        return click_table(ui, model, tag);
    case UI_HELP:
    case UI_EVIDENCE:
        ui->mode = UI_TABLES;
        return REACTION_NONE;
    case UI_DIALOG:
        if (TAG_KIND_OF(tag) == TAG_ANSWER)
            return ui_key(ui, model, TAG_VALUE_OF(tag) ? 'y' : KEYS_ESCAPE);
        return REACTION_NONE;
    case UI_MENU:
        if (TAG_KIND_OF(tag) == TAG_CHOICE)
            return menu_choose(ui, model, TAG_VALUE_OF(tag));
        ui->mode = UI_TABLES;
        return REACTION_NONE;
    case UI_INPUT:
    case UI_FIND:
        return REACTION_NONE;
    }
    return REACTION_NONE;
}
