/* The drones: as the leader sees them, as they answer here, and what they do. */
#include "format.h"
#include "view.h"

static const struct hive_health *health_of(const struct node *node)
{
    return node->has_health ? &node->health : NULL;
}

/* What the leader thinks of it: that decides whether it gets tasks. */
static void fill_leader(const struct view *view, const struct node *node, int width, struct field *field)
{
    static const struct {
        const char *word;
        enum style style;
    } states[] = {{"healthy", STYLE_NORMAL}, {"SUSPECT", STYLE_WARNING}, {"LOST", STYLE_BAD}};
    (void)width;
    const struct hive_drone_health *drone = summary_drone(&view->summary, node->address);
    if (drone) {
        snprintf(field->text, sizeof field->text, "%s", states[drone->state].word);
        field->style = states[drone->state].style;
    } else {
        snprintf(field->text, sizeof field->text, "%s", view->summary.leader ? "unknown" : "-");
        field->style = STYLE_DIM;
    }
}

static void fill_heartbeat(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)width;
    const struct hive_drone_health *drone = summary_drone(&view->summary, node->address);
    char text[FORMAT_BYTES];
    int64_t age_ms = -1;
    if (drone && drone->last_seen_ms > 0) /* another machine's clock may be ahead */
        age_ms = view->model->unix_ms > drone->last_seen_ms ? view->model->unix_ms - drone->last_seen_ms : 0;
    format_age(age_ms, text);
    snprintf(field->text, sizeof field->text, "%s", text);
    field->style = drone && drone->state != HIVE_DRONE_HEALTHY ? STYLE_WARNING : STYLE_NORMAL;
}

static void fill_running(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    const struct hive_health *health = health_of(node);
    if (health)
        snprintf(field->text, sizeof field->text, "%d/%d", health->running, health->capacity);
    field->style = node->failures > 0 ? STYLE_DIM : STYLE_NORMAL;
}

static void fill_total(const struct node *node, int64_t total, int width, struct field *field)
{
    char text[FORMAT_BYTES] = "-";
    if (node->has_health)
        format_count((uint64_t)total, "", width, text);
    snprintf(field->text, sizeof field->text, "%s", text);
    field->style = node->failures > 0 ? STYLE_DIM : STYLE_NORMAL;
}

static void fill_done(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_total(node, node->health.done, width, field);
}

static void fill_failed(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view;
    fill_total(node, node->health.failed, width, field);
    if (node->health.failed > 0)
        field->style = STYLE_WARNING;
}

/* What it runs; where it does not answer, why. */
static void fill_tasks(const struct view *view, const struct node *node, int width, struct field *field)
{
    (void)view, (void)width;
    condition_note(node, field->text, sizeof field->text);
    if (field->text[0]) {
        field->style = view_style(node);
        return;
    }
    const struct hive_health *health = health_of(node);
    size_t used = 0;
    for (size_t i = 0; health && i < health->running_task_count; i++) {
        int bytes = snprintf(field->text + used, sizeof field->text - used, "%s%s", used ? " " : "",
                             health->running_tasks[i]);
        if (bytes < 0 || (size_t)bytes >= sizeof field->text - used)
            break;
        used += (size_t)bytes;
    }
}

static const struct column columns[] = {
    {"DRONE", 5, 5, 0, false, view_fill_name},    {"", 1, 1, 0, false, view_fill_mark},
    {"STATE", 9, 9, 0, false, view_fill_role},    {"HEALTH", 7, 7, 2, false, fill_leader},
    {"HB", 3, 5, 1, true, fill_heartbeat},        {"LOAD", 5, 7, 3, true, fill_running},
    {"DONE", 6, 10, 5, true, fill_done},          {"FAIL", 4, 8, 6, true, fill_failed},
    {"RTT", 5, 7, 8, true, view_fill_round_trip}, {"AGE", 3, 5, 7, true, view_fill_age},
    {"RUNS", 13, 200, 4, false, fill_tasks},      {0},
};

void view_drones(const struct view *view, struct cells *cells, struct area area)
{
    const struct model *model = view->model;
    const struct summary *summary = &view->summary;
    struct totals totals;
    snprintf(totals.brief, sizeof totals.brief, "%d/%d up", summary->drones_up, summary->drones);
    snprintf(totals.full, sizeof totals.full, "%s  running %lld  done %lld  failed %lld", totals.brief,
             (long long)summary->running, (long long)summary->done, (long long)summary->failed);
    view_nodes(view, cells, area, columns, model->queen_count, model->node_count - model->queen_count,
               &totals);
}
