/* Which panel stands where on a screen of a given size. Pure. */
#ifndef HIVETOP_PANELS_H
#define HIVETOP_PANELS_H

#include "cells.h"

/* Below these the screen is one line. */
#define PANELS_COLUMNS_MIN 40
#define PANELS_ROWS_MIN    8

/* From here on the lanes stand beside the queens, and more panels beside the others. */
#define PANELS_COLUMNS_WIDE 120

struct panels {
    bool is_line;       /* all there is room for is one line */
    struct area header; /* no rows: not shown, as for all areas */
    struct area broken; /* the line that says how consensus was broken */
    struct area queens; /* with the row of titles, as the others have their heading */
    struct area lanes;
    bool lanes_beside; /* row by row beside the queens */
    struct area replication;
    struct area commits; /* in the lanes' time, below them */
    struct area drones;
    struct area events;
    struct area details;
    struct area logs; /* what nodes said last, below the details */
    struct area footer;
};

struct panels_wish {
    int queens, drones;  /* rows to show */
    int followers;       /* rows of replication */
    bool drones_first;   /* the selection is there: where room lacks, theirs comes before the queens' */
    bool has_footer;     /* print-outs take no keys and have none */
    bool is_broken;      /* consensus is */
    bool has_details;    /* they were asked for; wide screens show them anyway */
    bool has_all_events; /* the events were given all the room */
    bool has_logs;
};

void panels_make(int columns, int rows, const struct panels_wish *wish, struct panels *panels);

#endif
