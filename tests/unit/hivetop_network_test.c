/* What goes out: polls that wait for nobody, actions that name their process, tasks that find the leader. The
 * other side is a real server in this program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
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

static void answer_health(struct hive_request *request, void *context)
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

static void note_text(char *to, size_t bytes, const char *text)
{
    snprintf(to, bytes, "%s", text ? text : "");
}

static void answer_post(struct hive_request *request, void *context)
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
        hive_buffer_append_text(&json, "{\"result\":\"OK\",\"id\":\"task-7\",\"state\":\"pending\"}");
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
    {0},
};

static void fake_start(struct fake *fake, const char *socket_path)
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

static void fake_stop(struct fake *fake)
{
    if (fake->unanswered)
        hive_request_reply(fake->unanswered, 200, "text/plain", "", 0);
    hive_server_destroy(fake->server);
    pthread_mutex_destroy(&fake->lock);
}

static int count_asked(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    int count = fake->health_asked;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

static struct seen what_it_saw(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    struct seen seen = fake->seen;
    pthread_mutex_unlock(&fake->lock);
    return seen;
}

/* From now on it answers what is posted to it like this. */
static void fake_answer(struct fake *fake, int status, const char *details)
{
    pthread_mutex_lock(&fake->lock);
    fake->status = status;
    note_text(fake->details, sizeof fake->details, details);
    pthread_mutex_unlock(&fake->lock);
}

static void fake_redirect(struct fake *fake, const struct fake *target)
{
    char location[HIVE_ADDRESS_BYTES + 32];
    snprintf(location, sizeof location, "http://%s/submit_task", target->address);
    fake_answer(fake, 307, location);
}

/* A dashboard that watches these addresses, with a launcher behind `socket_path` (or none). */
static void open_app(struct app *app, const char **addresses, size_t count, const char *socket_path,
                     int64_t interval_ms)
{
    struct app_options options = {.connect = {addresses, count}};
    struct hive_error error = {0};
    if (app_open(app, &options, interval_ms, &error))
        fail_msg("%s", error.message);
    app->source.control_socket = hive_strdup(socket_path);
}

/* Runs the dashboard's loop until the status line holds `text`. */
static void run_until_status(struct app *app, const char *text)
{
    int64_t until_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    while (!strstr(app->ui.status, text)) {
        if (hive_clock_monotonic_ms() > until_ms)
            fail_msg("waited in vain for \"%s\"; the status is \"%s\"", text, app->ui.status);
        int wait_ms = app_turn(app);
        hive_http_client_wait(app->client, NULL, 0, wait_ms);
    }
}

static void run_until_condition(struct app *app, const struct fake *fake, enum condition condition)
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

static void a_mute_node_is_asked_once_at_a_time_and_holds_nobody_up(void **state)
{
    (void)state;
    struct fake mute, lively;
    struct app app;
    fake_start(&mute, NULL);
    fake_start(&lively, NULL);
    pthread_mutex_lock(&mute.lock);
    mute.is_mute = true;
    pthread_mutex_unlock(&mute.lock);
    const char *addresses[] = {mute.address, lively.address};
    open_app(&app, addresses, 2, NULL, 100);
    int64_t start_ms = hive_clock_monotonic_ms();
    while (count_asked(&lively) < 3) { /* the mute one's time is 250 ms: within it, others are asked again */
        assert_true(hive_clock_monotonic_ms() < start_ms + PATIENCE_MS);
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
        assert_true(app.poller.under_way <= 2);
    }
    assert_int_equal(count_asked(&mute), 1);
    assert_int_equal(model_node(&app.model, lively.address)->condition, CONDITION_UP);
    run_until_condition(&app, &mute, CONDITION_UP); /* it answers the second time */
    app_close(&app);
    fake_stop(&mute);
    fake_stop(&lively);
}

static void a_round_waits_for_the_interval_unless_it_hurries(void **state)
{
    (void)state;
    struct fake node;
    struct app app;
    fake_start(&node, NULL);
    const char *addresses[] = {node.address};
    open_app(&app, addresses, 1, NULL, 60000);
    run_until_condition(&app, &node, CONDITION_UP);
    while (app_turn(&app) < 30000) /* one quick round more: in the first one nobody was known to lead */
        hive_http_client_wait(app.client, NULL, 0, 10);
    assert_in_range(count_asked(&node), 1, 2);
    poller_hurry(&app.poller, app.model.now_ms);
    assert_in_range(app_turn(&app), 0, POLLER_HURRY_STEP_MS);
    while (count_asked(&node) < 5)
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
    app.poller.hurry_until_ms = 0;
    int64_t start_ms = hive_clock_monotonic_ms();
    while (app_turn(&app) < 30000) {
        assert_true(hive_clock_monotonic_ms() < start_ms + PATIENCE_MS);
        hive_http_client_wait(app.client, NULL, 0, 10);
    }
    app_close(&app);
    fake_stop(&node);
}

