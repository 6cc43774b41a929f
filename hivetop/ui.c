/* What keys do to the interface. Nothing here touches a node: an action leaves only through a dialog that was
 * answered with yes, and names the process that it was asked about. */
#include "ui.h"

#include <stdarg.h>

#include "keys.h"

void ui_init(struct ui *ui, int64_t interval_ms)
{
    *ui = (struct ui){.interval_ms = interval_ms, .page_rows = 1};
}

void ui_say(struct ui *ui, const struct model *model, enum event_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ui->status, sizeof ui->status, format, arguments);
    va_end(arguments);
    ui->status_level = level;
    ui->status_until_ms = model->now_ms + UI_STATUS_SHOW_MS;
}

bool ui_has_status(const struct ui *ui, const struct model *model)
{
    return ui->status[0] && model->now_ms < ui->status_until_ms;
}

const struct node *ui_selected(const struct ui *ui, const struct model *model, size_t *at)
{
    if (model->node_count == 0)
        return NULL;
    size_t i = 0;
    while (i < model->node_count && strcmp(model->nodes[i]->address, ui->selected) != 0)
        i++;
    if (i == model->node_count)
        i = 0;
    if (at)
        *at = i;
    return model->nodes[i];
}

bool ui_is_marked(const struct ui *ui, const struct node *node)
{
    for (int i = 0; i < UI_MARKS; i++) {
        if (strcmp(ui->marked[i], node->address) == 0)
            return true;
    }
    return false;
}

void ui_move(struct ui *ui, const struct model *model, int rows)
{
    size_t at;
    if (!ui_selected(ui, model, &at))
        return;
    long target = (long)at + rows, last = (long)model->node_count - 1;
    target = target < 0 ? 0 : target > last ? last : target;
    snprintf(ui->selected, sizeof ui->selected, "%s", model->nodes[target]->address);
}

void ui_ask(struct ui *ui, const struct model *model, enum action_kind kind)
{
    const struct node *node = ui_selected(ui, model, NULL);
    if (ui->no_actions) {
        ui_say(ui, model, EVENT_WARNING, "%s", ui->no_actions);
        return;
    }
    if (!node || !node->is_supervised) {
        ui_say(ui, model, EVENT_WARNING, "there is no node to %s", action_words[kind].path);
        return;
    }
    if (node->process.pid <= 0 && kind != ACTION_RESTART) {
        ui_say(ui, model, EVENT_WARNING, "%s does not run; press R to start it again", node->name);
        return;
    }
    snprintf(ui->selected, sizeof ui->selected, "%s", node->address);
    ui->action = (struct action){.kind = kind, .process = node->process};
    snprintf(ui->action.node, sizeof ui->action.node, "%.*s", HIVE_NAME_BYTES - 1, node->name);
    ui->is_yes_chosen = false;
    ui->mode = UI_DIALOG;
}

/* Yes was said. The launcher checks the process too; looking here as well tells why at once, and guards a
 * node that did not run when the dialog opened. */
static unsigned confirm(struct ui *ui, const struct model *model)
{
    const struct node *node = model_node_named(model, ui->action.node);
    ui->mode = UI_TABLES;
    if (!node || node->process.pid != ui->action.process.pid ||
        node->process.started_at != ui->action.process.started_at) {
        ui_say(ui, model, EVENT_WARNING, "%s is another process by now; nothing was done", ui->action.node);
        return REACTION_NONE;
    }
    ui_say(ui, model, EVENT_INFO, "%s %s", action_words[ui->action.kind].doing, ui->action.node);
    return REACTION_ACT;
}

static unsigned dialog_key(struct ui *ui, const struct model *model, int key)
{
    switch (key) {
    case 'y':
    case 'Y':
        return confirm(ui, model);
    case KEYS_LEFT:
    case KEYS_RIGHT:
    case '\t':
        ui->is_yes_chosen = !ui->is_yes_chosen;
        return REACTION_NONE;
    case KEYS_ENTER:
        if (ui->is_yes_chosen)
            return confirm(ui, model);
        break;
    default:
        break;
    }
    ui->mode = UI_TABLES;
    ui_say(ui, model, EVENT_INFO, "%s was left alone", ui->action.node);
    return REACTION_NONE;
}

