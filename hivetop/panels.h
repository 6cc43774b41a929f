/* Which panel stands where on a screen of a given size. Pure. */
#ifndef HIVETOP_PANELS_H
#define HIVETOP_PANELS_H

#include "cells.h"

/* Below these the screen is one line. */
#define PANELS_COLUMNS_MIN 40
#define PANELS_ROWS_MIN    8

struct panels {
    bool is_line;       /* all there is room for is one line */
    struct area header; /* no rows: not shown, as for all areas */
    struct area queens; /* with the row of titles, as drones and events have their heading */
    struct area drones;
    struct area events;
    struct area footer;
};

struct panels_wish {
    int queens, drones; /* rows to show */
    bool drones_first;  /* the selection is there: where room lacks, theirs comes before the queens' */
    bool has_footer;    /* print-outs take no keys and have none */
};

void panels_make(int columns, int rows, const struct panels_wish *wish, struct panels *panels);

#endif
