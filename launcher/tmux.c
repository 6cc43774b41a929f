/* tmux is told what to do on its command line, as a person would. Windows are marked with the directory of their cluster
 * (the option @hive), so that they are found again whatever they are called. */
#include "tmux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "hive/memory.h"
#include "hive/options.h"
#include "spawn.h"
#include "tmux_layout.h"

#define END_TIMEOUT_MS 30000 /* beyond twice the grace time */
#define OUTPUT_BYTES   (64 * 1024)
#define WIDTH_DEFAULT  80
#define ROWS_DEFAULT   24

struct tmux {
    const struct hive_ledger *ledger;
    struct hive_strings words; /* of the command that is being put together */
    char *launcher, *hivetop;
    char session[HIVE_NAME_BYTES];
    size_t columns, rows; /* of a window */
    size_t shown;         /* nodes that have a pane */
    struct hive_error *error;
};

/* Runs the words that were put together; what it prints, without the end of the line, goes to `output` (NULL: nowhere). */
static int run(const struct hive_strings *words, char *output, size_t bytes, struct hive_error *error)
{
    char text[1024];
    int ends[2];
    size_t size = 0;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return hive_error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    char **argv = hive_calloc(words->count + 1, sizeof *argv);
    for (size_t i = 0; i < words->count; i++)
        argv[i] = (char *)(uintptr_t)words->items[i];
    int result = -posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    free(argv);
    close(ends[1]);
    char *target = output ? output : text;
    size_t room = output ? bytes : sizeof text;
    for (ssize_t got; !result && (got = read(ends[0], target + size, room - 1 - size)) > 0;)
        size += (size_t)got;
    close(ends[0]);
    target[size] = '\0';
    while (size > 0 && target[size - 1] == '\n')
        target[--size] = '\0';
    if (result)
        return hive_error_set(error, result, "cannot run %s: %s", words->items[0], strerror(-result));
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return hive_error_set(error, -EIO, "tmux %s: %.200s", words->count > 1 ? words->items[1] : "",
                              target);
    return 0;
}

static void add(struct tmux *tmux, const char *first, ...)
{
    va_list words;
    va_start(words, first);
    for (const char *word = first; word; word = va_arg(words, const char *))
        hive_strings_append(&tmux->words, word, strlen(word));
    va_end(words);
}

static int finish(struct tmux *tmux, char *output, size_t bytes)
{
    int result = run(&tmux->words, output, bytes, tmux->error);
    hive_strings_finish(&tmux->words);
    return result;
}

int tmux_check(struct hive_error *error)
{
    char version[256];
    const char *items[] = {"tmux", "-V"};
    const struct hive_strings words = {.items = items, .count = 2};
    int result = run(&words, version, sizeof version, error);
    if (result == -ENOENT)
        hive_error_set(
            error, result,
            "--tmux needs tmux, which is not there: install it (apt install tmux), or take --top or "
            "--detach");
    return result;
}

/* Panes get the environment of tmux's server, which may be that of another day. */
static void add_environment(struct tmux *tmux)
{
    static const char *const names[] = {"HOME",     "XDG_STATE_HOME", "XDG_CONFIG_HOME",
                                        "NO_COLOR", "LC_ALL",         "LANG"};
    add(tmux, "env", NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value)
            continue;
        char *text = hive_format("%s=%s", names[i], value);
        add(tmux, text, NULL);
        free(text);
    }
}

/* The program of a pane: `node`'s log, or with NULL the launcher's. */
static void add_attach(struct tmux *tmux, const char *node)
{
    add_environment(tmux);
    add(tmux, tmux->launcher, "attach", "--cluster", tmux->ledger->name, node, NULL);
}

static int set_option(struct tmux *tmux, const char *window, const char *name, const char *value)
{
    add(tmux, "tmux", "set-option", "-w", "-t", window, name, value, NULL);
    return finish(tmux, NULL, 0);
}

static int set_title(struct tmux *tmux, const char *pane, const char *title)
{
    add(tmux, "tmux", "select-pane", "-t", pane, "-T", title, NULL);
    return finish(tmux, NULL, 0);
}