static void erase_character(struct ui *ui)
{
    while (ui->input_bytes > 0 && ((unsigned char)ui->input[--ui->input_bytes] & 0xc0) == 0x80)
        continue;
    ui->input[ui->input_bytes] = '\0';
}

static void erase_word(struct ui *ui)
{
    while (ui->input_bytes > 0 && ui->input[ui->input_bytes - 1] == ' ')
        erase_character(ui);
    while (ui->input_bytes > 0 && ui->input[ui->input_bytes - 1] != ' ')
        erase_character(ui);
}

/* Appends the character as UTF-8, which is what JSON is made of. */
static void type_character(struct ui *ui, int key)
{
    unsigned rune = (unsigned)key;
    char bytes[4];
    size_t count = 0;
    if (rune < 0x80) {
        bytes[count++] = (char)rune;
    } else if (rune < 0x800) {
        bytes[count++] = (char)(0xc0 | rune >> 6);
    } else if (rune < 0x10000) {
        bytes[count++] = (char)(0xe0 | rune >> 12);
        bytes[count++] = (char)(0x80 | (rune >> 6 & 0x3f));
    } else {
        bytes[count++] = (char)(0xf0 | rune >> 18);
        bytes[count++] = (char)(0x80 | (rune >> 12 & 0x3f));
        bytes[count++] = (char)(0x80 | (rune >> 6 & 0x3f));
    }
    if (rune >= 0x80)
        bytes[count++] = (char)(0x80 | (rune & 0x3f));
    if (ui->input_bytes + count >= sizeof ui->input)
        return;
    memcpy(ui->input + ui->input_bytes, bytes, count);
    ui->input_bytes += count;
    ui->input[ui->input_bytes] = '\0';
}

static unsigned input_key(struct ui *ui, const struct model *model, int key)
{
    switch (key) {
    case KEYS_ENTER:
        ui->mode = UI_TABLES;
        return ui->input_bytes > 0 ? REACTION_SUBMIT : REACTION_NONE;
    case KEYS_ESCAPE:
        ui->mode = UI_TABLES;
        ui_say(ui, model, EVENT_INFO, "nothing was submitted");
        return REACTION_NONE;
    case KEYS_BACKSPACE:
        erase_character(ui);
        return REACTION_NONE;
    case KEYS_CONTROL_W:
        erase_word(ui);
        return REACTION_NONE;
    case KEYS_CONTROL_U:
        ui->input_bytes = 0;
        ui->input[0] = '\0';
        return REACTION_NONE;
    default:
        if (key >= ' ' && key < KEYS_UP)
            type_character(ui, key);
        return REACTION_NONE;
    }
}

static void help_key(struct ui *ui, int key)
{
    int lines = 0;
    while (keys_table[lines].name)
        lines++;
    if (key == 'j' || key == KEYS_DOWN)
        ui->help_first++;
    else if (key == 'k' || key == KEYS_UP)
        ui->help_first--;
    else if (key == KEYS_PAGE_DOWN)
        ui->help_first += ui->page_rows;
    else if (key == KEYS_PAGE_UP)
        ui->help_first -= ui->page_rows;
    else
        ui->mode = UI_TABLES;
    if (ui->help_first > lines - 1)
        ui->help_first = lines - 1;
    if (ui->help_first < 0)
        ui->help_first = 0;
}

unsigned ui_key(struct ui *ui, const struct model *model, int key)
{
    if (key == KEYS_NONE || key == KEYS_RESIZE)
        return REACTION_NONE;
    if (key == KEYS_CONTROL_L)
        return REACTION_REPAINT;
    ui->status[0] = '\0'; /* whoever goes on has read it */
    switch (ui->mode) {
    case UI_DIALOG:
        return dialog_key(ui, model, key);
    case UI_INPUT:
        return input_key(ui, model, key);
    case UI_HELP:
        help_key(ui, key);
        return REACTION_NONE;
    case UI_FIND:
    case UI_MENU:
    case UI_TABLES:
        break;
    }
    const struct key *entry = keys_find(key);
    return entry ? entry->act(ui, model, entry->argument) : REACTION_NONE;
}
