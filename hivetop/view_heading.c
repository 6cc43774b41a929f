/* The line above a panel. The one of the panel that has the arrows is a double line, so that no colour is needed to
 * tell it. */
#include "view.h"

#define UNICODE_RULE        L'\u2500'
#define UNICODE_DOUBLE_RULE L'\u2550'

int view_heading(struct cells *cells, struct area area, const struct heading *heading)
{
    enum style style = heading->is_focused ? STYLE_FOCUS : STYLE_HEADING;
    wchar_t rule = heading->is_focused ? (cells->unicode ? UNICODE_DOUBLE_RULE : L'=')
                                       : (cells->unicode ? UNICODE_RULE : L'-');
    int end = area.columns;
    int used = 1 + cells_put(cells, area.column + 1, area.row, area.columns - 1, style, heading->title);
    int tail = heading->tail ? cells_width(heading->tail) : 0;
    if (tail > 0 && used + 2 + tail < area.columns) {
        end = area.columns - tail - 1;
        cells_put(cells, area.column + end, area.row, tail, heading->tail_style, heading->tail);
        cells_draw(cells, area.column + end + tail, area.row, STYLE_RULE, rule);
    }
    cells_draw(cells, area.column, area.row, STYLE_RULE, rule);
    for (int i = used; i < end; i++)
        cells_draw(cells, area.column + i, area.row, STYLE_RULE, rule);
    return area.column + used;
}
