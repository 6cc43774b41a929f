/* One table holds the words for every action, so that dialog, status line and events speak alike. */
#include "action.h"

#include <inttypes.h>

const struct action_words action_words[ACTION_COUNT] = {
    [ACTION_NONE] = {"", "", "", "", ""},
    [ACTION_KILL] = {"kill", "Kill", "SIGKILL: it gets no chance to say goodbye", "killing", "killed"},
    [ACTION_PAUSE] = {"pause", "Pause", "SIGSTOP: it stands still until it is resumed", "pausing", "paused"},
    [ACTION_RESUME] = {"resume", "Resume", "SIGCONT: it goes on where it stood", "resuming", "resumed"},
    [ACTION_RESTART] = {"restart", "Restart", "same address, same data", "restarting", "restarted"},
};

void action_body(const struct action *action, struct hive_buffer *body)
{
    if (action->process.pid > 0)
        hive_buffer_format(body, "{\"pid\":%ld,\"started_at\":%" PRIu64 "}", (long)action->process.pid,
                           action->process.started_at);
}

void action_question(const struct action *action, char *text, size_t bytes)
{
    const char *verb = action_words[action->kind].verb;
    if (action->process.pid > 0)
        snprintf(text, bytes, "%s %s (pid %ld)?", verb, action->node, (long)action->process.pid);
    else
        snprintf(text, bytes, "%s %s (not running)?", verb, action->node);
}
