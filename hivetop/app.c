/* Everything that polls, knows and acts, wired together; shared by the screen and the print-out. */
#include "app.h"

#include <errno.h>
#include <sys/resource.h>

#include "hive/clock.h"
#include "trace.h"

#define FLUSH_MS 250
#define IDLE_MS  1000 /* nothing is asked, so nothing is due */

/* Every node has a connection of its own, and large clusters have more nodes than the usual 1024 descriptors.
 */
static void allow_many_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void init_screens(struct app *app)
{
    logs_init(&app->logs, false);
    logs_init(&app->tail, true);
    tasks_init(&app->tasks, app->client, &app->source, &app->model);
    app->ui.logs = &app->logs;
    app->ui.tail = &app->tail;
    app->ui.tasks = &app->tasks;
}

/* The model is about to be fed. */
static void hear(void *context, const struct model *model, const struct feed *feed)
{
    struct app *app = context;
    if (app->rewind.history.count)
        history_hear(&app->rewind.history, model, feed);
    if (app->record)
        record_hear(app->record, model, feed);
}

static void listen_to_model(struct app *app)
{
    app->model.listener = hear;
    app->model.listener_context = app;
}

static void start_asking(struct app *app, int64_t interval_ms)
{
    app->client = hive_http_client_create();
    poller_init(&app->poller, app->client, &app->source, &app->model, interval_ms);
    courier_init(&app->courier, app->client, &app->source, &app->model, &app->ui, &app->poller);
    init_screens(app);
}

static void stop_asking(struct app *app)
{
    hive_http_client_destroy(app->client);
    logs_finish(&app->logs);
    logs_finish(&app->tail);
    tasks_finish(&app->tasks);
    courier_finish(&app->courier);
    poller_finish(&app->poller);
    source_finish(&app->source);
    model_finish(&app->model);
}

static int open_source(struct app *app, const struct app_options *options, struct hive_error *error)
{
    int result = source_open(&app->source, &options->connect, options->cluster, &app->model, error);
    if (!result && options->record) {
        app->record = record_open(options->record, &app->model, error);
        result = app->record ? 0 : -EIO;
    }
    if (result) {
        source_finish(&app->source);
        model_finish(&app->model);
    }
    return result;
}

int app_open(struct app *app, const struct app_options *options, int64_t interval_ms,
             struct hive_error *error)
{
    struct replay *replay = options->replay ? replay_open(options->replay, error) : NULL;
    *app = (struct app){0};
    model_set_time(&app->model, hive_clock_monotonic_ms(), hive_clock_unix_ms());
    int result = options->replay ? (replay ? 0 : -EIO) : open_source(app, options, error);
    if (result)
        return result;
    allow_many_connections();
    ui_init(&app->ui, interval_ms);
    app->ui.is_readonly = options->is_readonly || options->replay;
    rewind_init(&app->rewind, &app->model, replay);
    start_asking(app, interval_ms);
    listen_to_model(app);
    app->rewind.speed = options->speed_factor;
    if (replay)
        rewind_go(&app->rewind, &app->ui, TRACE_BASE_MS + (options->at_ms > 0 ? options->at_ms : 0));
    return 0;
}

int app_close(struct app *app, struct hive_error *error)
{
    stop_asking(app);
    rewind_finish(&app->rewind);
    config_finish(&app->config);
    int result = record_close(app->record, error);
    app->record = NULL;
    return result;
}

void app_switch(struct app *app, const char *cluster)
{
    struct source source;
    struct model model = {.now_ms = app->model.now_ms, .unix_ms = app->model.unix_ms};
    struct hive_error error = {0};
    if (source_open(&source, &(struct hive_strings){0}, cluster, &model, &error)) {
        ui_say(&app->ui, &app->model, EVENT_BAD, "%s", error.message);
        return;
    }
    int64_t interval_ms = app->poller.interval_ms;
    stop_asking(app); /* with what is under way: its answers are about other nodes */
    app->source = source;
    app->model = model;
    start_asking(app, interval_ms);
    ui_forget(&app->ui);
    if (app->record)
        record_restart(app->record, &app->model);
    rewind_begin(&app->rewind, &app->ui);
    listen_to_model(app);
    ui_say(&app->ui, &app->model, EVENT_INFO, "this is %s", cluster);
}

/* What was recorded goes to the file now and then: a dashboard that is killed loses no more than that. */
static void flush_record(struct app *app, int64_t now_ms)
{
    struct hive_error error;
    if (!app->record || now_ms - app->flushed_ms < FLUSH_MS)
        return;
    app->flushed_ms = now_ms;
    if (record_flush(app->record, &error)) {
        ui_say(&app->ui, &app->model, EVENT_BAD, "%s", error.message);
        app->poller.has_news = true;
    }
}

/* Returns how long to wait, at most `wait_ms`. */
static int turn_screens(struct app *app, int wait_ms)
{
    int waits_ms[] = {logs_turn(&app->logs, &app->ui, &app->model, &app->source),
                      logs_turn(&app->tail, &app->ui, &app->model, &app->source),
                      tasks_turn(&app->tasks, &app->ui)};
    app->poller.has_news |= app->logs.has_news || app->tail.has_news || app->tasks.has_news;
    app->logs.has_news = app->tail.has_news = app->tasks.has_news = false;
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        if (waits_ms[i] >= 0 && waits_ms[i] < wait_ms)
            wait_ms = waits_ms[i];
    }
    return wait_ms;
}

int app_turn(struct app *app)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    model_set_time(&app->model, now_ms, hive_clock_unix_ms());
    if (app->rewind.replay)
        return IDLE_MS;
    poller_turn(&app->poller, now_ms);
    flush_record(app, now_ms);
    app->ui.no_actions = source_no_actions(&app->source, &app->model);
    int wait_ms = poller_wait_ms(&app->poller, now_ms);
    return turn_screens(app, wait_ms);
}
