/* The drones: as the leader sees them, as they answer here, and what they do. Rows say themselves what their numbers
 * are, so that no line of titles is needed; the heading counts them together. */
#include "format.h"
#include "tag.h"
#include "view.h"

#define NAME_WIDTH  14
#define BAR_COLUMNS 10
#define PARTS       6

/* The state that matters most: a drone that the leader has given up gets no tasks, whatever it says itself. */
static void fill_state(const struct view *view, const struct node *node, int width, struct field *field)
{
    const struct hive_drone_health *drone = summary_drone(&view->summary, node->address);
    view_fill_role(view, node, width, field);
    if (drone && drone->state == HIVE_DRONE_LOST) {
        snprintf(field->text, sizeof field->text, "LOST");
        field->style = STYLE_BAD;
    } else if (drone && drone->state == HIVE_DRONE_SUSPECT && node->condition == CONDITION_UP) {
        snprintf(field->text, sizeof field->text, "SUSPECT");
        field->style = STYLE_WARNING;
    }
}

/* What it does; where it does not answer, why. */
static void fill_tasks(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    condition_note(node, field->text, sizeof field->text);
    if (field->text[0]) {
        field->style = view_style(node);
        return;
    }
    if (!node->has_health)
        return;
    size_t used = 0;
    for (size_t i = 0; i < node->health.running_task_count; i++) {
        int bytes = snprintf(field->text + used, sizeof field->text - used, "%s%s", used ? " " : "",
                             node->health.running_tasks[i]);
        if (bytes < 0 || (size_t)bytes >= sizeof field->text - used)
            break;
        used += (size_t)bytes;
    }
    const struct hive_drone_health *drone = summary_drone(&view->summary, node->address);
    if (used == 0 && view->summary.leader && !drone) {
        snprintf(field->text, sizeof field->text, "unknown to the leader");
        field->style = STYLE_WARNING;
    }
}

static void fill_load(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    if (node->has_health)
        snprintf(field->text, sizeof field->text, "%d/%d", node->health.running, node->health.capacity);
    field->style = node->failures > 0 ? STYLE_DIM : STYLE_NORMAL;
}

static void fill_bar(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    field->is_bar = node->has_health && node->condition == CONDITION_UP && node->health.capacity > 0;
    if (field->is_bar)
        field->share = (double)node->health.running / node->health.capacity;
    field->style = STYLE_BAR;
}

static void fill_total(const struct node *node, const char *word, int64_t total, int width,
                       struct field *field)
{
    char text[FORMAT_BYTES] = "-";
    if (node->has_health)
        format_count((uint64_t)total, node->failures > 0 ? "~" : "", width - (int)strlen(word) - 1, text);
    snprintf(field->text, sizeof field->text, "%s %s", word, text);
    field->style = node->failures > 0 ? STYLE_DIM : STYLE_NORMAL;
}

static void fill_done(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_total(node, "done", node->health.done, width, field);
}

static void fill_failed(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_total(node, "fail", node->health.failed, width, field);
    if (node->health.failed > 0)
        field->style = STYLE_WARNING;
}

/* When the leader heard of it last. */
static void fill_heartbeat(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    const struct hive_drone_health *drone = summary_drone(&view->summary, node->address);
    char text[FORMAT_BYTES];
    int64_t age_ms = -1;
    if (drone && drone->last_seen_ms > 0) /* another machine's clock may be ahead */
        age_ms = view->model->unix_ms > drone->last_seen_ms ? view->model->unix_ms - drone->last_seen_ms : 0;
    format_age(age_ms, text);
    snprintf(field->text, sizeof field->text, "hb %s", text);
    field->style = drone && drone->state != HIVE_DRONE_HEALTHY ? STYLE_WARNING : STYLE_NORMAL;
}

/* Programs and containers will need more room than "RUNS" has at 80 columns: it is what grows. */
static const struct column columns[] = {
    {"DRONE", 5, 5, 0, false, SORT_NAME, view_fill_name},
    {"", 1, 1, 0, false, SORT_COUNT, view_fill_mark},
    {"STATE", 8, 8, 0, false, SORT_STATE, fill_state},
    {"RUNS", 15, 200, 2, false, SORT_COUNT, fill_tasks},
    {"LOAD", 4, 7, 4, true, SORT_LOAD, fill_load},
    {"", BAR_COLUMNS, BAR_COLUMNS, 7, false, SORT_COUNT, fill_bar},
    {"DONE", 9, 12, 3, false, SORT_DONE, fill_done},
    {"FAIL", 7, 10, 5, false, SORT_FAILED, fill_failed},
    {"HB", 6, 6, 1, false, SORT_HEARTBEAT, fill_heartbeat},
    {"RTT", 5, 6, 8, true, SORT_RTT, view_fill_round_trip},
    {0},
};