static void rounds_are_quick_while_there_is_no_leader_but_not_for_ever(void **state)
{
    (void)state;
    struct app app;
    const char *addresses[] = {"127.0.0.1:1"};
    open_app(&app, addresses, 1, NULL, 60000);
    poller_turn(&app.poller, 1000);
    assert_int_equal(poller_wait_ms(&app.poller, 1000), POLLER_HURRY_STEP_MS);
    poller_turn(&app.poller, 1000 + POLLER_HURRY_MS - 1);
    assert_int_equal(poller_wait_ms(&app.poller, 1000 + POLLER_HURRY_MS - 1), POLLER_HURRY_STEP_MS);
    poller_turn(&app.poller, 1100 + POLLER_HURRY_MS);
    assert_int_equal(poller_wait_ms(&app.poller, 1100 + POLLER_HURRY_MS), 60000);
    app_close(&app);
}

static void a_paused_node_is_left_in_peace(void **state)
{
    (void)state;
    struct fake paused, lively;
    struct app app;
    fake_start(&paused, NULL);
    fake_start(&lively, NULL);
    const char *addresses[] = {paused.address, lively.address};
    open_app(&app, addresses, 2, NULL, 100);
    run_until_condition(&app, &paused, CONDITION_UP);
    model_take_stopped(&app.model, model_node(&app.model, paused.address), true);
    int asked = count_asked(&paused), rounds = count_asked(&lively);
    while (count_asked(&lively) < rounds + 3)
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
    assert_int_equal(count_asked(&paused), asked);
    app_close(&app);
    fake_stop(&paused);
    fake_stop(&lively);
}

static void another_process_on_a_nodes_port_is_not_taken_for_it(void **state)
{
    (void)state;
    struct fake other;
    struct app app;
    fake_start(&other, NULL);
    const char *addresses[] = {other.address};
    open_app(&app, addresses, 1, NULL, 100);
    struct node *node = model_node(&app.model, other.address);
    node->is_supervised = true;
    node->state = HIVE_NODE_STOPPED; /* as its launcher says */
    int64_t start_ms = hive_clock_monotonic_ms();
    while (node->failures < 2) {
        assert_true(hive_clock_monotonic_ms() < start_ms + PATIENCE_MS);
        hive_http_client_wait(app.client, NULL, 0, app_turn(&app));
    }
    assert_false(node->has_health);
    assert_int_not_equal(node->condition, CONDITION_UP);
    node->process = hive_process_of(getpid()); /* the launcher has started it: it is that process after all */
    node->state = HIVE_NODE_RUNNING;
    run_until_condition(&app, &other, CONDITION_UP);
    app_close(&app);
    fake_stop(&other);
}

static void an_action_names_its_process_to_the_launcher(void **state)
{
    (void)state;
    char directory[] = "/tmp/hivetop-test-XXXXXX";
    struct fake node, launcher;
    struct app app;
    assert_non_null(mkdtemp(directory));
    char *path = hive_format("%s/control.sock", directory);
    fake_start(&node, NULL);
    fake_start(&launcher, path);
    const char *addresses[] = {node.address};
    open_app(&app, addresses, 1, path, 100);
    run_until_condition(&app, &node, CONDITION_UP);

    struct action action = {.kind = ACTION_KILL, .process = {.pid = 4711, .started_at = 123456}};
    snprintf(action.node, sizeof action.node, "q1");
    courier_act(&app.courier, &action);
    assert_true(app.poller.hurry_until_ms > app.model.now_ms);
    app.poller.hurry_until_ms = 0;
    run_until_status(&app, "q1 killed");
    assert_string_equal(what_it_saw(&launcher).target, "/nodes/q1/kill");
    assert_string_equal(what_it_saw(&launcher).body, "{\"pid\":4711,\"started_at\":123456}");
    assert_true(app.poller.hurry_until_ms > app.model.now_ms);
    assert_string_equal(app.model.events.items[app.model.events.count - 1].text,
                        "q1 killed by you (pid 4711)");

    fake_answer(&launcher, 409, "q1 runs as pid 4712 now");
    courier_act(&app.courier, &action);
    run_until_status(&app, "q1 was not killed: q1 runs as pid 4712 now");

    action = (struct action){.kind = ACTION_RESTART,
                             .node = "q1"}; /* it did not run: any process of that name would do */
    fake_answer(&launcher, 200, NULL);
    courier_act(&app.courier, &action);
    run_until_status(&app, "q1 restarted");
    assert_string_equal(what_it_saw(&launcher).target, "/nodes/q1/restart");
    assert_string_equal(what_it_saw(&launcher).body, "");

    fake_stop(&launcher);
    courier_act(&app.courier, &action);
    run_until_status(&app, "q1 was not restarted: no word from the launcher: ");
    app_close(&app);
    fake_stop(&node);
    assert_int_equal(hive_file_remove_tree(directory, NULL), 0);
    free(path);
}

