/* How many panes go where. Pure. */
#ifndef LAUNCHER_TMUX_LAYOUT_H
#define LAUNCHER_TMUX_LAYOUT_H

#include <stddef.h>

#define TMUX_PANE_COLUMNS 38 /* a line of a log is worth reading from here on */
#define TMUX_PANE_ROWS    5  /* its title, and a few lines */

/* Panes beside and above each other; the last row may have fewer. */
struct tmux_layout {
    size_t columns, rows, panes;
};

/* As many of `count` panes as are readable on so much space, at least one; as square as can be. */
struct tmux_layout tmux_layout_make(size_t count, size_t space_columns, size_t space_rows);

#endif
