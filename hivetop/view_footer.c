/* The last line: the keys, or what was just said, or what is being typed. */
#include "keys.h"
#include "tag.h"
#include "view.h"

/* Those that one asks for first, in this order, as far as there is room; the words are the table's. */
static const struct {
    int code;
    const char *name; /* NULL: the table's first */
    bool is_bare;     /* the name says enough */
} shown[] = {
    {'?', NULL, false}, {'/', NULL, false},  {KEYS_ENTER, NULL, false}, {'l', NULL, false},
    {'z', NULL, false}, {'[', "[ ]", false}, {'S', NULL, false},        {'P', NULL, false},
    {'R', NULL, true},  {'K', NULL, false},  {'q', NULL, true},         {'X', NULL, false},
    {'L', NULL, false}, {'A', NULL, false},  {'e', NULL, false},        {'t', NULL, false},
    {':', NULL, false}, {'C', NULL, false},
};

static void draw_keys(const struct ui *ui, struct cells *cells, struct area area)
{
    int column = area.column;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct key *key = keys_find(shown[i].code);
        char name[16], word[32] = "";
        if (!key || !keys_is_valid(ui, key))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(key->name, " "), key->name);
        if (shown[i].name)
            snprintf(name, sizeof name, "%s", shown[i].name);
        if (!shown[i].is_bare)
            snprintf(word, sizeof word, "%s%s", strchr("?/:", name[0]) ? "" : ":", key->word);
        int name_width = cells_width(name), width = name_width + cells_width(word);
        if (column + width > area.column + area.columns)
            break;
        cells_put(cells, column, area.row, name_width, STYLE_KEY, name);
        cells_put(cells, column + name_width, area.row, width - name_width, STYLE_NORMAL, word);
        cells_tag(cells, column, area.row, width, TAG(TAG_KEY, key->codes[0]));
        if (key->codes[0] == '[')
            cells_tag(cells, column + 2, area.row, 1, TAG(TAG_KEY, ']'));
        column += width + 1;
    }
}

/* The end of the text is what is being typed: a long one loses its beginning. */
void view_input(const char *prompt, const char *text, struct cells *cells, struct area area)
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

/* Draws the key at `*column` where there is room; false: there is none. */
static bool draw_key(const struct key *key, struct cells *cells, struct area area, int *column)
{
    char name[16], word[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(key->name, " "), key->name);
    snprintf(word, sizeof word, "%s%s", strchr("?/", name[0]) ? "" : ":", key->word);
    int name_width = cells_width(name), width = name_width + cells_width(word);
    if (*column + width > area.column + area.columns)
        return false;
    cells_put(cells, *column, area.row, name_width, STYLE_KEY, name);
    cells_put(cells, *column + name_width, area.row, width - name_width, STYLE_NORMAL, word);
    cells_tag(cells, *column, area.row, width, TAG(TAG_KEY, key->codes[0]));
    *column += width + 1;
    return true;
}

void view_screen_keys(enum key_group group, struct cells *cells, struct area area)
{
    int column = area.column;
    bool has_room = draw_key(keys_find('?'), cells, area, &column) &&
                    draw_key(keys_find(KEYS_ESCAPE), cells, area, &column);
    for (const struct key *key = keys_table; key->name && has_room; key++) {
        if (key->group == group)
            has_room = draw_key(key, cells, area, &column);
    }
}

static void draw_find(const struct ui *ui, struct cells *cells, struct area area)
{
    static const char sign[] = "nothing fits";
    int width = sizeof sign;
    if (ui->is_nothing_found && ui->find[0] && area.columns > 2 * width) {
        area.columns -= width;
        cells_put(cells, area.column + area.columns, area.row, width, STYLE_WARNING, sign);
    }
    view_input("find: ", ui->find, cells, area);
}

void view_status(enum event_level level, const char *text, struct cells *cells, struct area area)
{
    static const enum style styles[] = {STYLE_NORMAL, STYLE_GOOD, STYLE_WARNING, STYLE_BAD};
    cells_put(cells, area.column, area.row, area.columns, styles[level], text);
}

void view_footer(const struct view *view, struct cells *cells, struct area area)
{
    const struct ui *ui = view->ui;
    if (area.rows < 1)
        return;
    if (ui->mode == UI_INPUT)
        view_input("text task: ", ui->input, cells, area);
    else if (ui->mode == UI_FIND)
        draw_find(ui, cells, area);
    else if (ui_has_status(ui, view->model))
        view_status(ui->status_level, ui->status, cells, area);
    else
        draw_keys(ui, cells, area);
}
