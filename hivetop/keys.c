/* Everything that can be pressed. A new key is a new line in this table and nothing else. */
#include "keys.h"

#include <limits.h>

#include "copy.h"
#include "format.h"

const char *const keys_group_names[KEYS_GROUPS] = {
    "Moving about",  "Looking closer",
    "Time",          "Changing the cluster: never a lower-case letter, and what does harm asks first",
    "The dashboard", "In the logs",
    "In the tasks"};

static unsigned quit(struct ui *ui, const struct model *model, int argument)
{
    (void)ui, (void)model, (void)argument;
    return REACTION_QUIT;
}

static unsigned open_help(struct ui *ui, const struct model *model, int argument)
{
    (void)model, (void)argument;
    ui->mode = UI_HELP;
    ui->help_first = 0;
    return REACTION_NONE;
}

static unsigned open_evidence(struct ui *ui, const struct model *model, int argument)
{
    (void)model, (void)argument;
    ui->mode = UI_EVIDENCE;
    return REACTION_NONE;
}

static unsigned move(struct ui *ui, const struct model *model, int rows)
{
    ui_move(ui, model, rows);
    return REACTION_NONE;
}

static unsigned move_page(struct ui *ui, const struct model *model, int pages)
{
    ui_move(ui, model, pages * (ui->panel == UI_PANEL_EVENTS ? ui->event_rows : ui->page_rows));
    return REACTION_NONE;
}

static unsigned next_panel(struct ui *ui, const struct model *model, int direction)
{
    ui_next_panel(ui, model, direction);
    return REACTION_NONE;
}

static unsigned mark(struct ui *ui, const struct model *model, int argument)
{
    (void)argument;
    const struct node *node = ui_selected(ui, model, NULL);
    if (node)
        ui_mark(ui, node);
    return REACTION_NONE;
}

static unsigned find(struct ui *ui, const struct model *model, int direction)
{
    if (direction == 0)
        ui_find(ui);
    else
        ui_find_next(ui, model, direction);
    return REACTION_NONE;
}

static unsigned toggle_details(struct ui *ui, const struct model *model, int argument)
{
    (void)model, (void)argument;
    ui->has_details = !ui->has_details;
    return REACTION_NONE;
}

static unsigned toggle_events(struct ui *ui, const struct model *model, int argument)
{
    (void)argument;
    const struct node *node = ui_selected(ui, model, NULL);
    ui->has_all_events = !ui->has_all_events;
    ui->panel = ui->has_all_events                      ? UI_PANEL_EVENTS
                : node && node->role == HIVE_ROLE_DRONE ? UI_PANEL_DRONES
                                                        : UI_PANEL_QUEENS;
    return REACTION_NONE;
}

static unsigned go_back(struct ui *ui, const struct model *model, int argument)
{
    (void)model, (void)argument;
    ui_go_back(ui);
    return REACTION_NONE;
}

static unsigned open_screen(struct ui *ui, const struct model *model, int screen)
{
    bool is_there = screen == UI_SCREEN_LOGS ? ui->logs != NULL : ui->tasks != NULL;
    if (ui->screen == (enum ui_screen)screen)
        ui->screen = UI_SCREEN_MAIN;
    else if (is_there)
        ui->screen = (enum ui_screen)screen;
    else
        ui_say(ui, model, EVENT_WARNING, "there are no %s to show here",
               screen == UI_SCREEN_LOGS ? "logs" : "tasks");
    return REACTION_NONE;
}

static unsigned copy(struct ui *ui, const struct model *model, int argument)
{
    (void)argument;
    const struct node *node = ui_selected(ui, model, NULL);
    if (!node)
        return REACTION_NONE;
    copy_node(ui, node, ui->copy, sizeof ui->copy);
    ui_say(ui, model, EVENT_INFO, "%s of %s went to the clipboard",
           ui->has_details ? "the details" : "the address", node->name);
    return REACTION_COPY;
}

static unsigned sort(struct ui *ui, const struct model *model, int direction)
{
    ui_sort(ui, model, direction);
    return REACTION_CONFIG;
}

static unsigned seek(struct ui *ui, const struct model *model, int kind)
{
    (void)model;
    ui->seek = (enum seek_kind)kind;
    return REACTION_SEEK;
}

static unsigned ask(struct ui *ui, const struct model *model, int kind)
{
    ui_ask(ui, model, ui_selected(ui, model, NULL), (enum action_kind)kind);
    return REACTION_NONE;
}

