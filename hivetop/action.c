/* One table holds the words for every action, so that dialog, status line and events speak alike. */
#include "action.h"

#include <inttypes.h>

#include "hive/api.h"
#include "hive/json.h"

const struct action_words action_words[ACTION_COUNT] = {
    [ACTION_NONE] = {"", "", "", "", ""},
    [ACTION_KILL] = {"kill", "Kill", "SIGKILL: it gets no chance to say goodbye", "killing", "killed"},
    [ACTION_PAUSE] = {"pause", "Pause", "SIGSTOP: it stands still until it is resumed", "pausing", "paused"},
    [ACTION_RESUME] = {"resume", "Resume", "SIGCONT: it goes on where it stood", "resuming", "resumed"},
    [ACTION_RESTART] = {"restart", "Restart", "same address, same data", "restarting", "restarted"},
    [ACTION_STOP] = {"stop", "Terminate", "SIGTERM: it hands over, and ends", "terminating", "terminated"},
    [ACTION_CUT] = {"", "Cut", "nothing gets through, in both directions; X heals it", "cutting", "cut"},
    [ACTION_HEAL] = {"", "Heal", "messages get through again", "healing", "healed"},
    [ACTION_TRANSFER] = {"", "Hand the leadership to",
                         "as soon as it has the whole log, it stands for election",
                         "handing the leadership to", "made the leader"},
    [ACTION_ADD_QUEEN] = {"", "Add", "it joins the group, and has a vote once it has caught up", "adding",
                          "added"},
    [ACTION_ADD_DRONE] = {"", "Add", "it gets tasks as soon as it registered", "adding", "added"},
};

bool action_is_on_process(const struct action *action)
{
    return action->kind >= ACTION_KILL && action->kind <= ACTION_STOP;
}

void action_object(const struct action *action, char *text, size_t bytes)
{
    if (action->kind == ACTION_CUT || action->kind == ACTION_HEAL)
        snprintf(text, bytes, "the link %s - %s", action->node, action->other);
    else if (action->kind == ACTION_ADD_QUEEN || action->kind == ACTION_ADD_DRONE)
        snprintf(text, bytes, "%s",
                 action->node[0]                    ? action->node
                 : action->kind == ACTION_ADD_QUEEN ? "a queen"
                                                    : "a drone");
    else
        snprintf(text, bytes, "%s", action->node);
}

static void append_process(const struct action *action, struct hive_buffer *body)
{
    if (action->process.pid > 0)
        hive_buffer_format(body, "{\"pid\":%ld,\"started_at\":%" PRIu64 "}", (long)action->process.pid,
                           action->process.started_at);
}

static void append_field(struct hive_buffer *body, const char *name, const char *text)
{
    hive_buffer_format(body, "\"%s\":", name);
    hive_json_append_string(body, text, strlen(text));
}

const char *action_request(const struct action *action, struct hive_buffer *path, struct hive_buffer *body)
{
    switch (action->kind) {
    case ACTION_CUT:
        hive_buffer_append_text(path, "/links");
        hive_buffer_append_text(body, "{\"kind\":\"cut\",");
        append_field(body, "from", action->node);
        hive_buffer_append_text(body, ",");
        append_field(body, "to", action->other);
        hive_buffer_append_text(body, "}");
        return "POST";
    case ACTION_HEAL:
        hive_buffer_append_text(path, "/links?from=");
        hive_path_append(path, action->node);
        hive_buffer_append_text(path, "&to=");
        hive_path_append(path, action->other);
        return "DELETE";
    case ACTION_TRANSFER:
        hive_buffer_append_text(path, "/members/");
        hive_path_append(path, action->member);
        hive_buffer_append_text(path, "/transfer");
        return "POST";
    case ACTION_ADD_QUEEN:
    case ACTION_ADD_DRONE:
        hive_buffer_append_text(path, "/nodes");
        hive_buffer_format(body, "{\"role\":\"%s\",\"count\":1}",
                           action->kind == ACTION_ADD_QUEEN ? "queen" : "drone");
        return "POST";
    default:
        hive_buffer_append_text(path, "/nodes/");
        hive_path_append(path, action->node);
        hive_buffer_format(path, "/%s", action_words[action->kind].path);
        append_process(action, body);
        return "POST";
    }
}

void action_question(const struct action *action, char *text, size_t bytes)
{
    const char *verb = action_words[action->kind].verb;
    char object[3 * HIVE_NAME_BYTES];
    action_object(action, object, sizeof object);
    if (!action_is_on_process(action))
        snprintf(text, bytes, "%s %s?", verb, object);
    else if (action->process.pid > 0)
        snprintf(text, bytes, "%s %s (pid %ld)?", verb, object, (long)action->process.pid);
    else
        snprintf(text, bytes, "%s %s (not running)?", verb, object);
}
