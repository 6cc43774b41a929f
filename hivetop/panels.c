/* Gives every panel its rows. What matters most comes first: the header, the queens, the footer; then the
 * drones, then the events. Where nodes do not all fit, the panels share what there is and scroll. */
#include "panels.h"

#define EVENTS_ROWS_FULL 6 /* what the events keep on a screen of full height, though nodes must scroll */
#define PANEL_ROWS       2 /* a heading and one line; fewer are not worth it */
#define FULL_ROWS        24

static int least(int a, int b)
{
    return a < b ? a : b;
}

static struct area take(int columns, int *row, int rows)
{
    struct area area = {0, *row, columns, rows};
    *row += rows;
    return area;
}

/* Divides `room` where two panels of `first` and `second` rows do not both fit: half for each, and what one
 * does not need the other gets; on a low screen the first takes all it needs. */
static void share(int room, int *first, int *second, bool is_low)
{
    int least_second = is_low ? 0 : least(*second, room / 2);
    *first = least(*first, room - least_second);
    *second = room - *first;
    if (*second < PANEL_ROWS)
        *second = 0;
}

void panels_make(int columns, int rows, const struct panels_wish *wish, struct panels *panels)
{
    *panels = (struct panels){0};
    int row = 0;
    if (columns < PANELS_COLUMNS_MIN || rows < PANELS_ROWS_MIN) {
        panels->is_line = true;
        panels->header = take(columns, &row, least(rows, 1));
        return;
    }
    int room = rows - 1 - wish->has_footer;
    int queens = 1 + wish->queens, drones = 1 + wish->drones;
    int events = room - queens - drones;
    if (events < EVENTS_ROWS_FULL && rows >= FULL_ROWS)
        events = EVENTS_ROWS_FULL;
    if (events < PANEL_ROWS)
        events = 0;
    if (queens + drones > room - events) {
        if (wish->drones_first)
            share(room - events, &drones, &queens, rows < FULL_ROWS);
        else
            share(room - events, &queens, &drones, rows < FULL_ROWS);
    }
    panels->header = take(columns, &row, 1);
    panels->queens = take(columns, &row, queens);
    panels->drones = take(columns, &row, drones);
    panels->events = take(columns, &row, events);
    row = rows - wish->has_footer;
    panels->footer = take(columns, &row, wish->has_footer);
}