struct part {
    char text[64];
    enum sort_column sort;
};

/* What the heading says of the tasks: the group's own count where a leader tells it, else what the drones add up to. */
static void make_parts(const struct view *view, struct part parts[PARTS])
{
    const struct summary *summary = &view->summary;
    const struct hive_task_counts *tasks = summary->leader ? &summary->leader->health.tasks : NULL;
    int64_t queued = tasks ? tasks->pending + tasks->assigned : -1;
    int64_t running = tasks ? tasks->running : summary->running;
    int64_t done = tasks ? tasks->succeeded : summary->done;
    int64_t failed = tasks ? tasks->failed + tasks->lost : summary->failed;
    parts[0].sort = SORT_NAME;
    snprintf(parts[0].text, sizeof parts[0].text, "DRONES");
    parts[1].sort = SORT_STATE;
    snprintf(parts[1].text, sizeof parts[1].text, "%d/%d up", summary->drones_up, summary->drones);
    parts[2].sort = SORT_COUNT;
    if (queued >= 0)
        snprintf(parts[2].text, sizeof parts[2].text, "queued %lld", (long long)queued);
    parts[3].sort = SORT_LOAD;
    snprintf(parts[3].text, sizeof parts[3].text, "running %lld", (long long)running);
    parts[4].sort = SORT_DONE;
    snprintf(parts[4].text, sizeof parts[4].text, "done %lld", (long long)done);
    parts[5].sort = SORT_FAILED;
    snprintf(parts[5].text, sizeof parts[5].text, "failed %lld", (long long)failed);
}

/* The heading's words are titles too: clicked, they sort. */
static void draw_heading(const struct view *view, struct cells *cells, struct area area, int height)
{
    const struct ui *ui = view->ui;
    struct part parts[PARTS] = {0};
    char title[512] = "", tail[64] = "";
    int starts[PARTS] = {0};
    make_parts(view, parts);
    int used = 0;
    for (int i = 0; i < PARTS; i++) {
        int width = cells_width(parts[i].text);
        if (!width || 1 + used + width + 2 > area.columns)
            continue;
        starts[i] = 1 + used;
        size_t end = strlen(title);
        snprintf(title + end, sizeof title - end, "%s%s", parts[i].text, i == 0 ? " " : "  ");
        used += width + (i == 0 ? 1 : 2);
    }
    int count = view->rows[UI_PANEL_DRONES].count;
    int first = view_first(view, UI_PANEL_DRONES, height);
    if (count > height && height > 0)
        snprintf(tail, sizeof tail, "%d-%d/%d", first + 1, first + height, count);
    bool holds = !view->has_events && !tail[0] && checks_holds(&view->model->checks);
    if (holds)
        snprintf(tail, sizeof tail, " consensus holds ");
    bool is_focused = view_is_focused(view, UI_PANEL_DRONES);
    view_heading(cells, area, &(struct heading){title, is_focused, tail, holds ? STYLE_GOOD : STYLE_HEADING});
    for (int i = 0; i < PARTS; i++) {
        int width = cells_width(parts[i].text);
        if (!starts[i] || parts[i].sort == SORT_COUNT || ui->is_print_out)
            continue;
        cells_tag(cells, area.column + starts[i], area.row, width, TAG(TAG_TITLE, parts[i].sort));
        struct cell *behind = cells_at(cells, area.column + starts[i] + width, area.row);
        if (behind && parts[i].sort == ui->sort && (ui->sort != SORT_NAME || ui->is_sort_reversed))
            behind->rune = table_arrow(cells, ui->is_sort_reversed);
    }
}

void view_drones(const struct view *view, struct cells *cells, struct area area)
{
    if (area.rows < 1)
        return;
    struct column own[sizeof columns / sizeof *columns];
    struct place places[TABLE_COLUMNS];
    memcpy(own, columns, sizeof columns);
    own[0].max = view_name_width(&view->rows[UI_PANEL_DRONES], own[0].min, area.columns);
    own[0].min = own[0].max < NAME_WIDTH ? own[0].max : NAME_WIDTH;
    table_fit(own, area.columns - 1, places);
    draw_heading(view, cells, area, area.rows - 1);
    view_rows(view, cells, (struct area){area.column, area.row + 1, area.columns, area.rows - 1},
              UI_PANEL_DRONES, own, places);
}
