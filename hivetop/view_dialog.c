/* The question before anything is done to a node. It names the node and the very process, and No is what
 * Enter says. */
#include "view.h"

#define LINES        5 /* question, effect, warning, blank, answers */
#define BOX_ROWS     (LINES + 2)
#define ANSWER_WIDTH 7 /* "[ Yes ]" */

static void warn(const struct view *view, char *text, size_t bytes)
{
    const struct action *action = &view->ui->action;
    const struct node *node = model_node_named(view->model, action->node);
    const struct summary *summary = &view->summary;
    text[0] = '\0';
    if (!node || node->role != HIVE_ROLE_QUEEN || node->condition != CONDITION_UP ||
        action->kind == ACTION_RESUME)
        return;
    if (summary->spare <= 0)
        snprintf(text, bytes, "The majority is lost with it: %d of %d queens stay", summary->queens_up - 1,
                 summary->queens);
    else if (node == summary->leader)
        snprintf(text, bytes, "It leads: the other queens will elect a new leader");
}

static void draw_answers(const struct ui *ui, struct cells *cells, int column, int row, int width)
{
    struct {
        const char *text;
        bool is_chosen;
    } answers[] = {{ui->is_yes_chosen ? "  No" : "[ No ]", !ui->is_yes_chosen},
                   {ui->is_yes_chosen ? "[ Yes ]" : "  Yes", ui->is_yes_chosen}};
    for (int i = 0; i < 2; i++) {
        int left = i * (ANSWER_WIDTH + 1);
        if (left < width)
            cells_put(cells, column + left, row, width - left < ANSWER_WIDTH ? width - left : ANSWER_WIDTH,
                      answers[i].is_chosen ? STYLE_BUTTON : STYLE_DIALOG, answers[i].text);
    }
}

static void draw_line(const struct ui *ui, struct cells *cells, struct area area, const char *question)
{
    int row = area.row + (area.rows > 1 ? area.rows - 1 : 0);
    char text[256];
    snprintf(text, sizeof text, "%s %s", question, ui->is_yes_chosen ? "n/[Y]" : "y/[N]");
    cells_wipe(cells, (struct area){area.column, row, area.columns, 1}, STYLE_DIALOG);
    cells_put(cells, area.column, row, area.columns, STYLE_DIALOG, text);
}

void view_dialog(const struct view *view, struct cells *cells, struct area area)
{
    char question[128], warning[128];
    action_question(&view->ui->action, question, sizeof question);
    warn(view, warning, sizeof warning);
    const char *lines[] = {question, action_words[view->ui->action.kind].effect, warning};

    int width = 2 * ANSWER_WIDTH + 1;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int columns = cells_width(lines[i]);
        width = columns > width ? columns : width;
    }
    if (area.rows < BOX_ROWS || area.columns < cells_width(question) + 4) {
        draw_line(view->ui, cells, area, question);
        return;
    }
    struct area box = {.columns = width + 4, .rows = BOX_ROWS};
    if (box.columns > area.columns)
        box.columns = area.columns;
    box.column = area.column + (area.columns - box.columns) / 2;
    box.row = area.row + (area.rows - box.rows) / 2;
    cells_wipe(cells, box, STYLE_DIALOG);
    cells_rule(cells, box.column, box.row, box.columns, STYLE_DIALOG);
    cells_rule(cells, box.column, box.row + box.rows - 1, box.columns, STYLE_DIALOG);
    for (int i = 0; i < (int)(sizeof lines / sizeof *lines); i++)
        cells_put(cells, box.column + 2, box.row + 1 + i, box.columns - 4, STYLE_DIALOG, lines[i]);
    draw_answers(view->ui, cells, box.column + 2, box.row + box.rows - 2, box.columns - 4);
}
