/* The views: each draws one part of the picture from the model and the interface's state, and changes
 * neither. */
#ifndef HIVETOP_VIEW_H
#define HIVETOP_VIEW_H

#include "cells.h"
#include "model.h"
#include "summary.h"
#include "table.h"
#include "ui.h"

struct view {
    const struct model *model;
    const struct ui *ui;
    struct summary summary;
    const struct node *selected; /* NULL: none */
    size_t selected_at;
};

void view_header(const struct view *view, struct cells *cells, struct area area);
void view_queens(const struct view *view, struct cells *cells, struct area area);
void view_drones(const struct view *view, struct cells *cells, struct area area);
void view_events(const struct view *view, struct cells *cells, struct area area);
void view_footer(const struct view *view, struct cells *cells, struct area area);
void view_line(const struct view *view, struct cells *cells, struct area area);

/* These lie above the rest. */
void view_help(const struct view *view, struct cells *cells, struct area area);
void view_dialog(const struct view *view, struct cells *cells, struct area area);
void view_menu(const struct view *view, struct cells *cells, struct area area);

/* What a node's state looks like. */
enum style view_style(const struct node *node);

/* Columns that both tables have (see table.h). */
void view_fill_name(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_mark(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_role(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_round_trip(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_age(const struct view *view, const struct node *node, int width, struct field *field);

/* Nodes [first, first + count) of the model below a line of titles, scrolled so that the selection shows.
 * `totals` (or NULL) go to the end of that line where it has room. */
struct totals {
    char full[128], brief[32];
};
void view_nodes(const struct view *view, struct cells *cells, struct area area, const struct column *columns,
                size_t first, size_t count, const struct totals *totals);

#endif
