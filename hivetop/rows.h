/* Which nodes a panel shows, and in which order: the one place that views and keys both ask, so that what is
 * selected is what stands there. Pure. */
#ifndef HIVETOP_ROWS_H
#define HIVETOP_ROWS_H

#include "model.h"
#include "ui.h"

/* Fills `rows` (room for model->node_count) with the panel's nodes, sorted as ui->sort says. Returns how many. */
size_t rows_make(const struct ui *ui, const struct model *model, enum ui_panel panel,
                 const struct node *rows[]);

/* The columns that a panel can be sorted by end with SORT_COUNT. */
const enum sort_column *rows_columns(enum ui_panel panel);

/* The node, or the text, is what ui->find looks for; false where nothing is looked for. */
bool rows_is_found(const struct ui *ui, const struct node *node);
bool rows_has_found(const struct ui *ui, const char *text);

#endif
