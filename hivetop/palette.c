/* The colours, in one table. They are chosen from the middle of the scale, so that they can be read on dark
 * and on light backgrounds alike; a style that must not be missed has its own background. */
#include "palette.h"

#define PLAIN (-1)

static const struct {
    short many, many_back; /* of 256 */
    short few, few_back;   /* of 8 */
    unsigned flags;        /* with colours */
    unsigned mono;         /* without */
} table[STYLE_COUNT] = {
    [STYLE_NORMAL] = {PLAIN, PLAIN, PLAIN, PLAIN, 0, 0},
    [STYLE_TITLE] = {231, 24, 7, 4, LOOK_BOLD, LOOK_REVERSE},
    [STYLE_TITLE_WARNING] = {222, 24, 3, 4, LOOK_BOLD, LOOK_REVERSE | LOOK_UNDERLINE},
    [STYLE_TITLE_BAD] = {231, 160, 7, 1, LOOK_BOLD, LOOK_REVERSE | LOOK_BOLD},
    [STYLE_HEADING] = {16, 110, 0, 6, 0, LOOK_BOLD | LOOK_UNDERLINE},
    [STYLE_RULE] = {110, PLAIN, 6, PLAIN, 0, 0},
    [STYLE_DIM] = {244, PLAIN, PLAIN, PLAIN, 0, 0},
    [STYLE_LEADER] = {34, PLAIN, 2, PLAIN, LOOK_BOLD, LOOK_BOLD},
    [STYLE_CANDIDATE] = {172, PLAIN, 3, PLAIN, LOOK_BOLD, LOOK_BOLD},
    [STYLE_PAUSED] = {68, PLAIN, 6, PLAIN, LOOK_BOLD, LOOK_DIM},
    [STYLE_DOWN] = {160, PLAIN, 1, PLAIN, 0, LOOK_DIM},
    [STYLE_GOOD] = {34, PLAIN, 2, PLAIN, 0, 0},
    [STYLE_WARNING] = {172, PLAIN, 3, PLAIN, 0, 0},
    [STYLE_BAD] = {160, PLAIN, 1, PLAIN, LOOK_BOLD, LOOK_BOLD},
    [STYLE_KEY] = {16, 110, 0, 6, 0, LOOK_REVERSE},
    [STYLE_DIALOG] = {231, 238, 7, 4, 0, LOOK_REVERSE},
    [STYLE_BUTTON] = {16, 214, 0, 3, LOOK_BOLD, LOOK_BOLD | LOOK_UNDERLINE},
    [STYLE_INPUT] = {PLAIN, PLAIN, PLAIN, PLAIN, LOOK_BOLD, LOOK_BOLD},
};

#define MARK_BACKGROUND 238
#define MARK_FOREGROUND 231

struct look palette_look(enum style style, bool is_marked, int colours)
{
    struct look look = {PLAIN, PLAIN, table[style].mono};
    if (colours >= 256)
        look = (struct look){table[style].many, table[style].many_back, table[style].flags};
    else if (colours >= 8)
        look = (struct look){table[style].few, table[style].few_back, table[style].flags};
    if (!is_marked)
        return look;
    if (colours >= 256) {
        look.background = MARK_BACKGROUND;
        look.foreground = look.foreground == PLAIN ? MARK_FOREGROUND : look.foreground;
    } else {
        look.flags |= LOOK_REVERSE;
    }
    return look;
}
