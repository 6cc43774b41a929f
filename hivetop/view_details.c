/* All that is known of the selected node. */
#include "view.h"

#include <inttypes.h>
#include <stdarg.h>

#include "format.h"

#define LABEL_COLUMNS 9

/* Where the next line goes. */
struct pen {
    struct cells *cells;
    struct area area;
    int row; /* lines drawn so far, with the heading */
};

static void tell(struct pen *pen, const char *label, enum style style, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line "label value"; long values go on below. */
static void tell(struct pen *pen, const char *label, enum style style, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int left = 1 + LABEL_COLUMNS + 1, width = pen->area.columns - left;
    for (char *rest = text; *rest && pen->row < pen->area.rows && width > 0; label = "") {
        size_t bytes = cells_fitting(rest, width);
        char after = rest[bytes];
        int row = pen->area.row + pen->row++;
        rest[bytes] = '\0';
        cells_put(pen->cells, pen->area.column + 1, row, LABEL_COLUMNS, STYLE_DIM, label);
        cells_put(pen->cells, pen->area.column + left, row, width, style, rest);
        rest += bytes + (after ? 1 : 0);
    }
}

/* "0.4s ago", for a moment on the node's clock. */
static void format_ago(const struct view *view, int64_t unix_ms, char text[FORMAT_BYTES + 8])
{
    char age[FORMAT_BYTES];
    if (unix_ms <= 0) {
        snprintf(text, FORMAT_BYTES + 8, "never");
        return;
    }
    format_age(view->model->unix_ms > unix_ms ? view->model->unix_ms - unix_ms : 0, age);
    snprintf(text, FORMAT_BYTES + 8, "%s ago", age);
}

static void tell_process(struct pen *pen, const struct view *view, const struct node *node)
{
    char note[128], age[FORMAT_BYTES], up[FORMAT_BYTES];
    condition_note(node, note, sizeof note);
    format_age(node->has_health ? view->model->now_ms - node->answered_ms : -1, age);
    tell(pen, "is", view_style(node), "%s%s%s, answered %s%s", condition_names[node->condition],
         note[0] ? ": " : "", note, age, node->has_health ? " ago" : "");
    if (node->failures > 0 && node->failure[0])
        tell(pen, "failure", STYLE_WARNING, "%s", node->failure);
    if (!node->has_health)
        return;
    const struct hive_health *health = &node->health;
    format_age(health->uptime_ms, up);
    tell(pen, "process", STYLE_NORMAL, "%" PRId64 ", up for %s, version %s%s", health->pid, up,
         health->version[0] ? health->version : "?", health->can_fault ? ", takes faults" : "");
    if (health->id[0])
        tell(pen, "id", STYLE_NORMAL, "%s", health->id);
}

static void tell_consensus(struct pen *pen, const struct view *view, const struct hive_health *health)
{
    static const char *const roles[] = {"follower", "CANDIDATE", "LEADER", "learner"};
    char heard[FORMAT_BYTES + 8];
    const char *leader = view_name(view, health->leader), *voted = view_name(view, health->voted_for);
    tell(pen, "role", STYLE_NORMAL, "%s%s%s, term %" PRIu64, roles[health->raft_state],
         health->standing[0] ? ", " : "", health->standing, health->term);
    if (health->reason[0])
        tell(pen, "reason", STYLE_WARNING, "%s", health->reason);
    format_ago(view, health->last_heartbeat_ms, heard);
    tell(pen, "leader", STYLE_NORMAL, "%s, heard %s; voted for %s", leader[0] ? leader : "none known", heard,
         voted[0] ? voted : "nobody");
    tell(pen, "log", STYLE_NORMAL, "%" PRIu64 " to %" PRIu64 ", commit %" PRIu64 ", applied %" PRIu64,
         health->log_first, health->log_last, health->log_commit, health->log_applied);
    if (health->log_snapshot > 0)
        tell(pen, "snapshot", STYLE_NORMAL, "up to %" PRIu64, health->log_snapshot);
    if (health->digest_count > 0)
        tell(pen, "hash", STYLE_NORMAL, "%s at %" PRIu64 ", term %" PRIu64, health->digests[0].hash,
             health->digests[0].index, health->digests[0].term);
    const struct hive_task_counts *tasks = &health->tasks;
    tell(pen, "tasks", STYLE_NORMAL,
         "%" PRId64 " queued, %" PRId64 " running, %" PRId64 " done, %" PRId64 " failed, %" PRId64 " lost",
         tasks->pending + tasks->assigned, tasks->running, tasks->succeeded, tasks->failed, tasks->lost);
}

static void tell_faults(struct pen *pen, const struct view *view, const struct hive_health *health)
{
    for (size_t i = 0; i < health->fault_count; i++) {
        const struct hive_fault *fault = &health->faults[i];
        char what[96] = "cut";
        if (!fault->cut)
            snprintf(what, sizeof what, "delay %" PRId64 "ms +-%" PRId64 ", lose %g%%", fault->delay_ms,
                     fault->jitter_ms, fault->loss_percent);
        tell(pen, i == 0 ? "faults" : "", STYLE_WARNING, "to %s: %s", view_name(view, fault->to), what);
    }
}

/* In the order of their names; returns how many. */
static size_t sort_peers(const struct view *view, const struct hive_health *health,
                         const struct hive_peer_health *peers[HIVE_QUEENS])
{
    size_t count = 0;
    for (size_t i = 0; i < health->peer_count && count < HIVE_QUEENS; i++) {
        const struct hive_peer_health *peer = &health->peers[i];
        const char *name = view_name(view, peer->address);
        size_t at = count++;
        for (; at > 0 && strverscmp(view_name(view, peers[at - 1]->address), name) > 0; at--)
            peers[at] = peers[at - 1];
        peers[at] = peer;
    }
    return count;
}

/* Those who are not the leader know of the others who they are, no more. */
static void name_peers(struct pen *pen, const struct view *view, const struct hive_peer_health *const *peers,
                       size_t count)
{
    char text[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof text; i++) {
        bool is_voter = !peers[i]->kind[0] || strcmp(peers[i]->kind, "voter") == 0;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s%s", used ? " " : "",
                                 view_name(view, peers[i]->address), is_voter ? "" : " (",
                                 is_voter ? "" : peers[i]->kind, is_voter ? "" : ")");
    }
    if (used)
        tell(pen, "peers", STYLE_NORMAL, "%s", text);
}

