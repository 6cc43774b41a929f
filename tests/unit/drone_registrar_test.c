/* The registrar against queens of the test's own: it finds the leader wherever it starts, stays registered
 * through changes, and a refusal is said once. */
#include "drone/registrar.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "hive/server.h"

#define PATIENCE_S 20 /* for what must happen sooner or later, on a busy machine */
#define QUEENS     3

enum behaviour { LEADS, REDIRECTS, HAS_NO_LEADER, REFUSES, IS_NO_QUEEN, HANGS };

struct fake_queen {
    struct hive_server *server;
    char address[HIVE_ADDRESS_BYTES];
    enum behaviour behaviour;
    const struct fake_queen *leader; /* whom it redirects to */
    int calls;
    char *body;          /* of the last call; owned */
    char *authorization; /* of the last call; owned */
    char keys[8][128];   /* idempotency keys of the first calls */
    struct hive_request *held;
};

/* Guards all of `queens`; `changed` is signalled with every call. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct fake_queen queens[QUEENS];
static struct registrar *registrar;

static void reply_as(struct hive_request *request, const struct fake_queen *queen)
{
    struct hive_buffer json = {0};
    char location[HIVE_ADDRESS_BYTES + 32];
    switch (queen->behaviour) {
    case LEADS:
        hive_buffer_format(&json, "{\"result\":\"OK\",\"name\":\"d\",\"queen\":\"%s\"}", queen->address);
        hive_request_reply_json(request, 200, &json);
        break;
    case REDIRECTS:
        snprintf(location, sizeof location, "http://%s/register", queen->leader->address);
        hive_request_set_header(request, "Location", location);
        hive_request_reply(request, 307, "text/plain", NULL, 0);
        break;
    case HAS_NO_LEADER:
        hive_request_set_header(request, "Retry-After", "1");
        hive_request_reply_problem(request, 503, "no-leader", "wait");
        break;
    case REFUSES:
        hive_request_reply_problem(request, 400, "bad-request", "your name is taken");
        break;
    case IS_NO_QUEEN:
        hive_request_reply(request, 200, "text/html", "<html>", 6);
        break;
    case HANGS:
        break;
    }
}

static void handle_register(struct hive_request *request, void *context)
{
    struct fake_queen *queen = context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    const char *authorization = hive_request_header(request, "Authorization");
    pthread_mutex_lock(&lock);
    free(queen->body);
    queen->body = hive_memdup(body, bytes);
    free(queen->authorization);
    queen->authorization = hive_strdup(authorization);
    if (queen->calls < 8)
        snprintf(queen->keys[queen->calls], sizeof queen->keys[0], "%s",
                 hive_request_header(request, "Idempotency-Key"));
    struct fake_queen now = *queen;
    if (now.behaviour == HANGS)
        queen->held = request;
    queen->calls++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    reply_as(request, &now);
}

static const struct hive_route routes[] = {
    {"POST", "/register", handle_register, HIVE_ACCESS_PUBLIC, 65536, "register"},
    {0},
};

static void start_queen_on(struct fake_queen *queen, uint16_t port)
{
    struct hive_error error = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct hive_server_config config = {.address = (struct sockaddr *)&address,
                                        .address_bytes = sizeof address,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .context = queen,
                                        .threads = 1};
    pthread_mutex_lock(&lock); /* a drone may call before its address is written down here */
    int code = hive_server_start(&config, &queen->server, &error);
    if (code == 0)
        snprintf(queen->address, sizeof queen->address, "127.0.0.1:%d", hive_server_port(queen->server));
    pthread_mutex_unlock(&lock);
    if (code)
        fail_msg("%s", error.message);
}

static void stop_queen(struct fake_queen *queen)
{
    if (queen->held)
        hive_request_reply(queen->held, 200, "text/plain", NULL, 0);
    queen->held = NULL;
    if (queen->server)
        hive_server_destroy(queen->server);
    queen->server = NULL;
}

