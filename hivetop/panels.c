/* Gives every panel its place. What matters most comes first: the header, the queens, the footer; then their lanes,
 * the drones, the events. A low screen loses the last of them first; on one of full height each keeps a few rows,
 * and those whose nodes do not all fit scroll. */
#include "panels.h"

#define PANEL_ROWS         2 /* a heading and one line; fewer are not worth it */
#define FULL_ROWS          24
#define ALL                9999 /* rows that take whatever there is */
#define EVENTS_ROWS        4    /* what the events keep on a screen of full height */
#define DETAILS_ROWS       12   /* what the details should have before lanes and drones have any */
#define DRONE_DETAILS_ROWS 8
#define HIGH_ROWS          24 /* below the queens: here the graph of commits has room, too */
#define COMMITS_ROWS       5
#define LEFT_COLUMNS       84 /* the queens' table with all its columns */

/* One panel of a stack, in the order of who matters most. */
struct share {
    struct area *area;
    int wanted;
    int kept; /* rows that those who matter more leave to it */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Divides `room` rows; what is left over stays empty. */
static void divide(struct share *shares, int count, int room)
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        kept += shares[i].kept;
    for (int i = 0; i < count; i++) {
        kept -= shares[i].kept;
        int rows = least(shares[i].wanted, room - kept);
        if (rows < PANEL_ROWS && rows < shares[i].wanted)
            rows = 0;
        shares[i].area->rows = rows > 0 ? rows : 0;
        room -= shares[i].area->rows;
    }
}

/* Puts areas that have their rows below each other. */
static void stack(struct area *const areas[], int count, int column, int columns, int row)
{
    for (int i = 0; i < count; i++) {
        areas[i]->column = column;
        areas[i]->columns = columns;
        areas[i]->row = row;
        row += areas[i]->rows;
    }
}

/* One below the other. */
static void make_narrow(struct area body, const struct panels_wish *wish, bool is_full, struct panels *panels)
{
    int part = is_full ? body.rows / 4 : 0;
    int queens = 1 + wish->queens, drones = 1 + wish->drones;
    struct share queens_share = {&panels->queens, queens, least(queens, is_full ? part : PANEL_ROWS)};
    struct share lanes = {&panels->lanes, queens, least(queens, part)};
    struct share drones_share = {&panels->drones, drones, least(drones, part)};
    struct share events = {&panels->events, ALL, is_full ? EVENTS_ROWS : 0};
    struct share details = {&panels->details, ALL, 0};
    if (wish->has_details) {
        int list = wish->drones_first ? drones : queens;
        int needed = wish->drones_first ? DRONE_DETAILS_ROWS : DETAILS_ROWS;
        details.kept = least(needed, body.rows / 2);
        lanes.kept = 0;
        if (body.rows < list + queens + needed) /* the other queens, or their lanes */
            lanes.wanted = queens_share.kept = 0;
        if (wish->drones_first)
            queens_share.wanted = lanes.wanted;
        divide((struct share[]){wish->drones_first ? drones_share : queens_share,
                                wish->drones_first ? queens_share : lanes, details},
               3, body.rows);
    } else if (wish->drones_first) {
        divide((struct share[]){drones_share, queens_share, lanes, events}, 4, body.rows);
    } else {
        divide((struct share[]){queens_share, lanes, drones_share, events}, 4, body.rows);
    }
    struct area *const areas[] = {&panels->queens, &panels->lanes, &panels->drones, &panels->events,
                                  &panels->details};
    stack(areas, 5, body.column, body.columns, body.row);
}

/* Below the queens and their lanes: replication, drones and events on the left, details and logs on the right. */
static void make_wide(struct area body, const struct panels_wish *wish, bool is_full, struct panels *panels)
{
    int left = LEFT_COLUMNS + (body.columns - PANELS_COLUMNS_WIDE) / 3;
    int right_column = body.column + left + 1, right = body.columns - left - 1;
    int queens = 1 + wish->queens, drones = 1 + wish->drones;
    struct area below = {0}, beside = {0};
    struct share top = {&panels->queens, queens, least(queens, is_full ? body.rows / 4 : PANEL_ROWS)};
    struct share rest = {&below, ALL, is_full ? body.rows / 2 : 0};
    if (wish->drones_first) {
        rest.wanted = drones + (is_full ? body.rows / 2 : 0);
        divide((struct share[]){rest, top}, 2, body.rows);
        below.rows = body.rows - panels->queens.rows;
    } else {
        divide((struct share[]){top, rest}, 2, body.rows);
    }
    panels->lanes_beside = true;
    panels->queens.column = body.column;
    panels->queens.columns = left;
    panels->queens.row = body.row;
    panels->lanes = panels->queens;
    panels->lanes.column = right_column;
    panels->lanes.columns = right;
    below.row = body.row + panels->queens.rows;

    bool has_right = is_full || wish->has_details;
    int followers = is_full && wish->followers > 0 ? 1 + wish->followers : 0;
    struct share replication = {&panels->replication, followers, least(followers, below.rows / 4)};
    struct share drones_share = {&panels->drones, drones, least(drones, below.rows / 3)};
    struct share events = {&panels->events, ALL, is_full ? EVENTS_ROWS : 0};
    if (wish->drones_first)
        divide((struct share[]){drones_share, replication, events}, 3, below.rows);
    else
        divide((struct share[]){replication, drones_share, events}, 3, below.rows);
    struct area *const lefts[] = {&panels->replication, &panels->drones, &panels->events};
    stack(lefts, 3, body.column, has_right ? left : body.columns, below.row);
    if (!has_right)
        return;
    struct share commits = {&panels->commits, below.rows >= HIGH_ROWS ? COMMITS_ROWS : 0, 0};
    struct share details = {&panels->details, ALL, DETAILS_ROWS};
    struct share logs = {wish->has_logs ? &panels->logs : &beside, wish->has_logs ? ALL : 0,
                         wish->has_logs ? below.rows / 2 : 0};
    divide((struct share[]){commits, details, logs}, 3, below.rows);
    struct area *const rights[] = {&panels->commits, &panels->details, &panels->logs};
    stack(rights, 3, right_column, right, below.row);
}

void panels_make(int columns, int rows, const struct panels_wish *wish, struct panels *panels)
{
    *panels = (struct panels){0};
    if (columns < PANELS_COLUMNS_MIN || rows < PANELS_ROWS_MIN) {
        panels->is_line = true;
        panels->header = (struct area){0, 0, columns, least(rows, 1)};
        return;
    }
    panels->header = (struct area){0, 0, columns, 1};
    panels->broken = (struct area){0, 1, columns, wish->is_broken};
    panels->footer = (struct area){0, rows - wish->has_footer, columns, wish->has_footer};
    struct area body = {0, 1 + wish->is_broken, columns, rows - 1 - wish->is_broken - wish->has_footer};
    bool is_full = rows >= FULL_ROWS - !wish->has_footer;
    if (wish->has_all_events)
        panels->events = body;
    else if (columns >= PANELS_COLUMNS_WIDE)
        make_wide(body, wish, is_full, panels);
    else
        make_narrow(body, wish, is_full, panels);
}
