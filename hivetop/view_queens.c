/* The queens: what each says of the log, and how far to believe it. */
#include "format.h"
#include "view.h"

static bool is_stale(const struct node *node)
{
    return node->failures > 0 || node->condition != CONDITION_UP;
}

/* A number that the node told; marked where it is an old one. */
static void fill_number(const struct node *node, uint64_t number, int width, struct field *field)
{
    char text[FORMAT_BYTES] = "-";
    if (node->has_health)
        format_count(number, is_stale(node) ? "~" : "", width, text);
    snprintf(field->text, sizeof field->text, "%s", text);
    field->style = is_stale(node) ? STYLE_DIM : STYLE_NORMAL;
}

static void fill_term(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_number(node, node->health.term, width, field);
}

static void fill_last(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_number(node, node->health.log_last, width, field);
}

static void fill_commit(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_number(node, node->health.log_commit, width, field);
}

static void fill_applied(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_number(node, node->health.log_applied, width, field);
}

static void fill_lag(const struct view *view, const struct node *node, int width, struct field *field)
{
    bool is_old;
    char text[FORMAT_BYTES] = "?";
    int64_t lag = summary_lag(&view->summary, node, &is_old);
    if (lag >= 0)
        format_count((uint64_t)lag, is_old && is_stale(node) ? "~" : "", width, text);
    snprintf(field->text, sizeof field->text, "%s", text);
    field->style = lag > 0 ? STYLE_WARNING : STYLE_NORMAL;
}

static void fill_vote(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    const char *address = node->has_health ? node->health.voted_for : "";
    const struct node *voted = address[0] ? model_node(view->model, address) : NULL;
    const char *name = voted ? voted->name : address[0] ? address : "-";
    snprintf(field->text, sizeof field->text, "%.*s", (int)sizeof field->text - 1, name);
    field->style = is_stale(node) ? STYLE_DIM : STYLE_NORMAL;
}

static void fill_note(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    condition_note(node, field->text, sizeof field->text);
    field->style = view_style(node);
}

/* At 80 columns all fit exactly. */
static const struct column columns[] = {
    {"QUEEN", 5, 5, 0, false, view_fill_name},
    {"", 1, 1, 0, false, view_fill_mark},
    {"ROLE", 9, 9, 0, false, view_fill_role},
    {"TERM", 5, 8, 2, true, fill_term},
    {"LAST", 6, 10, 7, true, fill_last},
    {"COMMIT", 6, 10, 3, true, fill_commit},
    {"APPLIED", 7, 10, 6, true, fill_applied},
    {"LAG", 4, 8, 4, true, fill_lag},
    {"VOTE", 4, 6, 9, false, fill_vote},
    {"RTT", 5, 7, 8, true, view_fill_round_trip},
    {"AGE", 3, 5, 1, true, view_fill_age},
    {"NOTE", 13, 200, 5, false, fill_note},
    {0},
};

void view_queens(const struct view *view, struct cells *cells, struct area area)
{
    view_nodes(view, cells, area, columns, 0, view->model->queen_count, NULL);
}
