/* What happened last, the newest at the bottom. */
#include "format.h"
#include "view.h"

#define TIME_WIDTH      12 /* with milliseconds: elections are a matter of these */
#define TIME_WIDTH_LESS 8
#define WIDE_COLUMNS    60

void view_events(const struct view *view, struct cells *cells, struct area area)
{
    static const enum style styles[] = {STYLE_NORMAL, STYLE_GOOD, STYLE_WARNING, STYLE_BAD};
    const struct events *events = &view->model->events;
    if (area.rows < 1)
        return;
    int used = cells_put(cells, area.column, area.row, area.columns, STYLE_HEADING, " EVENTS ");
    cells_rule(cells, area.column + used, area.row, area.columns - used, STYLE_RULE);

    int time_width = area.columns >= WIDE_COLUMNS ? TIME_WIDTH : TIME_WIDTH_LESS;
    size_t height = (size_t)area.rows - 1;
    size_t first = events->count > height ? events->count - height : 0;
    for (size_t i = first; i < events->count; i++) {
        const struct event *event = &events->items[i];
        int row = area.row + 1 + (int)(i - first);
        char time[FORMAT_BYTES];
        format_time_of_day(event->time_ms, time);
        time[time_width] = '\0';
        cells_put(cells, area.column + 1, row, time_width, STYLE_DIM, time);
        int left = 1 + time_width + 1;
        cells_put(cells, area.column + left, row, area.columns - left, styles[event->level], event->text);
    }
}