static void tell_peers(struct pen *pen, const struct view *view, const struct hive_health *health)
{
    const struct hive_peer_health *peers[HIVE_QUEENS];
    size_t count = sort_peers(view, health, peers);
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        const struct hive_peer_health *peer = peers[i];
        char heard[FORMAT_BYTES + 8];
        if (!peer->has_progress)
            continue;
        format_ago(view, peer->last_ack_ms, heard);
        tell(pen, is_first ? "peers" : "", STYLE_NORMAL, "%s %s, %s, has %" PRIu64 ", ack %s",
             view_name(view, peer->address), peer->kind[0] ? peer->kind : "peer", peer->state, peer->match,
             heard);
        is_first = false;
    }
    if (is_first)
        name_peers(pen, view, peers, count);
}

/* The newest first: what does not fit is long ago. */
static void tell_transitions(struct pen *pen, const struct hive_health *health)
{
    for (size_t i = health->transition_count; i-- > 0;) {
        const struct hive_transition *transition = &health->transitions[i];
        static const enum style styles[] = {STYLE_NORMAL, STYLE_CANDIDATE, STYLE_LEADER, STYLE_NORMAL};
        char time[FORMAT_BYTES];
        format_time_of_day(transition->time_ms, time);
        tell(pen, i + 1 == health->transition_count ? "roles" : "", styles[transition->state],
             "%s %s t%" PRIu64 "%s%s", time, hive_raft_state_names[transition->state], transition->term,
             transition->reason[0] ? ": " : "", transition->reason);
    }
}

static void tell_drone(struct pen *pen, const struct view *view, const struct node *node)
{
    const struct hive_health *health = &node->health;
    const struct hive_drone_health *drone = summary_drone(&view->summary, node->address);
    const char *queen = view_name(view, health->queen);
    if (drone) {
        char seen[FORMAT_BYTES + 8];
        format_ago(view, drone->last_seen_ms, seen);
        tell(pen, "leader", drone->state == HIVE_DRONE_HEALTHY ? STYLE_GOOD : STYLE_WARNING,
             "calls it %s, heard of it %s, gave it %d", hive_drone_state_names[drone->state], seen,
             drone->running);
    }
    if (!node->has_health)
        return;
    tell(pen, "queen", STYLE_NORMAL, "%s", queen[0] ? queen : "not registered yet");
    tell(pen, "tasks", STYLE_NORMAL, "%d of %d at once, %" PRId64 " done, %" PRId64 " failed",
         health->running, health->capacity, health->done, health->failed);
    for (size_t i = 0; i < health->running_task_count; i++)
        tell(pen, i == 0 ? "runs" : "", STYLE_GOOD, "%s", health->running_tasks[i]);
}

void view_details(const struct view *view, struct cells *cells, struct area area)
{
    const struct node *node = view->selected;
    if (area.rows < 1)
        return;
    char title[2 * HIVE_ADDRESS_BYTES + 16];
    struct pen pen = {cells, area, 1};
    snprintf(title, sizeof title, "DETAILS %s%s%s%s", node ? node->name : "", node ? " " : "",
             node && strcmp(node->name, node->address) != 0 ? node->address : "",
             node && strcmp(node->name, node->address) != 0 ? " " : "");
    view_heading(cells, area, &(struct heading){.title = title});
    if (!node)
        return;
    tell_process(&pen, view, node);
    if (node->role == HIVE_ROLE_DRONE) {
        tell_drone(&pen, view, node);
    } else if (node->has_health) {
        tell_consensus(&pen, view, &node->health);
        tell_faults(&pen, view, &node->health);
        tell_peers(&pen, view, &node->health);
        tell_transitions(&pen, &node->health);
    }
}
