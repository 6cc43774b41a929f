/* Finding by a few letters: "kln" finds "Kill node". Pure. */
#ifndef HIVETOP_FUZZY_H
#define HIVETOP_FUZZY_H

/* How well `text` fits: all letters of `pattern` must come in it, in their order, in any case; blanks count for nothing.
 * Higher is better: letters in a row, and those that begin a word. -1: it does not fit. An empty pattern fits all with 0. */
int fuzzy_score(const char *pattern, const char *text);

#endif
