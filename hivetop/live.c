/* The loop of the dashboard: one wait for the network, the keyboard and the clock together. */
#include "app.h"

#include <poll.h>
#include <unistd.h>

#include "hive/clock.h"
#include "keys.h"
#include "palette.h"
#include "render.h"
#include "screen.h"
#include "tag.h"

/* Without a key, and the configuration is saved: a busy disk takes its time for that. */
#define SAVE_MS 1000

/* Where many answers are under way, they are taken a few at a time: each look at all connections has its price. */
#define CROWD  8
#define NAP_MS 5

#define GATHER_MS 20 /* answers of one round come together: one frame shows them all */

struct live {
    struct app *app;
    bool is_over;
    bool is_blocked;         /* the terminal takes no output: wait until it does */
    bool is_urgent;          /* a key was pressed: show its effect now */
    int64_t news_since_ms;   /* 0: nothing new to show */
    int64_t status_until_ms; /* of a status that shows while the past is shown, whose time stands still */
    int64_t frames;
    int64_t save_at_ms; /* the configuration has changed; 0: it has not */
    struct cells shown; /* the last frame: what a click is on */
};

/* How many rows show events, the heading not counted. */
static int count_event_rows(const struct cells *cells)
{
    int count = 0;
    for (int row = 0; row < cells->rows; row++) {
        int column = 0;
        while (column < cells->columns &&
               cells_at(cells, column, row)->tag != TAG(TAG_PANEL, UI_PANEL_EVENTS))
            column++;
        count += column < cells->columns;
    }
    return count > 1 ? count - 1 : 1;
}

static bool show(struct live *live)
{
    struct app *app = live->app;
    int columns, rows;
    screen_size(&columns, &rows);
    app->ui.page_rows = rows > 3 ? rows - 2 : 1;
    logs_resize(&app->logs, columns, rows);
    tasks_resize(&app->tasks, columns, rows);
    app->tail.is_wanted =
        app->ui.screen == UI_SCREEN_MAIN && columns >= LOGS_TAIL_COLUMNS && rows >= LOGS_TAIL_ROWS;
    cells_finish(&live->shown);
    app->ui.live_ms = app->model.unix_ms;
    render(rewind_model(&app->rewind), &app->ui, columns, rows, screen_is_unicode(), &live->shown);
    app->ui.event_rows = count_event_rows(&live->shown);
    return screen_show(&live->shown);
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
    live->is_blocked = !show(live);
    if (!live->is_blocked) {
        live->is_urgent = false;
        live->news_since_ms = 0;
        app->poller.has_news = false;
    }
    return -1;
}

static void offer_clusters(struct app *app)
{
    char names[MENU_CLUSTERS][HIVE_NAME_BYTES];
    ui_offer_clusters(&app->ui, &app->model, names, source_clusters(names, MENU_CLUSTERS));
}

static unsigned take_mouse(struct live *live)
{
    int column, row, wheel;
    const struct cell *cell =
        screen_mouse(&column, &row, &wheel) ? cells_at(&live->shown, column, row) : NULL;
    return cell ? ui_mouse(&live->app->ui, rewind_model(&live->app->rewind), cell->tag, wheel)
                : REACTION_NONE;
}

/* Some keys mean something else where a recording is played. */
static bool take_replay_key(struct app *app, int key)
{
    bool is_free = app->ui.mode == UI_TABLES && app->ui.screen == UI_SCREEN_MAIN;
    if (!app->rewind.replay || !is_free)
        return false;
    if (key == '+' || key == '=' || key == '-')
        rewind_change_speed(&app->rewind, &app->ui, key != '-');
    else if (key == ' ')
        rewind_seek(&app->rewind, &app->ui, SEEK_FREEZE, app->model.now_ms);
    else
        return false;
    return true;
}

static void save_config(struct live *live)
{
    struct app *app = live->app;
    live->save_at_ms = 0;
    struct settings settings = app->config.settings;
    struct hive_error error;
    memcpy(settings.theme, app->ui.theme, sizeof settings.theme);
    settings.interval_ms = app->ui.interval_ms;
    settings.sort = app->ui.sort;
    settings.is_sort_reversed = app->ui.is_sort_reversed;
    if (config_save(&app->config, &settings, &error))
        ui_say(&app->ui, &app->model, EVENT_BAD, "%s", error.message);
}

