/* The logs. Who wrote a line is told by a name and by its colour, how bad it is by a letter and by the line's colour. */
#include "format.h"
#include "hive/log.h"
#include "logs.h"
#include "panels.h"
#include "view.h"

#define MATCHES 16 /* of what is looked for, highlighted in one line */

static enum style name_style(const struct log_source *file)
{
    /* Colours that are there anyway, for any eye and any theme; what else they mean is not meant here. */
    static const enum style styles[] = {STYLE_HEADING, STYLE_LEADER,   STYLE_CANDIDATE,
                                        STYLE_PAUSED,  STYLE_FOLLOWER, STYLE_RULE};
    return styles[(size_t)file->place % (sizeof styles / sizeof *styles)];
}

static enum style text_style(const struct log_entry *line)
{
    static const enum style styles[] = {STYLE_DIM, STYLE_NORMAL, STYLE_WARNING, STYLE_BAD};
    return line->level >= 0 ? styles[line->level] : STYLE_NORMAL;
}

/* ---- one line ---- */

/* What stands before the text, in the line's first row. */
static void draw_prefix(const struct logs *logs, const struct log_entry *line, struct cells *cells,
                        struct area area, const struct logs_layout *layout)
{
    static const char levels[] = "DIWE";
    int column = area.column;
    if (layout->name) {
        cells_put(cells, column, area.row, layout->name, name_style(line->file), line->file->name);
        column += layout->name + 1;
    }
    if (layout->time) {
        char time[FORMAT_BYTES] = "";
        if (line->time_ms && logs->time == LOGS_AGE)
            format_age(logs->unix_ms > line->time_ms ? logs->unix_ms - line->time_ms : 0, time);
        else if (line->time_ms)
            format_time_of_day(line->time_ms, time);
        time[layout->time] = '\0';
        cells_put_right(cells, column, area.row, layout->time, STYLE_DIM, time);
        column += layout->time + 1;
    }
    if (line->level >= 0)
        cells_draw(cells, column, area.row, text_style(line), levels[line->level]);
}

/* Highlights what is looked for in the piece of the text that was drawn at `column`. */
static void draw_found(const struct logs *logs, const struct log_entry *line, const char *piece,
                       const char *piece_end, struct cells *cells, struct area text)
{
    size_t start, end = 0, first = (size_t)(piece - line->text), last = (size_t)(piece_end - line->text);
    char part[LOG_TEXT_BYTES + 64];
    if (!logs->find.source[0] || logs->find.is_inverted)
        return;
    for (int i = 0; i < MATCHES && log_pattern_place(&logs->find, line->text, end, &start, &end); i++) {
        if (end == start) { /* an expression that fits nothing fits everywhere */
            if (!line->text[end++])
                return;
            continue;
        }
        if (end <= first)
            continue;
        if (start >= last)
            return;
        size_t from = start > first ? start : first, to = end < last ? end : last;
        snprintf(part, sizeof part, "%.*s", (int)(from - first), piece);
        int column = cells_width(part);
        snprintf(part, sizeof part, "%.*s", (int)(to - from), line->text + from);
        int width = cells_width(part);
        width = column + width > text.columns ? text.columns - column : width;
        if (width > 0)
            cells_paint(cells, text.column + column, text.row, width, STYLE_FOUND);
    }
}

/* Draws the line from row `above` of it on; returns the rows that it took. */
static int draw_line(const struct logs *logs, const struct log_entry *line, int above, struct cells *cells,
                     struct area area, const struct logs_layout *layout)
{
    const char *text = line->text;
    char piece[LOG_TEXT_BYTES + 64];
    int row = 0;
    if (above == 0)
        draw_prefix(logs, line, cells, area, layout);
    for (; above > 0; above--)
        text += cells_fit(text, layout->width);
    if (!logs->is_wrapped && logs->shift > 0)
        text += cells_width(text) > logs->shift ? cells_fit(text, logs->shift) : strlen(text);
    do {
        size_t bytes = logs->is_wrapped ? cells_fit(text, layout->width) : strlen(text);
        struct area place = {area.column + layout->text, area.row + row, layout->width, 1};
        snprintf(piece, sizeof piece, "%.*s", (int)bytes, text);
        if (place.column < area.column + area.columns)
            cells_put(cells, place.column, place.row, layout->width, text_style(line), piece);
        draw_found(logs, line, text, text + bytes, cells, place);
        if (logs_is_found(logs, line))
            cells_mark(cells, area.column, place.row, area.columns);
        text += bytes;
        row++;
    } while (*text && row < area.rows);
    return row;
}

/* ---- the screen ---- */

static void draw_nothing(const struct logs *logs, struct cells *cells, struct area area)
{
    char text[LOGS_PATH_BYTES + 256];
    area.column++;
    area.columns -= 2;
    if (!logs->cluster[0])
        snprintf(text, sizeof text,
                 "There are no log files to read here: what is shown is a recording, or no cluster of this "
                 "machine's "
                 "launcher. Run hivetop where the launcher runs, without --connect; nodes that were started "
                 "otherwise "
                 "log to their standard error.");
    else if (logs->merge.unjudged > 0)
        snprintf(text, sizeof text, "searching ...");
    else if (logs->merge.all_count > 0 && logs->is_past)
        snprintf(text, sizeof text, "No line that is still there fits, up to the moment that is shown.");
    else if (logs->merge.all_count > 0)
        snprintf(text, sizeof text,
                 "No line fits the filter; f changes it, Esc shows all, 1 shows all levels.");
    else if (logs->file_count == 1 && logs->files[0]->problem)
        snprintf(text, sizeof text, "%s %s: %s", logs->files[0]->name, logs->files[0]->problem,
                 logs->files[0]->path);
    else
        snprintf(text, sizeof text, "Nothing was logged yet.");
    view_text(cells, area, STYLE_DIM, text);
}

