/* What is worth pasting elsewhere. Pure. */
#ifndef HIVETOP_COPY_H
#define HIVETOP_COPY_H

#include "ui.h"

/* The node's address; its details, a line each, where they are open. */
void copy_node(const struct ui *ui, const struct node *node, char *text, size_t bytes);

#endif
