/* What the menus offer and what comes of it. Whatever a line does, it does it the way a key would: with the same questions
 * and the same refusals. */
#include "menu.h"

#include "fuzzy.h"
#include "keys.h"
#include "line.h"
#include "palette.h"
#include "ui.h"

void menu_open(struct ui *ui, enum menu_kind kind)
{
    ui->menu.kind = kind;
    ui->menu.at = 0;
    ui->menu.filter[0] = '\0';
    ui->mode = UI_MENU;
}

const char *menu_title(const struct ui *ui, char *text, size_t bytes)
{
    switch (ui->menu.kind) {
    case MENU_SIGNALS:
        snprintf(text, bytes, "Send to %s", ui->menu.node);
        break;
    case MENU_ADD:
        snprintf(text, bytes, "Add a node");
        break;
    case MENU_CLUSTERS_LIST:
        snprintf(text, bytes, "Clusters that run here");
        break;
    case MENU_PALETTE:
        snprintf(text, bytes, ":%s", ui->menu.filter);
        break;
    }
    return text;
}

/* ---- lines ---- */

static const struct menu_line signals[] = {
    {"SIGTERM", "terminate", MENU_ACTION, ACTION_STOP},
    {"SIGKILL", "kill", MENU_ACTION, ACTION_KILL},
    {"SIGSTOP", "pause", MENU_ACTION, ACTION_PAUSE},
    {"SIGCONT", "resume", MENU_ACTION, ACTION_RESUME},
};

static const struct menu_line additions[] = {
    {"a drone", "it runs tasks", MENU_ACTION, ACTION_ADD_DRONE},
    {"a queen", "it joins the Raft group", MENU_ACTION, ACTION_ADD_QUEEN},
};

/* The best lines so far, in order; those that fit equally well stay in the order in which they came. */
struct best {
    struct menu_line *lines;
    int scores[MENU_LINES];
    size_t count;
};

static void offer(struct best *best, int score, const struct menu_line *line)
{
    size_t at = best->count;
    while (at > 0 && best->scores[at - 1] < score)
        at--;
    if (score < 0 || at == MENU_LINES)
        return;
    size_t moved = (best->count < MENU_LINES ? best->count : MENU_LINES - 1) - at;
    memmove(&best->lines[at + 1], &best->lines[at], moved * sizeof *line);
    memmove(&best->scores[at + 1], &best->scores[at], moved * sizeof *best->scores);
    best->lines[at] = *line;
    best->scores[at] = score;
    best->count = at + moved + 1;
}

static size_t palette_lines(const struct ui *ui, const struct model *model, struct menu_line *lines)
{
    struct best best = {.lines = lines};
    const char *filter = ui->menu.filter;
    for (const struct key *key = keys_table; key->name; key++) {
        if (!key->act || key->group == KEYS_MOVE || key->codes[0] == ':' || !keys_is_valid(ui, key))
            continue;
        struct menu_line line = {.choice = MENU_KEY, .value = key->codes[0]};
        snprintf(line.text, sizeof line.text, "%s: %s", key->word, key->help);
        snprintf(line.hint, sizeof line.hint, "%s", key->name);
        offer(&best, fuzzy_score(filter, line.text), &line);
    }
    for (int i = 0; palette_names[i]; i++) {
        struct menu_line line = {.choice = MENU_THEME, .value = i};
        snprintf(line.text, sizeof line.text, "Theme: %s", palette_names[i]);
        if (strcmp(ui->theme[0] ? ui->theme : palette_names[0], palette_names[i]) == 0)
            snprintf(line.hint, sizeof line.hint, "this one");
        offer(&best, fuzzy_score(filter, line.text), &line);
    }
    for (size_t i = 0; i < model->node_count; i++) {
        struct menu_line line = {.choice = MENU_NODE, .value = (int)i};
        snprintf(line.text, sizeof line.text, "%.*s", HIVE_NAME_BYTES, model->nodes[i]->name);
        snprintf(line.hint, sizeof line.hint, "%s", model->nodes[i]->address);
        int by_name = fuzzy_score(filter, line.text), by_address = fuzzy_score(filter, line.hint);
        offer(&best, by_name > by_address ? by_name : by_address, &line);
    }
    return best.count;
}

static size_t fixed_lines(const struct menu_line *from, size_t count, struct menu_line *lines)
{
    memcpy(lines, from, count * sizeof *lines);
    return count;
}

