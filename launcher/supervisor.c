/* The loop: act on the plan, write the ledger, answer orders, then wait for whatever comes first of a signal,
 * an order, a node's answer and a deadline. Signals come through a signalfd, so nothing here runs in a signal
 * handler. */
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "nodes.h"
#include "orders.h"

#define LATE_MS     10000 /* a start that takes longer is reported as slow */
#define WORD_MS     1000  /* how often it says whom it waits for */
#define IDLE_MS     60000 /* nothing is due: look again by then all the same */
#define READ_EVENTS 16

void supervisor_end(struct supervisor *supervisor)
{
    bool by_force = supervisor->is_ending;
    if (!by_force)
        supervisor->ending_since_ms = hive_clock_monotonic_ms();
    supervisor->is_ending = true;
    supervisor->next_word_ms = hive_clock_monotonic_ms() + WORD_MS;
    for (size_t i = 0; i < supervisor->ledger->node_count; i++) {
        supervisor->plan[i].want = PLAN_WANT_DOWN;
        supervisor->plan[i].again = false;
        supervisor->plan[i].by_force |= by_force && supervisor->plan[i].have != PLAN_HAVE_DOWN;
    }
    top_end(&supervisor->top, by_force);
    char *names = nodes_up(supervisor);
    if (names)
        report_event(supervisor->report, by_force ? REPORT_BAD : REPORT_WAIT, "cluster", "%s %s%s",
                     by_force ? "killing" : "stopping", names,
                     by_force ? "" : "; a second Ctrl-C kills them at once");
    free(names);
}

static void fail(struct supervisor *supervisor)
{
    supervisor->status = HIVE_EXIT_FAILED;
    if (!supervisor->is_ending)
        supervisor_end(supervisor);
}

/* The name of the node that listens on the address. */
static const char *name_of(const struct supervisor *supervisor, const char *address)
{
    for (size_t i = 0; i < supervisor->ledger->node_count; i++)
        if (strcmp(supervisor->ledger->nodes[i].address, address) == 0)
            return supervisor->ledger->nodes[i].name;
    return address;
}

/* Somebody waits for the start of a cluster that cannot have a leader: too many queens have died already. */
static bool is_hopeless(const struct supervisor *supervisor)
{
    size_t queens = 0, down = 0;
    for (size_t i = 0; i < supervisor->ledger->node_count; i++) {
        const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
        queens += node->role == HIVE_ROLE_QUEEN;
        down += node->role == HIVE_ROLE_QUEEN && node->state == HIVE_NODE_DEAD;
    }
    return supervisor->config->on_ready && down * 2 >= queens;
}

/* Reports, once, that all nodes that are up are ready, or that it takes long and whom it is waiting for. */
static void note_start(struct supervisor *supervisor, int64_t now_ms)
{
    uint64_t term;
    const char *leader = watch_leader(supervisor->watch, &term);
    struct hive_buffer waiting = {0};
    size_t drones = 0;
    for (size_t i = 0; i < supervisor->ledger->node_count; i++) {
        const struct hive_ledger_node *node = &supervisor->ledger->nodes[i];
        enum watch_level level = watch_level(supervisor->watch, i);
        if (level >= WATCH_READY)
            drones += node->role == HIVE_ROLE_DRONE;
        else if (level != WATCH_OFF)
            hive_buffer_format(&waiting, "%s%s", waiting.size ? ", " : "", node->name);
    }
    int64_t took_ms = now_ms - supervisor->config->started_ms;
    if (*leader && waiting.size == 0) {
        supervisor->is_ready = true;
        for (size_t i = 0; i < supervisor->ledger->node_count; i++)
            supervisor->runs[i].is_announced = true;
        report_event(supervisor->report, REPORT_GOOD, "cluster",
                     "ready in %lld ms: leader %s, term %llu, %zu drone%s", (long long)took_ms,
                     name_of(supervisor, leader), (unsigned long long)term, drones, drones == 1 ? "" : "s");
        if (supervisor->config->on_ready)
            supervisor->config->on_ready(supervisor->config->context);
    } else if (took_ms >= LATE_MS && !supervisor->was_late) {
        supervisor->was_late = true;
        report_event(supervisor->report, REPORT_WAIT, "cluster", "not ready after %d s: %s%s%s",
                     LATE_MS / 1000, *leader ? "a leader is there" : "no leader",
                     waiting.size ? ", waiting for " : "", waiting.size ? waiting.data : "");
    }
    hive_buffer_finish(&waiting);
}

