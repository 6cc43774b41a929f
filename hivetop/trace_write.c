/* A recording is written line by line: whatever ends it, what is in the file is good. */
#include "hive/health_changes.h"
#include "hive/json.h"
#include "hive/version.h"
#include "model.h"
#include "trace.h"

const char *const trace_action_names[] = {
    [ACTION_NONE] = "none",
    [ACTION_KILL] = "kill",
    [ACTION_PAUSE] = "pause",
    [ACTION_RESUME] = "resume",
    [ACTION_RESTART] = "restart",
    [ACTION_STOP] = "stop",
    [ACTION_CUT] = "cut",
    [ACTION_HEAL] = "heal",
    [ACTION_TRANSFER] = "transfer",
    [ACTION_ADD_QUEEN] = "add-queen",
    [ACTION_ADD_DRONE] = "add-drone",
    [ACTION_COUNT] = NULL,
};

static cJSON *begin(const char *type, int64_t time_ms)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", type);
    cJSON_AddNumberToObject(json, "time_ms", (double)time_ms);
    return json;
}

static void end(struct hive_buffer *out, cJSON *json)
{
    char *text = hive_json_print_and_delete(json);
    hive_buffer_append_text(out, text);
    hive_buffer_append_text(out, "\n");
    free(text);
}

void trace_write_header(struct hive_buffer *out, int64_t unix_ms)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", "header");
    cJSON_AddStringToObject(json, "format", "hive-trace");
    cJSON_AddNumberToObject(json, "version", 1);
    cJSON_AddStringToObject(json, "by", "hivetop " HIVE_VERSION);
    cJSON_AddNumberToObject(json, "start_unix_ms", (double)unix_ms);
    cJSON_AddTrueToObject(json, "every_answer");
    end(out, json);
}

void trace_write_clock(struct hive_buffer *out, int64_t time_ms, int64_t unix_ms)
{
    cJSON *json = begin("clock", time_ms);
    cJSON_AddNumberToObject(json, "unix_ms", (double)unix_ms);
    end(out, json);
}

/* ---- nodes ---- */

static void add_node(cJSON *nodes, const char *name, enum hive_role role, enum hive_node_state state,
                     const char *address, struct hive_process process, int exit_status)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddStringToObject(json, "role", hive_role_names[role]);
    cJSON_AddStringToObject(json, "state", hive_node_state_names[state]);
    cJSON_AddStringToObject(json, "address", address);
    cJSON_AddNumberToObject(json, "pid", (double)process.pid);
    cJSON_AddNumberToObject(json, "started_at", (double)process.started_at);
    cJSON_AddNumberToObject(json, "exit_status", exit_status);
    cJSON_AddItemToArray(nodes, json);
}

static cJSON *begin_ledger(int64_t time_ms, const char *cluster, cJSON **nodes)
{
    cJSON *json = begin("ledger", time_ms);
    cJSON_AddStringToObject(json, "cluster", cluster);
    *nodes = cJSON_AddArrayToObject(json, "nodes");
    return json;
}

static void write_ledger(struct hive_buffer *out, int64_t time_ms, const struct hive_ledger *ledger)
{
    cJSON *nodes, *json = begin_ledger(time_ms, ledger->name, &nodes);
    for (size_t i = 0; i < ledger->node_count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        add_node(nodes, node->name, node->role, node->state, node->address, node->process, node->exit_status);
    }
    end(out, json);
}

static void write_node(struct hive_buffer *out, int64_t time_ms, enum hive_role role, const char *address)
{
    cJSON *json = begin("node", time_ms);
    cJSON_AddStringToObject(json, "node", address);
    cJSON_AddStringToObject(json, "role", hive_role_names[role]);
    end(out, json);
}

static void write_flag(struct hive_buffer *out, const char *type, int64_t time_ms, const struct node *node,
                       const char *name, bool flag)
{
    cJSON *json = begin(type, time_ms);
    if (node)
        cJSON_AddStringToObject(json, "node", node->address);
    cJSON_AddBoolToObject(json, name, flag);
    end(out, json);
}

