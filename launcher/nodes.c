/* From a planned step to a signal or a fork, and from a child's change to the ledger and a line on the
 * terminal. */
#include "nodes.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "log_tail.h"
#include "spawn.h"

static void set_state(struct supervisor *supervisor, size_t i, enum hive_node_state state)
{
    struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    node->state = state;
    node->changed_at_ms = hive_clock_unix_ms();
    supervisor->is_dirty = true;
}

static int empty(const char *directory, struct hive_error *error)
{
    int result = hive_file_remove_tree(directory, error);
    return result ? result : hive_file_make_directories(directory, 0700, error);
}

static void start_node(struct supervisor *supervisor, size_t i, struct hive_error *error)
{
    struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    char **argv = node_command_make(supervisor->ledger, node, supervisor->config->command);
    char **environment = node_command_environment(environ, supervisor->config->command);
    struct spawn spawn = {
        .argv = argv, .environment = environment, .log_path = node->log_path, .death_signal = SIGKILL};
    struct hive_error failure = {0};
    struct stat log;
    struct run *run = &supervisor->runs[i];
    bool was_started = run->was_started;
    run->log_offset = stat(node->log_path, &log) == 0 ? log.st_size : 0;
    run->was_started = true;
    run->is_announced = false;
    int result = run->is_to_be_wiped ? empty(node->data_directory, &failure) : 0;
    if (!result)
        result = spawn_start(&spawn, &node->process, &failure);
    run->is_to_be_wiped = false;
    node_command_free(argv);
    node_command_free(environment);
    if (result) {
        plan_note_down(&supervisor->plan[i]);
        set_state(supervisor, i, HIVE_NODE_DEAD);
        report_event(supervisor->report, REPORT_BAD, node->name, "%s", failure.message);
        hive_error_set(error, result, "%s", failure.message);
        return;
    }
    node->starts++;
    set_state(supervisor, i, HIVE_NODE_STARTING);
    watch_start_node(supervisor->watch, i);
    link_push_start_node(supervisor, i);
    if (was_started)
        report_event(supervisor->report, REPORT_PLAIN, node->name, "started on %s (pid %d)", node->address,
                     (int)node->process.pid);
}

/* A signal to that very process; one that is gone already will be reaped in a moment. */
static void end_node(struct supervisor *supervisor, size_t i, enum plan_action action)
{
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    const struct plan_node *plan = &supervisor->plan[i];
    if (action == PLAN_ASK) {
        hive_process_signal(node->process, SIGTERM);
        hive_process_signal(node->process, SIGCONT); /* a paused one would not hear it */
    } else {
        if (plan->was_asked && !plan->by_force)
            report_event(supervisor->report, REPORT_BAD, node->name,
                         "did not end within %d s: killing it (pid %d)", NODES_GRACE_MS / 1000,
                         (int)node->process.pid);
        hive_process_signal(node->process, SIGKILL);
    }
}

int64_t nodes_act(struct supervisor *supervisor, int64_t now_ms, struct hive_error *error)
{
    struct hive_ledger *ledger = supervisor->ledger;
    const struct plan_rules rules = {
        .is_ending = supervisor->is_ending, .now_ms = now_ms, .grace_ms = NODES_GRACE_MS};
    struct plan_step *steps = hive_calloc(ledger->node_count, sizeof *steps);
    int64_t due_ms;
    size_t count = plan_make(supervisor->plan, ledger->node_count, &rules, steps, &due_ms);
    for (size_t n = 0; n < count; n++) {
        size_t i = steps[n].node;
        enum plan_action action = steps[n].action;
        plan_note(&supervisor->plan[i], action, now_ms);
        if (action == PLAN_START)
            start_node(supervisor, i, error);
        else if (action == PLAN_PAUSE || action == PLAN_RESUME)
            hive_process_signal(ledger->nodes[i].process, action == PLAN_PAUSE ? SIGSTOP : SIGCONT);
        else
            end_node(supervisor, i, action);
        if (action == PLAN_ASK)
            due_ms = due_ms < now_ms + NODES_GRACE_MS ? due_ms : now_ms + NODES_GRACE_MS;
    }
    free(steps);
    return due_ms;
}

/* "exit status 1" or "SIGKILL". */
static void describe_status(int status, char *text, size_t bytes)
{
    if (WIFSIGNALED(status))
        snprintf(text, bytes, "SIG%s%s",
                 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?",
                 WCOREDUMP(status) ? ", core dumped" : "");
    else
        snprintf(text, bytes, "exit status %d", WEXITSTATUS(status));
}

