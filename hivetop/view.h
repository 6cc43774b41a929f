/* The views: each draws one part of the picture from the model and the interface's state, and changes
 * neither. */
#ifndef HIVETOP_VIEW_H
#define HIVETOP_VIEW_H

#include "cells.h"
#include "keys.h"
#include "model.h"
#include "summary.h"
#include "table.h"
#include "task_list.h"
#include "ui.h"

/* Rows of a panel in the order in which they are shown. */
struct rows {
    const struct node **nodes; /* owned by the renderer */
    int count;
};

struct view {
    const struct model *model;
    const struct ui *ui;
    struct summary summary;
    struct rows rows[2];                    /* UI_PANEL_QUEENS, UI_PANEL_DRONES */
    const struct node *selected;            /* NULL: none */
    char consensus[CHECKS_TEXT_BYTES + 64]; /* what the checks found */
    bool has_events;                        /* they are shown, and the consensus line in their heading */
    bool is_broken;                         /* they found something bad */
};

void view_header(const struct view *view, struct cells *cells, struct area area);
void view_broken(const struct view *view, struct cells *cells, struct area area);
void view_queens(const struct view *view, struct cells *cells, struct area area);
void view_lanes(const struct view *view, struct cells *cells, struct area area, bool is_beside);
void view_commits(const struct view *view, struct cells *cells, struct area area);
void view_replication(const struct view *view, struct cells *cells, struct area area);
void view_drones(const struct view *view, struct cells *cells, struct area area);
void view_events(const struct view *view, struct cells *cells, struct area area);
void view_details(const struct view *view, struct cells *cells, struct area area);
void view_footer(const struct view *view, struct cells *cells, struct area area);
void view_line(const struct view *view, struct cells *cells, struct area area);

/* The screens of logs and tasks, and the logs' place on the main screen. */
void view_logs(const struct view *view, struct cells *cells, struct area area);
void view_logs_tail(const struct view *view, struct cells *cells, struct area area);
void view_task(const struct view *view, struct cells *cells, struct area area);
enum style view_task_style(enum task_state state);
void view_tasks(const struct view *view, struct cells *cells, struct area area);

/* These lie above the rest. */
void view_evidence(const struct view *view, struct cells *cells, struct area area);
void view_help(const struct view *view, struct cells *cells, struct area area);
void view_dialog(const struct view *view, struct cells *cells, struct area area);
void view_menu(const struct view *view, struct cells *cells, struct area area);

/* What a node's state looks like, and what the node is called by another one's address. */
enum style view_style(const struct node *node);
const char *view_name(const struct view *view, const char *address);

/* Columns that both tables have (see table.h). */
void view_fill_name(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_mark(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_role(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_round_trip(const struct view *view, const struct node *node, int width, struct field *field);
void view_fill_age(const struct view *view, const struct node *node, int width, struct field *field);

/* Columns of the longest name among the rows, within these limits. */
int view_name_width(const struct rows *rows, int least, int most);

/* Which row of the panel is the first to be shown in so many, and which is selected (-1: none). */
int view_first(const struct view *view, enum ui_panel panel, int height);
int view_selected_row(const struct view *view, enum ui_panel panel);

/* The panel has the arrows. */
bool view_is_focused(const struct view *view, enum ui_panel panel);

/* The rows of a panel from `area.row` on, scrolled so that the selection shows. `columns` must have got their
 * places by table_fit for area.columns - 1: the first column is the selection's. */
void view_rows(const struct view *view, struct cells *cells, struct area area, enum ui_panel panel,
               const struct column *columns, const struct place *places);

/* A text over as many lines as it needs, broken at blanks. Returns their number. */
int view_text(struct cells *cells, struct area area, enum style style, const char *text);

/* In the last line: what is being typed, the keys of a screen of its own, or what was said. */
void view_input(const char *prompt, const char *text, struct cells *cells, struct area area);
void view_screen_keys(enum key_group group, struct cells *cells, struct area area);
void view_status(enum event_level level, const char *text, struct cells *cells, struct area area);

/* The line above a panel: its title in a rule. `tail` (or NULL) stands at the right end where there is room. Returns
 * the first column behind the title. */
struct heading {
    const char *title;
    bool is_focused;
    const char *tail;
    enum style tail_style;
};
int view_heading(struct cells *cells, struct area area, const struct heading *heading);

#endif
