/* Which windows there are, and what is in them; and the terminal that the session is shown on. */
#include "tmux.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "hive/memory.h"
#include "tmux_call.h"
#include "tmux_keep.h"
#include "tmux_layout.h"
#include "tmux_pane.h"

#define END_TIMEOUT_MS  30000 /* beyond twice the grace time */
#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT    24

/* Makes a grid of the pane, which shows the first node of those that have none yet. */
static int fill(struct tmux *tmux, const struct tmux_place *pane, const struct tmux_layout *layout)
{
    const struct hive_ledger_node *nodes = tmux->ledger->nodes;
    struct tmux_place row = *pane, next = {0};
    int result = 0;
    size_t first = tmux->shown, end = first + layout->panes;
    for (size_t rows = layout->rows; rows > 0 && !result; rows--, first += layout->columns) {
        size_t columns = end - first < layout->columns ? end - first : layout->columns;
        /* What is below is split off first, so that it goes over the whole width. */
        if (rows > 1)
            result =
                tmux_split(tmux, row.pane, "-v", (rows - 1) * 100 / rows, nodes[first + columns].name, &next);
        struct tmux_place cell = row;
        for (size_t i = 1; i < columns && !result; i++)
            result = tmux_split(tmux, cell.pane, "-h", (columns - i) * 100 / (columns - i + 1),
                                nodes[first + i].name, &cell);
        row = next;
    }
    tmux->shown = end;
    return result;
}

/* The window with the dashboard above and nodes below. */
static int open_main(struct tmux *tmux, struct tmux_place *top)
{
    const struct hive_ledger *ledger = tmux->ledger;
    struct tmux_place place;
    if (*tmux->session) {
        char width[32], height[32];
        snprintf(width, sizeof width, "%zu", tmux->columns);
        snprintf(height, sizeof height, "%zu", tmux->rows + 1); /* the line at the bottom */
        tmux_add(tmux, "tmux", "new-session", "-d", "-P", "-F", "#{window_id} #{pane_id}", "-s",
                 tmux->session, "-n", "cluster", "-x", width, "-y", height);
    } else {
        tmux_begin_window(tmux, ledger->name);
    }
    tmux_add_environment(tmux);
    tmux_add(tmux, tmux->hivetop, "--cluster", ledger->name);
    int result = tmux_make(tmux, "hivetop", true, top);
    if (!result)
        result = tmux_split(tmux, top->pane, "-v", 50, ledger->nodes[0].name, &place);
    if (result)
        return result;
    const struct tmux_layout layout = tmux_layout_make(ledger->node_count, tmux->columns, tmux->rows / 2);
    return fill(tmux, &place, &layout);
}

/* The nodes that had no room there. */
static int open_more(struct tmux *tmux)
{
    const struct hive_ledger *ledger = tmux->ledger;
    int result = 0;
    while (!result && tmux->shown < ledger->node_count) {
        const char *first = ledger->nodes[tmux->shown].name;
        const struct tmux_layout layout =
            tmux_layout_make(ledger->node_count - tmux->shown, tmux->columns, tmux->rows);
        const char *last = ledger->nodes[tmux->shown + layout.panes - 1].name;
        struct tmux_place place;
        char *name = layout.panes > 1 ? hive_format("%s-%s", first, last) : hive_strdup(first);
        tmux_begin_window(tmux, name);
        tmux_add_attach(tmux, first);
        result = tmux_make(tmux, first, true, &place);
        if (!result)
            result = fill(tmux, &place, &layout);
        free(name);
    }
    return result;
}

/* The window of the launcher: when that is closed, so is the cluster, and the other way round. */
static int open_launcher(struct tmux *tmux)
{
    struct tmux_place place;
    tmux_begin_window(tmux, "launcher");
    tmux_add_attach(tmux, NULL);
    return tmux_make(tmux, "launcher: Ctrl-C ends the cluster", true, &place);
}

static void measure(struct tmux *tmux)
{
    struct winsize size;
    char output[64];
    tmux->columns = COLUMNS_DEFAULT;
    tmux->rows = ROWS_DEFAULT - 1;
    if (!*tmux->session) {
        tmux_add(tmux, "tmux", "display-message", "-p", "#{window_width} #{window_height}");
        if (tmux_call(tmux, output, sizeof output) == 0)
            sscanf(output, "%zu %zu", &tmux->columns, &tmux->rows);
    } else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 1) {
        tmux->columns = size.ws_col;
        tmux->rows = (size_t)size.ws_row - 1;
    }
}

