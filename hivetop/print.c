/* Frames on paper: `--once`, `--json`, and whatever stands where no terminal is. */
#include "app.h"

#include <errno.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hive/clock.h"
#include "model_json.h"
#include "render.h"
#include "summary.h"
#include "trace.h"

#define PAPER_COLUMNS 80
#define PAPER_ROWS    24

static bool all_were_asked(const struct model *model)
{
    for (size_t i = 0; i < model->node_count; i++) {
        const struct node *node = model->nodes[i];
        if (node->is_due || node->is_asked || node->condition == CONDITION_STARTING)
            return false;
    }
    return true;
}

/* Polls until every node was asked and a leader is known, or the time is up. */
static void gather(struct app *app, int64_t timeout_ms)
{
    int64_t until_ms = hive_clock_monotonic_ms() + timeout_ms;
    for (;;) {
        int wait_ms = app_turn(app);
        struct summary summary;
        summary_of(&app->model, &summary);
        int64_t left_ms = until_ms - app->model.now_ms;
        if (left_ms <= 0 || (summary.leader && all_were_asked(&app->model)))
            return;
        hive_http_client_wait(app->client, NULL, 0, wait_ms < left_ms ? wait_ms : (int)left_ms);
    }
}

static void print_text(const struct app *app)
{
    struct winsize size = {.ws_col = PAPER_COLUMNS, .ws_row = PAPER_ROWS};
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        (!size.ws_col || !size.ws_row))
        size = (struct winsize){.ws_col = PAPER_COLUMNS, .ws_row = PAPER_ROWS};
    bool unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    struct cells cells;
    struct hive_buffer text = {0};
    render(rewind_model(&app->rewind), &app->ui, size.ws_col, size.ws_row, unicode, &cells);
    cells_print(&cells, &text);
    fwrite(text.data, 1, text.size, stdout);
    hive_buffer_finish(&text);
    cells_finish(&cells);
}

static void print_json(const struct app *app)
{
    struct hive_buffer text = {0};
    model_json(rewind_model(&app->rewind), &text);
    puts(text.data);
    hive_buffer_finish(&text);
}

static bool print_frame(const struct app *app, const struct app_options *options, bool is_further)
{
    if (is_further && !options->is_json)
        putchar('\n');
    if (options->is_json)
        print_json(app);
    else
        print_text(app);
    return fflush(stdout) == 0 && !ferror(stdout);
}

static bool anybody_answered(const struct model *model)
{
    for (size_t i = 0; i < model->node_count; i++) {
        if (model->nodes[i]->has_health && model->nodes[i]->failures == 0)
            return true;
    }
    return false;
}

static void wait_for_next_frame(struct app *app)
{
    int64_t until_ms = hive_clock_monotonic_ms() + app->poller.interval_ms;
    for (int64_t left_ms; (left_ms = until_ms - hive_clock_monotonic_ms()) > 0;) {
        int wait_ms = app_turn(app);
        hive_http_client_wait(app->client, NULL, 0, wait_ms < left_ms ? wait_ms : (int)left_ms);
    }
}

/* Consensus was seen to be broken in what was printed: scripts are told by the exit status. */
static bool is_broken(const struct app *app, struct hive_error *error)
{
    const struct checks *checks = &rewind_model(&app->rewind)->checks;
    if (!checks_is_broken(checks))
        return false;
    hive_error_set(error, -EIO, "consensus was broken: %s", checks->findings[0].text);
    return true;
}

/* A recording on paper: its end, or that many frames from its beginning (or from --at) on. */
static int print_replay(struct app *app, const struct app_options *options, struct hive_error *error)
{
    struct rewind *rewind = &app->rewind;
    while (replay_scan(rewind->replay, INT16_MAX))
        continue;
    int64_t end_ms = replay_last_ms(rewind->replay), count = options->count > 0 ? options->count : 1;
    int64_t at_ms = options->at_ms >= 0 ? TRACE_BASE_MS + options->at_ms : count > 1 ? TRACE_BASE_MS : end_ms;
    rewind->is_running = false;
    for (int64_t i = 0; i < count; i++, at_ms += app->ui.interval_ms) {
        rewind_go(rewind, &app->ui, at_ms);
        if (!print_frame(app, options, i > 0)) {
            hive_error_set(error, -EIO, "standard output cannot be written to");
            return HIVE_EXIT_FAILED;
        }
        if (at_ms >= end_ms)
            break;
    }
    if (!replay_damage(rewind->replay))
        return is_broken(app, error) ? HIVE_EXIT_BROKEN : HIVE_EXIT_OK;
    hive_error_set(error, -EINVAL, "%s", replay_damage(rewind->replay));
    return HIVE_EXIT_FAILED;
}

int app_run_print(struct app *app, const struct app_options *options, struct hive_error *error)
{
    app->ui.is_print_out = true;
    if (app->rewind.replay)
        return print_replay(app, options, error);
    int64_t count = options->count > 0 ? options->count : 1;
    gather(app, options->timeout_ms);
    for (int64_t i = 0; i < count; i++) {
        if (i > 0)
            wait_for_next_frame(app);
        model_set_time(&app->model, hive_clock_monotonic_ms(), hive_clock_unix_ms());
        if (!print_frame(app, options, i > 0)) {
            hive_error_set(error, -EIO, "standard output cannot be written to");
            return HIVE_EXIT_FAILED;
        }
    }
    if (is_broken(app, error))
        return HIVE_EXIT_BROKEN;
    if (anybody_answered(&app->model))
        return HIVE_EXIT_OK;
    hive_error_set(error, -EHOSTUNREACH, "none of the %zu nodes answered", app->model.node_count);
    return HIVE_EXIT_UNAVAILABLE;
}