size_t menu_lines(const struct ui *ui, const struct model *model, struct menu_line lines[MENU_LINES])
{
    switch (ui->menu.kind) {
    case MENU_SIGNALS:
        return fixed_lines(signals, sizeof signals / sizeof *signals, lines);
    case MENU_ADD:
        return fixed_lines(additions, sizeof additions / sizeof *additions, lines);
    case MENU_CLUSTERS_LIST:
        for (size_t i = 0; i < ui->menu.cluster_count; i++) {
            lines[i] = (struct menu_line){.choice = MENU_CLUSTER, .value = (int)i};
            snprintf(lines[i].text, sizeof lines[i].text, "%s", ui->menu.clusters[i]);
            if (strcmp(ui->menu.clusters[i], model->cluster) == 0)
                snprintf(lines[i].hint, sizeof lines[i].hint, "this one");
        }
        return ui->menu.cluster_count;
    case MENU_PALETTE:
        return palette_lines(ui, model, lines);
    }
    return 0;
}

/* ---- choosing ---- */

static unsigned choose_action(struct ui *ui, const struct model *model, enum action_kind kind)
{
    if (ui->menu.kind == MENU_ADD) {
        ui->action = (struct action){.kind = kind};
        ui_say(ui, model, EVENT_INFO, "adding %s", kind == ACTION_ADD_QUEEN ? "a queen" : "a drone");
        return REACTION_ACT;
    }
    const struct node *node = model_node_named(model, ui->menu.node);
    if (!node || node->process.pid != ui->menu.process.pid ||
        node->process.started_at != ui->menu.process.started_at)
        ui_say(ui, model, EVENT_WARNING, "%s is another process by now; nothing was done", ui->menu.node);
    else
        ui_ask(ui, model, node, kind);
    return REACTION_NONE;
}

unsigned menu_choose(struct ui *ui, const struct model *model, int at)
{
    struct menu_line lines[MENU_LINES];
    size_t count = menu_lines(ui, model, lines);
    ui->mode = UI_TABLES;
    if (at < 0 || (size_t)at >= count)
        return REACTION_NONE;
    const struct menu_line *line = &lines[at];
    switch (line->choice) {
    case MENU_KEY:
        return keys_press(ui, model, line->value);
    case MENU_NODE:
        ui_select(ui, model->nodes[line->value]);
        return REACTION_NONE;
    case MENU_ACTION:
        return choose_action(ui, model, (enum action_kind)line->value);
    case MENU_CLUSTER:
        snprintf(ui->cluster, sizeof ui->cluster, "%s", ui->menu.clusters[line->value]);
        return REACTION_CLUSTER;
    case MENU_THEME:
        snprintf(ui->theme, sizeof ui->theme, "%s", palette_names[line->value]);
        return REACTION_THEME | REACTION_CONFIG;
    }
    return REACTION_NONE;
}

static void move(struct ui *ui, const struct model *model, int lines_down)
{
    struct menu_line lines[MENU_LINES];
    int count = (int)menu_lines(ui, model, lines);
    ui->menu.at += lines_down;
    if (ui->menu.at >= count)
        ui->menu.at = count - 1;
    if (ui->menu.at < 0)
        ui->menu.at = 0;
}

unsigned menu_key(struct ui *ui, const struct model *model, int key)
{
    bool is_typed = ui->menu.kind == MENU_PALETTE;
    switch (key) {
    case KEYS_ENTER:
        return menu_choose(ui, model, ui->menu.at);
    case KEYS_ESCAPE:
        ui->mode = UI_TABLES;
        return REACTION_NONE;
    case KEYS_UP:
    case KEYS_DOWN:
        move(ui, model, key == KEYS_DOWN ? 1 : -1);
        return REACTION_NONE;
    case KEYS_PAGE_UP:
    case KEYS_PAGE_DOWN:
        move(ui, model, key == KEYS_PAGE_DOWN ? 10 : -10);
        return REACTION_NONE;
    default:
        break;
    }
    if (is_typed) {
        if (line_key(ui->menu.filter, sizeof ui->menu.filter, key))
            ui->menu.at = 0;
    } else if (key == 'j' || key == 'k') {
        move(ui, model, key == 'j' ? 1 : -1);
    } else {
        ui->mode = UI_TABLES;
    }
    return REACTION_NONE;
}