static unsigned ask_pause(struct ui *ui, const struct model *model, int argument)
{
    (void)argument;
    const struct node *node = ui_selected(ui, model, NULL);
    ui_ask(ui, model, node, node && node->condition == CONDITION_PAUSED ? ACTION_RESUME : ACTION_PAUSE);
    return REACTION_NONE;
}

static unsigned ask_link(struct ui *ui, const struct model *model, int argument)
{
    (void)argument;
    ui_ask_link(ui, model);
    return REACTION_NONE;
}

static unsigned open_menu(struct ui *ui, const struct model *model, int kind)
{
    const struct node *node = ui_selected(ui, model, NULL);
    if (kind == MENU_ADD && ui->no_actions) {
        ui_say(ui, model, EVENT_WARNING, "%s", ui->no_actions);
        return REACTION_NONE;
    }
    if (kind == MENU_SIGNALS) {
        if (!ui_may_act(ui, model, node, ACTION_KILL))
            return REACTION_NONE;
        snprintf(ui->menu.node, sizeof ui->menu.node, "%.*s", HIVE_NAME_BYTES - 1, node->name);
        ui->menu.process = node->process;
    }
    menu_open(ui, (enum menu_kind)kind);
    return REACTION_NONE;
}

static unsigned list_clusters(struct ui *ui, const struct model *model, int argument)
{
    (void)ui, (void)model, (void)argument;
    return REACTION_CLUSTERS;
}

static unsigned open_input(struct ui *ui, const struct model *model, int argument)
{
    (void)model, (void)argument;
    ui->mode = UI_INPUT;
    ui->input[0] = '\0';
    return REACTION_NONE;
}

static unsigned change_interval(struct ui *ui, const struct model *model, int direction)
{
    ui->interval_ms = direction < 0 ? interval_shorter(ui->interval_ms) : interval_longer(ui->interval_ms);
    char text[FORMAT_BYTES];
    format_interval(ui->interval_ms, text);
    ui_say(ui, model, EVENT_INFO, "asking every node every %s", text);
    return REACTION_INTERVAL | REACTION_CONFIG;
}

static unsigned repaint(struct ui *ui, const struct model *model, int argument)
{
    (void)ui, (void)model, (void)argument;
    return REACTION_REPAINT;
}

