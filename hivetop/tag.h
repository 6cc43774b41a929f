/* What a click means: views leave it on the cells that they draw, and so nobody has to work out from a place
 * on the screen what stands there. */
#ifndef HIVETOP_TAG_H
#define HIVETOP_TAG_H

#include <stdint.h>

enum tag_kind {
    TAG_NONE,
    TAG_NODE,   /* value: the node's place in model->nodes */
    TAG_TITLE,  /* the title of a column; value: enum sort_column */
    TAG_PANEL,  /* value: enum ui_panel; for what is not a node: the wheel scrolls it */
    TAG_KEY,    /* a key of the footer; value: its code */
    TAG_ANSWER, /* of a dialog; value: 1 for yes */
    TAG_CHOICE, /* a line of a menu; value: its place */
};

#define TAG(kind, value)  ((uint32_t)(kind) << 24 | ((uint32_t)(value)&0xffffff))
#define TAG_KIND_OF(tag)  ((enum tag_kind)((tag) >> 24))
#define TAG_VALUE_OF(tag) ((int)((tag)&0xffffff))

#endif
