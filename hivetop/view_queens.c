/* The queens: what each says of the log, and how far to believe it. */
#include "format.h"
#include "view.h"

#define FULL_COLUMNS 80 /* with these the table is complete */
#define NOTE         11 /* the place of that column */
#define NOTE_GROWTH  12
#define NAME_WIDTH   14 /* "127.0.0.1:8080"; longer names get what is left over */

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
    const char *name = node->has_health ? view_name(view, node->health.voted_for) : "";
    snprintf(field->text, sizeof field->text, "%.*s", (int)sizeof field->text - 1, name[0] ? name : "-");
    field->style = is_stale(node) ? STYLE_DIM : STYLE_NORMAL;
}

/* "cut q2,q4 lose q3 10%": what this queen does to what she sends. */
static void note_faults(const struct view *view, const struct node *node, char *text, size_t bytes)
{
    const struct hive_health *health = &node->health;
    size_t used = strlen(text);
    bool has_cut = false;
    for (size_t i = 0; i < health->fault_count && used < bytes; i++) {
        if (!health->faults[i].cut)
            continue;
        used += (size_t)snprintf(text + used, bytes - used, "%s%s",
                                 has_cut ? ","
                                 : used  ? " cut "
                                         : "cut ",
                                 view_name(view, health->faults[i].to));
        has_cut = true;
    }
    for (size_t i = 0; i < health->fault_count; i++) {
        const struct hive_fault *fault = &health->faults[i];
        const char *name = view_name(view, fault->to);
        if (!fault->cut && fault->delay_ms + fault->jitter_ms > 0 && used < bytes)
            used += (size_t)snprintf(text + used, bytes - used, "%sdelay %s %lldms", used ? " " : "", name,
                                     (long long)fault->delay_ms);
        if (!fault->cut && fault->loss_percent > 0 && used < bytes)
            used += (size_t)snprintf(text + used, bytes - used, "%slose %s %g%%", used ? " " : "", name,
                                     fault->loss_percent);
    }
}

/* What is out of the ordinary: what became of the process, else what was done to her links, and what she says herself and
 * the leader says of her. A cut comes before what it leads to: the column may be narrow. */
static void fill_note(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    const struct hive_health *health = &node->health;
    const struct hive_peer_health *peer = summary_peer(&view->summary, node->address);
    condition_note(node, field->text, sizeof field->text);
    field->style = view_style(node);
    bool is_told = node->failures > 0 || (node->action && !node->action_is_done);
    if (!node->has_health || node->condition != CONDITION_UP || is_told)
        return;
    const char *says = peer && strcmp(peer->kind, "joining") == 0 ? "joining"
                       : strcmp(health->standing, "removed") == 0 ? "removed"
                                                                  : health->reason;
    field->text[0] = '\0';
    note_faults(view, node, field->text, sizeof field->text);
    size_t used = strlen(field->text);
    if (says[0] && used < sizeof field->text)
        snprintf(field->text + used, sizeof field->text - used, "%s%.*s", used ? " " : "",
                 TABLE_FIELD_BYTES / 2, says);
    else if (used == 0 && !health->ready)
        snprintf(field->text, sizeof field->text, "not ready");
    field->style = field->text[0] ? STYLE_WARNING : STYLE_NORMAL;
}

/* At 80 columns all fit exactly. */
static const struct column columns[] = {
    {"QUEEN", 5, 5, 0, false, SORT_NAME, view_fill_name},
    {"", 1, 1, 0, false, SORT_COUNT, view_fill_mark},
    {"ROLE", 9, 9, 0, false, SORT_STATE, view_fill_role},
    {"TERM", 5, 6, 2, true, SORT_TERM, fill_term},
    {"LAST", 6, 8, 7, true, SORT_LAST, fill_last},
    {"COMMIT", 6, 8, 3, true, SORT_COMMIT, fill_commit},
    {"APPLIED", 7, 8, 6, true, SORT_APPLIED, fill_applied},
    {"LAG", 4, 6, 4, true, SORT_LAG, fill_lag},
    {"VOTE", 4, 6, 9, false, SORT_VOTE, fill_vote},
    {"RTT", 5, 6, 8, true, SORT_RTT, view_fill_round_trip},
    {"AGE", 3, 4, 1, true, SORT_AGE, view_fill_age},
    {"NOTE", 13, 200, 5, false, SORT_COUNT, fill_note},
    {0},
};

/* Which rows show, at the end of the titles, where not all do. */
static void draw_range(struct cells *cells, struct area area, enum style style, int first, int shown,
                       int count)
{
    char text[32];
    int used = 0; /* columns up to the end of the last title */
    snprintf(text, sizeof text, "%d-%d/%d", first + 1, first + shown, count);
    for (int i = 0; i < area.columns; i++) {
        if (cells_at(cells, area.column + i, area.row)->rune != L' ')
            used = i + 1;
    }
    int width = cells_width(text);
    if (used + 1 + width <= area.columns)
        cells_put(cells, area.column + area.columns - width, area.row, width, style, text);
}

void view_queens(const struct view *view, struct cells *cells, struct area area)
{
    if (area.rows < 1)
        return;
    const struct rows *rows = &view->rows[UI_PANEL_QUEENS];
    struct column own[sizeof columns / sizeof *columns];
    struct place places[TABLE_COLUMNS];
    memcpy(own, columns, sizeof columns);
    own[0].max = view_name_width(rows, own[0].min, area.columns);
    own[0].min = own[0].max < NAME_WIDTH ? own[0].max : NAME_WIDTH;
    int spare = area.columns - FULL_COLUMNS - (own[0].min - columns[0].min);
    if (spare > 0) /* notes are cut first: they grow first */
        own[NOTE].min += spare < NOTE_GROWTH ? spare : NOTE_GROWTH;
    table_fit(own, area.columns - 1, places);

    bool is_focused = view_is_focused(view, UI_PANEL_QUEENS);
    enum style style = is_focused ? STYLE_FOCUS : STYLE_HEADING;
    table_titles(cells, own, places, area.column + 1, area.row, style, view->ui);
    if (is_focused)
        cells_draw(cells, area.column, area.row, style, L'=');
    int height = area.rows - 1;
    if (rows->count > height)
        draw_range(cells, area, style, view_first(view, UI_PANEL_QUEENS, height), height, rows->count);
    cells_paint(cells, area.column, area.row, area.columns, style);
    view_rows(view, cells, (struct area){area.column, area.row + 1, area.columns, height}, UI_PANEL_QUEENS,
              own, places);
}
