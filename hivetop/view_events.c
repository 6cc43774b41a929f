/* What happened last, the newest at the bottom. */
#include "format.h"
#include "tag.h"
#include "view.h"

#define TIME_WIDTH      12 /* with milliseconds: elections are a matter of these */
#define TIME_WIDTH_LESS 8
#define WIDE_COLUMNS    60

/* How many events lie up to the one that the panel was scrolled to. */
static size_t count_up_to(const struct events *events, uint64_t serial)
{
    for (size_t i = events->count; serial && i-- > 0;) {
        if (events->items[i].serial == serial)
            return i + 1;
    }
    return events->count;
}

static void draw_heading(const struct view *view, struct cells *cells, struct area area, size_t newer)
{
    char tail[sizeof view->consensus + 2] = "";
    enum style style = checks_holds(&view->model->checks) ? STYLE_GOOD : STYLE_RULE;
    struct heading heading = {"EVENTS ", view_is_focused(view, UI_PANEL_EVENTS), tail, style};
    if (newer > 0) {
        snprintf(tail, sizeof tail, " %zu newer ", newer);
        heading.tail_style = STYLE_WARNING;
    } else if (!view->is_broken) {
        snprintf(tail, sizeof tail, " %s ", view->consensus);
    }
    view_heading(cells, area, &heading);
}

void view_events(const struct view *view, struct cells *cells, struct area area)
{
    static const enum style styles[] = {STYLE_NORMAL, STYLE_GOOD, STYLE_WARNING, STYLE_BAD};
    const struct events *events = &view->model->events;
    if (area.rows < 1)
        return;
    size_t height = (size_t)area.rows - 1;
    size_t end = count_up_to(events, view->ui->event_serial);
    if (end < height)
        end = events->count < height ? events->count : height;
    draw_heading(view, cells, area, events->count - end);

    int time_width = area.columns >= WIDE_COLUMNS ? TIME_WIDTH : TIME_WIDTH_LESS;
    size_t first = end > height ? end - height : 0;
    for (size_t i = first; i < end; i++) {
        const struct event *event = &events->items[i];
        int row = area.row + 1 + (int)(i - first);
        char time[FORMAT_BYTES];
        format_time_of_day(event->time_ms, time);
        time[time_width] = '\0';
        cells_put(cells, area.column + 1, row, time_width, STYLE_DIM, time);
        int left = 1 + time_width + 1;
        cells_put(cells, area.column + left, row, area.columns - left, styles[event->level], event->text);
    }
    for (int i = 0; i < area.rows; i++)
        cells_tag(cells, area.column, area.row + i, area.columns, TAG(TAG_PANEL, UI_PANEL_EVENTS));
}