static void a_task_follows_redirects_within_the_cluster_only(void **state)
{
    (void)state;
    struct fake old_leader, new_leader, stranger;
    struct app app;
    fake_start(&old_leader, NULL);
    fake_start(&new_leader, NULL);
    fake_start(&stranger, NULL);
    const char *addresses[] = {old_leader.address, new_leader.address};
    open_app(&app, addresses, 2, NULL, 100);
    snprintf(app.source.token, sizeof app.source.token, "secret");
    run_until_condition(&app, &old_leader, CONDITION_UP);
    run_until_condition(&app, &new_leader, CONDITION_UP);
    model_node(&app.model, old_leader.address)->health.term = 9; /* it is asked first */

    fake_redirect(&old_leader, &new_leader);
    courier_submit(&app.courier, "say \"h\xc3\xa9llo\"");
    run_until_status(&app, "task-7 submitted");
    assert_int_equal(what_it_saw(&old_leader).posted, 1);
    assert_string_equal(what_it_saw(&new_leader).body, "{\"text\":\"say \\\"h\xc3\xa9llo\\\"\"}");
    assert_string_equal(what_it_saw(&new_leader).authorization, "Bearer secret");

    model_node(&app.model, old_leader.address)->health.term = 9;
    fake_redirect(&old_leader, &stranger);
    courier_submit(&app.courier, "for whom?");
    run_until_status(&app, "the task was not submitted: ");
    assert_int_equal(what_it_saw(&stranger).posted, 0);

    fake_answer(&old_leader, 503, "wait for a leader");
    model_node(&app.model, old_leader.address)->health.term = 9;
    courier_submit(&app.courier, "now?");
    run_until_status(&app, "the task was not submitted: wait for a leader");
    app_close(&app);
    fake_stop(&old_leader);
    fake_stop(&new_leader);
    fake_stop(&stranger);
}

static void without_a_leader_no_task_goes_out(void **state)
{
    (void)state;
    struct fake node;
    struct app app;
    fake_start(&node, NULL);
    const char *addresses[] = {node.address};
    open_app(&app, addresses, 1, NULL, 100);
    courier_submit(&app.courier, "too early");
    assert_non_null(strstr(app.ui.status, "no leader takes tasks right now"));
    assert_int_equal(hive_http_client_pending(app.client), 0);
    app_close(&app);
    fake_stop(&node);
}

static void one_person_cannot_set_off_more_than_a_few_things_at_once(void **state)
{
    (void)state;
    struct app app;
    const char *addresses[] = {"127.0.0.1:1"};
    open_app(&app, addresses, 1, "/nowhere/control.sock", 100);
    struct action action = {.kind = ACTION_KILL, .node = "q1", .process = {.pid = 4711, .started_at = 1}};
    for (int i = 0; i < 2 * COURIER_AT_ONCE; i++)
        courier_act(&app.courier, &action);
    assert_int_equal(hive_http_client_pending(app.client), COURIER_AT_ONCE);
    assert_non_null(strstr(app.ui.status, "too much is under way"));
    app_close(&app); /* with all of them open */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mute_node_is_asked_once_at_a_time_and_holds_nobody_up),
        cmocka_unit_test(a_round_waits_for_the_interval_unless_it_hurries),
        cmocka_unit_test(rounds_are_quick_while_there_is_no_leader_but_not_for_ever),
        cmocka_unit_test(a_paused_node_is_left_in_peace),
        cmocka_unit_test(another_process_on_a_nodes_port_is_not_taken_for_it),
        cmocka_unit_test(an_action_names_its_process_to_the_launcher),
        cmocka_unit_test(a_task_follows_redirects_within_the_cluster_only),
        cmocka_unit_test(without_a_leader_no_task_goes_out),
        cmocka_unit_test(one_person_cannot_set_off_more_than_a_few_things_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
