/* The help's lines: the key table chapter by chapter, then what the marks on the screen mean. Pure. */
#ifndef HIVETOP_HELP_H
#define HIVETOP_HELP_H

#include "hive/buffer.h"
#include "keys.h"

#define HELP_LINES 128 /* more than there are */

struct help_line {
    const struct key *key; /* NULL: a heading, a line of the legend, or an empty one */
    const char *text;
    bool is_heading;
};

/* Fills them in; returns how many there are. */
int help_make(struct help_line lines[HELP_LINES]);

/* The keys as paragraphs of the manual page. */
void help_append_manual(struct hive_buffer *text);

#endif
