/* The help screen, made from the key table. */
#include "keys.h"
#include "view.h"

#define KEY_WIDTH 9

static const char *const legend[] = {
    "",
    "*  leader         !  candidate      .  starting      ~  an old value",
    "z  paused         x  down           ?  does not answer",
    "LAG     entries that the leader has and this queen lacks",
    "AGE     of the last answer; RTT is how long it took",
    "HEALTH  of a drone, as the leader sees it; HB is when it last heard of it",
    "Lower-case letters never change anything. K, P and R ask first.",
};
#define LEGEND_LINES ((int)(sizeof legend / sizeof *legend))

static void draw_key(struct cells *cells, struct area area, int row, const struct key *key)
{
    int column = area.column + 1;
    cells_put(cells, column, row, KEY_WIDTH, key->changes ? STYLE_WARNING : STYLE_KEY, key->name);
    int left = 1 + KEY_WIDTH + 1;
    if (area.columns > left)
        cells_put(cells, area.column + left, row, area.columns - left, STYLE_NORMAL, key->help);
}

void view_help(const struct view *view, struct cells *cells, struct area area)
{
    cells_wipe(cells, area, STYLE_NORMAL);
    int keys = 0;
    while (keys_table[keys].name)
        keys++;
    int height = area.rows - 2, lines = keys + LEGEND_LINES;
    int first = view->ui->help_first;
    if (first > lines - height)
        first = lines > height ? lines - height : 0;
    cells_put(cells, area.column, area.row, area.columns, STYLE_TITLE, "hivetop: keys");
    cells_paint(cells, area.column, area.row, area.columns, STYLE_TITLE);
    for (int i = 0; i < height && first + i < lines; i++) {
        int line = first + i, row = area.row + 1 + i;
        if (line < keys)
            draw_key(cells, area, row, &keys_table[line]);
        else
            cells_put(cells, area.column + 1, row, area.columns - 1, STYLE_NORMAL, legend[line - keys]);
    }
    if (height > 0)
        cells_put(cells, area.column, area.row + area.rows - 1, area.columns, STYLE_DIM,
                  lines > height ? "j k scroll, any other key goes back" : "any key goes back");
}
