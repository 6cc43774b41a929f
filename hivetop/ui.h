/* The state of the interface: what is selected, which dialog is open, what is being typed. Keys change it;
 * what must be done in the world comes out as a request. Pure; one thread. */
#ifndef HIVETOP_UI_H
#define HIVETOP_UI_H

#include <stdbool.h>
#include <stdint.h>

#include "action.h"
#include "menu.h"
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
    UI_DIALOG,   /* yes or no */
    UI_INPUT,    /* a text task is typed, in the last line */
    UI_FIND,     /* what to look for is typed, in the last line */
    UI_EVIDENCE, /* what the checks of consensus have found */
    UI_MENU,     /* a list to choose from; the palette as well */
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
    int event_rows;                    /* how many events show; set with page_rows */
    char left[2][HIVE_ADDRESS_BYTES];  /* what was selected in each panel of nodes when it was left */

    enum sort_column sort;
    bool is_sort_reversed;
    char find[UI_FIND_BYTES];            /* what is looked for and highlighted; empty: nothing */
    char found_from[HIVE_ADDRESS_BYTES]; /* the selection before: Escape goes back to it */
    uint64_t found_from_serial;
    bool is_nothing_found;
    char marked[UI_MARKS][HIVE_ADDRESS_BYTES]; /* by the space bar, the oldest first; empty: none */
    char theme[UI_THEME_BYTES];                /* empty: the default */

    bool is_frozen;      /* set by the history alone, as the next: the picture stands still */
    int64_t shown_ms;    /* unix time that is shown; 0: now. While it is not 0 nothing can be changed */
    int64_t live_ms;     /* unix time now, while another one is shown */
    enum seek_kind seek; /* with REACTION_SEEK */
    char replay[128];    /* of a recording that is played: where it is and how fast it goes; empty: none is */

    struct action action; /* what the dialog asks about, bound when it opened */
    bool is_yes_chosen;
    bool needs_name; /* yes is not enough: the majority is at stake, and `action.node` must be typed */

    char input[UI_INPUT_BYTES]; /* what is being typed: a task, or the name */
    struct menu menu;

    char status[HIVE_ERROR_BYTES];
    enum event_level status_level;
    int64_t status_until_ms; /* monotonic */

    char copy[UI_INPUT_BYTES];     /* with REACTION_COPY */
    char cluster[HIVE_NAME_BYTES]; /* with REACTION_CLUSTER */

    int64_t interval_ms;
    const char *no_actions; /* why nodes cannot be killed, paused or restarted from here; NULL: they can */
    bool is_readonly;       /* --readonly: nothing can be changed */
    bool is_print_out;      /* a frame on paper: nothing is selected, no keys */

    struct logs *logs; /* not owned, as the next two; NULL: there are none */
    struct logs *tail; /* of the selected node, on a large main screen */
    struct tasks *tasks;
};

void ui_init(struct ui *ui, int64_t interval_ms);

/* Another cluster is watched: what was selected, marked and looked for is of no meaning there. */
void ui_forget(struct ui *ui);

/* Takes a key (see keys.h). Returns reactions. */
unsigned ui_key(struct ui *ui, const struct model *model, int key);

/* The line at the bottom, for some seconds. */
void ui_say(struct ui *ui, const struct model *model, enum event_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

bool ui_has_status(const struct ui *ui, const struct model *model);

/* The selected node, or NULL where there are none; and its place in the model. */
const struct node *ui_selected(const struct ui *ui, const struct model *model, size_t *at);
void ui_select(struct ui *ui, const struct node *node);

/* All nodes in the order of the screen; `*rows` is the caller's to free. Returns how many. */
size_t ui_rows(const struct ui *ui, const struct model *model, const struct node ***rows);

/* The node has a mark of its own; marks it or, where it is marked, no longer. A further mark takes the oldest's place. */
bool ui_is_marked(const struct ui *ui, const struct node *node);
void ui_mark(struct ui *ui, const struct node *node);

/* Puts the next panel into focus, or (-1) the one before. */
void ui_next_panel(struct ui *ui, const struct model *model, int direction);

/* Sorts by the next column, the one before (-1), or (0) the other way round. */
void ui_sort(struct ui *ui, const struct model *model, int direction);

/* Closes what was opened last. */
void ui_go_back(struct ui *ui);

/* Moves the selection by `rows`, as far as there are nodes; with the events in focus, scrolls them. */
void ui_move(struct ui *ui, const struct model *model, int rows);

/* The place of the event at the bottom of the panel; where there are none, 0. */
size_t ui_last_event(const struct ui *ui, const struct model *model);

/* The node can be acted on from here; says why not. */
bool ui_may_act(struct ui *ui, const struct model *model, const struct node *node, enum action_kind kind);

/* Opens the dialog for the node, or says why not. */
void ui_ask(struct ui *ui, const struct model *model, const struct node *node, enum action_kind kind);

/* The same for the link between the two marked nodes: cut it, or heal it where it is cut. */
void ui_ask_link(struct ui *ui, const struct model *model);

/* Opens the dialog for ui->action as it is. */
void ui_ask_bound(struct ui *ui, const struct model *model);

/* Dialog's and find's keys. */
unsigned ui_dialog_key(struct ui *ui, const struct model *model, int key);
unsigned ui_find_key(struct ui *ui, const struct model *model, int key);

/* Begins to look for something; goes to the next match, or (-1) the one before. */
void ui_find(struct ui *ui);
void ui_find_next(struct ui *ui, const struct model *model, int direction);

/* A click (`wheel` 0) or a turn of the wheel (1 is down) on a cell of that tag (tag.h). Returns reactions. */
unsigned ui_mouse(struct ui *ui, const struct model *model, uint32_t tag, int wheel);

/* Offers these clusters, the answer to REACTION_CLUSTERS. */
void ui_offer_clusters(struct ui *ui, const struct model *model, char (*names)[HIVE_NAME_BYTES],
                       size_t count);

#endif
