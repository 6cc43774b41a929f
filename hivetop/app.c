/* Everything that polls, knows and acts, wired together; shared by the screen and the print-out. */
#include "app.h"

#include <sys/resource.h>

#include "hive/clock.h"

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

static void init_logs(struct app *app)
{
    logs_init(&app->logs, false);
    logs_init(&app->tail, true);
    app->ui.logs = &app->logs;
    app->ui.tail = &app->tail;
}

int app_open(struct app *app, const struct app_options *options, int64_t interval_ms,
             struct hive_error *error)
{
    *app = (struct app){0};
    int result = source_open(&app->source, &options->connect, options->cluster, &app->model, error);
    if (result)
        return result;
    allow_many_connections();
    app->client = hive_http_client_create();
    ui_init(&app->ui, interval_ms);
    app->ui.is_readonly = options->is_readonly;
    poller_init(&app->poller, app->client, &app->source, &app->model, interval_ms);
    courier_init(&app->courier, app->client, &app->source, &app->model, &app->ui, &app->poller);
    init_logs(app);
    return 0;
}

void app_close(struct app *app)
{
    hive_http_client_destroy(app->client);
    logs_finish(&app->logs);
    logs_finish(&app->tail);
    courier_finish(&app->courier);
    poller_finish(&app->poller);
    source_finish(&app->source);
    model_finish(&app->model);
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
    app_close(app); /* with what is under way: its answers are about other nodes */
    app->source = source;
    app->model = model;
    app->client = hive_http_client_create();
    ui_forget(&app->ui);
    poller_init(&app->poller, app->client, &app->source, &app->model, interval_ms);
    courier_init(&app->courier, app->client, &app->source, &app->model, &app->ui, &app->poller);
    init_logs(app);
    ui_say(&app->ui, &app->model, EVENT_INFO, "this is %s", cluster);
}

/* Returns how long to wait, at most `wait_ms`. */
static int turn_logs(struct app *app, struct logs *logs, int wait_ms)
{
    int logs_ms = logs_turn(logs, &app->ui, &app->model, &app->source);
    app->poller.has_news |= logs->has_news;
    logs->has_news = false;
    return logs_ms >= 0 && logs_ms < wait_ms ? logs_ms : wait_ms;
}

int app_turn(struct app *app)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    model_set_time(&app->model, now_ms, hive_clock_unix_ms());
    poller_turn(&app->poller, now_ms);
    app->ui.no_actions = source_no_actions(&app->source, &app->model);
    int wait_ms = poller_wait_ms(&app->poller, now_ms);
    return turn_logs(app, &app->tail, turn_logs(app, &app->logs, wait_ms));
}