void trace_write_nodes(struct hive_buffer *out, int64_t time_ms, const struct model *model)
{
    end(out, begin("reset", time_ms));
    if (model->cluster[0]) {
        cJSON *nodes, *json = begin_ledger(time_ms, model->cluster, &nodes);
        for (size_t i = 0; i < model->node_count; i++) {
            const struct node *node = model->nodes[i];
            add_node(nodes, node->name, node->role, node->state, node->address, node->process,
                     node->exit_status);
        }
        end(out, json);
    }
    for (size_t i = 0; i < model->node_count; i++) {
        if (!model->cluster[0])
            write_node(out, time_ms, model->nodes[i]->role, model->nodes[i]->address);
    }
    write_flag(out, "launcher", time_ms, NULL, "up", model->has_launcher);
}

/* ---- feeds ---- */

static cJSON *begin_health(int64_t time_ms, const struct node *node, bool is_up)
{
    cJSON *json = begin("health", time_ms);
    cJSON_AddStringToObject(json, "node", node->address);
    cJSON_AddBoolToObject(json, "up", is_up);
    return json;
}

static void write_health(struct hive_buffer *out, int64_t time_ms, const struct feed *feed)
{
    static const struct hive_health nothing;
    cJSON *json = begin_health(time_ms, feed->node, true);
    cJSON_AddNumberToObject(json, "round_trip_us", (double)feed->round_trip_us);
    cJSON_AddItemToObject(
        json, "health",
        hive_health_changes(feed->node->has_health ? &feed->node->health : &nothing, feed->health));
    end(out, json);
}

static void write_failure(struct hive_buffer *out, int64_t time_ms, const struct feed *feed)
{
    cJSON *json = begin_health(time_ms, feed->node, false);
    cJSON_AddNumberToObject(json, "error", feed->error_number);
    cJSON_AddStringToObject(json, "text", feed->text);
    end(out, json);
}

static void write_action(struct hive_buffer *out, int64_t time_ms, const struct feed *feed)
{
    const struct action *action = feed->action;
    cJSON *json = begin("action", time_ms);
    cJSON_AddStringToObject(json, "phase",
                            feed->kind == FEED_ACTION        ? "asked"
                            : feed->kind == FEED_ACTION_DONE ? "done"
                                                             : "failed");
    cJSON_AddStringToObject(json, "action", trace_action_names[action->kind]);
    cJSON_AddStringToObject(json, "node", action->node);
    cJSON_AddStringToObject(json, "other", action->other);
    cJSON_AddNumberToObject(json, "pid", (double)action->process.pid);
    cJSON_AddNumberToObject(json, "started_at", (double)action->process.started_at);
    cJSON_AddStringToObject(json, "text", feed->text ? feed->text : "");
    end(out, json);
}

static void write_event(struct hive_buffer *out, int64_t time_ms, const struct feed *feed)
{
    cJSON *json = begin("event", time_ms);
    cJSON_AddStringToObject(json, "text", feed->text);
    cJSON_AddStringToObject(json, "level", event_level_names[feed->level]);
    end(out, json);
}

void trace_write_feed(struct hive_buffer *out, int64_t time_ms, const struct feed *feed)
{
    switch (feed->kind) {
    case FEED_HEALTH:
        write_health(out, time_ms, feed);
        break;
    case FEED_FAILURE:
        write_failure(out, time_ms, feed);
        break;
    case FEED_STOPPED:
        write_flag(out, "stopped", time_ms, feed->node, "stopped", feed->flag);
        break;
    case FEED_LEDGER:
        write_ledger(out, time_ms, feed->ledger);
        break;
    case FEED_LAUNCHER:
        write_flag(out, "launcher", time_ms, NULL, "up", feed->flag);
        break;
    case FEED_NODE:
        write_node(out, time_ms, feed->role, feed->text);
        break;
    case FEED_ACTION:
    case FEED_ACTION_DONE:
    case FEED_ACTION_FAILED:
        write_action(out, time_ms, feed);
        break;
    case FEED_EVENT:
        write_event(out, time_ms, feed);
        break;
    case FEED_KINDS:
        break;
    }
}
