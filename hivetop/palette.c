/* The colours, in two tables: which styles share an ink, and which colour an ink has in a theme. A style that must not
 * be missed has its own background, and every one differs from its neighbours without colours too. */
#include "palette.h"

#include <string.h>

#define PLAIN   (-1)
#define MANY    256
#define SOME    16
#define FEW     8
#define GREY_16 8 /* "bright black" */

enum ink {
    INK_NONE, /* the terminal's own */
    INK_TITLE,
    INK_TITLE_BACK,
    INK_ALERT, /* on the title's ground */
    INK_ACCENT,
    INK_ACCENT_BACK,
    INK_ON_ACCENT,
    INK_RULE,
    INK_DIM,
    INK_GOOD,
    INK_WARNING,
    INK_PAUSED,
    INK_BAD,
    INK_BAD_BACK,
    INK_ON_BAD,
    INK_FOLLOWER,
    INK_ON_WARNING,
    INK_MARK,
    INK_MARK_BACK,
    INK_DIALOG,
    INK_DIALOG_BACK,
    INK_COUNT
};

static const struct {
    enum ink front, back;
    unsigned flags; /* with colours */
    unsigned mono;  /* without */
} styles[STYLE_COUNT] = {
    [STYLE_NORMAL] = {INK_NONE, INK_NONE, 0, 0},
    [STYLE_TITLE] = {INK_TITLE, INK_TITLE_BACK, LOOK_BOLD, LOOK_REVERSE},
    [STYLE_TITLE_WARNING] = {INK_ALERT, INK_TITLE_BACK, LOOK_BOLD, LOOK_REVERSE | LOOK_UNDERLINE},
    [STYLE_TITLE_BAD] = {INK_ON_BAD, INK_BAD_BACK, LOOK_BOLD, LOOK_REVERSE | LOOK_BOLD},
    [STYLE_HEADING] = {INK_ACCENT, INK_NONE, LOOK_BOLD, LOOK_BOLD},
    [STYLE_FOCUS] = {INK_ON_ACCENT, INK_ACCENT_BACK, LOOK_BOLD, LOOK_REVERSE},
    [STYLE_RULE] = {INK_RULE, INK_NONE, 0, 0},
    [STYLE_DIM] = {INK_DIM, INK_NONE, 0, 0},
    [STYLE_LEADER] = {INK_GOOD, INK_NONE, LOOK_BOLD, LOOK_BOLD},
    [STYLE_CANDIDATE] = {INK_WARNING, INK_NONE, LOOK_BOLD, LOOK_BOLD},
    [STYLE_ELECTION] = {INK_ON_WARNING, INK_WARNING, LOOK_BOLD, LOOK_REVERSE},
    [STYLE_FOLLOWER] = {INK_FOLLOWER, INK_NONE, 0, 0},
    [STYLE_PAUSED] = {INK_PAUSED, INK_NONE, LOOK_BOLD, LOOK_DIM},
    [STYLE_DOWN] = {INK_BAD, INK_NONE, 0, LOOK_DIM},
    [STYLE_GOOD] = {INK_GOOD, INK_NONE, 0, 0},
    [STYLE_WARNING] = {INK_WARNING, INK_NONE, 0, 0},
    [STYLE_BAD] = {INK_BAD, INK_NONE, LOOK_BOLD, LOOK_BOLD},
    [STYLE_BAR] = {INK_ACCENT, INK_NONE, 0, 0},
    [STYLE_KEY] = {INK_ON_ACCENT, INK_ACCENT_BACK, 0, LOOK_REVERSE},
    [STYLE_DIALOG] = {INK_DIALOG, INK_DIALOG_BACK, 0, LOOK_REVERSE},
    [STYLE_BUTTON] = {INK_ON_WARNING, INK_WARNING, LOOK_BOLD, LOOK_BOLD | LOOK_UNDERLINE},
    [STYLE_INPUT] = {INK_NONE, INK_NONE, LOOK_BOLD, LOOK_BOLD},
    [STYLE_FOUND] = {INK_ON_WARNING, INK_WARNING, 0, LOOK_UNDERLINE | LOOK_BOLD},
};

