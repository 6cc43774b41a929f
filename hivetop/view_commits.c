/* How fast the group commits, below the lanes and in their time: an election is a gap. */
#include "format.h"
#include "hive/memory.h"
#include "view.h"

#define CELL_MS 1000 /* as the lanes */
#define BRAILLE L'\u2800'
#define DOTS    4 /* of a character, one above the other */

/* A round number that is not below. */
static double round_up(double rate)
{
    static const double steps[] = {1, 2, 5, 10};
    double unit = 1;
    while (unit * 10 < rate)
        unit *= 10;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (unit * steps[i] >= rate)
            return unit * steps[i];
    }
    return rate;
}

static int dots_of(double rate, double top, int most)
{
    int dots = rate > 0 ? (int)(rate / top * most + 0.5) : 0;
    return dots > most ? most : rate > 0 && dots == 0 ? 1 : dots;
}

/* A character of two columns of dots, filled from below. */
static wchar_t braille(int left, int right)
{
    static const unsigned lefts[] = {0, 0x40, 0x44, 0x46, 0x47}, rights[] = {0, 0x80, 0xa0, 0xb0, 0xb8};
    left = left < 0 ? 0 : left > DOTS ? DOTS : left;
    right = right < 0 ? 0 : right > DOTS ? DOTS : right;
    return (wchar_t)(BRAILLE + lefts[left] + rights[right]);
}

static wchar_t letter(int dots)
{
    return dots >= DOTS ? L'#' : dots >= DOTS / 2 ? L':' : dots > 0 ? L'.' : L' ';
}

static void draw_graph(struct cells *cells, struct area area, const double *rates, double top)
{
    for (int i = 0; i < area.columns; i++) {
        int left = dots_of(rates[2 * i], top, area.rows * DOTS);
        int right = dots_of(rates[2 * i + 1], top, area.rows * DOTS);
        for (int row = 0; row < area.rows; row++) {
            int below = (area.rows - 1 - row) * DOTS; /* dots in the rows below this one */
            wchar_t rune = cells->unicode ? braille(left - below, right - below)
                                          : letter((left + right + 1) / 2 - below);
            if (rune != L' ' && rune != BRAILLE)
                cells_draw(cells, area.column + i, area.row + row, STYLE_BAR, rune);
        }
    }
}

void view_commits(const struct view *view, struct cells *cells, struct area area)
{
    if (area.rows < 1 || area.columns < 1)
        return;
    double *rates = hive_calloc((size_t)area.columns * 2, sizeof *rates);
    double top = 1;
    int halves = 2 * area.columns; /* of cells, so that the cells are the lanes' */
    bool is_second = view->model->unix_ms - timeline_cell_start(view->model->unix_ms, CELL_MS) >= CELL_MS / 2;
    rates[halves - 1] = -1;
    timeline_rates(&view->model->timeline, view->model->unix_ms, CELL_MS / 2, rates, halves - !is_second);
    for (int i = 0; i < halves; i++)
        top = rates[i] > top ? rates[i] : top;
    top = round_up(top);
    char title[64];
    snprintf(title, sizeof title, "COMMITS a second, up to %.0f ", top);
    view_heading(cells, area, &(struct heading){.title = title});
    draw_graph(cells, (struct area){area.column, area.row + 1, area.columns, area.rows - 1}, rates, top);
    free(rates);
}
