/* The order of rows. Nodes that are equal in the chosen column keep the order of their names, and so nothing
 * jumps about between two frames. */
#include "rows.h"

#include "hive/memory.h"
#include "summary.h"

const char *const sort_names[] = {"name", "state", "term",   "last", "commit", "applied",
                                  "lag",  "vote",  "rtt",    "age",  "health", "heartbeat",
                                  "load", "done",  "failed", NULL};

const enum sort_column *rows_columns(enum ui_panel panel)
{
    static const enum sort_column queens[] = {SORT_NAME,   SORT_STATE,   SORT_TERM, SORT_LAST,
                                              SORT_COMMIT, SORT_APPLIED, SORT_LAG,  SORT_VOTE,
                                              SORT_RTT,    SORT_AGE,     SORT_COUNT};
    static const enum sort_column drones[] = {SORT_NAME, SORT_STATE, SORT_HEALTH, SORT_HEARTBEAT,
                                              SORT_LOAD, SORT_DONE,  SORT_FAILED, SORT_RTT,
                                              SORT_AGE,  SORT_COUNT};
    return panel == UI_PANEL_QUEENS ? queens : drones;
}

static bool has_column(enum ui_panel panel, enum sort_column sort)
{
    for (const enum sort_column *column = rows_columns(panel); *column != SORT_COUNT; column++) {
        if (*column == sort)
            return true;
    }
    return false;
}

/* What numbers say of a node in this column; nodes that have not said anything yet come last. */
static int64_t number_of(const struct summary *summary, const struct model *model, const struct node *node,
                         enum sort_column sort)
{
    const struct hive_health *health = &node->health;
    bool is_of_leader = sort == SORT_HEALTH || sort == SORT_HEARTBEAT; /* the others need no search */
    const struct hive_drone_health *drone = is_of_leader ? summary_drone(summary, node->address) : NULL;
    bool is_old;
    switch (sort) {
    case SORT_STATE:
        return (int64_t)node->condition * 8 +
               (node->condition == CONDITION_UP ? -(int64_t)health->raft_state : 0);
    case SORT_HEALTH:
        return drone ? (int64_t)drone->state : INT64_MAX;
    case SORT_HEARTBEAT:
        return drone ? -drone->last_seen_ms : INT64_MAX;
    case SORT_LAG:
        return summary_lag(summary, node, &is_old);
    case SORT_AGE:
        return node->has_health ? model->now_ms - node->answered_ms : INT64_MAX;
    case SORT_RTT:
        return node->has_health ? node->round_trip_us : INT64_MAX;
    case SORT_TERM:
        return (int64_t)health->term;
    case SORT_LAST:
        return (int64_t)health->log_last;
    case SORT_COMMIT:
        return (int64_t)health->log_commit;
    case SORT_APPLIED:
        return (int64_t)health->log_applied;
    case SORT_LOAD:
        return health->running;
    case SORT_DONE:
        return health->done;
    case SORT_FAILED:
        return health->failed;
    default:
        return 0;
    }
}

struct ranked {
    const struct node *node;
    int64_t number;
    const char *text;
    size_t at; /* in the model, which is in the order of names */
};

static int compare(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    int order = left->text ? strcmp(left->text, right->text) : 0;
    if (order == 0)
        order = (left->number > right->number) - (left->number < right->number);
    return order ? order : left->at < right->at ? -1 : 1;
}

size_t rows_make(const struct ui *ui, const struct model *model, enum ui_panel panel,
                 const struct node *rows[])
{
    if (panel == UI_PANEL_EVENTS)
        return 0;
    size_t first = panel == UI_PANEL_QUEENS ? 0 : model->queen_count;
    size_t count = panel == UI_PANEL_QUEENS ? model->queen_count : model->node_count - model->queen_count;
    for (size_t i = 0; i < count; i++)
        rows[i] = model->nodes[first + i];
    enum sort_column sort = has_column(panel, ui->sort) ? ui->sort : SORT_NAME;
    if (sort != SORT_NAME && count > 0) {
        struct summary summary;
        summary_of(model, &summary);
        struct ranked *ranked = hive_calloc(count, sizeof *ranked);
        for (size_t i = 0; i < count; i++)
            ranked[i] = (struct ranked){rows[i], number_of(&summary, model, rows[i], sort),
                                        sort == SORT_VOTE ? rows[i]->health.voted_for : NULL, i};
        qsort(ranked, count, sizeof *ranked, compare);
        for (size_t i = 0; i < count; i++)
            rows[i] = ranked[i].node;
        free(ranked);
    }
    for (size_t i = 0; ui->is_sort_reversed && i < count / 2; i++) {
        const struct node *other = rows[count - 1 - i];
        rows[count - 1 - i] = rows[i];
        rows[i] = other;
    }
    return count;
}

bool rows_has_found(const struct ui *ui, const char *text)
{
    return ui->find[0] && strcasestr(text, ui->find);
}

bool rows_is_found(const struct ui *ui, const struct node *node)
{
    char note[128];
    condition_note(node, note, sizeof note);
    if (rows_has_found(ui, node->name) || rows_has_found(ui, node->address) || rows_has_found(ui, note) ||
        rows_has_found(ui, condition_names[node->condition]))
        return true;
    const struct hive_health *health = &node->health;
    if (node->has_health && node->role == HIVE_ROLE_QUEEN)
        return rows_has_found(ui, hive_raft_state_names[health->raft_state]);
    for (size_t i = 0; node->has_health && i < health->running_task_count; i++) {
        if (rows_has_found(ui, health->running_tasks[i]))
            return true;
    }
    return false;
}