/* Marks a window as the cluster's, right after it was made. */
static int mark(struct tmux *tmux, const char *window)
{
    int result = set_option(tmux, window, "@hive", tmux->ledger->directory);
    if (!result)
        result = set_option(tmux, window, "remain-on-exit", "off");
    if (!result)
        result = set_option(tmux, window, "pane-border-status", "top");
    return result ? result : set_option(tmux, window, "pane-border-format", " #{pane_title} ");
}

/* What new-window and split-window print: "@1 %2". */
struct place {
    char window[16], pane[16];
};

static int make(struct tmux *tmux, struct place *place)
{
    char output[256];
    int result = finish(tmux, output, sizeof output);
    if (!result && sscanf(output, "%15s %15s", place->window, place->pane) != 2)
        result = hive_error_set(tmux->error, -EIO, "tmux answers '%s', and not what it made", output);
    return result;
}

/* Begins a window; the caller adds its program. */
static void begin_window(struct tmux *tmux, const char *name)
{
    add(tmux, "tmux", "new-window", "-d", "-P", "-F", "#{window_id} #{pane_id}", "-n", name, NULL);
    if (*tmux->session) {
        char *target = hive_format("=%s:", tmux->session);
        add(tmux, "-t", target, NULL);
        free(target);
    }
}

/* Divides the pane; the new one, which shows the node, gets `percent` of it. */
static int split(struct tmux *tmux, const char *pane, const char *direction, size_t percent, size_t node,
                 struct place *place)
{
    const char *name = tmux->ledger->nodes[node].name;
    char size[32];
    snprintf(size, sizeof size, "%zu%%", percent);
    add(tmux, "tmux", "split-window", "-d", "-P", "-F", "#{window_id} #{pane_id}", direction, "-l", size,
        "-t", pane, NULL);
    add_attach(tmux, name);
    int result = make(tmux, place);
    return result ? result : set_title(tmux, place->pane, name);
}

/* Makes a grid of the pane, which shows the first node of those that have none yet. */
static int fill(struct tmux *tmux, const struct place *pane, const struct tmux_layout *layout)
{
    struct place row = *pane, next = {0};
    int result = 0;
    size_t first = tmux->shown, end = first + layout->panes;
    for (size_t rows = layout->rows; rows > 0 && !result; rows--, first += layout->columns) {
        size_t columns = end - first < layout->columns ? end - first : layout->columns;
        /* What is below is split off first, so that it goes over the whole width. */
        if (rows > 1)
            result = split(tmux, row.pane, "-v", (rows - 1) * 100 / rows, first + columns, &next);
        struct place cell = row;
        for (size_t i = 1; i < columns && !result; i++)
            result = split(tmux, cell.pane, "-h", (columns - i) * 100 / (columns - i + 1), first + i, &cell);
        row = next;
    }
    tmux->shown = end;
    return result;
}

/* The window with the dashboard above and nodes below. */
static int open_main(struct tmux *tmux, struct place *top)
{
    struct place place;
    if (*tmux->session) {
        char width[16], height[16];
        snprintf(width, sizeof width, "%zu", tmux->columns);
        snprintf(height, sizeof height, "%zu", tmux->rows + 1); /* the line at the bottom */
        add(tmux, "tmux", "new-session", "-d", "-P", "-F", "#{window_id} #{pane_id}", "-s", tmux->session,
            "-n", "cluster", "-x", width, "-y", height, NULL);
    } else {
        begin_window(tmux, tmux->ledger->name);
    }
    add_environment(tmux);
    add(tmux, tmux->hivetop, "--cluster", tmux->ledger->name, NULL);
    int result = make(tmux, top);
    if (!result)
        result = mark(tmux, top->window);
    if (!result)
        result = set_title(tmux, top->pane, "hivetop");
    if (!result)
        result = split(tmux, top->pane, "-v", 50, 0, &place);
    if (result)
        return result;
    const struct tmux_layout layout =
        tmux_layout_make(tmux->ledger->node_count, tmux->columns, tmux->rows / 2);
    return fill(tmux, &place, &layout);
}

