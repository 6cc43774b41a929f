/* The state of the interface: what is selected, which dialog is open, what is being typed. Keys change it;
 * what must be done in the world comes out as a request. Pure; one thread. */
#ifndef HIVETOP_UI_H
#define HIVETOP_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "action.h"
#include "model.h"

#define UI_INPUT_BYTES    4096 /* the longest line that can be typed or pasted */
#define UI_FIND_BYTES     128
#define UI_THEME_BYTES    32
#define UI_STATUS_SHOW_MS 8000
#define UI_MARKS          2

struct logs;
struct tasks;

enum ui_screen { UI_SCREEN_MAIN, UI_SCREEN_LOGS, UI_SCREEN_TASKS };
enum ui_panel { UI_PANEL_QUEENS, UI_PANEL_DRONES, UI_PANEL_EVENTS };

/* What lies above the screen and takes the keys. */
enum ui_mode {
    UI_TABLES, /* nothing */
    UI_HELP,
    UI_DIALOG, /* yes or no */
    UI_INPUT,  /* a text task is typed, in the last line */
    UI_FIND,   /* what to look for is typed, in the last line */
    UI_MENU,   /* a list to choose from; the palette as well */
};

/* A row's order; a panel without that column keeps the order of names. */
enum sort_column {
    SORT_NAME,
    SORT_STATE, /* the role of queens */
    SORT_TERM,
    SORT_LAST,
    SORT_COMMIT,
    SORT_APPLIED,
    SORT_LAG,
    SORT_VOTE,
    SORT_RTT,
    SORT_AGE,
    SORT_HEALTH, /* a drone's, as the leader sees it */
    SORT_HEARTBEAT,
    SORT_LOAD,
    SORT_DONE,
    SORT_FAILED,
    SORT_COUNT
};
extern const char *const sort_names[]; /* "name", "state", … as the configuration file has them */

/* Where to go in time. */
enum seek_kind {
    SEEK_BACK,
    SEEK_FORWARD,
    SEEK_PREVIOUS_ELECTION,
    SEEK_NEXT_ELECTION,
    SEEK_LIVE,
    SEEK_FREEZE, /* or let go again */
};

/* What a key set off; flags. */
enum reaction {
    REACTION_NONE = 0,
    REACTION_QUIT = 1,
    REACTION_ACT = 2,         /* carry out `ui->action` */
    REACTION_SUBMIT = 4,      /* submit `ui->input` as a task */
    REACTION_INTERVAL = 8,    /* `ui->interval_ms` changed */
    REACTION_REPAINT = 16,    /* draw the whole screen anew */
    REACTION_SEEK = 32,       /* show another time: `ui->seek` */
    REACTION_CONFIG = 64,     /* what the configuration file keeps changed: sort, theme, interval */
    REACTION_THEME = 128,     /* `ui->theme` was chosen */
    REACTION_COPY = 256,      /* `ui->copy` goes to the terminal's clipboard */
    REACTION_CLUSTERS = 512,  /* offer the clusters that run */
    REACTION_CLUSTER = 1024,  /* watch `ui->cluster` */
    REACTION_BACK = 2048,     /* from logs_key and tasks_key: leave that screen */
    REACTION_NOT_MINE = 4096, /* from them: the key means nothing there, the key table may have it */
};

struct ui {
    enum ui_screen screen;
    enum ui_mode mode;
    enum ui_panel panel;               /* who gets the arrows; queens and drones: where the selection is */
    char selected[HIVE_ADDRESS_BYTES]; /* the node's address; empty: the first node */
    int page_rows;                     /* how far a page key moves */
    int help_first;                    /* first line of the help that is shown */
    bool has_details;                  /* of the selected node (Enter) */
    bool has_all_events;               /* the events have the whole screen (e) */
    uint64_t event_serial;             /* the event at the bottom of the panel; 0: the newest */

    enum sort_column sort;
    bool is_sort_reversed;
    char find[UI_FIND_BYTES];                  /* what is looked for and highlighted; empty: nothing */
    char marked[UI_MARKS][HIVE_ADDRESS_BYTES]; /* by the space bar, the oldest first; empty: none */
    char theme[UI_THEME_BYTES];                /* empty: the default */

    bool is_frozen;      /* set by the history alone, as the next: the picture stands still */
    int64_t shown_ms;    /* unix time that is shown; 0: now. While it is not 0 nothing can be changed */
    enum seek_kind seek; /* with REACTION_SEEK */

    struct action action; /* what the dialog asks about, bound when it opened */
    bool is_yes_chosen;

    char input[UI_INPUT_BYTES];
    size_t input_bytes;

    char status[HIVE_ERROR_BYTES];
    enum event_level status_level;
    int64_t status_until_ms; /* monotonic */

    char copy[UI_INPUT_BYTES];     /* with REACTION_COPY */
    char cluster[HIVE_NAME_BYTES]; /* with REACTION_CLUSTER */

    int64_t interval_ms;
    const char *no_actions; /* why nodes cannot be killed, paused or restarted from here; NULL: they can */
    bool is_readonly;       /* --readonly: nothing can be changed */
    bool is_print_out;      /* a frame on paper: nothing is selected, no keys */

    struct logs *logs; /* not owned, as the next; NULL: there are none */
    struct tasks *tasks;
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

/* The node has a mark of its own. */
bool ui_is_marked(const struct ui *ui, const struct node *node);

/* Moves the selection by `rows`, as far as there are nodes. */
void ui_move(struct ui *ui, const struct model *model, int rows);

/* Opens the dialog for the selected node, or says why not. */
void ui_ask(struct ui *ui, const struct model *model, enum action_kind kind);

#endif
