/* Moving about in the logs. Where one looks is kept as the line at the bottom of the screen and how many of its rows lie
 * below, so that lines that come and go elsewhere do not move the picture. */
#include "logs.h"

#include "panels.h"

#define NAME_COLUMNS  8  /* of a node's name at most … */
#define SMALL_NAME    4  /* … and on a narrow screen */
#define SMALL_COLUMNS 60 /* narrow: no milliseconds … */
#define TINY_COLUMNS  40 /* … no time at all */

struct logs_layout logs_layout_make(const struct logs *logs, int columns)
{
    struct logs_layout layout = {.level = 1};
    int most = columns < SMALL_COLUMNS ? SMALL_NAME : NAME_COLUMNS;
    for (size_t i = 0; logs->file_count > 1 && i < logs->file_count; i++) {
        int width = cells_width(logs->files[i]->name);
        width = width < most ? width : most;
        layout.name = width > layout.name ? width : layout.name;
    }
    if (columns >= TINY_COLUMNS && logs->time != LOGS_NO_TIME)
        layout.time = logs->time == LOGS_AGE ? 4 : columns < SMALL_COLUMNS ? 8 : 12;
    layout.text =
        (layout.name ? layout.name + 1 : 0) + (layout.time ? layout.time + 1 : 0) + layout.level + 1;
    layout.width = columns > layout.text ? columns - layout.text : 1;
    return layout;
}

int logs_line_rows(const struct logs *logs, const struct log_entry *line, int width)
{
    int rows = 1;
    const char *text = line->text;
    if (!logs->is_wrapped)
        return 1;
    for (text += cells_fit(text, width); *text; text += cells_fit(text, width))
        rows++;
    return rows;
}

void logs_resize(struct logs *logs, int columns, int rows)
{
    struct area area = logs_area(columns, rows);
    logs->columns = area.columns;
    logs->rows = area.rows;
}

struct area logs_area(int columns, int rows)
{
    int above = 1 + (columns >= PANELS_COLUMNS_MIN && rows >= PANELS_ROWS_MIN);
    return (struct area){0, above, columns, rows > above + 1 ? rows - above - 1 : 0};
}

/* ---- places ---- */

static int compare(const struct log_entry *line, const struct logs_place *place)
{
    if (line->order_ms != place->order_ms)
        return line->order_ms < place->order_ms ? -1 : 1;
    if (line->file->place != place->place)
        return line->file->place < place->place ? -1 : 1;
    return (line->serial > place->serial) - (line->serial < place->serial);
}

static struct logs_place place_of(const struct log_entry *line, int below)
{
    return (struct logs_place){line->order_ms, line->serial, line->file->place, below};
}

bool logs_is_found(const struct logs *logs, const struct log_entry *line)
{
    return logs->has_found && compare(line, &logs->found) == 0;
}

