/* A node and a launcher that answer as the test wants, and a dashboard that talks to them. */
#ifndef TESTS_HIVETOP_FAKE_H
#define TESTS_HIVETOP_FAKE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/file.h"
#include "hive/server.h"
#include "hivetop/app.h"
#include "tests/unit/hivetop_fixture.h"

#define PATIENCE_MS 20000

/* What was posted to it last. */
struct seen {
    int posted;
    char target[128], body[256], authorization[128];
};

/* A node or launcher. */
struct fake {
    struct hive_server *server;
    char address[HIVE_ADDRESS_BYTES];
    pthread_mutex_t lock; /* of all that follows */
    int health_asked;
    struct hive_request *unanswered; /* a mute node's first request */
    bool is_mute;
    int status;        /* of what is posted to it */
    char details[512]; /* the problem, or with 307 where to go */
    struct seen seen;
};

static inline void answer_health(struct hive_request *request, void *context)
{
    struct fake *fake = context;
    pthread_mutex_lock(&fake->lock);
    fake->health_asked++;
    bool is_kept = fake->is_mute && !fake->unanswered;
    if (is_kept)
        fake->unanswered = request;
    pthread_mutex_unlock(&fake->lock);
    if (is_kept)
        return;
    struct hive_buffer json = {0};
    hive_buffer_format(
        &json,
        "{\"status\":\"READY\",\"version\":\"0.1.0\",\"mode\":\"QUEEN\",\"id\":\"1\",\"address\":\"%s\","
        "\"pid\":%d,\"uptime_ms\":1,\"raft_state\":\"LEADER\",\"term\":1,\"leader\":null,"
        "\"voted_for\":null,\"last_heartbeat\":0,\"log\":{\"first\":1,\"last\":1,\"commit\":1,"
        "\"applied\":1,\"snapshot\":0},\"peers\":[],\"drones\":{},\"transitions\":[]}",
        fake->address, (int)getpid());
    hive_request_reply_json(request, 200, &json);
}

static inline void note_text(char *to, size_t bytes, const char *text)
{
    snprintf(to, bytes, "%s", text ? text : "");
}

static inline void answer_post(struct hive_request *request, void *context)
{
    struct fake *fake = context;
    pthread_mutex_lock(&fake->lock);
    fake->seen.posted++;
    note_text(fake->seen.target, sizeof fake->seen.target, hive_request_target(request));
    note_text(fake->seen.body, sizeof fake->seen.body, hive_request_body(request, NULL));
    note_text(fake->seen.authorization, sizeof fake->seen.authorization,
              hive_request_header(request, "Authorization"));
    if (fake->status == 307)
        hive_request_set_header(request, "Location", fake->details);
    if (fake->status == 200) {
        struct hive_buffer json = {0};
        hive_buffer_append_text(&json, "{\"result\":\"OK\",\"id\":\"task-7\",\"state\":\"pending\","
                                       "\"nodes\":[{\"name\":\"q6\"}]}");
        hive_request_reply_json(request, 200, &json);
    } else {
        hive_request_reply_problem(request, (unsigned)fake->status, "conflict", "%s", fake->details);
    }
    pthread_mutex_unlock(&fake->lock);
}

static const struct hive_route routes[] = {
    {.method = "GET", .path = "/healthz", .handle = answer_health, .access = HIVE_ACCESS_ANYONE},
    {.method = "POST",
     .path = "/submit_task",
     .handle = answer_post,
     .access = HIVE_ACCESS_ANYONE,
     .body_bytes = 4096},
    {.method = "POST",
     .path = "/nodes/...",
     .handle = answer_post,
     .access = HIVE_ACCESS_ANYONE,
     .body_bytes = 4096},
    {.method = "POST",
     .path = "/nodes",
     .handle = answer_post,
     .access = HIVE_ACCESS_ANYONE,
     .body_bytes = 4096},
    {.method = "POST",
     .path = "/links",
     .handle = answer_post,
     .access = HIVE_ACCESS_ANYONE,
     .body_bytes = 4096},
    {.method = "DELETE", .path = "/links", .handle = answer_post, .access = HIVE_ACCESS_ANYONE},
    {.method = "POST",
     .path = "/members/ID/transfer",
     .handle = answer_post,
     .access = HIVE_ACCESS_ANYONE,
     .body_bytes = 4096},
    {0},
};

static inline void fake_start(struct fake *fake, const char *socket_path)
{
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct hive_server_config config = {.listen_socket = -1, .routes = routes, .context = fake, .threads = 1};
    struct hive_error error = {0};
    *fake = (struct fake){.status = 200};
    pthread_mutex_init(&fake->lock, NULL);
    config.address = (const struct sockaddr *)&loopback;
    config.address_bytes = sizeof loopback;
    if (socket_path) {
        snprintf(local.sun_path, sizeof local.sun_path, "%s", socket_path);
        config.address = (const struct sockaddr *)&local;
        config.address_bytes = sizeof local;
    }
    if (hive_server_start(&config, &fake->server, &error))
        fail_msg("%s", error.message);
    pthread_mutex_lock(&fake->lock);
    snprintf(fake->address, sizeof fake->address, "127.0.0.1:%d", hive_server_port(fake->server));
    pthread_mutex_unlock(&fake->lock);
}

static inline void fake_stop(struct fake *fake)
{
    if (fake->unanswered)
        hive_request_reply(fake->unanswered, 200, "text/plain", "", 0);
    hive_server_destroy(fake->server);
    pthread_mutex_destroy(&fake->lock);
}

static inline int count_asked(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    int count = fake->health_asked;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

static inline struct seen what_it_saw(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    struct seen seen = fake->seen;
    pthread_mutex_unlock(&fake->lock);
    return seen;
}

/* From now on it answers what is posted to it like this. */
static inline void fake_answer(struct fake *fake, int status, const char *details)
{
    pthread_mutex_lock(&fake->lock);
    fake->status = status;
    note_text(fake->details, sizeof fake->details, details);
    pthread_mutex_unlock(&fake->lock);
}

static inline void fake_redirect(struct fake *fake, const struct fake *target)
{
    char location[HIVE_ADDRESS_BYTES + 32];
    snprintf(location, sizeof location, "http://%s/submit_task", target->address);
    fake_answer(fake, 307, location);
}

/* A dashboard that watches these addresses, with a launcher behind `socket_path` (or none). */
static inline void open_app(struct app *app, const char **addresses, size_t count, const char *socket_path,
                            int64_t interval_ms)
{
    struct app_options options = {.connect = {addresses, count}};
    struct hive_error error = {0};
    if (app_open(app, &options, interval_ms, &error))
        fail_msg("%s", error.message);
    app->source.control_socket = hive_strdup(socket_path);
}

/* Runs the dashboard's loop until the status line holds `text`. */
static inline void run_until_status(struct app *app, const char *text)
{
    int64_t until_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    while (!strstr(app->ui.status, text)) {
        if (hive_clock_monotonic_ms() > until_ms)
            fail_msg("waited in vain for \"%s\"; the status is \"%s\"", text, app->ui.status);
        int wait_ms = app_turn(app);
        hive_http_client_wait(app->client, NULL, 0, wait_ms);
    }
}

static inline void run_until_condition(struct app *app, const struct fake *fake, enum condition condition)
{
    int64_t until_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    const struct node *node = model_node(&app->model, fake->address);
    while (node->condition != condition) {
        if (hive_clock_monotonic_ms() > until_ms)
            fail_msg("the node is %s", condition_names[node->condition]);
        int wait_ms = app_turn(app);
        hive_http_client_wait(app->client, NULL, 0, wait_ms);
    }
}

#endif
