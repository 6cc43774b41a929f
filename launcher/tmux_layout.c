/* tmux's own layouts know no dashboard above a grid, and squeeze 64 panes into one window. */
#include "tmux_layout.h"

struct tmux_layout tmux_layout_make(size_t count, size_t space_columns, size_t space_rows)
{
    size_t most_columns = space_columns / TMUX_PANE_COLUMNS, most_rows = space_rows / TMUX_PANE_ROWS;
    struct tmux_layout layout = {.columns = 1, .rows = 1};
    if (most_columns == 0)
        most_columns = 1;
    if (most_rows == 0)
        most_rows = 1;
    layout.panes = count < most_columns * most_rows ? count : most_columns * most_rows;
    /* A line is longer than it is high: rows first where there are few, until a pane has three times the least. */
    while (layout.columns * layout.rows < layout.panes) {
        size_t pane_rows = space_rows / (layout.rows + 1);
        if (layout.rows < most_rows && (layout.columns == most_columns || pane_rows >= 3 * TMUX_PANE_ROWS))
            layout.rows++;
        else if (layout.columns < most_columns)
            layout.columns++;
        else
            layout.rows++;
    }
    layout.rows =
        (layout.panes + layout.columns - 1) / layout.columns; /* another column may have emptied a row */
    return layout;
}