/* The line of that place, or the first behind it. */
static size_t find_place(const struct logs *logs, const struct logs_place *place, size_t begin, size_t end)
{
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (compare(logs->merge.shown[middle], place) < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* A place on the way through the lines. */
struct cursor {
    size_t index;
    int below; /* rows of that line that lie below */
};

/* So many rows up, as far as there are lines; returns how many rows it could not go. */
static long go_up(const struct logs *logs, struct cursor *cursor, size_t begin, int width, long rows)
{
    while (rows > 0) {
        long left = logs_line_rows(logs, logs->merge.shown[cursor->index], width) - 1 - cursor->below;
        if (rows <= left) {
            cursor->below += (int)rows;
            return 0;
        }
        if (cursor->index == begin) {
            cursor->below += (int)left;
            return rows - left;
        }
        rows -= left + 1;
        cursor->index--;
        cursor->below = 0;
    }
    return 0;
}

static void go_down(const struct logs *logs, struct cursor *cursor, size_t end, int width, long rows)
{
    while (rows > 0) {
        if (rows <= cursor->below) {
            cursor->below -= (int)rows;
            return;
        }
        rows -= cursor->below;
        cursor->below = 0;
        if (rows == 0 || cursor->index + 1 == end)
            return;
        cursor->index++;
        cursor->below = logs_line_rows(logs, logs->merge.shown[cursor->index], width) - 1;
        rows--;
    }
}

/* What is at the bottom of the screen: never so far up that the screen is not full. There is a line. */
static struct cursor bottom(const struct logs *logs, size_t begin, size_t end, int width, int rows)
{
    struct cursor cursor = {end - 1, 0};
    if (!logs->is_following) {
        size_t index = find_place(logs, &logs->bottom, begin, end);
        if (index < end) {
            int most = logs_line_rows(logs, logs->merge.shown[index], width) - 1;
            cursor = (struct cursor){index, logs->bottom.below < most ? logs->bottom.below : most};
        }
    }
    struct cursor top = cursor;
    long missing = go_up(logs, &top, begin, width, rows - 1);
    go_down(logs, &cursor, end, width, missing);
    return cursor;
}

bool logs_top(const struct logs *logs, int columns, int rows, size_t *index, int *above)
{
    size_t begin, end;
    int width = logs_layout_make(logs, columns).width;
    logs_range(logs, &begin, &end);
    if (begin == end || rows < 1)
        return false;
    struct cursor cursor = bottom(logs, begin, end, width, rows);
    go_up(logs, &cursor, begin, width, rows - 1);
    *index = cursor.index;
    *above = logs_line_rows(logs, logs->merge.shown[cursor.index], width) - 1 - cursor.below;
    return true;
}

void logs_follow(struct logs *logs)
{
    logs->is_following = true;
    logs->is_at_top = logs->is_going_first = false;
}

void logs_scroll(struct logs *logs, long rows)
{
    size_t begin, end;
    int width = logs_layout_make(logs, logs->columns).width;
    logs_range(logs, &begin, &end);
    if (begin == end)
        return;
    struct cursor cursor = bottom(logs, begin, end, width, logs->rows);
    logs->is_at_top = logs->is_going_first = false;
    if (rows < 0) {
        go_up(logs, &cursor, begin, width, -rows);
        struct cursor top = cursor;
        logs->is_at_top = go_up(logs, &top, begin, width, logs->rows) > 0;
    } else {
        go_down(logs, &cursor, end, width, rows);
    }
    logs->is_following = false;
    logs->bottom = place_of(logs->merge.shown[cursor.index], cursor.below);
    cursor = bottom(logs, begin, end, width, logs->rows); /* not so far up that the screen is not full */
    logs->bottom = place_of(logs->merge.shown[cursor.index], cursor.below);
}

void logs_go_first(struct logs *logs)
{
    logs->bottom = (struct logs_place){.order_ms = INT64_MIN};
    logs->is_following = false;
    logs->is_at_top = logs->is_going_first = true;
}

void logs_go_to(struct logs *logs, const struct log_entry *line)
{
    logs->found = place_of(line, 0);
    logs->has_found = true;
    logs->bottom = logs->found;
    logs->is_following = false;
    logs_scroll(logs, logs->rows / 2);
}

bool logs_find(struct logs *logs, int direction, bool is_next)
{
    size_t begin, end;
    logs_range(logs, &begin, &end);
    if (!logs->find.source[0] || begin == end)
        return false;
    size_t at = end - 1;
    if (is_next && logs->has_found) {
        at = find_place(logs, &logs->found, begin, end);
        bool is_there = at < end && logs_is_found(logs, logs->merge.shown[at]);
        if (direction > 0 ? at == begin : at + (size_t)is_there >= end)
            return false;
        at = direction > 0 ? at - 1 : at + (size_t)is_there;
    } else if (!logs->is_following) {
        at = find_place(logs, &logs->bottom, begin, end);
        at = at < end ? at : end - 1;
    }
    for (;;) {
        struct log_entry *line = logs->merge.shown[at];
        if (log_pattern_fits(&logs->find, line->text)) {
            logs_go_to(logs, line);
            return true;
        }
        if (direction > 0 ? at == begin : at + 1 == end)
            return false;
        at = direction > 0 ? at - 1 : at + 1;
    }
}