static void note_down(struct supervisor *supervisor, size_t i, int status)
{
    struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    struct plan_node *plan = &supervisor->plan[i];
    char how[64];
    describe_status(status, how, sizeof how);
    bool was_killed = plan->was_killed;
    bool was_wanted = plan_note_down(plan);
    pid_t pid = node->process.pid;
    node->process = (struct hive_process){0};
    node->exit_status = status;
    set_state(supervisor, i, was_wanted ? HIVE_NODE_STOPPED : HIVE_NODE_DEAD);
    watch_stop_node(supervisor->watch, i);
    if (was_wanted && was_killed) {
        report_event(supervisor->report, REPORT_BAD, node->name, "killed (pid %d)", (int)pid);
    } else if (was_wanted) {
        report_event(supervisor->report, REPORT_PLAIN, node->name, "stopped (pid %d, %s)", (int)pid, how);
    } else {
        report_event(supervisor->report, REPORT_BAD, node->name,
                     "died (pid %d, %s); the end of %s:", (int)pid, how, node->log_path);
        log_tail_report(node->log_path, supervisor->runs[i].log_offset, supervisor->report);
    }
}

static void note_paused(struct supervisor *supervisor, size_t i)
{
    struct plan_node *plan = &supervisor->plan[i];
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    if (plan->have == PLAN_HAVE_PAUSED)
        return;
    bool is_foreign = plan->want == PLAN_WANT_RUNNING && !plan->again;
    plan->have = PLAN_HAVE_PAUSED;
    if (is_foreign) /* somebody else's wish is as good */
        plan->want = PLAN_WANT_PAUSED;
    set_state(supervisor, i, HIVE_NODE_PAUSED);
    watch_stop_node(supervisor->watch, i);
    report_event(supervisor->report, REPORT_WAIT, node->name, "paused%s (pid %d)",
                 is_foreign ? " from elsewhere" : "", (int)node->process.pid);
}

static void note_resumed(struct supervisor *supervisor, size_t i)
{
    struct plan_node *plan = &supervisor->plan[i];
    const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
    if (plan->have != PLAN_HAVE_PAUSED)
        return;
    plan->have = PLAN_HAVE_RUNNING;
    if (plan->want == PLAN_WANT_PAUSED)
        plan->want = PLAN_WANT_RUNNING;
    set_state(supervisor, i, HIVE_NODE_RUNNING);
    supervisor->runs[i].is_announced = true;
    watch_start_node(supervisor->watch, i);
    if (!plan->was_asked)
        report_event(supervisor->report, REPORT_GOOD, node->name, "goes on (pid %d)", (int)node->process.pid);
}

bool nodes_note(struct supervisor *supervisor, pid_t pid, int status)
{
    const struct hive_ledger *ledger = supervisor->ledger;
    for (size_t i = 0; i < ledger->node_count; i++) {
        if (ledger->nodes[i].process.pid != pid)
            continue;
        if (WIFSTOPPED(status))
            note_paused(supervisor, i);
        else if (WIFCONTINUED(status))
            note_resumed(supervisor, i);
        else
            note_down(supervisor, i, status);
        return true;
    }
    return false;
}

void nodes_note_health(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->ledger->node_count; i++) {
        const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
        enum watch_level level = watch_level(supervisor->watch, i);
        if (level >= WATCH_ANSWERED && node->state == HIVE_NODE_STARTING)
            set_state(supervisor, i, HIVE_NODE_RUNNING);
        if (level >= WATCH_READY && supervisor->is_ready && !supervisor->runs[i].is_announced) {
            supervisor->runs[i].is_announced = true;
            report_event(supervisor->report, REPORT_GOOD, node->name, "ready after %lld ms",
                         (long long)watch_took_ms(supervisor->watch, i));
        }
    }
}

char *nodes_up(const struct supervisor *supervisor)
{
    struct hive_buffer names = {0};
    const struct hive_ledger *ledger = supervisor->ledger;
    for (int role = HIVE_ROLE_DRONE; role >= HIVE_ROLE_QUEEN; role--)
        for (size_t i = 0; i < ledger->node_count; i++)
            if ((int)ledger->nodes[i].role == role && supervisor->plan[i].have != PLAN_HAVE_DOWN)
                hive_buffer_format(&names, "%s%s", names.size ? ", " : "", ledger->nodes[i].name);
    return names.size ? hive_buffer_take(&names) : NULL;
}
