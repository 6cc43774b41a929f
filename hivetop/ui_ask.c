/* The dialogs: what is asked before anything is done to the cluster, and what counts as a yes. */
#include "keys.h"
#include "line.h"
#include "quorum.h"
#include "summary.h"
#include "ui.h"

bool ui_may_act(struct ui *ui, const struct model *model, const struct node *node, enum action_kind kind)
{
    if (ui->no_actions)
        ui_say(ui, model, EVENT_WARNING, "%s", ui->no_actions);
    else if (!node || !node->is_supervised)
        ui_say(ui, model, EVENT_WARNING, "there is no node to %s", action_words[kind].path);
    else if (node->process.pid <= 0 && kind != ACTION_RESTART)
        ui_say(ui, model, EVENT_WARNING, "%s does not run; press R to start it again", node->name);
    else
        return true;
    return false;
}

void ui_ask_bound(struct ui *ui, const struct model *model)
{
    ui->is_yes_chosen = false;
    ui->needs_name = ui->action.kind != ACTION_RESTART && quorum_is_lost_by(model, &ui->action);
    ui->input[0] = '\0';
    ui->mode = UI_DIALOG;
}

static void ask_transfer(struct ui *ui, const struct model *model, const struct node *node)
{
    struct summary summary;
    summary_of(model, &summary);
    if (!node || node->role != HIVE_ROLE_QUEEN || !node->has_health || !node->health.id[0]) {
        ui_say(ui, model, EVENT_WARNING, "only a queen that answers can lead; select one");
    } else if (!summary.leader) {
        ui_say(ui, model, EVENT_WARNING, "nobody leads who could hand the leadership over");
    } else if (node == summary.leader) {
        ui_say(ui, model, EVENT_WARNING, "%s leads already; select the queen that shall", node->name);
    } else {
        ui->action = (struct action){.kind = ACTION_TRANSFER};
        snprintf(ui->action.node, sizeof ui->action.node, "%.*s", HIVE_NAME_BYTES - 1, node->name);
        snprintf(ui->action.member, sizeof ui->action.member, "%s", node->health.id);
        ui_ask_bound(ui, model);
    }
}

void ui_ask(struct ui *ui, const struct model *model, const struct node *node, enum action_kind kind)
{
    if (kind == ACTION_TRANSFER) {
        ask_transfer(ui, model, node);
        return;
    }
    if (!ui_may_act(ui, model, node, kind))
        return;
    ui_select(ui, node);
    ui->action = (struct action){.kind = kind, .process = node->process};
    snprintf(ui->action.node, sizeof ui->action.node, "%.*s", HIVE_NAME_BYTES - 1, node->name);
    ui_ask_bound(ui, model);
}

void ui_ask_link(struct ui *ui, const struct model *model)
{
    const struct node *ends[UI_MARKS] = {0};
    int count = 0;
    for (int i = 0; i < UI_MARKS; i++) {
        ends[count] = ui->marked[i][0] ? model_node(model, ui->marked[i]) : NULL;
        count += ends[count] != NULL;
    }
    if (ui->no_actions) {
        ui_say(ui, model, EVENT_WARNING, "%s", ui->no_actions);
        return;
    }
    if (count < UI_MARKS) {
        ui_say(ui, model, EVENT_WARNING,
               "X cuts the link between two nodes: mark them with the space bar (%d of 2 are)", count);
        return;
    }
    for (int i = 0; i < UI_MARKS; i++) {
        if (ends[i]->has_health && !ends[i]->health.can_fault) {
            ui_say(ui, model, EVENT_WARNING, "%s takes no faults: it was started without --enable-faults",
                   ends[i]->name);
            return;
        }
    }
    ui->action = (struct action){.kind = quorum_is_cut(ends[0], ends[1]) ? ACTION_HEAL : ACTION_CUT};
    snprintf(ui->action.node, sizeof ui->action.node, "%.*s", HIVE_NAME_BYTES - 1, ends[0]->name);
    snprintf(ui->action.other, sizeof ui->action.other, "%.*s", HIVE_NAME_BYTES - 1, ends[1]->name);
    ui_ask_bound(ui, model);
}

/* Yes was said. The launcher checks the process too; looking here as well tells why at once, and guards a
 * node that did not run when the dialog opened. */
static unsigned confirm(struct ui *ui, const struct model *model)
{
    const struct action *action = &ui->action;
    const struct node *node = model_node_named(model, action->node);
    char object[3 * HIVE_NAME_BYTES];
    ui->mode = UI_TABLES;
    if (!node || (action_is_on_process(action) && (node->process.pid != action->process.pid ||
                                                   node->process.started_at != action->process.started_at))) {
        ui_say(ui, model, EVENT_WARNING, "%s is another process by now; nothing was done", action->node);
        return REACTION_NONE;
    }
    action_object(action, object, sizeof object);
    ui_say(ui, model, EVENT_INFO, "%s %s", action_words[action->kind].doing, object);
    return REACTION_ACT;
}

static unsigned leave(struct ui *ui, const struct model *model)
{
    char object[3 * HIVE_NAME_BYTES];
    action_object(&ui->action, object, sizeof object);
    ui->mode = UI_TABLES;
    ui_say(ui, model, EVENT_INFO, "%s was left alone", object);
    return REACTION_NONE;
}

/* The majority is at stake: a habit of pressing y must not be enough. */
static unsigned name_key(struct ui *ui, const struct model *model, int key)
{
    if (line_key(ui->input, HIVE_NAME_BYTES, key))
        return REACTION_NONE;
    if (key == KEYS_ENTER && strcmp(ui->input, ui->action.node) == 0)
        return confirm(ui, model);
    return key == KEYS_ENTER || key == KEYS_ESCAPE ? leave(ui, model) : REACTION_NONE;
}

unsigned ui_dialog_key(struct ui *ui, const struct model *model, int key)
{
    if (ui->needs_name)
        return name_key(ui, model, key);
    switch (key) {
    case 'y':
    case 'Y':
        return confirm(ui, model);
    case KEYS_LEFT:
    case KEYS_RIGHT:
    case KEYS_TAB:
        ui->is_yes_chosen = !ui->is_yes_chosen;
        return REACTION_NONE;
    case KEYS_ENTER:
        return ui->is_yes_chosen ? confirm(ui, model) : leave(ui, model);
    default:
        return leave(ui, model);
    }
}
