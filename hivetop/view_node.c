/* What queens and drones have in common on the screen: marks, words and styles, and the list that scrolls.
 * Every state differs in its mark and its word, so that no colour is needed to tell them apart. */
#include "view.h"

#include "format.h"

#define NAME_WIDTH  14 /* "127.0.0.1:8080"; longer names get what is left over */
#define TITLE_BYTES 256

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

void view_fill_name(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    snprintf(field->text, sizeof field->text, "%.*s", (int)sizeof field->text - 1, node->name);
    field->style = view_style(node);
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

/* The end of the line of titles: which rows show where not all do, and the totals; as much of it as fits. */
static void draw_totals(struct cells *cells, struct area area, int top, int height, int count,
                        const struct totals *totals)
{
    char texts[3][TITLE_BYTES] = {"", "", ""};
    const char *gap = "";
    if (count > height) {
        gap = "  ";
        for (int i = 0; i < 3; i++)
            snprintf(texts[i], sizeof texts[i], "%d-%d/%d", top + 1, top + height, count);
    }
    if (totals) {
        const char *endings[] = {totals->full, totals->brief};
        for (int i = 0; i < 2; i++) {
            size_t used = strlen(texts[i]);
            snprintf(texts[i] + used, sizeof texts[i] - used, "%s%s", gap, endings[i]);
        }
    }
    int used = 0; /* columns up to the end of the last title */
    for (int i = 0; i < area.columns; i++) {
        if (cells_at(cells, area.column + i, area.row)->rune != L' ')
            used = i + 1;
    }
    for (int i = 0; i < 3; i++) {
        int width = cells_width(texts[i]);
        if (used + 1 + width <= area.columns) {
            cells_put(cells, area.column + area.columns - width, area.row, width, STYLE_HEADING, texts[i]);
            return;
        }
    }
}

/* Names may be whole addresses: the first column, which holds them, gets the width that they need. */
static void adapt_columns(const struct model *model, const struct column *columns, size_t first, size_t count,
                          struct column *own)
{
    int longest = columns[0].min;
    for (size_t i = 0; i < count; i++) {
        int width = cells_width(model->nodes[first + i]->name);
        longest = width > longest ? width : longest;
    }
    for (int i = 0; i < TABLE_COLUMNS; i++) {
        own[i] = columns[i];
        if (!columns[i].title)
            break;
    }
    own[0].max = longest;
    own[0].min = longest > NAME_WIDTH ? NAME_WIDTH : longest;
}

void view_nodes(const struct view *view, struct cells *cells, struct area area, const struct column *columns,
                size_t first, size_t count, const struct totals *totals)
{
    if (area.rows < 1)
        return;
    struct column own[TABLE_COLUMNS];
    struct place places[TABLE_COLUMNS];
    adapt_columns(view->model, columns, first, count, own);
    int left = area.column + 1; /* the first column is the selection's */
    table_fit(own, area.columns - 1, places);

    bool is_here = view->selected && view->selected_at >= first && view->selected_at < first + count;
    int height = area.rows - 1;
    int top = table_first((int)count, height, is_here ? (int)(view->selected_at - first) : 0);
    table_titles(cells, own, places, left, area.row);
    draw_totals(cells, area, top, height, (int)count, totals);
    cells_paint(cells, area.column, area.row, area.columns, STYLE_HEADING);
    for (int i = 0; i < height && top + i < (int)count; i++) {
        const struct node *node = view->model->nodes[first + (size_t)(top + i)];
        int row = area.row + 1 + i;
        table_row(cells, own, places, left, row, view, node);
        if (node == view->selected && !view->ui->is_print_out) {
            cells_put(cells, area.column, row, 1, STYLE_NORMAL, ">");
            cells_mark(cells, area.column, row, area.columns);
        }
    }
}
