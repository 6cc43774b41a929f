/* The menus and the palette: a box in the middle; in the palette the letters that were typed are its title. */
#include "menu.h"
#include "tag.h"
#include "view.h"

#define GAP         2  /* between a line and its hint */
#define HINT_BESIDE 30 /* … where so much of the line is left */

static int width_of(const struct menu_line *lines, size_t count, const char *title)
{
    int text = 0, hint = 0;
    for (size_t i = 0; i < count; i++) {
        int own = cells_width(lines[i].text), own_hint = cells_width(lines[i].hint);
        text = own > text ? own : text;
        hint = own_hint > hint ? own_hint : hint;
    }
    int width = text + (hint ? GAP + hint : 0), title_width = cells_width(title) + 1;
    return width > title_width ? width : title_width;
}

static void draw_row(struct cells *cells, struct area area, int row, const struct menu_line *line, int at,
                     bool is_chosen)
{
    enum style style = is_chosen ? STYLE_BUTTON : STYLE_DIALOG;
    int hint = cells_width(line->hint), room = area.columns - (hint ? hint + GAP : 0);
    if (room < cells_width(line->text) && room < HINT_BESIDE) { /* the hint gives way */
        room = area.columns;
        hint = 0;
    }
    cells_put(cells, area.column, row, room, style, line->text);
    if (hint)
        cells_put(cells, area.column + area.columns - hint, row, hint, style, line->hint);
    cells_paint(cells, area.column, row, area.columns, style);
    cells_tag(cells, area.column, row, area.columns, TAG(TAG_CHOICE, at));
}

void view_menu(const struct view *view, struct cells *cells, struct area area)
{
    struct menu_line lines[MENU_LINES];
    const struct menu *menu = &view->ui->menu;
    int count = (int)menu_lines(view->ui, view->model, lines);
    char title[128];
    menu_title(view->ui, title, sizeof title);

    struct area box = {.columns = width_of(lines, (size_t)count, title) + 4, .rows = (count ? count : 1) + 3};
    if (menu->kind == MENU_PALETTE) /* it does not jump about while one types */
        box = (struct area){.columns = 76, .rows = 17};
    box.columns = box.columns < area.columns ? box.columns : area.columns;
    box.rows = box.rows < area.rows ? box.rows : area.rows;
    box.column = area.column + (area.columns - box.columns) / 2;
    box.row = area.row + (area.rows - box.rows) / 2;
    cells_wipe(cells, box, STYLE_DIALOG);
    struct area inner = {box.column + 2, box.row + 2, box.columns - 4, box.rows - 3};
    if (inner.rows < 1 || inner.columns < 1)
        return;
    int used = cells_put(cells, inner.column, box.row, inner.columns, STYLE_DIALOG, title);
    cells_rule(cells, box.column, box.row + 1, box.columns, STYLE_DIALOG);
    if (menu->kind == MENU_PALETTE) {
        cells->cursor_column = inner.column + (used < inner.columns ? used : inner.columns - 1);
        cells->cursor_row = box.row;
    }
    int at = menu->at < count ? menu->at : count - 1, first = table_first(count, inner.rows, at);
    if (count == 0)
        cells_put(cells, inner.column, inner.row, inner.columns, STYLE_DIALOG, "nothing fits");
    for (int i = 0; i < inner.rows && first + i < count; i++)
        draw_row(cells, inner, inner.row + i, &lines[first + i], first + i, first + i == at);
}
