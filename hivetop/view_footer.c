/* The last line: the keys, or what was just said, or what is being typed. */
#include "keys.h"
#include "tag.h"
#include "view.h"

#define PROMPT "text task: "

static void draw_keys(struct cells *cells, struct area area)
{
    int column = 0;
    for (const struct key *key = keys_table; key->name; key++) {
        if (!key->footer)
            continue;
        char name[2] = {(char)key->codes[0], '\0'};
        int width = 1 + 1 + cells_width(key->footer);
        if (column + width > area.columns)
            break;
        cells_put(cells, area.column + column, area.row, 1, STYLE_KEY, name);
        cells_put(cells, area.column + column + 2, area.row, width - 2, STYLE_NORMAL, key->footer);
        cells_tag(cells, area.column + column, area.row, width, TAG(TAG_KEY, key->codes[0]));
        column += width + 2;
    }
}

/* The end of the text is what is being typed: a long one loses its beginning. */
static void draw_input(const struct ui *ui, struct cells *cells, struct area area)
{
    int used = cells_put(cells, area.column, area.row, area.columns, STYLE_KEY, PROMPT);
    int width = area.columns - used - 1; /* one column for the cursor */
    if (width < 1)
        return;
    const char *text = ui->input;
    while (cells_width(text) > width) {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
    }
    used += cells_put(cells, area.column + used, area.row, width, STYLE_INPUT, text);
    cells->cursor_column = area.column + used;
    cells->cursor_row = area.row;
}

void view_footer(const struct view *view, struct cells *cells, struct area area)
{
    static const enum style styles[] = {STYLE_NORMAL, STYLE_GOOD, STYLE_WARNING, STYLE_BAD};
    const struct ui *ui = view->ui;
    if (area.rows < 1)
        return;
    if (ui->mode == UI_INPUT)
        draw_input(ui, cells, area);
    else if (ui_has_status(ui, view->model))
        cells_put(cells, area.column, area.row, area.columns, styles[ui->status_level], ui->status);
    else
        draw_keys(cells, area);
}
