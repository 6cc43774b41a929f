/* The last line: the keys, or what was just said, or what is being typed. */
#include "keys.h"
#include "tag.h"
#include "view.h"

/* Those that one asks for first, in this order, as far as there is room; the words are the table's. */
static const int shown[] = {'?', '/', KEYS_ENTER, 'l', 'z', '[', 'S', 'P', 'R', 'K', 'e', 't', ':', 'q'};

static void draw_keys(const struct ui *ui, struct cells *cells, struct area area)
{
    int column = 0;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct key *key = keys_find(shown[i]);
        char name[16];
        if (!key || !keys_is_valid(ui, key))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(key->name, " "), key->name);
        int name_width = cells_width(name), width = name_width + 1 + cells_width(key->word);
        if (column + width > area.columns)
            break;
        cells_put(cells, area.column + column, area.row, name_width, STYLE_KEY, name);
        cells_put(cells, area.column + column + name_width + 1, area.row, width - name_width - 1,
                  STYLE_NORMAL, key->word);
        cells_tag(cells, area.column + column, area.row, width, TAG(TAG_KEY, key->codes[0]));
        column += width + 1;
    }
}

/* The end of the text is what is being typed: a long one loses its beginning. */
static void draw_input(const char *prompt, const char *text, struct cells *cells, struct area area)
{
    int used = cells_put(cells, area.column, area.row, area.columns, STYLE_KEY, prompt);
    int width = area.columns - used - 1; /* one column for the cursor */
    if (width < 1)
        return;
    while (cells_width(text) > width) {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
    }
    used += cells_put(cells, area.column + used, area.row, width, STYLE_INPUT, text);
    cells->cursor_column = area.column + used;
    cells->cursor_row = area.row;
}

static void draw_find(const struct ui *ui, struct cells *cells, struct area area)
{
    static const char sign[] = "nothing fits";
    int width = sizeof sign;
    if (ui->is_nothing_found && ui->find[0] && area.columns > 2 * width) {
        area.columns -= width;
        cells_put(cells, area.column + area.columns, area.row, width, STYLE_WARNING, sign);
    }
    draw_input("find: ", ui->find, cells, area);
}

void view_footer(const struct view *view, struct cells *cells, struct area area)
{
    static const enum style styles[] = {STYLE_NORMAL, STYLE_GOOD, STYLE_WARNING, STYLE_BAD};
    const struct ui *ui = view->ui;
    if (area.rows < 1)
        return;
    if (ui->mode == UI_INPUT)
        draw_input("text task: ", ui->input, cells, area);
    else if (ui->mode == UI_FIND)
        draw_find(ui, cells, area);
    else if (ui_has_status(ui, view->model))
        cells_put(cells, area.column, area.row, area.columns, styles[ui->status_level], ui->status);
    else
        draw_keys(ui, cells, area);
}
