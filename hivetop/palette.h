/* What each style looks like on terminals of many, some and no colours. Pure. */
#ifndef HIVETOP_PALETTE_H
#define HIVETOP_PALETTE_H

#include "cells.h"

enum look_flag { LOOK_BOLD = 1, LOOK_DIM = 2, LOOK_UNDERLINE = 4, LOOK_REVERSE = 8 };

struct look {
    short foreground, background; /* colour numbers; -1: the terminal's own */
    unsigned flags;
};

/* `colours` is what the terminal has, 0 for none. `is_marked` is for cells of the selected row. */
struct look palette_look(enum style style, bool is_marked, int colours);

#endif
