/* Puts the views where the layout says, and above them what is open. */
#include "render.h"

#include "hive/memory.h"
#include "logs.h"
#include "panels.h"
#include "rows.h"
#include "view.h"

static void make_rows(struct view *view)
{
    for (int panel = UI_PANEL_QUEENS; panel <= UI_PANEL_DRONES; panel++) {
        struct rows *rows = &view->rows[panel];
        rows->nodes = hive_calloc(view->model->node_count + 1, sizeof *rows->nodes);
        rows->count = (int)rows_make(view->ui, view->model, (enum ui_panel)panel, rows->nodes);
    }
}

/* Those who get the leader's log. */
static int count_followers(const struct view *view)
{
    const struct rows *queens = &view->rows[UI_PANEL_QUEENS];
    int count = 0;
    for (int i = 0; i < queens->count; i++) {
        const struct hive_peer_health *peer = summary_peer(&view->summary, queens->nodes[i]->address);
        count += peer && peer->has_progress;
    }
    return count;
}

static void draw_panels(struct view *view, struct cells *cells)
{
    const struct ui *ui = view->ui;
    struct panels_wish wish = {
        .queens = view->rows[UI_PANEL_QUEENS].count,
        .drones = view->rows[UI_PANEL_DRONES].count,
        .followers = count_followers(view),
        .drones_first = view->selected && view->selected->role == HIVE_ROLE_DRONE,
        .has_footer = !ui->is_print_out,
        .is_broken = view->is_broken,
        .has_details = ui->has_details,
        .has_all_events = ui->has_all_events,
        .has_logs = ui->tail && ui->tail->is_wanted && ui->tail->file_count > 0,
    };
    struct panels panels;
    panels_make(cells->columns, cells->rows, &wish, &panels);
    view->has_events = panels.events.rows > 0;
    if (panels.is_line)
        view_line(view, cells, panels.header);
    else
        view_header(view, cells, panels.header);
    view_broken(view, cells, panels.broken);
    view_queens(view, cells, panels.queens);
    view_lanes(view, cells, panels.lanes, panels.lanes_beside);
    view_commits(view, cells, panels.commits);
    view_replication(view, cells, panels.replication);
    view_drones(view, cells, panels.drones);
    view_events(view, cells, panels.events);
    view_details(view, cells, panels.details);
    view_logs_tail(view, cells, panels.logs);
    view_footer(view, cells, panels.footer);
}

void render(const struct model *model, const struct ui *ui, int columns, int rows, bool unicode,
            struct cells *cells)
{
    struct view view = {.model = model, .ui = ui};
    summary_of(model, &view.summary);
    view.selected = ui_selected(ui, model, NULL);
    view.is_broken = checks_is_broken(&model->checks);
    checks_line(&model->checks, view.consensus, sizeof view.consensus);
    make_rows(&view);

    cells_init(cells, columns, rows, unicode);
    struct area all = {0, 0, columns, rows};
    if (ui->screen == UI_SCREEN_LOGS && ui->logs)
        view_logs(&view, cells, all);
    else if (ui->screen == UI_SCREEN_TASKS && ui->tasks)
        view_tasks(&view, cells, all);
    else
        draw_panels(&view, cells);
    if (ui->mode == UI_HELP)
        view_help(&view, cells, all);
    else if (ui->mode == UI_EVIDENCE)
        view_evidence(&view, cells, all);
    else if (ui->mode == UI_DIALOG)
        view_dialog(&view, cells, all);
    else if (ui->mode == UI_MENU)
        view_menu(&view, cells, all);
    free(view.rows[UI_PANEL_QUEENS].nodes);
    free(view.rows[UI_PANEL_DRONES].nodes);
}