/* The order of the inks: title, its ground, alert | accent, accent ground, on it | rule, dim | good, warning, paused,
 * bad | bad ground, on it | follower | on warning | mark, its ground | dialog, its ground. */
#define INKS(...)                                                                                            \
    {                                                                                                        \
        PLAIN, __VA_ARGS__                                                                                   \
    }

static const struct theme {
    const char *name;
    short many[INK_COUNT]; /* of 256 */
    short few[INK_COUNT];  /* of 8 */
} themes[] = {
    /* The middle of the scale: can be read on black and on white. */
    {"default",
     INKS(231, 24, 222, 67, 110, 16, 67, 244, 34, 172, 68, 160, 160, 231, 66, 16, 231, 238, 231, 238),
     INKS(7, 4, 3, 6, 6, 0, 6, PLAIN, 2, 3, 6, 1, 1, 7, 6, 0, PLAIN, PLAIN, 7, 4)},
    {"dark",
     INKS(255, 236, 221, 117, 24, 255, 239, 245, 114, 215, 147, 203, 124, 255, 60, 234, 255, 237, 252, 236),
     INKS(7, 4, 3, 6, 6, 0, 4, PLAIN, 2, 3, 5, 1, 1, 7, 4, 0, PLAIN, PLAIN, 7, 4)},
    {"light",
     INKS(231, 25, 228, 25, 153, 16, 250, 242, 28, 130, 54, 124, 160, 231, 109, 231, 16, 189, 16, 254),
     INKS(7, 4, 3, 4, 4, 7, 4, PLAIN, 2, 5, 4, 1, 1, 7, 6, 7, PLAIN, PLAIN, 7, 4)},
    /* Blue and orange, which red-green blindness leaves apart. */
    {"deuteranopia",
     INKS(231, 236, 220, 110, 240, 231, 240, 245, 39, 220, 146, 202, 202, 16, 60, 16, 231, 238, 231, 238),
     INKS(7, 4, 3, 6, 7, 0, 7, PLAIN, 6, 3, 7, 5, 5, 7, 4, 0, PLAIN, PLAIN, 7, 4)},
    /* Teal, pink and red, which blue-yellow blindness leaves apart. */
    {"tritanopia",
     INKS(231, 236, 217, 80, 240, 231, 240, 245, 43, 212, 250, 203, 160, 231, 66, 16, 231, 238, 231, 238),
     INKS(7, 0, 5, 6, 7, 0, 7, PLAIN, 6, 5, 7, 1, 1, 7, 6, 0, PLAIN, PLAIN, 7, 0)},
};
#define THEMES (sizeof themes / sizeof *themes)

const char *const palette_names[] = {"default", "dark", "light", "deuteranopia", "tritanopia", "mono", NULL};

static const struct theme *chosen = &themes[0]; /* NULL: mono */

bool palette_choose(const char *name)
{
    if (strcmp(name, "mono") == 0) {
        chosen = NULL;
        return true;
    }
    for (size_t i = 0; i < THEMES; i++) {
        if (strcmp(themes[i].name, name[0] ? name : "default") == 0) {
            chosen = &themes[i];
            return true;
        }
    }
    return false;
}

struct look palette_look(enum style style, bool is_marked, int colours)
{
    enum ink front = styles[style].front, back = styles[style].back;
    if (!chosen || colours < FEW) {
        unsigned flags = styles[style].mono;
        return (struct look){PLAIN, PLAIN, is_marked ? flags | LOOK_REVERSE : flags};
    }
    unsigned flags = styles[style].flags;
    if (is_marked && back == INK_NONE && colours >= MANY) {
        back = INK_MARK_BACK;
        front = front == INK_NONE ? INK_MARK : front;
    } else if (is_marked && colours < MANY) {
        flags |= LOOK_REVERSE;
    }
    const short *inks = colours >= MANY ? chosen->many : chosen->few;
    struct look look = {inks[front], inks[back], flags};
    if (colours >= SOME && colours < MANY && front == INK_DIM)
        look.foreground = GREY_16;
    return look;
}
