/* The help screen, made from the key table. */
#include "help.h"
#include "view.h"

#define KEY_WIDTH 9

static void draw_line(struct cells *cells, struct area area, int row, const struct help_line *line)
{
    int left = 1;
    if (line->key) {
        enum style style = line->key->changes ? STYLE_WARNING : STYLE_KEY;
        cells_put(cells, area.column + left, row, KEY_WIDTH, style, line->key->name);
        left += KEY_WIDTH + 1;
    }
    if (area.columns > left)
        cells_put(cells, area.column + left, row, area.columns - left,
                  line->is_heading ? STYLE_HEADING : STYLE_NORMAL, line->text);
}

void view_help(const struct view *view, struct cells *cells, struct area area)
{
    struct help_line lines[HELP_LINES];
    int count = help_make(lines), height = area.rows - 2, first = view->ui->help_first;
    cells_wipe(cells, area, STYLE_NORMAL);
    if (first > count - height)
        first = count > height ? count - height : 0;
    cells_put(cells, area.column, area.row, area.columns, STYLE_TITLE, "hivetop: keys");
    cells_paint(cells, area.column, area.row, area.columns, STYLE_TITLE);
    for (int i = 0; i < height && first + i < count; i++)
        draw_line(cells, area, area.row + 1 + i, &lines[first + i]);
    if (height > 0)
        cells_put(cells, area.column, area.row + area.rows - 1, area.columns, STYLE_DIM,
                  count > height ? "j k PgDn PgUp scroll, any other key goes back" : "any key goes back");
}