/* Starts the dashboard when its time has come: on a terminal at once (it shows the election), for a single
 * frame when there is something to see. */
static void start_top(struct supervisor *supervisor, struct hive_error *error)
{
    struct top *top = &supervisor->top;
    uint64_t term;
    if (top->was_started || supervisor->is_ending)
        return;
    if (!top->has_terminal && !supervisor->is_ready) {
        if (!supervisor->was_late)
            return;
        if (!*watch_leader(supervisor->watch, &term)) {
            hive_error_set(error, -ETIMEDOUT, "no leader was elected within %d s", LATE_MS / 1000);
            fail(supervisor);
            return;
        }
    }
    if (top_start(top, supervisor->config->hivetop, supervisor->ledger, supervisor->report, error))
        fail(supervisor);
}

/* The dashboard was left, or has printed its frame, or died: the cluster ends with it. */
static void note_top_end(struct supervisor *supervisor, int status, struct hive_error *error)
{
    top_note_end(&supervisor->top, supervisor->report);
    if (supervisor->is_ending)
        return;
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool was_asked = number == SIGINT || number == SIGTERM || number == SIGHUP;
    if (status != 0 && !was_asked) {
        hive_error_set(error, -EIO, "hivetop ended with %s %d", number ? "signal" : "status",
                       number ? number : WEXITSTATUS(status));
        fail(supervisor);
    } else {
        supervisor_end(supervisor);
    }
}

static void reap(struct supervisor *supervisor, struct hive_error *error)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        if (nodes_note(supervisor, pid, status))
            continue;
        if (pid == supervisor->top.process.pid && (WIFEXITED(status) || WIFSIGNALED(status)))
            note_top_end(supervisor, status, error);
    }
}

static void read_signals(struct supervisor *supervisor, struct hive_error *error)
{
    struct signalfd_siginfo signals[READ_EVENTS];
    ssize_t bytes;
    while ((bytes = read(supervisor->signals, signals, sizeof signals)) > 0) {
        for (size_t i = 0; i < (size_t)bytes / sizeof *signals; i++) {
            int number = (int)signals[i].ssi_signo;
            /* While the dashboard runs, the keyboard is its own. */
            bool is_for_top = number == SIGINT && signals[i].ssi_code == SI_KERNEL &&
                              supervisor->top.process.pid && !supervisor->is_ending;
            if (number == SIGCHLD)
                reap(supervisor, error);
            else if (number == SIGHUP && supervisor->is_ending)
                continue; /* the terminal is closed behind a Ctrl-C: no second wish */
            else if (!is_for_top)
                supervisor_end(supervisor);
        }
    }
}

/* Says, once a second, whom the end is waiting for. Returns when it will speak again. */
static int64_t speak_while_ending(struct supervisor *supervisor, int64_t now_ms)
{
    if (!supervisor->is_ending)
        return INT64_MAX;
    if (now_ms >= supervisor->next_word_ms) {
        char *names = nodes_up(supervisor);
        if (names)
            report_event(supervisor->report, REPORT_WAIT, "cluster", "waiting for %s (%lld s)", names,
                         (long long)((now_ms - supervisor->ending_since_ms) / 1000));
        free(names);
        if (now_ms - supervisor->ending_since_ms >= NODES_GRACE_MS)
            top_end(&supervisor->top, true);
        supervisor->next_word_ms += WORD_MS;
    }
    return supervisor->next_word_ms;
}

static void save(struct supervisor *supervisor)
{
    struct hive_error error;
    if (!supervisor->is_dirty)
        return;
    supervisor->is_dirty = false;
    if (hive_ledger_save(supervisor->ledger, &error))
        report_event(supervisor->report, REPORT_BAD, "cluster", "%s", error.message);
}