static void draw_lines(const struct logs *logs, struct cells *cells, struct area area)
{
    struct logs_layout layout = logs_layout_make(logs, area.columns);
    size_t begin, end, index;
    int above, row = 0;
    logs_range(logs, &begin, &end);
    if (!logs_top(logs, area.columns, area.rows, &index, &above)) {
        draw_nothing(logs, cells, area);
        return;
    }
    for (; index < end && row < area.rows; index++, above = 0) {
        struct area rest = {area.column, area.row + row, area.columns, area.rows - row};
        row += draw_line(logs, logs->merge.shown[index], above, cells, rest, &layout);
    }
}

/* How many lines lie below the screen. */
static size_t count_newer(const struct logs *logs, struct area area)
{
    size_t begin, end, index;
    int above, rows = 0, width = logs_layout_make(logs, area.columns).width;
    logs_range(logs, &begin, &end);
    if (logs->is_following || !logs_top(logs, area.columns, area.rows, &index, &above))
        return 0;
    for (rows = -above; index < end && rows < area.rows; index++)
        rows += logs_line_rows(logs, logs->merge.shown[index], width);
    return end - index + (rows > area.rows);
}

static void append(char *text, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void append(char *text, size_t bytes, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, bytes - used, format, arguments);
    va_end(arguments);
}

/* Whose lines, and which. */
static void describe(const struct logs *logs, char *text, size_t bytes)
{
    snprintf(text, bytes, "LOG ");
    if (logs->is_all && logs->file_count > 1)
        append(text, bytes, "of all %zu nodes ", logs->file_count);
    for (size_t i = 0; i < logs->file_count && !(logs->is_all && logs->file_count > 1); i++)
        append(text, bytes, "%s ", logs->files[i]->name);
    for (size_t i = 0; i < logs->file_count && logs->file_count > 1; i++) {
        if (logs->files[i]->problem) {
            append(text, bytes, "(%s %s) ", logs->files[i]->name, logs->files[i]->problem);
            break;
        }
    }
    if (logs->level > HIVE_LOG_DEBUG)
        append(text, bytes, "%s%s ", hive_log_level_names[logs->level],
               logs->level < HIVE_LOG_ERROR ? "+" : "");
    if (logs->filter.source[0] && logs->typing != LOGS_TYPING_FILTER)
        append(text, bytes, "filter: %s ", logs->filter.source);
}

static void draw_heading(const struct logs *logs, struct cells *cells, struct area area, size_t newer)
{
    char title[512], tail[FORMAT_BYTES] = " following ";
    struct heading heading = {title, !logs->is_tail, tail, STYLE_GOOD};
    describe(logs, title, sizeof title);
    if (!logs->is_following) {
        snprintf(tail, sizeof tail, " %zu newer ", newer);
        heading.tail_style = STYLE_WARNING;
    }
    if (logs->is_tail)
        heading.tail = NULL;
    view_heading(cells, area, &heading);
}

static void draw_footer(const struct view *view, struct cells *cells, struct area area)
{
    const struct logs *logs = view->ui->logs;
    if (logs->typing == LOGS_TYPING_PATH) {
        view_input("save to: ", logs->path, cells, area);
    } else if (logs->typing != LOGS_NOT_TYPING) {
        bool is_filter = logs->typing == LOGS_TYPING_FILTER;
        const struct log_pattern *pattern = is_filter ? &logs->filter : &logs->find;
        char prompt[128];
        snprintf(prompt, sizeof prompt, "%s%s%s%s", is_filter ? "filter" : "find",
                 area.columns >= 60 ? " (~ expression, ! not)" : "", pattern->problem ? ", " : "",
                 pattern->problem ? pattern->problem : "");
        snprintf(prompt + strlen(prompt), sizeof prompt - strlen(prompt), ": ");
        view_input(prompt, pattern->source, cells, area);
    } else if (logs->status[0]) {
        view_status(logs->status_level, logs->status, cells, area);
    } else if (ui_has_status(view->ui, view->model)) {
        view_status(view->ui->status_level, view->ui->status, cells, area);
    } else {
        view_screen_keys(KEYS_LOGS, cells, area);
    }
}

void view_logs(const struct view *view, struct cells *cells, struct area area)
{
    const struct logs *logs = view->ui->logs;
    struct area lines = logs_area(area.columns, area.rows);
    struct area heading = {0, lines.row - 1, area.columns, 1}, top = {0, 0, area.columns, lines.row - 1};
    if (view->is_broken)
        view_broken(view, cells, top);
    else if (top.rows > 0)
        view_header(view, cells, top);
    draw_heading(logs, cells, heading, count_newer(logs, lines));
    draw_lines(logs, cells, lines);
    if (area.rows > lines.row)
        draw_footer(view, cells, (struct area){0, area.rows - 1, area.columns, 1});
}

void view_logs_tail(const struct view *view, struct cells *cells, struct area area)
{
    const struct logs *logs = view->ui->tail;
    if (area.rows < 2)
        return;
    draw_heading(logs, cells, area, 0);
    draw_lines(logs, cells, (struct area){area.column + 1, area.row + 1, area.columns - 1, area.rows - 1});
}