static void behave(struct fake_queen *queen, enum behaviour behaviour, const struct fake_queen *leader)
{
    pthread_mutex_lock(&lock);
    queen->behaviour = behaviour;
    queen->leader = leader;
    pthread_mutex_unlock(&lock);
}

static int calls_of(const struct fake_queen *queen)
{
    pthread_mutex_lock(&lock);
    int calls = queen->calls;
    pthread_mutex_unlock(&lock);
    return calls;
}

static void await_calls(const struct fake_queen *queen, int calls)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    int code = 0;
    pthread_mutex_lock(&lock);
    while (queen->calls < calls && code == 0)
        code = pthread_cond_timedwait(&changed, &lock, &deadline);
    pthread_mutex_unlock(&lock);
    assert_int_equal(code, 0);
}

/* Waits until the drone is registered with `queen`, or with nobody (NULL). */
static void await_registered_with(const struct fake_queen *queen)
{
    char address[HIVE_ADDRESS_BYTES];
    int64_t end_ms = hive_clock_monotonic_ms() + PATIENCE_S * 1000;
    do {
        registrar_queen(registrar, address);
        if (strcmp(address, queen ? queen->address : "") == 0)
            return;
        usleep(1000);
    } while (hive_clock_monotonic_ms() < end_ms);
    fail_msg("still registered with \"%s\"", address);
}

