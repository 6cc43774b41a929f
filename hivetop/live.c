/* The loop of the dashboard: one wait for the network, the keyboard and the clock together. */
#include "app.h"

#include <poll.h>
#include <unistd.h>

#include "hive/clock.h"
#include "keys.h"
#include "render.h"
#include "screen.h"

#define GATHER_MS 20 /* answers of one round come together: one frame shows them all */

struct live {
    struct app *app;
    bool is_over;
    bool is_blocked;       /* the terminal takes no output: wait until it does */
    bool is_urgent;        /* a key was pressed: show its effect now */
    int64_t news_since_ms; /* 0: nothing new to show */
};

static bool show(struct app *app)
{
    int columns, rows;
    struct cells cells;
    screen_size(&columns, &rows);
    app->ui.page_rows = rows > 3 ? rows - 2 : 1;
    render(&app->model, &app->ui, columns, rows, screen_is_unicode(), &cells);
    bool is_shown = screen_show(&cells);
    cells_finish(&cells);
    return is_shown;
}

/* Shows a frame where it is time for one. Returns the milliseconds until it is, or -1. */
static int show_when_due(struct live *live)
{
    struct app *app = live->app;
    int64_t now_ms = app->model.now_ms;
    if (app->poller.has_news && live->news_since_ms == 0)
        live->news_since_ms = now_ms;
    if (!live->is_urgent && live->news_since_ms == 0)
        return -1;
    int64_t left_ms = live->news_since_ms + GATHER_MS - now_ms;
    if (!live->is_urgent && left_ms > 0)
        return (int)left_ms;
    live->is_blocked = !show(app);
    if (!live->is_blocked) {
        live->is_urgent = false;
        live->news_since_ms = 0;
        app->poller.has_news = false;
    }
    return -1;
}

static void take_key(struct live *live, int key)
{
    struct app *app = live->app;
    app->model.now_ms = hive_clock_monotonic_ms();
    unsigned reactions = ui_key(&app->ui, &app->model, key);
    if (reactions & REACTION_QUIT)
        live->is_over = true;
    if (reactions & REACTION_ACT)
        courier_act(&app->courier, &app->ui.action);
    if (reactions & REACTION_SUBMIT)
        courier_submit(&app->courier, app->ui.input);
    if (reactions & REACTION_INTERVAL)
        poller_set_interval(&app->poller, app->ui.interval_ms, app->model.now_ms);
    if (reactions & REACTION_REPAINT)
        screen_repaint();
    live->is_urgent = true;
}

static void wait_for_anything(struct live *live, int timeout_ms)
{
    struct pollfd descriptors[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = STDOUT_FILENO, .events = POLLOUT}};
    hive_http_client_wait(live->app->client, descriptors, live->is_blocked ? 2 : 1, timeout_ms);
    if (descriptors[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        live->is_over = true; /* the terminal is gone */
}

int app_run_live(struct app *app, int64_t count, struct hive_error *error)
{
    struct live live = {.app = app, .is_urgent = true};
    if (screen_open(error))
        return HIVE_EXIT_FAILED;
    while (!live.is_over) {
        int wait_ms = app_turn(app);
        if (count > 0 && app->poller.rounds > count)
            break;
        int frame_ms = show_when_due(&live);
        if (frame_ms >= 0 && frame_ms < wait_ms)
            wait_ms = frame_ms;
        wait_for_anything(&live, wait_ms);
        int key;
        while (!live.is_over && (key = screen_key()) != KEYS_NONE)
            take_key(&live, key);
    }
    screen_close();
    return HIVE_EXIT_OK;
}
