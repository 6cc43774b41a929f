/* What queens and drones have in common on the screen: marks, words and styles, and the list that scrolls.
 * Every state differs in its mark and its word, so that no colour is needed to tell them apart. */
#include "view.h"

#include "format.h"
#include "rows.h"
#include "tag.h"

static char mark_of(const struct node *node)
{
    switch (node->condition) {
    case CONDITION_NEW:
        return ' ';
    case CONDITION_STARTING:
        return '.';
    case CONDITION_SILENT:
        return '?';
    case CONDITION_PAUSED:
        return 'z';
    case CONDITION_DOWN:
        return 'x';
    case CONDITION_UP:
        break;
    }
    if (node->role == HIVE_ROLE_DRONE)
        return ' ';
    return node->health.raft_state == HIVE_RAFT_LEADER      ? '*'
           : node->health.raft_state == HIVE_RAFT_CANDIDATE ? '!'
                                                            : ' ';
}

static const char *role_of(const struct node *node)
{
    static const char *const words[] = {"", "starting", "", "SILENT", "PAUSED", "DOWN"};
    static const char *const roles[] = {"follower", "CANDIDATE", "LEADER", "learner"};
    if (node->condition != CONDITION_UP)
        return words[node->condition];
    if (node->role == HIVE_ROLE_QUEEN)
        return roles[node->health.raft_state];
    if (!node->health.ready)
        return "joining";
    return node->health.running > 0 ? "busy" : "idle";
}

enum style view_style(const struct node *node)
{
    switch (node->condition) {
    case CONDITION_NEW:
    case CONDITION_STARTING:
        return STYLE_DIM;
    case CONDITION_SILENT:
        return STYLE_WARNING;
    case CONDITION_PAUSED:
        return STYLE_PAUSED;
    case CONDITION_DOWN:
        return STYLE_DOWN;
    case CONDITION_UP:
        break;
    }
    if (node->role == HIVE_ROLE_DRONE)
        return node->health.ready ? STYLE_GOOD : STYLE_WARNING;
    return node->health.raft_state == HIVE_RAFT_LEADER      ? STYLE_LEADER
           : node->health.raft_state == HIVE_RAFT_CANDIDATE ? STYLE_CANDIDATE
                                                            : STYLE_NORMAL;
}

const char *view_name(const struct view *view, const char *address)
{
    const struct node *node = address[0] ? model_node(view->model, address) : NULL;
    return node ? node->name : address;
}

void view_fill_name(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    snprintf(field->text, sizeof field->text, "%.*s", (int)sizeof field->text - 1, node->name);
    field->style = rows_is_found(view->ui, node) ? STYLE_FOUND : view_style(node);
}

void view_fill_mark(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    snprintf(field->text, sizeof field->text, "%c", mark_of(node));
    field->style = view_style(node);
}

void view_fill_role(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    snprintf(field->text, sizeof field->text, "%s", role_of(node));
    field->style = view_style(node);
}

void view_fill_round_trip(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    char text[FORMAT_BYTES] = "-";
    if (node->condition == CONDITION_UP && node->failures == 0)
        format_round_trip(node->round_trip_us, text);
    snprintf(field->text, sizeof field->text, "%s", text);
}

void view_fill_age(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    char text[FORMAT_BYTES];
    format_age(node->has_health ? view->model->now_ms - node->answered_ms : -1, text);
    snprintf(field->text, sizeof field->text, "%s", text);
    field->style = node->failures > 0 ? STYLE_WARNING : STYLE_NORMAL;
}

int view_name_width(const struct rows *rows, int least, int most)
{
    int longest = least;
    for (int i = 0; i < rows->count && longest < most; i++) {
        int width = cells_width(rows->nodes[i]->name);
        longest = width > longest ? width : longest;
    }
    return longest < most ? longest : most;
}

int view_selected_row(const struct view *view, enum ui_panel panel)
{
    const struct rows *rows = &view->rows[panel];
    for (int i = 0; i < rows->count; i++) {
        if (rows->nodes[i] == view->selected)
            return i;
    }
    return -1;
}

int view_first(const struct view *view, enum ui_panel panel, int height)
{
    int selected = view_selected_row(view, panel);
    return table_first(view->rows[panel].count, height, selected < 0 ? 0 : selected);
}

bool view_is_focused(const struct view *view, enum ui_panel panel)
{
    return !view->ui->is_print_out && view->ui->panel == panel;
}

/* The node's place in the model, by which a click finds it. */
static int place_in_model(const struct model *model, const struct node *node)
{
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i] == node)
            return (int)i;
    }
    return 0;
}

void view_rows(const struct view *view, struct cells *cells, struct area area, enum ui_panel panel,
               const struct column *columns, const struct place *places)
{
    const struct rows *rows = &view->rows[panel];
    int top = view_first(view, panel, area.rows);
    for (int i = 0; i < area.rows && top + i < rows->count; i++) {
        const struct node *node = rows->nodes[top + i];
        int row = area.row + i;
        table_row(cells, columns, places, area.column + 1, row, view, node);
        if (ui_is_marked(view->ui, node)) /* in the blank behind the name */
            cells_draw(cells, area.column + 1 + places[0].width, row, STYLE_WARNING, L'+');
        cells_tag(cells, area.column, row, area.columns, TAG(TAG_NODE, place_in_model(view->model, node)));
        if (node == view->selected && !view->ui->is_print_out) {
            cells_put(cells, area.column, row, 1, STYLE_NORMAL, ">");
            cells_mark(cells, area.column, row, area.columns);
        }
    }
}
