/* Puts the views where the layout says, and above them what is open. */
#include "render.h"

#include "panels.h"
#include "view.h"

void render(const struct model *model, const struct ui *ui, int columns, int rows, bool unicode,
            struct cells *cells)
{
    struct view view = {.model = model, .ui = ui};
    summary_of(model, &view.summary);
    view.selected = ui_selected(ui, model, &view.selected_at);

    struct panels_wish wish = {
        .queens = (int)model->queen_count,
        .drones = (int)(model->node_count - model->queen_count),
        .drones_first = view.selected && view.selected->role == HIVE_ROLE_DRONE,
        .has_footer = !ui->is_print_out,
    };
    struct panels panels;
    panels_make(columns, rows, &wish, &panels);

    cells_init(cells, columns, rows, unicode);
    if (panels.is_line)
        view_line(&view, cells, panels.header);
    else
        view_header(&view, cells, panels.header);
    view_queens(&view, cells, panels.queens);
    view_drones(&view, cells, panels.drones);
    view_events(&view, cells, panels.events);
    view_footer(&view, cells, panels.footer);

    struct area all = {0, 0, columns, rows};
    if (ui->mode == UI_HELP)
        view_help(&view, cells, all);
    else if (ui->mode == UI_DIALOG)
        view_dialog(&view, cells, all);
    else if (ui->mode == UI_MENU)
        view_menu(&view, cells, all);
}
