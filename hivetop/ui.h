/* The state of the interface: what is selected, which dialog is open, what is being typed. Keys change it;
 * what must be done in the world comes out as a request. Pure; one thread. */
#ifndef HIVETOP_UI_H
#define HIVETOP_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "action.h"
#include "model.h"

#define UI_INPUT_BYTES    4096 /* the longest line that can be typed or pasted */
#define UI_STATUS_SHOW_MS 8000

enum ui_mode { UI_TABLES, UI_HELP, UI_DIALOG, UI_INPUT };

/* What a key set off; flags. */
enum reaction {
    REACTION_NONE = 0,
    REACTION_QUIT = 1,
    REACTION_ACT = 2,      /* carry out `ui->action` */
    REACTION_SUBMIT = 4,   /* submit `ui->input` as a task */
    REACTION_INTERVAL = 8, /* `ui->interval_ms` changed */
    REACTION_REPAINT = 16, /* draw the whole screen anew */
};

struct ui {
    enum ui_mode mode;
    char selected[HIVE_ADDRESS_BYTES]; /* the node's address; empty: the first node */
    int page_rows;                     /* how far a page key moves */
    int help_first;                    /* first line of the help that is shown */

    struct action action; /* what the dialog asks about, bound when it opened */
    bool is_yes_chosen;

    char input[UI_INPUT_BYTES];
    size_t input_bytes;

    char status[HIVE_ERROR_BYTES];
    enum event_level status_level;
    int64_t status_until_ms; /* monotonic */

    int64_t interval_ms;
    const char *no_actions; /* why nodes cannot be killed, paused or restarted from here; NULL: they can */
    bool is_print_out;      /* a frame on paper: nothing is selected, no keys */
};

void ui_init(struct ui *ui, int64_t interval_ms);

/* Takes a key (see keys.h). Returns reactions. */
unsigned ui_key(struct ui *ui, const struct model *model, int key);

/* The line at the bottom, for some seconds. */
void ui_say(struct ui *ui, const struct model *model, enum event_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

bool ui_has_status(const struct ui *ui, const struct model *model);

/* The selected node, or NULL where there are none; and its place in the model. */
const struct node *ui_selected(const struct ui *ui, const struct model *model, size_t *at);

/* Moves the selection by `rows`, as far as there are nodes. */
void ui_move(struct ui *ui, const struct model *model, int rows);

/* Opens the dialog for the selected node, or says why not. */
void ui_ask(struct ui *ui, const struct model *model, enum action_kind kind);

#endif
