/* The terminal: shows cells, reads keys, and is left as it was found whichever way the program ends. The only
 * user of ncurses, of which there can be one; one thread. */
#ifndef HIVETOP_SCREEN_H
#define HIVETOP_SCREEN_H

#include <stdbool.h>

#include "cells.h"
#include "hive/error.h"

/* Takes the terminal over. -ENOTTY or -ENOTSUP with a message where it cannot show a screen. */
int screen_open(struct hive_error *error);

/* Takes clicks and the wheel as well, which the terminal then does not use for its own ends. After screen_open. */
void screen_use_mouse(void);

/* Gives it back; harmless when it is not open. */
void screen_close(void);

void screen_size(int *columns, int *rows);

/* Its encoding has more than ASCII, and its font the blocks. */
bool screen_is_unicode(void);

/* Shows the cells; only what changed is sent. Nothing is shown in the background. False where the terminal
 * takes no output just now (^S, a slow line): nothing was sent, and the same is to be shown again once it can
 * be written to. */
bool screen_show(const struct cells *cells);

/* Another theme was chosen (palette.h). */
void screen_recolour(void);

/* Sends everything anew at the next screen_show. */
void screen_repaint(void);

/* The next key (see keys.h), or KEYS_NONE. Never waits longer than the 25 ms that tell Escape from a function
 * key. */
int screen_key(void);

/* After KEYS_MOUSE: where it was, and what: a click (`*wheel` 0) or a turn of the wheel (1 is down). False: nothing. */
bool screen_mouse(int *column, int *row, int *wheel);

/* Gives the text to the clipboard of the terminal, where it takes one (OSC 52). */
void screen_copy(const char *text);

#endif
