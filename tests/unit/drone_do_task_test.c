/* POST /do_task over HTTP: who may, what is refused with which code, and that a repeated call prints once.
 * The test's server is the drone's node and its queen in one: /register tells the test the drone's secret. */
#include "http/handlers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "drone/drone.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "http/node.h"

#define PATIENCE_MS 20000

static struct node_config node_config;
static struct node node;
static char address[HIVE_ADDRESS_BYTES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char secret[HIVE_TOKEN_BYTES]; /* guarded by `lock` */
static int saved_output, output[2];   /* standard output goes into this pipe meanwhile */

static void handle_register_here(struct hive_request *request, void *context)
{
    (void)context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes), *value = "";
    cJSON *json = hive_json_parse_object(body, bytes, NULL);
    hive_json_string(json, "secret", &value, NULL);
    pthread_mutex_lock(&lock);
    snprintf(secret, sizeof secret, "%s", value);
    pthread_mutex_unlock(&lock);
    cJSON_Delete(json);
    struct hive_buffer answer = {0};
    hive_buffer_format(&answer, "{\"result\":\"OK\",\"queen\":\"%s\"}", address);
    hive_request_reply_json(request, 200, &answer);
}

static const struct hive_route routes[] = {
    {"POST", "/register", handle_register_here, HIVE_ACCESS_PUBLIC, 65536, "register"},
    {"POST", "/do_task", handle_do_task, HIVE_ACCESS_PUBLIC, 512 * 1024, "do a task"},
    {0},
};

static void start_node(const char *token, bool is_drone)
{
    struct hive_error error = {0};
    struct sockaddr_in any = {.sin_family = AF_INET};
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    node_config = (struct node_config){.token = token};
    node = (struct node){.config = &node_config};
    secret[0] = '\0';
    struct hive_server_config config = {.address = (struct sockaddr *)&any,
                                        .address_bytes = sizeof any,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .context = &node,
                                        .threads = 2};
    if (hive_server_start(&config, &node.server, &error) != 0)
        fail_msg("%s", error.message);
    snprintf(address, sizeof address, "127.0.0.1:%d", hive_server_port(node.server));
    if (!is_drone)
        return;
    const char *items[] = {address};
    struct hive_strings queens = {.items = items, .count = 1};
    node.drone = drone_create(&(struct drone_config){
        .address = address, .queens = &queens, .capacity = 4, .token = token, .register_ms = 60000});
    assert_int_equal(drone_start(node.drone, &error), 0);
    int64_t end_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    while (!drone_is_ready(node.drone)) {
        assert_true(hive_clock_monotonic_ms() < end_ms);
        usleep(1000);
    }
}

static void capture_output(void)
{
    fflush(stdout);
    saved_output = dup(STDOUT_FILENO);
    assert_int_equal(pipe(output), 0);
    dup2(output[1], STDOUT_FILENO);
}

static int set_up_drone(void **state)
{
    (void)state;
    capture_output();
    start_node(NULL, true);
    return 0;
}

static int set_up_drone_with_token(void **state)
{
    (void)state;
    capture_output();
    start_node("t0ken", true);
    return 0;
}

