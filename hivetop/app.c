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

static void init_screens(struct app *app)
{
    logs_init(&app->logs, false);
    logs_init(&app->tail, true);
    tasks_init(&app->tasks, app->client, &app->source, &app->model);
    app->ui.logs = &app->logs;
    app->ui.tail = &app->tail;
    app->ui.tasks = &app->tasks;
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
    init_screens(app);
    return 0;
}

void app_close(struct app *app)
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
    init_screens(app);
    ui_say(&app->ui, &app->model, EVENT_INFO, "this is %s", cluster);
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
    poller_turn(&app->poller, now_ms);
    app->ui.no_actions = source_no_actions(&app->source, &app->model);
    int wait_ms = poller_wait_ms(&app->poller, now_ms);
    return turn_screens(app, wait_ms);
}
