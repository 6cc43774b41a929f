/* The keys: one table gives what they do, the help screen and the footer. Pure. */
#ifndef HIVETOP_KEYS_H
#define HIVETOP_KEYS_H

#include <stdbool.h>

#include "ui.h"

/* A key is its Unicode character, or one of these, which lie behind all of them. */
enum key_code {
    KEYS_NONE = -1,
    KEYS_CONTROL_L = 0x0c,
    KEYS_CONTROL_U = 0x15,
    KEYS_CONTROL_W = 0x17,
    KEYS_ENTER = '\r',
    KEYS_ESCAPE = 0x1b,
    KEYS_BACKSPACE = 0x7f,
    KEYS_UP = 0x110000,
    KEYS_DOWN,
    KEYS_LEFT,
    KEYS_RIGHT,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_HOME,
    KEYS_END,
    KEYS_F1,
    KEYS_F10,
    KEYS_RESIZE,
    KEYS_OTHER, /* a key that means nothing here */
};

struct key {
    int codes[4];       /* all that set it off; 0 ends them early */
    const char *name;   /* as people read it: "j Down" */
    const char *footer; /* its word in the footer; NULL: not there */
    const char *help;   /* what it does; one line */
    bool changes;       /* it changes something in the cluster: never a lower-case letter */
    unsigned (*act)(struct ui *ui, const struct model *model, int argument);
    int argument;
};

/* Ends with a zeroed one. */
extern const struct key keys_table[];

/* The entry that this key sets off, or NULL. */
const struct key *keys_find(int code);

#endif
