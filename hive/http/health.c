/* GET /healthz: what a poller sees. It has no side effect, waits for nothing, and asks neither consensus nor
 * disk: a queen whose disk hangs still tells how it is. */
#include <inttypes.h>

#include "drone/drone.h"
#include "faults/faults.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/version.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "queen/group.h"

static const char *const progress_names[] = {"probe", "replicate", "snapshot"};

/* The core's roles under the API's names. */
static const char *role_name(enum raft_role role)
{
    static const enum hive_raft_state states[] = {HIVE_RAFT_FOLLOWER, HIVE_RAFT_CANDIDATE, HIVE_RAFT_LEADER};
    return hive_raft_state_names[states[role]];
}

static void append_common(struct hive_buffer *json, const struct node *node, bool is_ready, const char *id)
{
    hive_buffer_format(
        json,
        "{\"status\":\"%s\",\"version\":\"%s\",\"mode\":\"%s\",\"id\":\"%s\",\"address\":\"%s\",\"pid\":%d,"
        "\"started_at\":%" PRIu64 ",\"uptime_ms\":%" PRId64,
        is_ready ? "READY" : "NOT_READY", HIVE_VERSION, hive_mode_names[node->config->mode], id,
        node->address, (int)node->process.pid, node->process.started_at,
        hive_clock_monotonic_ms() - node->started_ms);
}

static void append_text(struct hive_buffer *json, const char *name, const char *text)
{
    hive_buffer_format(json, ",\"%s\":", name);
    if (*text)
        hive_json_append_string(json, text, strlen(text));
    else
        hive_buffer_append_text(json, "null");
}

static void append_log(struct hive_buffer *json, const struct queen_status *status)
{
    hive_buffer_format(json,
                       ",\"log\":{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"commit\":%" PRIu64
                       ",\"applied\":%" PRIu64 ",\"snapshot\":%" PRIu64,
                       status->first, status->last, status->commit, status->applied, status->snapshot);
    if (status->group)
        hive_buffer_format(json, ",\"group\":\"%016" PRIx64 "\"", status->group);
    hive_buffer_append_text(json, ",\"digests\":[");
    struct digest digests[HIVE_DIGESTS];
    size_t count = digests_list(&status->digests, digests);
    for (size_t i = 0; i < count; i++) {
        const struct digest *digest = &digests[i];
        hive_buffer_format(json, "%s{\"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\"}",
                           i > 0 ? "," : "", digest->index, digest->term, digest->hash);
    }
    hive_buffer_append_text(json, "]}");
}

static void append_peers(struct hive_buffer *json, const struct queen_status *status)
{
    hive_buffer_append_text(json, ",\"peers\":[");
    for (size_t i = 0; i < status->peer_count; i++) {
        const struct queen_peer *peer = &status->peers[i];
        hive_buffer_format(json, "%s{\"address\":\"%s\",\"kind\":\"%s\"", i > 0 ? "," : "", peer->address,
                           raft_member_kind_names[peer->kind]);
        if (status->role == RAFT_LEADER)
            hive_buffer_format(
                json, ",\"match\":%" PRIu64 ",\"next\":%" PRIu64 ",\"state\":\"%s\",\"last_ack_ms\":%" PRId64,
                peer->match, peer->next, progress_names[peer->state], peer->last_ack_ms);
        hive_buffer_append_text(json, "}");
    }
    hive_buffer_append_text(json, "]");
}

static void append_tasks(struct hive_buffer *json, const struct machine_task_counts *tasks)
{
    hive_buffer_format(json,
                       ",\"tasks\":{\"pending\":%" PRIu64 ",\"assigned\":%" PRIu64 ",\"running\":%" PRIu64
                       ",\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"stopped\":%" PRIu64
                       ",\"lost\":%" PRIu64 "}",
                       tasks->pending, tasks->assigned, tasks->running, tasks->succeeded, tasks->failed,
                       tasks->stopped, tasks->lost);
}

static void append_transitions(struct hive_buffer *json, const struct queen_status *status)
{
    hive_buffer_append_text(json, ",\"transitions\":[");
    for (size_t i = 0; i < status->transition_count; i++) {
        const struct queen_transition *transition = &status->transitions[i];
        hive_buffer_format(json, "%s{\"time_ms\":%" PRId64 ",\"term\":%" PRIu64 ",\"state\":\"%s\"",
                           i > 0 ? "," : "", transition->time_ms, transition->transition.term,
                           role_name(transition->transition.role));
        append_text(json, "reason", transition->transition.reason);
        hive_buffer_append_text(json, "}");
    }
    hive_buffer_append_text(json, "]");
}

static bool append_drone(const struct queen_drone *drone, void *context)
{
    struct hive_buffer *json = context;
    if (json->data[json->size - 1] != '{')
        hive_buffer_append_text(json, ",");
    hive_json_append_string(json, drone->address, strlen(drone->address));
    hive_buffer_append_text(json, ":{\"name\":");
    hive_json_append_string(json, drone->name, strlen(drone->name));
    hive_buffer_format(json, ",\"state\":\"%s\",\"last_seen_ms\":%" PRId64 ",\"running\":%d}",
                       hive_drone_state_names[drone->is_suspect ? HIVE_DRONE_SUSPECT : HIVE_DRONE_HEALTHY],
                       drone->last_seen_ms, drone->running);
    return true;
}

/* It can serve: it is of a group, and knows who leads that. */
static bool is_ready(const struct queen_status *status)
{
    bool is_member = status->standing == RAFT_STANDING_VOTER || status->standing == RAFT_STANDING_LEARNER;
    return is_member && status->leader[0];
}

/* Who does not vote shows as such, whatever it follows. */
static const char *state_name(const struct queen_status *status)
{
    return status->standing == RAFT_STANDING_VOTER || status->role == RAFT_LEADER
               ? role_name(status->role)
               : hive_raft_state_names[HIVE_RAFT_LEARNER];
}

static void append_queen(struct hive_buffer *json, const struct node *node, bool with_drones)
{
    struct queen_status status;
    queen_status(node->queen, &status);
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, status.id);
    append_common(json, node, is_ready(&status), id);
    hive_buffer_format(json, ",\"raft_state\":\"%s\",\"term\":%" PRIu64 ",\"standing\":\"%s\"",
                       state_name(&status), status.term, group_standing_names[status.standing]);
    append_text(json, "reason", status.reason);
    append_text(json, "leader", status.leader);
    append_text(json, "voted_for", status.voted_for);
    hive_buffer_format(json, ",\"durable_term\":%" PRIu64 ",\"last_heartbeat\":%" PRId64, status.durable_term,
                       status.last_heartbeat_ms);
    append_log(json, &status);
    append_peers(json, &status);
    append_tasks(json, &status.tasks);
    append_transitions(json, &status);
    if (with_drones) {
        hive_buffer_append_text(json, ",\"drones\":{");
        queen_each_drone(node->queen, append_drone, json);
        hive_buffer_append_text(json, "}");
    }
}

void handle_healthz(struct hive_request *request, void *context)
{
    struct node *node = context;
    struct hive_buffer json = {0};
    if (node->queen) {
        const char *drones = hive_request_query(request, "drones");
        append_queen(&json, node, !drones || strcmp(drones, "0"));
    } else {
        append_common(&json, node, drone_is_ready(node->drone), drone_name(node->drone));
        drone_health_json(node->drone, &json);
    }
    if (faults_is_enabled(node->faults)) {
        hive_buffer_append_text(&json, ",\"faults\":");
        faults_append(node->faults, &json);
    }
    hive_buffer_append_text(&json, "}");
    hive_request_reply_json(request, 200, &json);
}
