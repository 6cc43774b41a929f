/* Everything that can be pressed. A new key is a new line in this table and nothing else. */
#include "keys.h"

#include <limits.h>

#include "format.h"

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

static unsigned move(struct ui *ui, const struct model *model, int rows)
{
    ui_move(ui, model, rows);
    return REACTION_NONE;
}

static unsigned move_page(struct ui *ui, const struct model *model, int pages)
{
    ui_move(ui, model, pages * ui->page_rows);
    return REACTION_NONE;
}

static unsigned ask(struct ui *ui, const struct model *model, int kind)
{
    ui_ask(ui, model, (enum action_kind)kind);
    return REACTION_NONE;
}

static unsigned ask_pause(struct ui *ui, const struct model *model, int argument)
{
    (void)argument;
    const struct node *node = ui_selected(ui, model, NULL);
    ui_ask(ui, model, node && node->condition == CONDITION_PAUSED ? ACTION_RESUME : ACTION_PAUSE);
    return REACTION_NONE;
}

static unsigned open_input(struct ui *ui, const struct model *model, int argument)
{
    (void)model, (void)argument;
    ui->mode = UI_INPUT;
    ui->input[0] = '\0';
    ui->input_bytes = 0;
    return REACTION_NONE;
}

static unsigned change_interval(struct ui *ui, const struct model *model, int direction)
{
    ui->interval_ms = direction < 0 ? interval_shorter(ui->interval_ms) : interval_longer(ui->interval_ms);
    char text[FORMAT_BYTES];
    format_interval(ui->interval_ms, text);
    ui_say(ui, model, EVENT_INFO, "asking every node every %s", text);
    return REACTION_INTERVAL;
}

static unsigned repaint(struct ui *ui, const struct model *model, int argument)
{
    (void)ui, (void)model, (void)argument;
    return REACTION_REPAINT;
}

const struct key keys_table[] = {
    {{'?', 'h', KEYS_F1}, "? h F1", "Help", "this help", false, open_help, 0},
    {{'q', KEYS_F10}, "q F10", "Quit", "leave the dashboard; the cluster goes on", false, quit, 0},
    {{'j', KEYS_DOWN}, "j Down", NULL, "select the next node", false, move, 1},
    {{'k', KEYS_UP}, "k Up", NULL, "select the node before", false, move, -1},
    {{'g', KEYS_HOME}, "g Home", NULL, "select the first node", false, move, INT_MIN / 2},
    {{'G', KEYS_END}, "G End", NULL, "select the last node", false, move, INT_MAX / 2},
    {{KEYS_PAGE_DOWN}, "PgDn", NULL, "one page down", false, move_page, 1},
    {{KEYS_PAGE_UP}, "PgUp", NULL, "one page up", false, move_page, -1},
    {{'K'}, "K", "Kill", "kill the selected node: SIGKILL, as a crash would", true, ask, ACTION_KILL},
    {{'P'}, "P", "Pause", "pause the selected node (SIGSTOP), or let a paused one go on", true, ask_pause, 0},
    {{'R'},
     "R",
     "Restart",
     "restart the selected node, dead or alive, on its address and data",
     true,
     ask,
     ACTION_RESTART},
    {{'S'}, "S", "Submit", "submit a text task: type the text, then Enter", true, open_input, 0},
    {{'+', '='}, "+", NULL, "ask the nodes less often", false, change_interval, 1},
    {{'-'}, "-", NULL, "ask the nodes more often", false, change_interval, -1},
    {{KEYS_CONTROL_L}, "^L", NULL, "draw the screen anew", false, repaint, 0},
    {{0}, NULL, NULL, NULL, false, NULL, 0},
};

const struct key *keys_find(int code)
{
    for (const struct key *key = keys_table; key->name; key++) {
        for (size_t i = 0; i < sizeof key->codes / sizeof *key->codes && key->codes[i]; i++) {
            if (key->codes[i] == code)
                return key;
        }
    }
    return NULL;
}