static void use_config(struct app *app, const struct app_options *options)
{
    struct config *config = &app->config;
    struct hive_error error;
    config->settings = (struct settings){.interval_ms = app->ui.interval_ms, .has_mouse = true};
    if (!options->has_no_config && config_load(config, options->config, &error))
        ui_say(&app->ui, &app->model, EVENT_WARNING, "%s", error.message);
    if (options->interval) /* the command line knows better, for this once */
        config->settings.interval_ms = app->ui.interval_ms;
    else
        poller_set_interval(&app->poller, config->settings.interval_ms, 0);
    app->ui.interval_ms = config->settings.interval_ms;
    app->ui.sort = config->settings.sort;
    app->ui.is_sort_reversed = config->settings.is_sort_reversed;
    app->ui.has_details = config->settings.has_details;
    memcpy(app->ui.theme, config->settings.theme, sizeof app->ui.theme);
    palette_choose(app->ui.theme);
}

/* A status goes after a while, also where the time that is shown stands still. */
static void keep_status(struct live *live)
{
    struct app *app = live->app;
    int64_t now_ms = app->model.now_ms;
    if (!app->ui.status[0] || !app->ui.shown_ms) {
        live->status_until_ms = 0;
    } else if (live->status_until_ms == 0) {
        live->status_until_ms = now_ms + UI_STATUS_SHOW_MS;
        app->ui.status_until_ms = INT64_MAX;
    } else if (now_ms >= live->status_until_ms) {
        app->ui.status[0] = '\0';
        live->is_urgent = true;
    }
}

static void take_key(struct live *live, int key)
{
    struct app *app = live->app;
    model_set_time(&app->model, hive_clock_monotonic_ms(), hive_clock_unix_ms());
    live->is_urgent = true;
    live->status_until_ms = 0;
    if (take_replay_key(app, key))
        return;
    unsigned reactions =
        key == KEYS_MOUSE ? take_mouse(live) : ui_key(&app->ui, rewind_model(&app->rewind), key);
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
    if (reactions & REACTION_COPY)
        screen_copy(app->ui.copy);
    if (reactions & REACTION_THEME && palette_choose(app->ui.theme))
        screen_recolour();
    if (reactions & REACTION_SEEK)
        rewind_seek(&app->rewind, &app->ui, app->ui.seek, app->model.now_ms);
    if (live->save_at_ms || reactions & REACTION_CONFIG)
        live->save_at_ms = app->model.now_ms + SAVE_MS;
    if (reactions & REACTION_CLUSTERS && app->rewind.replay)
        ui_say(&app->ui, &app->model, EVENT_WARNING, "a recording is played; it has one cluster");
    else if (reactions & REACTION_CLUSTERS)
        offer_clusters(app);
    if (reactions & REACTION_CLUSTER)
        app_switch(app, app->ui.cluster);
}

static void wait_for_anything(struct live *live, int timeout_ms)
{
    struct pollfd descriptors[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = STDOUT_FILENO, .events = POLLOUT}};
    if (live->app->poller.under_way > CROWD && timeout_ms > NAP_MS)
        poll(descriptors, 1, NAP_MS);
    hive_http_client_wait(live->app->client, descriptors, live->is_blocked ? 2 : 1, timeout_ms);
    if (descriptors[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        live->is_over = true; /* the terminal is gone */
}

int app_run_live(struct app *app, const struct app_options *options, struct hive_error *error)
{
    struct live live = {.app = app, .is_urgent = true};
    use_config(app, options);
    if (screen_open(error))
        return HIVE_EXIT_FAILED;
    if (!options->has_no_mouse && app->config.settings.has_mouse)
        screen_use_mouse();
    if (!app->rewind.replay)
        rewind_begin(&app->rewind, &app->ui);
    while (!live.is_over) {
        int wait_ms = app_turn(app);
        if (rewind_turn(&app->rewind, &app->ui, app->model.now_ms, &wait_ms)) {
            live.is_urgent = true;
            live.frames++;
        }
        int64_t frames = app->rewind.replay ? live.frames : app->poller.rounds;
        if (options->count > 0 && frames > options->count)
            break;
        keep_status(&live);
        int frame_ms = show_when_due(&live);
        if (frame_ms >= 0 && frame_ms < wait_ms)
            wait_ms = frame_ms;
        int64_t save_ms = live.save_at_ms - app->model.now_ms;
        if (live.save_at_ms && save_ms <= 0)
            save_config(&live);
        else if (live.save_at_ms && save_ms < wait_ms)
            wait_ms = (int)save_ms;
        wait_for_anything(&live, wait_ms);
        int key;
        while (!live.is_over && (key = screen_key()) != KEYS_NONE)
            take_key(&live, key);
    }
    screen_close();
    if (live.save_at_ms)
        save_config(&live);
    cells_finish(&live.shown);
    return HIVE_EXIT_OK;
}