static bool is_over(const struct supervisor *supervisor)
{
    if (!supervisor->is_ending || supervisor->top.process.pid)
        return false;
    for (size_t i = 0; i < supervisor->ledger->node_count; i++)
        if (supervisor->plan[i].have != PLAN_HAVE_DOWN)
            return false;
    return true;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* From the first leader on there is a group, which an empty disk must not found again. */
static void note_founding(struct supervisor *supervisor)
{
    uint64_t term;
    if (supervisor->ledger->founded || !*watch_leader(supervisor->watch, &term))
        return;
    supervisor->ledger->founded = true;
    supervisor->is_dirty = true;
}

/* One turn of the loop. */
static void turn(struct supervisor *supervisor, struct hive_error *error)
{
    struct hive_error failure = {0};
    bool was_ending = supervisor->is_ending;
    int64_t now_ms = hive_clock_monotonic_ms();
    int64_t due_ms = nodes_act(supervisor, now_ms, &failure);
    if (failure.message[0] && !supervisor->is_ready && !supervisor->is_ending) {
        *error = failure; /* a cluster that cannot even start its programs is no cluster */
        fail(supervisor);
    }
    nodes_note_health(supervisor);
    note_founding(supervisor);
    save(supervisor);
    due_ms = earlier(due_ms, orders_settle(supervisor, now_ms));
    due_ms = earlier(due_ms, link_push_poll(supervisor, now_ms));
    if (!supervisor->is_ready && !supervisor->is_ending)
        note_start(supervisor, now_ms);
    if (!supervisor->is_ready && !supervisor->is_ending && is_hopeless(supervisor)) {
        hive_error_set(error, -EIO, "too many queens died at the start: no majority is left");
        fail(supervisor);
    }
    if (supervisor->config->has_top)
        start_top(supervisor, error);
    if (!supervisor->is_ready && !supervisor->was_late)
        due_ms = earlier(due_ms, supervisor->config->started_ms + LATE_MS);
    if (!supervisor->is_ending)
        due_ms = earlier(due_ms, watch_poll(supervisor->watch, now_ms));
    due_ms = earlier(due_ms, speak_while_ending(supervisor, now_ms));
    if (supervisor->is_ending != was_ending)
        due_ms = now_ms; /* this changed the plan, after it was acted on */
    if (is_over(supervisor))
        return;

    struct pollfd descriptors[] = {
        {.fd = supervisor->signals, .events = POLLIN},
        {.fd = control_descriptor(supervisor->control), .events = POLLIN},
    };
    now_ms = hive_clock_monotonic_ms();
    int64_t wait_ms = due_ms <= now_ms ? 0 : earlier(due_ms - now_ms, IDLE_MS);
    hive_http_client_wait(supervisor->client, descriptors, 2, (int)wait_ms);
    read_signals(supervisor, error);
    orders_take(supervisor);
    orders_advance(supervisor, hive_clock_monotonic_ms());
}

/* Takes the signals that the loop wants. Before any thread starts, so that all inherit the mask. */
static int take_signals(struct hive_error *error)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed terminal or pipe is no reason to leave nodes behind */
    int descriptor = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor >= 0 ? descriptor
                           : hive_error_set(error, -errno, "cannot make a signalfd: %s", strerror(errno));
}

static void want_all_running(struct supervisor *supervisor)
{
    struct hive_ledger *ledger = supervisor->ledger;
    supervisor->plan = hive_calloc(ledger->node_count, sizeof *supervisor->plan);
    supervisor->runs = hive_calloc(ledger->node_count, sizeof *supervisor->runs);
    for (size_t i = 0; i < ledger->node_count; i++)
        supervisor->plan[i] = (struct plan_node){.role = ledger->nodes[i].role, .want = PLAN_WANT_RUNNING};
}

enum hive_exit supervisor_run(const struct supervisor_config *config, struct hive_error *error)
{
    struct supervisor supervisor = {
        .config = config,
        .ledger = &config->cluster->ledger,
        .report = config->report,
        .status = HIVE_EXIT_OK,
    };
    char *socket_path = hive_ledger_path(supervisor.ledger, "control.sock");
    want_all_running(&supervisor);
    top_init(&supervisor.top);
    supervisor.signals = take_signals(error);
    int result =
        supervisor.signals < 0 ? supervisor.signals : control_start(socket_path, &supervisor.control, error);
    if (result) {
        supervisor.status = HIVE_EXIT_FAILED;
    } else if (hive_ledger_token(supervisor.ledger, supervisor.token, error)) {
        supervisor.status = HIVE_EXIT_FAILED;
    } else {
        supervisor.client = hive_http_client_create();
        supervisor.watch = watch_create(supervisor.ledger, supervisor.client);
        do
            turn(&supervisor, error);
        while (!is_over(&supervisor));
        save(&supervisor);
    }
    hive_http_client_destroy(supervisor.client); /* nobody is called back from here on */
    orders_end(&supervisor);
    control_destroy(supervisor.control);
    watch_destroy(supervisor.watch);
    link_push_end(&supervisor);
    links_finish(&supervisor.links);
    if (supervisor.signals >= 0)
        close(supervisor.signals);
    free(socket_path);
    free(supervisor.plan);
    free(supervisor.runs);
    return supervisor.status;
}