/* A registrar that knows the first `count` queens. */
static void start_registrar(size_t count, int64_t register_ms, const char *token)
{
    const char *items[QUEENS];
    for (size_t i = 0; i < count; i++)
        items[i] = queens[i].address;
    struct hive_strings list = {.items = items, .count = count};
    struct registrar_config config = {.address = "127.0.0.1:5001",
                                      .name = "drone-x",
                                      .queens = &list,
                                      .capacity = 4,
                                      .token = token,
                                      .secret = token ? NULL : "s3cret",
                                      .register_ms = register_ms};
    registrar = registrar_create(&config);
    assert_int_equal(registrar_start(registrar, NULL), 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(queens, 0, sizeof queens);
    for (int i = 0; i < QUEENS; i++)
        start_queen_on(&queens[i], 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    registrar_destroy(registrar);
    registrar = NULL;
    for (int i = 0; i < QUEENS; i++) {
        stop_queen(&queens[i]);
        free(queens[i].body);
        free(queens[i].authorization);
    }
    return 0;
}

static void a_drone_tells_who_it_is_and_what_it_wants_to_see_with_tasks(void **state)
{
    (void)state;
    const char *text = NULL;
    int64_t capacity = 0;
    start_registrar(1, 60000, NULL);
    await_registered_with(&queens[0]);
    cJSON *json = hive_json_parse_object(queens[0].body, strlen(queens[0].body), NULL);
    assert_int_equal(hive_json_string(json, "address", &text, NULL), 0);
    assert_string_equal(text, "127.0.0.1:5001");
    assert_int_equal(hive_json_string(json, "name", &text, NULL), 0);
    assert_string_equal(text, "drone-x");
    assert_int_equal(hive_json_string(json, "secret", &text, NULL), 0);
    assert_string_equal(text, "s3cret");
    assert_int_equal(hive_json_int(json, "capacity", 1, 100, &capacity, NULL), 0);
    assert_int_equal(capacity, 4);
    assert_int_equal(hive_json_string(json, "version", &text, NULL), 0);
    assert_null(queens[0].authorization);
    cJSON_Delete(json);
}

static void with_a_token_no_secret_is_sent(void **state)
{
    (void)state;
    start_registrar(1, 60000, "t0ken");
    await_registered_with(&queens[0]);
    assert_null(strstr(queens[0].body, "secret"));
    assert_string_equal(queens[0].authorization, "Bearer t0ken");
}

static void a_redirect_is_followed_and_its_target_remembered(void **state)
{
    (void)state;
    queens[0].behaviour = REDIRECTS;
    queens[0].leader = &queens[1]; /* which the drone was not told of */
    start_registrar(1, 10, NULL);
    await_registered_with(&queens[1]);
    await_calls(&queens[1], 5);
    assert_int_equal(calls_of(&queens[0]), 1);
}

static void the_queens_are_tried_in_turn(void **state)
{
    (void)state;
    stop_queen(&queens[0]); /* connection refused */
    queens[1].behaviour = HAS_NO_LEADER;
    start_registrar(3, 60000, NULL);
    await_registered_with(&queens[2]);
}

static void a_queen_that_comes_up_later_is_found_soon(void **state)
{
    (void)state;
    int port = hive_server_port(queens[0].server);
    stop_queen(&queens[0]);
    queens[1].behaviour = HAS_NO_LEADER;
    start_registrar(2, 60000, NULL);
    await_calls(&queens[1], 3);
    start_queen_on(&queens[0], (uint16_t)port);
    int64_t up_ms = hive_clock_monotonic_ms();
    await_registered_with(&queens[0]);
    assert_true(hive_clock_monotonic_ms() - up_ms < 1000);
}

static void the_registration_is_renewed(void **state)
{
    (void)state;
    start_registrar(1, 10, NULL);
    await_calls(&queens[0], 10);
    await_registered_with(&queens[0]);
}

static void a_new_leader_gets_the_registration(void **state)
{
    (void)state;
    start_registrar(3, 10, NULL);
    await_registered_with(&queens[0]);
    behave(&queens[0], REDIRECTS, &queens[1]);
    await_registered_with(&queens[1]);
    behave(&queens[0], REDIRECTS, &queens[2]);
    behave(&queens[1], REDIRECTS, &queens[2]);
    await_registered_with(&queens[2]);
}

static void a_leader_that_died_is_replaced_by_the_one_that_the_others_name(void **state)
{
    (void)state;
    queens[1].behaviour = REDIRECTS;
    queens[1].leader = &queens[0];
    start_registrar(2, 10, NULL);
    await_registered_with(&queens[0]);
    stop_queen(&queens[0]);
    await_registered_with(NULL);
    behave(&queens[1], REDIRECTS, &queens[2]);
    await_registered_with(&queens[2]);
}

static void queens_that_redirect_to_each_other_are_given_up_each_round(void **state)
{
    (void)state;
    queens[0].behaviour = queens[1].behaviour = REDIRECTS;
    queens[0].leader = &queens[1];
    queens[1].leader = &queens[0];
    start_registrar(3, 60000, NULL);
    await_registered_with(&queens[2]);
    assert_true(calls_of(&queens[0]) > HIVE_REDIRECTS / 2);
}

/* How often `text` stands in the file. */
static int count_in_file(FILE *file, const char *text)
{
    char line[1024];
    int count = 0;
    rewind(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, text) != NULL;
    return count;
}

/* Sends the log into a file, and back. */
static FILE *begin_log(int *saved_errors)
{
    FILE *log = tmpfile();
    *saved_errors = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    return log;
}

static void end_log(int saved_errors)
{
    dup2(saved_errors, STDERR_FILENO);
    close(saved_errors);
}

static void a_refusal_is_logged_once_with_its_reason_and_tried_again(void **state)
{
    (void)state;
    int saved_errors;
    FILE *log = begin_log(&saved_errors);
    queens[0].behaviour = REFUSES;
    start_registrar(1, 10, NULL);
    await_calls(&queens[0], 2);
    behave(&queens[0], LEADS, NULL);
    await_registered_with(&queens[0]);
    await_calls(&queens[0], 6);
    end_log(saved_errors);
    assert_int_equal(count_in_file(log, "your name is taken"), 1);
    assert_int_equal(count_in_file(log, " registered "), 1);
    fclose(log);
}

static void an_election_is_no_news_but_a_cluster_without_a_leader_is_told_once(void **state)
{
    (void)state;
    int saved_errors;
    FILE *log = begin_log(&saved_errors);
    queens[0].behaviour = HAS_NO_LEADER;
    start_registrar(1, 10, NULL);
    await_calls(&queens[0], 3);
    assert_int_equal(count_in_file(log, "no queen can register"), 0);
    await_calls(&queens[0], 10);
    end_log(saved_errors);
    assert_int_equal(count_in_file(log, "no queen can register"), 1);
    fclose(log);
}

static void another_server_that_says_ok_is_not_taken_for_a_queen(void **state)
{
    (void)state;
    queens[0].behaviour = IS_NO_QUEEN;
    start_registrar(2, 60000, NULL);
    await_registered_with(&queens[1]);
}

static void a_queen_that_never_answers_does_not_keep_the_drone_from_ending(void **state)
{
    (void)state;
    queens[0].behaviour = HANGS;
    start_registrar(1, 60000, NULL);
    await_calls(&queens[0], 1);
    int64_t asked_ms = hive_clock_monotonic_ms();
    registrar_stop(registrar);
    assert_true(hive_clock_monotonic_ms() - asked_ms < 500);
}

static void a_registered_drone_ends_at_once(void **state)
{
    (void)state;
    start_registrar(1, 60000, NULL);
    await_registered_with(&queens[0]);
    int64_t asked_ms = hive_clock_monotonic_ms();
    registrar_stop(registrar);
    assert_true(hive_clock_monotonic_ms() - asked_ms < 500);
    await_registered_with(NULL);
}

static void a_queen_that_never_answers_is_passed_over(void **state)
{
    (void)state;
    queens[0].behaviour = HANGS;
    start_registrar(2, 60000, NULL);
    await_registered_with(&queens[1]);
}

static void one_key_stands_for_all_attempts_at_a_registration_and_for_no_other(void **state)
{
    (void)state;
    queens[0].behaviour = HAS_NO_LEADER;
    queens[1].behaviour = REDIRECTS;
    queens[1].leader = &queens[2];
    start_registrar(2, 10, NULL);
    await_registered_with(&queens[2]);
    await_calls(&queens[2], 3);
    assert_int_equal(strlen(queens[2].keys[0]), 32);
    assert_string_equal(queens[0].keys[0], queens[2].keys[0]);
    assert_string_equal(queens[1].keys[0], queens[2].keys[0]);
    assert_string_not_equal(queens[2].keys[1], queens[2].keys[0]);
    assert_string_not_equal(queens[2].keys[2], queens[2].keys[1]);
}

int main(void)
{
#define with_queens(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_queens(a_drone_tells_who_it_is_and_what_it_wants_to_see_with_tasks),
        with_queens(with_a_token_no_secret_is_sent),
        with_queens(a_redirect_is_followed_and_its_target_remembered),
        with_queens(the_queens_are_tried_in_turn),
        with_queens(a_queen_that_comes_up_later_is_found_soon),
        with_queens(the_registration_is_renewed),
        with_queens(a_new_leader_gets_the_registration),
        with_queens(a_leader_that_died_is_replaced_by_the_one_that_the_others_name),
        with_queens(queens_that_redirect_to_each_other_are_given_up_each_round),
        with_queens(a_refusal_is_logged_once_with_its_reason_and_tried_again),
        with_queens(an_election_is_no_news_but_a_cluster_without_a_leader_is_told_once),
        with_queens(another_server_that_says_ok_is_not_taken_for_a_queen),
        with_queens(a_queen_that_never_answers_does_not_keep_the_drone_from_ending),
        with_queens(a_registered_drone_ends_at_once),
        with_queens(a_queen_that_never_answers_is_passed_over),
        with_queens(one_key_stands_for_all_attempts_at_a_registration_and_for_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
