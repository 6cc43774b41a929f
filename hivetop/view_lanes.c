/* The elections: a lane for each queen, time from left to right. What happened between two polls is there too,
 * since queens tell when they changed roles. */
#include "format.h"
#include "hive/memory.h"
#include "view.h"

#define CELL_MS      1000
#define NAME_COLUMNS 14
#define UNICODE_BAR  L'\u2502'
#define TERMS        32 /* more than can be told apart in one window */
#define TITLE        "ELECTIONS"

static const struct {
    wchar_t ascii, unicode;
    enum style style;
} glyphs[] = {
    [LANE_UNKNOWN] = {L' ', L' ', STYLE_NORMAL},     [LANE_FOLLOWER] = {L'-', L'\u2500', STYLE_FOLLOWER},
    [LANE_LEADER] = {L'#', L'\u2588', STYLE_LEADER}, [LANE_SILENT] = {L'?', L'?', STYLE_WARNING},
    [LANE_PAUSED] = {L'z', L'z', STYLE_PAUSED},      [LANE_DOWN] = {L'x', L'x', STYLE_DOWN},
    [LANE_CANDIDATE] = {L'C', L'C', STYLE_ELECTION},
};

/* Text in the heading, where nothing else stands yet. */
struct line {
    struct cells *cells;
    int row;
};

static bool is_free(const struct line *line, int column, int width)
{
    for (int i = 0; i < width; i++) {
        const struct cell *cell = cells_at(line->cells, column + i, line->row);
        if (!cell || cell->writes)
            return false;
    }
    return true;
}

static void put_where_free(const struct line *line, int column, enum style style, const char *text)
{
    int width = cells_width(text);
    if (is_free(line, column, width))
        cells_put(line->cells, column, line->row, width, style, text);
}

/* The column of a lane in which that moment lies; negative where it is long ago. */
static int column_of(int64_t time_ms, int64_t first_ms)
{
    return time_ms < first_ms ? -1 : (int)((time_ms - first_ms) / CELL_MS);
}

/* Where terms begin: "t13|t14" stands with its bar above the cell. The newest are written first; one that has no room
 * at its beginning is named where it ends, or before the `now` columns of the right end. */
static void draw_terms(const struct view *view, const struct line *line, int left, int columns, int now)
{
    struct term_start terms[TERMS];
    int64_t until_ms = view->model->unix_ms;
    size_t count = timeline_terms(&view->model->timeline, until_ms, terms, TERMS);
    int64_t first_ms = timeline_cell_start(until_ms, CELL_MS) - (int64_t)(columns - 1) * CELL_MS;
    int end = columns - now - 1;
    for (size_t i = count; i-- > 0;) {
        char text[32];
        uint64_t term = terms[i].term;
        int at = column_of(terms[i].from_ms, first_ms);
        if (i + 1 == count && at < 0 && term < view->summary.term)
            term = view->summary.term; /* its beginning is forgotten */
        snprintf(text, sizeof text, "t%llu", (unsigned long long)term);
        int width = cells_width(text);
        if (at >= 0 && term > 0 && is_free(line, left + at, 1))
            cells_draw(line->cells, left + at, line->row, STYLE_CANDIDATE,
                       line->cells->unicode ? UNICODE_BAR : L'|');
        if (at >= 0 && term > 0 && is_free(line, left + at + 1, width))
            put_where_free(line, left + at + 1, STYLE_HEADING, text);
        else if (term > 0 && end - width > at)
            put_where_free(line, left + end - width, STYLE_HEADING, text);
        if (at < 0)
            return;
        end = at;
    }
}

static void draw_heading(const struct view *view, struct cells *cells, struct area area, int left)
{
    struct line line = {cells, area.row};
    char title[96], some[48] = "", scale[FORMAT_BYTES], end[FORMAT_BYTES] = "now";
    format_interval(CELL_MS, scale);
    if ((size_t)area.rows - 1 < view->model->queen_count)
        snprintf(some, sizeof some, "%d of %zu ", area.rows - 1, view->model->queen_count);
    snprintf(title, sizeof title, "%s %s/cell %s", TITLE, scale, some);
    if (area.columns < 48)
        snprintf(title, sizeof title, "%s %s", TITLE, some);
    if (view->ui->shown_ms) {
        format_time_of_day(view->model->unix_ms, end);
        end[8] = '\0';
    }
    int width = cells_width(end);
    cells_put(cells, area.column + 1, area.row, area.columns - 1, STYLE_HEADING, title);
    draw_terms(view, &line, left, area.column + area.columns - left, width);
    int at = area.column + area.columns - width;
    if (is_free(&line, at - 1, 1))
        put_where_free(&line, at, STYLE_HEADING, end);
    for (int i = 0; i < area.columns; i++) {
        if (is_free(&line, area.column + i, 1))
            cells_rule(cells, area.column + i, area.row, 1, STYLE_RULE);
    }
}

static void draw_lane(const struct view *view, struct cells *cells, struct area area, const struct node *node,
                      enum lane_state *states)
{
    timeline_cells(&view->model->timeline, node->address, view->model->unix_ms, CELL_MS, states,
                   area.columns);
    for (int i = 0; i < area.columns; i++) {
        enum lane_state state = states[i];
        if (state != LANE_UNKNOWN)
            cells_draw(cells, area.column + i, area.row, glyphs[state].style,
                       cells->unicode ? glyphs[state].unicode : glyphs[state].ascii);
    }
}

void view_lanes(const struct view *view, struct cells *cells, struct area area, bool is_beside)
{
    if (area.rows < 1)
        return;
    const struct rows *rows = &view->rows[UI_PANEL_QUEENS];
    int names = is_beside ? 0 : 1 + view_name_width(rows, 2, NAME_COLUMNS) + 1;
    int columns = area.columns - names;
    if (columns < 1)
        return;
    draw_heading(view, cells, area, area.column + names);
    enum lane_state *states = hive_calloc((size_t)columns, sizeof *states);
    int height = area.rows - 1, top = view_first(view, UI_PANEL_QUEENS, height);
    for (int i = 0; i < height && top + i < rows->count; i++) {
        const struct node *node = rows->nodes[top + i];
        int row = area.row + 1 + i;
        if (names > 2)
            cells_put(cells, area.column + 1, row, names - 2, view_style(node), node->name);
        draw_lane(view, cells, (struct area){area.column + names, row, columns, 1}, node, states);
    }
    free(states);
}
