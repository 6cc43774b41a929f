/* A screen as data: a grid of characters with styles. Views draw into it, the terminal, the plain print-out
 * and the tests read it. Nothing drawn outside of it does harm. */
#ifndef HIVETOP_CELLS_H
#define HIVETOP_CELLS_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

#include "hive/buffer.h"

/* What a cell means; what it looks like is said by the palette. */
enum style {
    STYLE_NORMAL,
    STYLE_TITLE, /* the header line */
    STYLE_TITLE_WARNING,
    STYLE_TITLE_BAD,
    STYLE_HEADING, /* a panel's name and its column titles */
    STYLE_RULE,    /* the line beside a panel's name */
    STYLE_DIM,     /* values that nobody confirms any more, and what is of little use */
    STYLE_LEADER,
    STYLE_CANDIDATE,
    STYLE_PAUSED,
    STYLE_DOWN,
    STYLE_GOOD,
    STYLE_WARNING,
    STYLE_BAD,
    STYLE_KEY, /* a key's name in the footer and the help */
    STYLE_DIALOG,
    STYLE_BUTTON, /* the chosen answer of a dialog */
    STYLE_INPUT,
    STYLE_FOCUS,    /* the heading of the panel that has the arrows */
    STYLE_FOUND,    /* what was looked for */
    STYLE_ELECTION, /* a cell of a lane in which somebody stood for election */
    STYLE_FOLLOWER, /* a lane's quiet part */
    STYLE_BAR,      /* the full part of a bar */
    STYLE_COUNT
};

struct cell {
    wchar_t rune; /* 0: the right half of a wide character */
    uint8_t style;
    uint32_t tag;   /* what a click on it means: see tag.h; 0: nothing */
    bool is_marked; /* in the selected row */
    uint8_t writes; /* how often it was drawn in this frame: more than once is a flaw of the layout (tests
                       look) */
};

struct cells {
    int columns, rows;
    struct cell *grid;             /* owned; row by row */
    int cursor_column, cursor_row; /* where the text cursor stands; -1: hidden */
    bool unicode;                  /* glyphs beyond ASCII may be used */
};

/* A rectangle; with no rows or no columns, nothing. */
struct area {
    int column, row, columns, rows;
};

void cells_init(struct cells *cells, int columns, int rows, bool unicode);
void cells_finish(struct cells *cells);

/* The cell, or NULL outside of the grid. */
struct cell *cells_at(const struct cells *cells, int column, int row);

/* Draws `text` (of the locale's encoding; what cannot be shown becomes '?') into a field of `width` columns,
 * from the left or flush right. Text that is too long ends in '>'. Returns the columns drawn. */
int cells_put(struct cells *cells, int column, int row, int width, enum style style, const char *text);
int cells_put_right(struct cells *cells, int column, int row, int width, enum style style, const char *text);

/* Bytes of `text` that fit into so many columns; where it must be cut, at a blank if there is one. */
size_t cells_fitting(const char *text, int width);

/* Draws one character, of one column. */
void cells_draw(struct cells *cells, int column, int row, enum style style, wchar_t rune);

/* Draws a bar of `width` columns that is full by this share (0 to 1). */
void cells_bar(struct cells *cells, int column, int row, int width, enum style style, double share);

/* Draws `width` times the horizontal line. */
void cells_rule(struct cells *cells, int column, int row, int width, enum style style);

/* Wipes a rectangle, for what lies above the rest. */
void cells_wipe(struct cells *cells, struct area area, enum style style);

/* Gives the cells of a row this style, drawn or not. */
void cells_paint(struct cells *cells, int column, int row, int width, enum style style);

/* Marks `width` cells as selected. */
void cells_mark(struct cells *cells, int column, int row, int width);

/* Says what a click on these cells means (tag.h). Wiping forgets it. */
void cells_tag(struct cells *cells, int column, int row, int width, uint32_t tag);

/* Columns that `text` takes. */
int cells_width(const char *text);

/* Bytes at the beginning of `text` that fit into so many columns; of a text that is not empty one character at least. */
size_t cells_fit(const char *text, int width);

/* The grid as lines of text in the locale's encoding, without blanks at their ends and without empty last
 * lines. */
void cells_print(const struct cells *cells, struct hive_buffer *out);

#endif