/* The session is called like the cluster; '.' would divide a target, and somebody may have a session of that name. */
static void choose_session(struct tmux *tmux)
{
    char name[HIVE_NAME_BYTES];
    snprintf(name, sizeof name, "%s", tmux->ledger->name);
    for (char *at = name; *at; at++)
        if (*at == '.')
            *at = '_';
    snprintf(tmux->session, sizeof tmux->session, "%s", name);
    for (int number = 2;; number++) {
        char *target = hive_format("=%s", tmux->session);
        tmux_add(tmux, "tmux", "has-session", "-t", target);
        bool is_taken = tmux_call(tmux, NULL, 0) == 0;
        free(target);
        if (!is_taken)
            return;
        snprintf(tmux->session, sizeof tmux->session, "%.*s-%d", HIVE_NAME_BYTES - 12, name, number);
    }
}

static int open_all(struct tmux *tmux)
{
    struct tmux_place top;
    int result = open_main(tmux, &top);
    if (!result)
        result = open_more(tmux);
    if (!result)
        result = open_launcher(tmux);
    if (!result) {
        tmux_add(tmux, "tmux", "select-pane", "-t", top.pane);
        result = tmux_call(tmux, NULL, 0);
    }
    if (!result) {
        tmux_add(tmux, "tmux", "select-window", "-t", top.window);
        result = tmux_call(tmux, NULL, 0);
    }
    return result;
}

/* Gives this terminal to the session, until that is closed or left. */
static int show(const struct tmux *tmux)
{
    pid_t pid;
    int status;
    char *target = hive_format("=%s", tmux->session),
         *argv[5] = {hive_strdup("tmux"), hive_strdup("attach-session"), hive_strdup("-t"), target};
    int result = -posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (result)
        hive_error_set(tmux->error, result, "cannot run tmux: %s", strerror(-result));
    while (!result && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    for (char **word = argv; *word; word++)
        free(*word);
    return result;
}

/* On a terminal: shows the session, and says what has become of the cluster since. */
static int show_and_tell(const struct tmux *tmux)
{
    const struct hive_ledger *ledger = tmux->ledger;
    struct hive_strings words = {0};
    struct hive_error gone;
    char *target = hive_format("=%s", tmux->session);
    int result = show(tmux);
    tmux_call_add(&words, "tmux", "has-session", "-t", target);
    bool is_left = tmux_call_run(&words, NULL, 0, &gone) == 0;
    free(target);
    if (result)
        return result;
    if (is_left)
        printf("%s goes on: 'tmux attach -t %s' shows it again, 'launcher stop --cluster %s' ends it\n",
               ledger->name, tmux->session, ledger->name);
    else if (await_end(ledger->launcher, END_TIMEOUT_MS))
        printf("%s has ended\n", ledger->name);
    else
        return hive_error_set(tmux->error, -ETIMEDOUT, "%s is still ending: its launcher is process %d",
                              ledger->name, (int)ledger->launcher.pid);
    return 0;
}

int tmux_run(const char *cluster)
{
    struct hive_error error = {0};
    struct hive_ledger ledger;
    if (hive_ledger_load(cluster, &ledger, &error)) {
        fprintf(stderr, "launcher: %s\n", error.message);
        return HIVE_EXIT_FAILED;
    }
    struct tmux tmux;
    tmux_init(&tmux, &ledger, &error);
    bool is_inside = getenv("TMUX") && *getenv("TMUX");
    if (!is_inside)
        choose_session(&tmux);
    measure(&tmux);
    int result = open_all(&tmux);
    if (result) { /* no windows, no cluster */
        tmux_close(&ledger);
        hive_process_signal(ledger.launcher, SIGTERM);
        await_end(ledger.launcher, END_TIMEOUT_MS);
    } else if (is_inside) {
        printf("%s is in the windows '%s' and 'launcher'; Ctrl-C in the latter ends it\n", cluster, cluster);
    } else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        result = show_and_tell(&tmux);
    } else {
        printf("%s is in a session of tmux: 'tmux attach -t %s' shows it, 'launcher stop --cluster %s' ends "
               "it\n",
               cluster, tmux.session, cluster);
    }
    if (result)
        fprintf(stderr, "launcher: %s\n", error.message);
    tmux_finish(&tmux);
    hive_ledger_finish(&ledger);
    return result ? HIVE_EXIT_FAILED : HIVE_EXIT_OK;
}
