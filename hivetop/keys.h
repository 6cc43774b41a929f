/* The keys: one table gives what they do, the help screen, the palette, the footer's words and the man page. Pure. */
#ifndef HIVETOP_KEYS_H
#define HIVETOP_KEYS_H

#include <stdbool.h>

#include "ui.h"

/* A key is its Unicode character, or one of these, which lie behind all of them. */
enum key_code {
    KEYS_NONE = -1,
    KEYS_TAB = '\t',
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
    KEYS_BACK_TAB,
    KEYS_F1,
    KEYS_F9,
    KEYS_F10,
    KEYS_RESIZE,
    KEYS_MOUSE, /* see screen_mouse */
    KEYS_OTHER, /* a key that means nothing here */
};

/* The help's chapters, in their order. The last ones' keys are their screens' own (act NULL): the table only explains them. */
enum key_group {
    KEYS_MOVE,
    KEYS_LOOK,
    KEYS_TIME,
    KEYS_CHANGE,
    KEYS_PROGRAM,
    KEYS_LOGS,
    KEYS_TASKS,
    KEYS_GROUPS
};
extern const char *const keys_group_names[KEYS_GROUPS];

struct key {
    int codes[4];         /* all that set it off; 0 ends them early */
    const char *name;     /* as people read it: "j Down" */
    const char *word;     /* what it does, in a word or two; the footer and the palette show it */
    const char *help;     /* in one line */
    enum key_group group; /* those of one group stand together */
    bool changes;         /* it changes something in the cluster: never a lower-case letter */
    bool is_everywhere;   /* on every screen, not on the main one alone */
    unsigned (*act)(struct ui *ui, const struct model *model, int argument);
    int argument;
};

/* Ends with a zeroed one. */
extern const struct key keys_table[];

/* The entry that this key sets off, or NULL. */
const struct key *keys_find(int code);

/* It works on the screen that is open. */
bool keys_is_valid(const struct ui *ui, const struct key *key);

/* Does what the key does, unless nothing may be changed now. Returns reactions. */
unsigned keys_press(struct ui *ui, const struct model *model, int code);

#endif
