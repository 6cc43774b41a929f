/* What the tests of the verbs share: a queen that says what a test wants, and a verb run with its output taken. For one
 * file, after cmocka.h; everything is static. */
#ifndef TESTS_CLI_SCENE_H
#define TESTS_CLI_SCENE_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "hive/memory.h"
#include "hive/server.h"

/* The queen: what she was asked last, and what she says. One request at a time, so nothing is shared. */
static struct hive_server *server;
static char address[HIVE_ADDRESS_BYTES];
static struct {
    struct hive_buffer target, body, condition;
    size_t key_bytes; /* of the idempotency key */
} asked;
static struct {
    unsigned status;
    const char *body, *etag;
    size_t bytes;      /* of the body; 0: its length as text */
    const char *later; /* body from the second call on; or NULL */
    bool leads;
    int calls;
    const char *problem; /* instead of an answer, the first time that something is to be changed; or NULL */
} says;

/* What the verb printed. */
static struct hive_buffer out, err;

static void answer_health(struct hive_request *request, void *context)
{
    (void)context;
    struct hive_buffer json = {0};
    hive_buffer_format(
        &json,
        "{\"status\":\"READY\",\"mode\":\"QUEEN\",\"address\":\"%s\",\"raft_state\":\"%s\",\"term\":7,"
        "\"uptime_ms\":61000,\"log\":{\"last\":12,\"commit\":11,\"applied\":10},"
        "\"peers\":[{\"address\":\"127.0.0.1:1\"}],"
        "\"drones\":{\"127.0.0.1:5001\":{\"name\":\"d1\",\"state\":\"healthy\",\"running\":3}}}",
        address, says.leads ? "LEADER" : "CANDIDATE");
    hive_request_reply_json(request, 200, &json);
}

static void answer_call(struct hive_request *request, void *context)
{
    (void)context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    const char *match = hive_request_header(request, "If-Match"),
               *none = hive_request_header(request, "If-None-Match");
    hive_buffer_clear(&asked.target);
    hive_buffer_clear(&asked.body);
    hive_buffer_clear(&asked.condition);
    hive_buffer_format(&asked.target, "%s %s", hive_request_method(request), hive_request_target(request));
    hive_buffer_append(&asked.body, body, bytes);
    hive_buffer_format(&asked.condition, "%s%s", match ? match : "", none ? none : "");
    const char *key = hive_request_header(request, "Idempotency-Key");
    asked.key_bytes = key ? strlen(key) : 0;
    if (says.problem && strcmp(hive_request_method(request), "GET") != 0) {
        hive_request_reply_problem(request, 409, says.problem, "one by one");
        says.problem = NULL;
        return;
    }
    if (says.status >= 300) {
        hive_request_reply_problem(request, says.status, "some-problem", "%s", says.body);
        return;
    }
    if (says.etag)
        hive_request_set_header(request, "ETag", says.etag);
    const char *text = says.calls++ && says.later ? says.later : says.body;
    hive_request_reply(request, says.status, "application/json", text,
                       says.bytes ? says.bytes : strlen(text));
}

static const struct hive_route routes[] = {
    {"GET", "/healthz", answer_health, HIVE_ACCESS_ANYONE, 0, ""},
    {"GET", "/kv", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"GET", "/kv/...", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"PUT", "/kv/...", answer_call, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"DELETE", "/kv/...", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"POST", "/submit_task", answer_call, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"GET", "/tasks", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"GET", "/tasks/ID", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"GET", "/drones", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"GET", "/members", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {"POST", "/members", answer_call, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"POST", "/members/ID/promote", answer_call, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"POST", "/members/ID/transfer", answer_call, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"DELETE", "/members/ID", answer_call, HIVE_ACCESS_PUBLIC, 0, ""},
    {0},
};

static int start_queen(void **state)
{
    (void)state;
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct hive_server_config config = {.address = (struct sockaddr *)&loopback,
                                        .address_bytes = sizeof loopback,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .threads = 1};
    struct hive_error error;
    if (hive_server_start(&config, &server, &error))
        fail_msg("%s", error.message);
    snprintf(address, sizeof address, "127.0.0.1:%u", hive_server_port(server));
    setenv("HIVE_CONNECT", address, 1);
    unsetenv("HIVE_TOKEN");
    return 0;
}

static int stop_queen(void **state)
{
    (void)state;
    hive_server_destroy(server);
    hive_buffer_finish(&asked.target);
    hive_buffer_finish(&asked.body);
    hive_buffer_finish(&asked.condition);
    hive_buffer_finish(&out);
    hive_buffer_finish(&err);
    return 0;
}

static void say(unsigned status, const char *body)
{
    memset(&says, 0, sizeof says);
    says.status = status;
    says.body = body;
    says.leads = true;
}

static int redirect(int descriptor, int to)
{
    int saved = dup(descriptor);
    assert_true(saved >= 0);
    assert_true(dup2(to, descriptor) >= 0);
    return saved;
}

static void restore(int descriptor, int saved)
{
    dup2(saved, descriptor);
    close(saved);
}

static void take(int file, struct hive_buffer *text)
{
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    hive_buffer_clear(text);
    size_t bytes = (size_t)status.st_size;
    assert_int_equal(pread(file, hive_buffer_reserve(text, bytes), bytes, 0), bytes);
    text->size = bytes;
    text->data[bytes] = '\0';
    close(file);
}

/* Runs a verb with `bytes` bytes of standard input. */
static int run_with_input(const char *const *words, const void *input, size_t bytes)
{
    char *argv[16] = {0};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    static const struct hive_command hive = {
        .name = "hive", .summary = "", .synopsis = "", .verbs = cli_verbs};
    const struct hive_command *verb = hive_options_find_verb(&hive, argv[0], NULL);
    assert_non_null(verb);

    int in = memfd_create("in", 0), out_file = memfd_create("out", 0), err_file = memfd_create("err", 0);
    assert_int_equal(pwrite(in, input, bytes, 0), bytes);
    fflush(stdout);
    int old_in = redirect(STDIN_FILENO, in), old_out = redirect(STDOUT_FILENO, out_file),
        old_err = redirect(STDERR_FILENO, err_file);
    int exit_status = verb->run(verb, argc, argv);
    fflush(stdout);
    restore(STDIN_FILENO, old_in);
    restore(STDOUT_FILENO, old_out);
    restore(STDERR_FILENO, old_err);
    close(in);
    take(out_file, &out);
    take(err_file, &err);
    return exit_status;
}

#define RUN(...) run_with_input((const char *const[]){__VA_ARGS__, NULL}, "", 0)

#endif
