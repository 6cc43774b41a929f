/* Tables of columns: each column says how wide it must and may be, and which go first where the screen is
 * narrow. Pure. */
#ifndef HIVETOP_TABLE_H
#define HIVETOP_TABLE_H

#include "cells.h"
#include "ui.h"

#define TABLE_COLUMNS     16
#define TABLE_FIELD_BYTES 256

struct view;

struct field {
    char text[TABLE_FIELD_BYTES];
    enum style style;
    bool is_bar; /* instead of the text: a bar that is full by this share */
    double share;
};

/* One column. A table of them ends with a zeroed one; widths do not count the blank between columns. */
struct column {
    const char *title;
    int min, max; /* widths; what is left over goes to the columns from left to right, up to their max */
    int rank;     /* the highest is dropped first; 0: never */
    bool is_right;
    enum sort_column sort; /* what a click on the title sorts by; SORT_COUNT: nothing */
    void (*fill)(const struct view *view, const struct node *node, int width, struct field *field);
};

struct place {
    int start, width; /* width 0: dropped */
};

/* Divides `width` screen columns among the columns. */
void table_fit(const struct column *columns, int width, struct place places[TABLE_COLUMNS]);

/* Draws the line of titles, with an arrow behind the one that the rows are sorted by, or a node's row, at `column`. */
void table_titles(struct cells *cells, const struct column *columns, const struct place *places, int column,
                  int row, enum style style, const struct ui *ui);
void table_row(struct cells *cells, const struct column *columns, const struct place *places, int column,
               int row, const struct view *view, const struct node *node);

/* The sign of ascending or descending order. */
wchar_t table_arrow(const struct cells *cells, bool is_reversed);

/* The first of `count` rows to show where only `height` fit, so that row `selected` is in sight. */
int table_first(int count, int height, int selected);

#endif
