/* The question before anything is done to a node. It names the node and the very process, and No is what
 * Enter says. */
#include "quorum.h"
#include "tag.h"
#include "view.h"

#define LINES        5 /* question, effect, warning, blank, answers (or what must be typed) */
#define BOX_ROWS     (LINES + 2)
#define ANSWER_WIDTH 7 /* "[ Yes ]" */

static void warn(const struct view *view, char *text, size_t bytes)
{
    const struct action *action = &view->ui->action;
    const struct node *node = model_node_named(view->model, action->node);
    const struct summary *summary = &view->summary;
    text[0] = '\0';
    if (quorum_is_lost_by(view->model, action) && action->kind == ACTION_CUT)
        snprintf(text, bytes, "The majority is lost with it: no queen reaches %d of %d", summary->needed,
                 summary->queens);
    else if (quorum_is_lost_by(view->model, action))
        snprintf(text, bytes, "The majority is lost with it: %d of %d queens stay", summary->queens_up - 1,
                 summary->queens);
    else if (node && node == summary->leader && action_is_on_process(action) && action->kind != ACTION_RESUME)
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
        if (left >= width)
            break;
        int room = width - left < ANSWER_WIDTH ? width - left : ANSWER_WIDTH;
        cells_put(cells, column + left, row, room, answers[i].is_chosen ? STYLE_BUTTON : STYLE_DIALOG,
                  answers[i].text);
        cells_tag(cells, column + left, row, room, TAG(TAG_ANSWER, i));
    }
}

static void prompt(const struct ui *ui, char *text, size_t bytes)
{
    snprintf(text, bytes, "Type %s and Enter to do it: %.*s", ui->action.node, HIVE_NAME_BYTES, ui->input);
}

static void draw_typed(const struct ui *ui, struct cells *cells, int column, int row, int width)
{
    char text[256];
    prompt(ui, text, sizeof text);
    int used = cells_put(cells, column, row, width, STYLE_DIALOG, text);
    cells->cursor_column = column + (used < width ? used : width - 1);
    cells->cursor_row = row;
}

/* Without room for the box. What is to be pressed or typed always shows, on a line of its own where it must. */
static void draw_line(const struct ui *ui, struct cells *cells, struct area area, const char *question)
{
    char answer[2 * HIVE_NAME_BYTES + 16];
    if (ui->needs_name)
        snprintf(answer, sizeof answer, "Type %s: %.*s", ui->action.node, HIVE_NAME_BYTES, ui->input);
    else
        snprintf(answer, sizeof answer, "%s", ui->is_yes_chosen ? "n/[Y]" : "y/[N]");
    bool is_split = area.rows > 1 && cells_width(question) + 1 + cells_width(answer) > area.columns;
    int row = area.row + (area.rows > 1 ? area.rows - 1 : 0) - is_split;
    cells_wipe(cells, (struct area){area.column, row, area.columns, 1 + is_split}, STYLE_DIALOG);
    int used = cells_put(cells, area.column, row, area.columns, STYLE_DIALOG, question);
    if (is_split)
        cells_put(cells, area.column, row + 1, area.columns, STYLE_DIALOG, answer);
    else if (used + 1 < area.columns)
        cells_put(cells, area.column + used + 1, row, area.columns - used - 1, STYLE_DIALOG, answer);
}

void view_dialog(const struct view *view, struct cells *cells, struct area area)
{
    char question[128], warning[128];
    action_question(&view->ui->action, question, sizeof question);
    warn(view, warning, sizeof warning);
    char typed[256] = "";
    if (view->ui->needs_name)
        prompt(view->ui, typed, sizeof typed);
    const char *lines[] = {question, action_words[view->ui->action.kind].effect, warning};

    int width = 2 * ANSWER_WIDTH + 1;
    if (view->ui->needs_name)
        width = cells_width(typed) + 1;
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
    (view->ui->needs_name ? draw_typed : draw_answers)(view->ui, cells, box.column + 2,
                                                       box.row + box.rows - 2, box.columns - 4);
}
