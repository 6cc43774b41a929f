/* Whether consensus holds, and why one may believe it: what was compared, and all that was found. */
#include <inttypes.h>

#include "format.h"
#include "view.h"

/* One paragraph; goes on below where it is long, under its beginning. Returns the row behind it. */
static int tell(struct cells *cells, struct area area, int row, enum style style, const char *label,
                const char *text)
{
    int indent = 1 + cells_width(label), width = area.columns - indent - 1, end = area.row + area.rows - 1;
    if (width < 1)
        return row;
    if (row < end)
        cells_put(cells, area.column + 1, row, indent, STYLE_DIM, label);
    for (; *text && row < end; row++) {
        char line[CHECKS_TEXT_BYTES + 64];
        size_t bytes = cells_fitting(text, width);
        snprintf(line, sizeof line, "%.*s", (int)bytes, text);
        cells_put(cells, area.column + indent, row, width, style, line);
        text += bytes;
        text += *text == ' ';
    }
    return row;
}

static int tell_findings(struct cells *cells, struct area area, int row, const struct checks *checks)
{
    for (size_t i = 0; i < checks->finding_count; i++) {
        const struct checks_finding *finding = &checks->findings[i];
        char time[FORMAT_BYTES];
        format_time_of_day(finding->time_ms, time);
        snprintf(time + 8, sizeof time - 8, " ");
        row = tell(cells, area, row, STYLE_BAD, time, finding->text);
    }
    if (checks->more > 0) {
        char text[64];
        snprintf(text, sizeof text, "%" PRIu64 " more, which are not kept", checks->more);
        row = tell(cells, area, row, STYLE_BAD, "", text);
    }
    return row;
}

void view_evidence(const struct view *view, struct cells *cells, struct area area)
{
    const struct checks *checks = &view->model->checks;
    char text[CHECKS_TEXT_BYTES];
    enum style style = view->is_broken ? STYLE_BAD : checks_holds(checks) ? STYLE_GOOD : STYLE_NORMAL;
    int row = area.row + 1;
    cells_wipe(cells, area, STYLE_NORMAL);
    cells_put(cells, area.column, area.row, area.columns, STYLE_TITLE, "hivetop: consensus");
    cells_paint(cells, area.column, area.row, area.columns, STYLE_TITLE);
    if (area.rows < 2)
        return;
    row = tell(cells, area, row, style, "", view->is_broken ? "CONSENSUS BROKEN" : view->consensus);
    row = tell_findings(cells, area, row, checks);
    snprintf(text, sizeof text,
             "%" PRIu64 " answers of queens were looked at, %" PRIu64
             " leader%s the only one of its term, and %" PRIu64
             " hashes of logs were the same on a second queen",
             checks->answers, checks->leaders, checks->leaders == 1 ? "," : "s, each", checks->compared);
    row = tell(cells, area, row + 1, STYLE_NORMAL, "", text);
    static const char *const checked[] = {
        "no two queens lead in one term", "committed logs have the same hash at the same index",
        "no term that was on a disk goes back",
        "commit and applied index go back only in a restart, and never behind the snapshot",
        "nothing is applied beyond the commit index"};
    row++;
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
        row = tell(cells, area, row, STYLE_NORMAL, "- ", checked[i]);
    cells_put(cells, area.column, area.row + area.rows - 1, area.columns, STYLE_DIM, "any key goes back");
}
