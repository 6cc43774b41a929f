/* What each style looks like on terminals of many, some and no colours, in the theme that was chosen. Pure but for
 * that choice, which is the program's; one thread. */
#ifndef HIVETOP_PALETTE_H
#define HIVETOP_PALETTE_H

#include "cells.h"

#define PALETTE_PAIRS 63 /* of colours, in all: terminals with 8 colours have no more */

enum look_flag { LOOK_BOLD = 1, LOOK_DIM = 2, LOOK_UNDERLINE = 4, LOOK_REVERSE = 8 };

struct look {
    short foreground, background; /* colour numbers; -1: the terminal's own */
    unsigned flags;
};

/* "default", "dark", "light", "deuteranopia", "tritanopia", "mono"; ends with NULL. The default can be read on dark and on
 * light backgrounds; two are for eyes that confuse red with green, or blue with yellow; mono has no colours. */
extern const char *const palette_names[];

/* From now on looks are of this theme; empty: the default. False where there is none of that name: nothing changed. */
bool palette_choose(const char *name);

/* `colours` is what the terminal has, 0 for none. `is_marked` is for cells of the selected row. */
struct look palette_look(enum style style, bool is_marked, int colours);

#endif
