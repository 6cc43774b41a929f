/* The first line: the cluster's health at a glance. Its parts give way one by one where the screen is narrow.
 */
#include "format.h"
#include "view.h"

struct part {
    char text[HIVE_ADDRESS_BYTES + 32];
    enum style style;
    int rank;   /* the highest goes first; 0: stays */
    bool joins; /* one blank before it, not two */
};

#define PARTS 8

static int parts_width(const struct part *parts)
{
    int width = 0;
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].text[0])
            width += cells_width(parts[i].text) + (width == 0 ? 0 : parts[i].joins ? 1 : 2);
    }
    return width;
}

static void drop_until_fit(struct part *parts, int width)
{
    while (parts_width(parts) > width) {
        int victim = -1;
        for (int i = 0; i < PARTS; i++) {
            if (parts[i].text[0] && parts[i].rank && (victim < 0 || parts[i].rank > parts[victim].rank))
                victim = i;
        }
        if (victim < 0)
            return;
        parts[victim].text[0] = '\0';
    }
}

static void draw_parts(struct cells *cells, struct area area, struct part *parts)
{
    drop_until_fit(parts, area.columns);
    int column = 0;
    for (int i = 0; i < PARTS; i++) {
        if (!parts[i].text[0])
            continue;
        column += column == 0 ? 0 : parts[i].joins ? 1 : 2;
        int left = area.columns - column;
        if (left > 0)
            column += cells_put(cells, area.column + column, area.row, left, parts[i].style, parts[i].text);
    }
}

#define TEXT(part) (part).text, sizeof(part).text

static void quorum_parts(const struct view *view, struct part *quorum, struct part *spare)
{
    const struct summary *summary = &view->summary;
    if (!summary->is_known) {
        snprintf(TEXT(*quorum), "asking %d queens", summary->queens);
        return;
    }
    if (summary->spare < 0) {
        snprintf(TEXT(*quorum), "QUORUM LOST %d/%d", summary->queens_up, summary->queens);
        snprintf(TEXT(*spare), "needs %d", summary->needed);
        quorum->style = spare->style = STYLE_TITLE_BAD;
        return;
    }
    snprintf(TEXT(*quorum), "QUORUM %d/%d", summary->queens_up, summary->queens);
    snprintf(TEXT(*spare), "spare %d", summary->spare);
    quorum->style = spare->style = summary->spare == 0 ? STYLE_TITLE_WARNING : STYLE_TITLE;
}

/* What time is shown: now, or a moment of the past. */
static void time_part(const struct view *view, struct part *part)
{
    const struct ui *ui = view->ui;
    char interval[FORMAT_BYTES], time[FORMAT_BYTES];
    format_interval(ui->interval_ms, interval);
    format_time_of_day(view->model->unix_ms, time);
    time[8] = '\0';
    if (ui->replay[0]) {
        snprintf(TEXT(*part), "%s", ui->replay);
        part->style = STYLE_TITLE_WARNING;
    } else if (ui->shown_ms || ui->is_frozen) {
        char behind[FORMAT_BYTES] = "";
        if (ui->live_ms > view->model->unix_ms)
            format_age(ui->live_ms - view->model->unix_ms, behind);
        snprintf(TEXT(*part), "%s %s%s%s", ui->is_frozen ? "FROZEN" : "PAST", time, behind[0] ? " -" : "",
                 behind);
        part->style = STYLE_TITLE_WARNING;
    } else if (view->model->cluster[0] && !view->model->has_launcher) {
        snprintf(TEXT(*part), "LAUNCHER GONE");
        part->style = STYLE_TITLE_BAD;
    } else if (!ui->is_print_out) {
        snprintf(TEXT(*part), "LIVE %s", interval);
    }
}

void view_header(const struct view *view, struct cells *cells, struct area area)
{
    const struct summary *summary = &view->summary;
    double rate = model_rate(view->model);

    struct part parts[PARTS] = {
        {.text = "hivetop", .rank = 6},
        {.rank = 3, .joins = true}, /* the cluster */
        {.rank = 0},                /* quorum */
        {.rank = 5, .joins = true}, /* spare */
        {.rank = 0},                /* leader */
        {.rank = 2},                /* commit */
        {.rank = 4, .joins = true}, /* rate */
        {.rank = 1},                /* time */
    };
    for (int i = 0; i < PARTS; i++)
        parts[i].style = STYLE_TITLE;
    snprintf(TEXT(parts[1]), "%s", view->model->cluster);
    quorum_parts(view, &parts[2], &parts[3]);
    const char *old = summary->is_old ? "~" : "";
    if (summary->leader) {
        snprintf(TEXT(parts[4]), "leader %s t%llu", summary->leader->name, (unsigned long long)summary->term);
    } else if (summary->is_known) {
        snprintf(TEXT(parts[4]), "NO LEADER");
        if (summary->term > 0)
            snprintf(TEXT(parts[4]), "NO LEADER %st%llu", old, (unsigned long long)summary->term);
        parts[4].style = STYLE_TITLE_BAD;
    }
    snprintf(TEXT(parts[5]), "commit %s%llu", old, (unsigned long long)summary->commit);
    if (rate >= 0 && !summary->is_old)
        snprintf(TEXT(parts[6]), "+%.0f/s", rate);
    time_part(view, &parts[7]);
    cells_paint(cells, area.column, area.row, area.columns, STYLE_TITLE);
    draw_parts(cells, area, parts);
}

/* Consensus was broken: it stays to be read, whatever else is shown. */
void view_broken(const struct view *view, struct cells *cells, struct area area)
{
    if (area.rows < 1)
        return;
    cells_paint(cells, area.column, area.row, area.columns, STYLE_TITLE_BAD);
    cells_put(cells, area.column, area.row, area.columns, STYLE_TITLE_BAD, view->consensus);
}

/* All there is on a screen too small for panels. */
void view_line(const struct view *view, struct cells *cells, struct area area)
{
    const struct summary *summary = &view->summary;
    if (view->ui->mode == UI_INPUT || ui_has_status(view->ui, view->model)) {
        view_footer(view, cells, area);
        return;
    }
    struct part parts[PARTS] = {
        {.style = STYLE_TITLE},
        {.style = STYLE_TITLE_BAD}, /* what must not be missed */
        {.style = STYLE_TITLE},
        {.style = STYLE_TITLE, .rank = 1, .joins = true},
        {.style = STYLE_TITLE, .rank = 2},
        {.style = STYLE_TITLE, .rank = 3},
    };
    snprintf(TEXT(parts[0]), "%d/%d", summary->queens_up, summary->queens);
    parts[0].style = summary->is_known && summary->spare < 0 ? STYLE_TITLE_BAD : STYLE_TITLE;
    const char *old = summary->is_old ? "~" : "";
    if (view->is_broken)
        snprintf(TEXT(parts[1]), "BROKEN");
    if (summary->leader) {
        snprintf(TEXT(parts[2]), "*%s", summary->leader->name);
    } else if (summary->is_known) {
        snprintf(TEXT(parts[2]), "NO LEADER");
        parts[2].style = STYLE_TITLE_BAD;
    }
    snprintf(TEXT(parts[3]), "%st%llu", old, (unsigned long long)summary->term);
    snprintf(TEXT(parts[4]), "%sc%llu", old, (unsigned long long)summary->commit);
    snprintf(TEXT(parts[5]), "d%d/%d", summary->drones_up, summary->drones);
    cells_paint(cells, area.column, area.row, area.columns, STYLE_TITLE);
    draw_parts(cells, area, parts);
}
