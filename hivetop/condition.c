/* The launcher, the kernel and the polls each know something of a node; here it is decided whom to believe.
 */
#include "condition.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "model.h"

const char *const condition_names[] = {"new", "starting", "up", "silent", "paused", "down"};

enum condition condition_of(const struct node *node)
{
    bool answers = node->has_health && node->failures == 0;
    if (node->is_supervised && (node->state == HIVE_NODE_STOPPED || node->state == HIVE_NODE_DEAD))
        return CONDITION_DOWN;
    if (node->is_stopped)
        return CONDITION_PAUSED;
    if (answers)
        return CONDITION_UP;
    if (node->is_supervised && node->state == HIVE_NODE_STARTING)
        return CONDITION_STARTING;
    if (node->failures == 0)
        return CONDITION_NEW;
    if (node->error_number == -ECONNREFUSED)
        return CONDITION_DOWN;
    if (node->failures >= MODEL_SILENT_AFTER || !node->has_health)
        return CONDITION_SILENT;
    return node->condition; /* one answer is missing: wait for the next */
}

static const char *short_failure(const struct node *node)
{
    static const struct {
        int error_number;
        const char *text;
    } texts[] = {{-ECONNREFUSED, "refused"},
                 {-ETIMEDOUT, "timed out"},
                 {-ECONNRESET, "reset"},
                 {-EHOSTUNREACH, "unreachable"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].error_number == node->error_number)
            return texts[i].text;
    }
    return node->failure;
}

static bool was_killed(int exit_status)
{
    return WIFSIGNALED(exit_status) && WTERMSIG(exit_status) == SIGKILL;
}

static void end_note(const struct node *node, char *text, size_t bytes)
{
    bool is_dead = node->is_supervised && node->state == HIVE_NODE_DEAD;
    if (node->action == ACTION_KILL && node->action_is_done)
        snprintf(text, bytes, "killed by you");
    else if (node->action == ACTION_STOP && node->action_is_done)
        snprintf(text, bytes, "ended by you");
    else if (is_dead && WIFSIGNALED(node->exit_status))
        snprintf(text, bytes, "signal %d", WTERMSIG(node->exit_status));
    else if (is_dead)
        snprintf(text, bytes, "exit %d", WEXITSTATUS(node->exit_status));
    else if (node->is_supervised && node->state == HIVE_NODE_STOPPED)
        snprintf(text, bytes, "%s", was_killed(node->exit_status) ? "killed" : "stopped");
    else
        snprintf(text, bytes, "%s", short_failure(node));
}

void condition_note(const struct node *node, char *text, size_t bytes)
{
    text[0] = '\0';
    if (node->action && !node->action_is_done)
        snprintf(text, bytes, "%s", action_words[node->action].doing);
    else if (node->condition == CONDITION_DOWN)
        end_note(node, text, bytes);
    else if (node->condition == CONDITION_PAUSED)
        snprintf(text, bytes, "%s", node->action == ACTION_PAUSE ? "paused by you" : "SIGSTOP");
    else if (node->failures > 0 && node->condition != CONDITION_STARTING)
        snprintf(text, bytes, "%s", short_failure(node));
    else if (node->condition == CONDITION_UP && !node->health.ready)
        snprintf(text, bytes, "%s", node->health.reason[0] ? node->health.reason : "not ready");
}