/* clang-format off: a table is read by columns */
#define HERE       false, false
#define EVERYWHERE false, true
#define CHANGES    true, false
const struct key keys_table[] = {
    {{'j', KEYS_DOWN},
     "j Down",
     "Down",
     "the next node or, with the events in focus, the next line",
     KEYS_MOVE,
     HERE,
     move,
     1},
    {{'k', KEYS_UP}, "k Up", "Up", "the node before", KEYS_MOVE, HERE, move, -1},
    {{'g', KEYS_HOME}, "g Home", "First", "the first node", KEYS_MOVE, HERE, move, INT_MIN / 2},
    {{'G', KEYS_END}, "G End", "Last", "the last node", KEYS_MOVE, HERE, move, INT_MAX / 2},
    {{KEYS_PAGE_DOWN}, "PgDn", "Page down", "one page down", KEYS_MOVE, HERE, move_page, 1},
    {{KEYS_PAGE_UP}, "PgUp", "Page up", "one page up", KEYS_MOVE, HERE, move_page, -1},
    {{KEYS_TAB},
     "Tab",
     "Panel",
     "the next panel, of queens, drones and events",
     KEYS_MOVE,
     HERE,
     next_panel,
     1},
    {{KEYS_BACK_TAB}, "S-Tab", "Panel back", "the panel before", KEYS_MOVE, HERE, next_panel, -1},
    {{KEYS_ESCAPE},
     "Esc",
     "Back",
     "close what is open, then forget what was looked for, then the marks",
     KEYS_MOVE,
     EVERYWHERE,
     go_back,
     0},

    {{KEYS_ENTER},
     "Enter",
     "Info",
     "details of the selected node, or not",
     KEYS_LOOK,
     HERE,
     toggle_details,
     0},
    {{'/'},
     "/",
     "Find",
     "find a node (with the events in focus, an event) while you type",
     KEYS_LOOK,
     HERE,
     find,
     0},
    {{'n'}, "n", "Next", "the next that was looked for", KEYS_LOOK, HERE, find, 1},
    {{'N'}, "N", "Previous", "the one before that was looked for", KEYS_LOOK, HERE, find, -1},
    {{'>'}, ">", "Sort next", "sort by the next column", KEYS_LOOK, HERE, sort, 1},
    {{'<'}, "<", "Sort before", "sort by the column before", KEYS_LOOK, HERE, sort, -1},
    {{'I'}, "I", "Invert", "sort the other way round", KEYS_LOOK, HERE, sort, 0},
    {{'e'}, "e", "Events", "all events, on the whole screen, or not", KEYS_LOOK, HERE, toggle_events, 0},
    {{'c'},
     "c",
     "Consensus",
     "whether consensus holds: what was checked, and the evidence",
     KEYS_LOOK,
     HERE,
     open_evidence,
     0},
    {{'l'}, "l", "Log", "the nodes' logs", KEYS_LOOK, EVERYWHERE, open_screen, UI_SCREEN_LOGS},
    {{'t'}, "t", "Tasks", "the tasks", KEYS_LOOK, EVERYWHERE, open_screen, UI_SCREEN_TASKS},
    {{' '}, "Space", "Mark", "mark the node for X, or no longer", KEYS_LOOK, HERE, mark, 0},
    {{'y'},
     "y",
     "Copy",
     "copy the node's address, or its details where they are open",
     KEYS_LOOK,
     HERE,
     copy,
     0},

    {{'z'}, "z", "Freeze", "freeze the picture, or let it go on", KEYS_TIME, HERE, seek, SEEK_FREEZE},
    {{'['}, "[", "Scrub", "go back in time", KEYS_TIME, HERE, seek, SEEK_BACK},
    {{']'}, "]", "Forward", "go forward in time", KEYS_TIME, HERE, seek, SEEK_FORWARD},
    {{'{'},
     "{",
     "Election before",
     "go to the election before",
     KEYS_TIME,
     HERE,
     seek,
     SEEK_PREVIOUS_ELECTION},
    {{'}'}, "}", "Next election", "go to the next election", KEYS_TIME, HERE, seek, SEEK_NEXT_ELECTION},
    {{'0'}, "0", "Live", "back to what is happening now", KEYS_TIME, HERE, seek, SEEK_LIVE},

    {{'S'}, "S", "Submit", "submit a text task, which is typed then", KEYS_CHANGE, CHANGES, open_input, 0},
    {{'P'},
     "P",
     "Pause",
     "pause the node (SIGSTOP), or let a paused one go on",
     KEYS_CHANGE,
     CHANGES,
     ask_pause,
     0},
    {{'R'},
     "R",
     "Restart",
     "restart the node, dead or alive, on its address and data",
     KEYS_CHANGE,
     CHANGES,
     ask,
     ACTION_RESTART},
    {{'K'}, "K", "Kill", "kill the node as a crash would (SIGKILL)", KEYS_CHANGE, CHANGES, ask, ACTION_KILL},
    {{'T'}, "T", "Terminate", "have the node end properly (SIGTERM)", KEYS_CHANGE, CHANGES, ask, ACTION_STOP},
    {{KEYS_F9},
     "F9",
     "Signal",
     "choose a signal for the node",
     KEYS_CHANGE,
     CHANGES,
     open_menu,
     MENU_SIGNALS},
    {{'X'},
     "X",
     "Cut",
     "cut the link between the two marked nodes, or heal it",
     KEYS_CHANGE,
     CHANGES,
     ask_link,
     0},
    {{'L'},
     "L",
     "Lead",
     "hand the leadership to the selected queen",
     KEYS_CHANGE,
     CHANGES,
     ask,
     ACTION_TRANSFER},
    {{'A'}, "A", "Add", "add a queen or a drone", KEYS_CHANGE, CHANGES, open_menu, MENU_ADD},

    {{'?', 'h', KEYS_F1}, "? h F1", "Help", "this help", KEYS_PROGRAM, EVERYWHERE, open_help, 0},
    {{':'},
     ":",
     "Palette",
     "all commands and nodes, found by a few letters",
     KEYS_PROGRAM,
     EVERYWHERE,
     open_menu,
     MENU_PALETTE},
    {{'C'},
     "C",
     "Cluster",
     "watch another cluster of this machine",
     KEYS_PROGRAM,
     EVERYWHERE,
     list_clusters,
     0},
    {{'+', '='}, "+", "Slower", "ask the nodes less often", KEYS_PROGRAM, EVERYWHERE, change_interval, 1},
    {{'-'}, "-", "Faster", "ask the nodes more often", KEYS_PROGRAM, EVERYWHERE, change_interval, -1},
    {{KEYS_CONTROL_L}, "^L", "Redraw", "draw the screen anew", KEYS_PROGRAM, EVERYWHERE, repaint, 0},
    {{'q', KEYS_F10},
     "q F10",
     "Quit",
     "leave the dashboard, while the cluster goes on",
     KEYS_PROGRAM,
     EVERYWHERE,
     quit,
     0},
    {{'f', '&'},
     "f &",
     "Filter",
     "show lines with a text only, while you type; ~expression, !not",
     KEYS_LOGS,
     HERE,
     NULL,
     0},
    {{'/'}, "/", "Find", "highlight a text, and go to the last line that has it", KEYS_LOGS, HERE, NULL, 0},
    {{'F'}, "F", "Follow", "show what is written as it is written, or stand still", KEYS_LOGS, HERE, NULL, 0},
    {{'a'},
     "a",
     "All",
     "the logs of all nodes, or of the selected (or marked) ones",
     KEYS_LOGS,
     HERE,
     NULL,
     0},
    {{'w'},
     "w",
     "Wrap",
     "long lines go on below, or beyond the edge (Left, Right)",
     KEYS_LOGS,
     HERE,
     NULL,
     0},
    {{'T'}, "T", "Time", "the time of day, how long ago, or none", KEYS_LOGS, HERE, NULL, 0},
    {{'1', '2', '3', '4'},
     "1 2 3 4",
     "Level",
     "debug, info, warning or error, and what is worse",
     KEYS_LOGS,
     HERE,
     NULL,
     0},
    {{'s'}, "s", "Save", "the lines that are shown to a file", KEYS_LOGS, HERE, NULL, 0},
    {{'n'}, "n N", "Next", "the next line above (below) that was looked for", KEYS_LOGS, HERE, NULL, 0},
    {{KEYS_TAB},
     "Tab S-Tab",
     "Node",
     "the log of the next node, or the one before",
     KEYS_LOGS,
     HERE,
     NULL,
     0},
    {{'g'}, "g Home", "First", "the first line that can be read", KEYS_LOGS, HERE, NULL, 0},
    {{'G'}, "G End", "Last", "the last line, and follow", KEYS_LOGS, HERE, NULL, 0},

    {{KEYS_ENTER},
     "Enter",
     "Info",
     "all of the selected task, with its whole text",
     KEYS_TASKS,
     HERE,
     NULL,
     0},
    {{'f'},
     "f",
     "State",
     "show all, those that wait, are at work, went wrong or are done; 1 to 5",
     KEYS_TASKS,
     HERE,
     NULL,
     0},
    {{'/'}, "/", "Find", "find a task by anything that shows", KEYS_TASKS, HERE, NULL, 0},
    {{'n'},
     "n N",
     "Next",
     "the next task, or the one before, that was looked for",
     KEYS_TASKS,
     HERE,
     NULL,
     0},
    {{'g'}, "g Home", "Newest", "the newest task, and those that come", KEYS_TASKS, HERE, NULL, 0},
    {{'G'}, "G End", "Oldest", "the oldest task that is still known", KEYS_TASKS, HERE, NULL, 0},

    {{0}, NULL, NULL, NULL, KEYS_MOVE, HERE, NULL, 0},
};
/* clang-format on */

const struct key *keys_find(int code)
{
    for (const struct key *key = keys_table; key->name; key++) {
        for (size_t i = 0; key->act && i < sizeof key->codes / sizeof *key->codes && key->codes[i]; i++) {
            if (key->codes[i] == code)
                return key;
        }
    }
    return NULL;
}

bool keys_is_valid(const struct ui *ui, const struct key *key)
{
    return key->act && (key->is_everywhere || ui->screen == UI_SCREEN_MAIN);
}

unsigned keys_press(struct ui *ui, const struct model *model, int code)
{
    const struct key *key = keys_find(code);
    if (!key || !keys_is_valid(ui, key))
        return REACTION_NONE;
    if (key->changes && ui->is_readonly)
        ui_say(ui, model, EVENT_WARNING, "%s: %s, and changes nothing", key->word,
               ui->replay[0] ? "this is a recording" : "this dashboard is read-only");
    else if (key->changes && (ui->shown_ms || ui->is_frozen))
        ui_say(ui, model, EVENT_WARNING, "%s: you look at the past; 0 goes back", key->word);
    else
        return key->act(ui, model, key->argument);
    return REACTION_NONE;
}
