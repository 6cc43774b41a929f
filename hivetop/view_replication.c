/* How far each follower is: what it has of the leader's log, as the leader counts it. */
#include "format.h"
#include "view.h"

#define NAME_COLUMNS  14
#define STATE_COLUMNS 9   /* "replicate" */
#define TEXT_COLUMNS  22  /* " -12345678  ack 1.2s" */
#define SCALE_LEAST   100 /* entries that a bar stands for */

static uint64_t lag_of(const struct hive_health *leader, const struct hive_peer_health *peer)
{
    return peer->match < leader->log_last ? leader->log_last - peer->match : 0;
}

/* The entries that a whole bar stands for: a round number that shows the slowest who gets entries at all. */
static uint64_t scale_of(const struct hive_health *leader)
{
    uint64_t worst = 0, scale = SCALE_LEAST;
    for (size_t i = 0; i < leader->peer_count; i++) {
        const struct hive_peer_health *peer = &leader->peers[i];
        if (peer->has_progress && strcmp(peer->state, "replicate") == 0 && lag_of(leader, peer) > worst)
            worst = lag_of(leader, peer);
    }
    while (scale < worst && scale < UINT64_MAX / 10)
        scale *= 10;
    return scale;
}

static void draw_peer(const struct view *view, struct cells *cells, struct area area, int names,
                      const struct hive_peer_health *peer, uint64_t scale)
{
    const struct hive_health *leader = &view->summary.leader->health;
    bool is_moving = strcmp(peer->state, "replicate") == 0;
    uint64_t lag = lag_of(leader, peer);
    const struct node *node = model_node(view->model, peer->address);
    enum style style = node ? view_style(node) : STYLE_NORMAL;
    int column = area.column + 1;
    cells_put(cells, column, area.row, names, style, view_name(view, peer->address));
    column += names + 1;
    cells_put(cells, column, area.row, STATE_COLUMNS, is_moving ? STYLE_NORMAL : STYLE_WARNING, peer->state);
    column += STATE_COLUMNS + 1;
    int bar = area.columns - 1 - names - 1 - STATE_COLUMNS - 1 - TEXT_COLUMNS;
    if (bar > 0) {
        double share = lag < scale ? 1 - (double)lag / (double)scale : 0;
        cells_bar(cells, column, area.row, bar, lag == 0 ? STYLE_GOOD : STYLE_BAR, share);
        column += bar;
    }
    char text[80], count[FORMAT_BYTES], age[FORMAT_BYTES];
    format_count(lag, lag ? "-" : "", 9, count);
    int64_t age_ms = peer->last_ack_ms > 0 ? view->model->unix_ms - peer->last_ack_ms : -1;
    format_age(peer->last_ack_ms > 0 && age_ms < 0 ? 0 : age_ms, age);
    snprintf(text, sizeof text, "%10s  ack %s", count, age);
    int left = area.column + area.columns - column;
    if (left > 0)
        cells_put(cells, column, area.row, left, lag ? STYLE_WARNING : STYLE_NORMAL, text);
}

void view_replication(const struct view *view, struct cells *cells, struct area area)
{
    const struct node *leader = view->summary.leader;
    if (area.rows < 1)
        return;
    char title[HIVE_ADDRESS_BYTES + 96];
    uint64_t scale = leader ? scale_of(&leader->health) : 0;
    snprintf(title, sizeof title, "REPLICATION ");
    if (leader)
        snprintf(title, sizeof title, "REPLICATION from %s up to %llu, bars of %llu entries ", leader->name,
                 (unsigned long long)leader->health.log_last, (unsigned long long)scale);
    view_heading(cells, area, &(struct heading){.title = title});
    const struct rows *rows = &view->rows[UI_PANEL_QUEENS];
    int names = view_name_width(rows, 2, NAME_COLUMNS), row = 1;
    for (int i = 0; leader && i < rows->count && row < area.rows; i++) {
        const struct hive_peer_health *peer = summary_peer(&view->summary, rows->nodes[i]->address);
        if (peer && peer->has_progress)
            draw_peer(view, cells, (struct area){area.column, area.row + row++, area.columns, 1}, names, peer,
                      scale);
    }
}