static int set_up_queen(void **state)
{
    (void)state;
    capture_output();
    start_node(NULL, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hive_server_quiesce(node.server);
    if (node.drone)
        drone_stop(node.drone);
    hive_server_destroy(node.server);
    drone_destroy(node.drone);
    dup2(saved_output, STDOUT_FILENO);
    close(saved_output);
    close(output[0]);
    close(output[1]);
    return 0;
}

/* Posts `body` with `credential`; gives the status, and the body of the answer as JSON. */
static int post(const char *credential, const char *body, cJSON **answer)
{
    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/do_task", address);
    struct hive_http_request request = {.method = "POST",
                                        .url = url,
                                        .token = credential,
                                        .content_type = "application/json",
                                        .body = body,
                                        .body_bytes = strlen(body),
                                        .timeout_ms = PATIENCE_MS};
    struct hive_http_reply reply;
    struct hive_error error = {0};
    if (hive_http_call(&request, &reply, &error) != 0)
        fail_msg("%s", error.message);
    int status = reply.status;
    *answer = hive_json_parse_object(reply.body.data, reply.body.size, &error);
    if (!*answer)
        fail_msg("%s", error.message);
    hive_http_reply_finish(&reply);
    return status;
}

/* Posts; the answer must have this status, and this text in its field. */
static void assert_answer(const char *credential, const char *body, int status, const char *field,
                          const char *text)
{
    cJSON *answer;
    const char *value = "";
    assert_int_equal(post(credential, body, &answer), status);
    hive_json_string(answer, field, &value, NULL);
    if (!strstr(value, text))
        fail_msg("\"%s\" is \"%s\", without \"%s\"", field, value, text);
    cJSON_Delete(answer);
}

#define HELLO "{\"text\":\"hello\",\"id\":\"task-12\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\"}"

static void assert_printed(const char *expected)
{
    char printed[256] = "";
    ssize_t bytes = read(output[0], printed, sizeof printed - 1);
    assert_int_equal(bytes, strlen(expected));
    assert_string_equal(printed, expected);
}

static void a_queen_with_the_secret_has_its_task_done(void **state)
{
    (void)state;
    assert_answer(secret, HELLO, 200, "state", "succeeded");
    assert_printed("task-12: hello\n");
    assert_answer(secret, HELLO, 200, "id", "task-12");
    assert_answer(secret, "{\"text\":\"more\",\"id\":\"task-13\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\"}",
                  200, "result", "OK");
    assert_printed("task-13: more\n"); /* and no second hello before it */
}

static void strangers_are_refused(void **state)
{
    (void)state;
    assert_answer(NULL, HELLO, 403, "type", "forbidden");
    assert_answer("", HELLO, 403, "type", "forbidden");
    assert_answer("0123456789", HELLO, 403, "type", "forbidden");
}

static void where_a_token_is_set_it_is_what_counts(void **state)
{
    (void)state;
    assert_string_equal(secret, "");
    assert_answer(NULL, HELLO, 401, "type", "unauthorized");
    assert_answer("", HELLO, 401, "type", "unauthorized");
    assert_answer("token", HELLO, 401, "type", "unauthorized");
    assert_answer("t0ken", HELLO, 200, "state", "succeeded");
}

static void a_queen_does_no_tasks(void **state)
{
    (void)state;
    assert_answer(NULL, HELLO, 400, "type", "wrong-mode");
}

static void bad_bodies_are_refused_with_the_name_of_what_is_wrong(void **state)
{
    (void)state;
#define REST "\"id\":\"task-1\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\""
    static const struct {
        const char *body, *detail;
    } cases[] = {
        {"", "JSON"},
        {"hello", "JSON"},
        {"[]", "object"},
        {"{" REST "}", "\"text\""},
        {"{\"text\":5," REST "}", "\"text\""},
        {"{\"text\":\"\"," REST "}", "\"text\""},
        {"{\"text\":\"hi\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\"}", "\"id\""},
        {"{\"text\":\"hi\",\"id\":\"\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\"}", "\"id\""},
        {"{\"text\":\"hi\",\"id\":\"a b\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\"}", "\"id\""},
        {"{\"text\":\"hi\",\"id\":\"task-000000000000000000000000000000001\",\"attempt\":1,\"queen\":\"127.0."
         "0.1:8080\"}",
         "\"id\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"queen\":\"127.0.0.1:8080\"}", "\"attempt\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":0,\"queen\":\"127.0.0.1:8080\"}", "\"attempt\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":1.5,\"queen\":\"127.0.0.1:8080\"}", "\"attempt\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":4294967296,\"queen\":\"127.0.0.1:8080\"}",
         "\"attempt\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":1}", "\"queen\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":1,\"queen\":\"nowhere\"}", "\"queen\""},
        {"{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":1,\"queen\":\"127.0.0.1:0\"}", "\"queen\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_answer(secret, cases[i].body, 400, "detail", cases[i].detail);
        assert_answer(secret, cases[i].body, 400, "type", "bad-request");
    }
}

static void an_attempt_that_was_overtaken_is_a_conflict(void **state)
{
    (void)state;
    assert_answer(secret, "{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":2,\"queen\":\"127.0.0.1:8080\"}",
                  200, "state", "succeeded");
    assert_answer(secret, "{\"text\":\"hi\",\"id\":\"task-1\",\"attempt\":1,\"queen\":\"127.0.0.1:8080\"}",
                  409, "type", "conflict");
}

static void a_failed_task_is_told_with_its_reason(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    close(full);
    cJSON *answer;
    const char *value = "";
    int status = post(secret, HELLO, &answer);
    dup2(saved_output, STDOUT_FILENO);
    assert_int_equal(status, 200);
    hive_json_string(answer, "state", &value, NULL);
    assert_string_equal(value, "failed");
    hive_json_string(answer, "detail", &value, NULL);
    assert_non_null(strstr(value, "standard output"));
    cJSON_Delete(answer);
}

static void a_drone_that_stops_takes_no_more_tasks(void **state)
{
    (void)state;
    drone_stop(node.drone);
    assert_answer(secret, HELLO, 503, "type", "stopping");
    assert_false(drone_is_ready(node.drone));
}

static void health_tells_queen_capacity_and_tasks(void **state)
{
    (void)state;
    char expected[512];
    struct hive_buffer json = {0};
    assert_answer(secret, HELLO, 200, "state", "succeeded");
    drone_health_json(node.drone, &json);
    snprintf(expected, sizeof expected,
             ",\"queen\":\"%s\",\"capacity\":4,\"running\":0,\"done\":1,\"failed\":0,\"tasks\":[]", address);
    assert_string_equal(json.data, expected);
    hive_buffer_finish(&json);
    drone_stop(node.drone);
    drone_health_json(node.drone, &json);
    assert_int_equal(strncmp(json.data, ",\"queen\":null,", 14), 0);
    hive_buffer_finish(&json);
}

int main(void)
{
#define with(node_kind, test) cmocka_unit_test_setup_teardown(test, set_up_##node_kind, tear_down)
    const struct CMUnitTest tests[] = {
        with(drone, a_queen_with_the_secret_has_its_task_done),
        with(drone, strangers_are_refused),
        with(drone_with_token, where_a_token_is_set_it_is_what_counts),
        with(queen, a_queen_does_no_tasks),
        with(drone, bad_bodies_are_refused_with_the_name_of_what_is_wrong),
        with(drone, an_attempt_that_was_overtaken_is_a_conflict),
        with(drone, a_failed_task_is_told_with_its_reason),
        with(drone, a_drone_that_stops_takes_no_more_tasks),
        with(drone, health_tells_queen_capacity_and_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