/* The nodes that had no room there. */
static int open_more(struct tmux *tmux)
{
    int result = 0;
    while (!result && tmux->shown < tmux->ledger->node_count) {
        const char *first = tmux->ledger->nodes[tmux->shown].name;
        const struct tmux_layout layout =
            tmux_layout_make(tmux->ledger->node_count - tmux->shown, tmux->columns, tmux->rows);
        const char *last = tmux->ledger->nodes[tmux->shown + layout.panes - 1].name;
        struct place place;
        char *name = layout.panes > 1 ? hive_format("%s-%s", first, last) : hive_strdup(first);
        begin_window(tmux, name);
        add_attach(tmux, first);
        result = make(tmux, &place);
        if (!result)
            result = mark(tmux, place.window);
        if (!result)
            result = set_title(tmux, place.pane, first);
        if (!result)
            result = fill(tmux, &place, &layout);
        free(name);
    }
    return result;
}

/* The window of the launcher: when that is closed, so is the cluster, and the other way round. */
static int open_launcher(struct tmux *tmux)
{
    struct place place;
    begin_window(tmux, "launcher");
    add_attach(tmux, NULL);
    int result = make(tmux, &place);
    if (!result)
        result = mark(tmux, place.window);
    return result ? result : set_title(tmux, place.pane, "launcher: Ctrl-C ends the cluster");
}

static void measure(struct tmux *tmux)
{
    struct winsize size;
    char output[64];
    tmux->columns = WIDTH_DEFAULT;
    tmux->rows = ROWS_DEFAULT - 1;
    if (!*tmux->session) {
        add(tmux, "tmux", "display-message", "-p", "#{window_width} #{window_height}", NULL);
        if (finish(tmux, output, sizeof output) == 0)
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
        add(tmux, "tmux", "has-session", "-t", target, NULL);
        bool is_taken = finish(tmux, NULL, 0) == 0;
        free(target);
        if (!is_taken)
            return;
        snprintf(tmux->session, sizeof tmux->session, "%.*s-%d", HIVE_NAME_BYTES - 12, name, number);
    }
}

static int open_all(struct tmux *tmux)
{
    struct place top;
    int result = open_main(tmux, &top);
    if (!result)
        result = open_more(tmux);
    if (!result)
        result = open_launcher(tmux);
    if (!result) {
        add(tmux, "tmux", "select-pane", "-t", top.pane, NULL);
        result = finish(tmux, NULL, 0);
    }
    if (!result) {
        add(tmux, "tmux", "select-window", "-t", top.window, NULL);
        result = finish(tmux, NULL, 0);
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
    hive_strings_append(&words, "tmux", 4);
    hive_strings_append(&words, "has-session", 11);
    hive_strings_append(&words, "-t", 2);
    hive_strings_append(&words, target, strlen(target));
    bool is_left = !result && run(&words, NULL, 0, &gone) == 0;
    hive_strings_finish(&words);
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
    struct tmux tmux = {.ledger = &ledger,
                        .launcher = spawn_path_beside("launcher"),
                        .hivetop = spawn_path_beside("hivetop"),
                        .error = &error};
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
    free(tmux.launcher);
    free(tmux.hivetop);
    hive_ledger_finish(&ledger);
    return result ? HIVE_EXIT_FAILED : HIVE_EXIT_OK;
}

void tmux_close(const struct hive_ledger *ledger)
{
    struct hive_error ignored;
    struct tmux tmux = {.ledger = ledger, .error = &ignored};
    char *windows = hive_calloc(OUTPUT_BYTES, 1), *rest = windows, own[16] = "";
    add(&tmux, "tmux", "list-windows", "-a", "-F", "#{window_id} #{@hive}", NULL);
    if (finish(&tmux, windows, OUTPUT_BYTES) == 0 && getenv("TMUX_PANE")) {
        add(&tmux, "tmux", "display-message", "-p", "-t", getenv("TMUX_PANE"), "#{window_id}", NULL);
        finish(&tmux, own, sizeof own);
    }
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *mark = strchr(line, ' ');
        if (!mark || strcmp(mark + 1, ledger->directory) != 0)
            continue;
        *mark = '\0';
        if (strcmp(line, own) == 0)
            continue; /* it closes when this program ends */
        add(&tmux, "tmux", "kill-window", "-t", line, NULL);
        finish(&tmux, NULL, 0);
    }
    free(windows);
}
