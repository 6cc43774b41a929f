/* Writes and stale reads over HTTP, above a queen that says what a test wants: what the handlers make of the headers, and
 * what of each outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/json.h"
#include "hive/memory.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "lib/serve.h"
#include "lib/wire.h"

/* The queen: what she says, and what she was asked to write. One request at a time, so nothing is shared. */
static struct queen_answer says;
static struct machine_result result;
static struct machine *machine;
static struct {
    int count;
    enum machine_command_type type;
    char key[128]; /* idempotency key; empty: none */
} proposed;

void queen_propose(struct queen *queen, const struct machine_command *command, queen_done *done,
                   void *context)
{
    (void)queen;
    proposed.count++;
    proposed.type = command->type;
    snprintf(proposed.key, sizeof proposed.key, "%.*s", (int)command->idempotency_key.size,
             command->idempotency_key.size ? command->idempotency_key.data : "");
    done(&says, context);
}

void queen_read(struct queen *queen, bool stale, queen_done *done, void *context)
{
    (void)queen;
    (void)stale;
    struct queen_answer answer = says;
    answer.outcome = QUEEN_DONE;
    answer.machine = machine;
    done(&answer, context);
}

bool queen_find_drone(struct queen *queen, const char *address, struct queen_drone *drone)
{
    (void)queen;
    (void)address;
    (void)drone;
    return false;
}

/* Answers with whatever `says` is. */
static void handle_outcome(struct hive_request *request, void *context)
{
    (void)context;
    if (!answer_unless_done(request, &says))
        hive_request_reply(request, 200, "text/plain", "done", 4);
}

static const struct hive_route routes[] = {
    {"PUT", "/kv/...", handle_put_key, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"GET", "/kv/...", handle_get_key, HIVE_ACCESS_PUBLIC, 0, ""},
    {"GET", "/kv", handle_list_keys, HIVE_ACCESS_PUBLIC, 0, ""},
    {"DELETE", "/kv/...", handle_delete_key, HIVE_ACCESS_PUBLIC, 0, ""},
    {"POST", "/submit_task", handle_submit_task, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"POST", "/register", handle_register, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, ""},
    {"GET", "/outcome", handle_outcome, HIVE_ACCESS_PUBLIC, 0, ""},
    {0},
};

static struct hive_server *server;
static struct wire_message answer;

#define SUBMISSION   "{\"text\":\"hello\"}"
#define REGISTRATION "{\"address\":\"127.0.0.1:5001\",\"name\":\"d1\"}"

static const struct {
    const char *line, *body;
    enum machine_command_type type;
} writes[] = {
    {"PUT /kv/a", "x", MACHINE_KV_PUT},
    {"DELETE /kv/a", "", MACHINE_KV_DELETE},
    {"POST /submit_task", SUBMISSION, MACHINE_TASK_SUBMIT},
    {"POST /register", REGISTRATION, MACHINE_DRONE_REGISTER},
};
#define WRITES (sizeof writes / sizeof *writes)

static int set_up(void **state)
{
    (void)state;
    static struct node node = {.address = "127.0.0.1:4001"};
    node.queen = (struct queen *)&node; /* somebody, and never looked at */
    machine = machine_create();
    server = serve_start(routes, &node, NULL, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wire_message_finish(&answer);
    hive_server_destroy(server);
    machine_destroy(machine);
    return 0;
}

static void say(enum machine_status status)
{
    memset(&proposed, 0, sizeof proposed);
    result = (struct machine_result){.status = status, .index = 12, .task = 12};
    says = (struct queen_answer){.outcome = QUEEN_DONE, .result = &result};
}

/* Sends a request with one further header ("" : none), and keeps the answer. */
static int ask(const char *line, const char *header, const char *body)
{
    struct wire wire;
    wire_message_finish(&answer);
    wire_connect(&wire, hive_server_port(server));
    wire_send_text(&wire, "%s HTTP/1.1\r\nHost: x\r\n%s%sContent-Length: %zu\r\n\r\n%s", line, header,
                   *header ? "\r\n" : "", strlen(body), body);
    assert_true(wire_receive(&wire, &answer));
    wire_close(&wire);
    return answer.status;
}

static bool answer_says(const char *text)
{
    return strstr(answer.body.data, text) != NULL;
}

static void a_write_carries_its_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRITES; i++) {
        say(MACHINE_OK);
        assert_int_equal(ask(writes[i].line, "Idempotency-Key: k 1~", writes[i].body), 200);
        assert_int_equal(proposed.count, 1);
        assert_int_equal(proposed.type, writes[i].type);
        assert_string_equal(proposed.key, "k 1~");
        assert_false(wire_has_header_named(&answer, "Idempotency-Replayed"));

        assert_int_equal(ask(writes[i].line, "", writes[i].body), 200);
        assert_string_equal(proposed.key, "");
    }
}

static void what_is_no_key_is_refused_and_nothing_written(void **state)
{
    (void)state;
    static const char longest[] = "Idempotency-Key: "
                                  "0123456789012345678901234567890123456789012345678901234567890123";
    char headers[4][128] = {"Idempotency-Key:", "Idempotency-Key: a\tb", "Idempotency-Key: caf\xc3\xa9"};
    snprintf(headers[3], sizeof headers[3], "%sx", longest);
    for (size_t i = 0; i < WRITES; i++) {
        say(MACHINE_OK);
        for (size_t k = 0; k < sizeof headers / sizeof *headers; k++) {
            assert_int_equal(ask(writes[i].line, headers[k], writes[i].body), 400);
            assert_true(answer_says("problems/bad-request"));
            assert_true(answer_says("Idempotency-Key must have 1 to 64 printable"));
        }
        assert_int_equal(proposed.count, 0);
        assert_int_equal(ask(writes[i].line, longest, writes[i].body), 200);
        assert_int_equal(strlen(proposed.key), HIVE_IDEMPOTENCY_KEY_BYTES);
    }
}

static void a_replayed_result_says_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRITES; i++) {
        say(MACHINE_OK);
        result.replayed = true;
        assert_int_equal(ask(writes[i].line, "Idempotency-Key: k", writes[i].body), 200);
        assert_true(wire_has_header(&answer, "Idempotency-Replayed", "true"));
    }
    /* Whatever the result was. */
    say(MACHINE_CONFLICT);
    result.replayed = true;
    assert_int_equal(ask("PUT /kv/a", "Idempotency-Key: k", "x"), 412);
    assert_true(wire_has_header(&answer, "Idempotency-Replayed", "true"));
    assert_true(wire_has_header(&answer, "ETag", "\"12\""));
}

static void a_key_of_another_write_is_a_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRITES; i++) {
        say(MACHINE_KEY_REUSED);
        assert_int_equal(ask(writes[i].line, "Idempotency-Key: k", writes[i].body), 422);
        assert_true(answer_says("problems/key-reused"));
        assert_false(wire_has_header_named(&answer, "Idempotency-Replayed"));
    }
}

static void what_is_full_is_named(void **state)
{
    (void)state;
    static const char *const caps[WRITES] = {NULL, NULL, "65536 tasks", "4096 drones"};
    for (size_t i = 0; i < WRITES; i++) {
        say(MACHINE_FULL);
        assert_int_equal(ask(writes[i].line, "Idempotency-Key: k", writes[i].body), 429);
        assert_true(answer_says("problems/full"));
        assert_true(answer_says("262144 writes with an Idempotency-Key were made within 60 s"));
        assert_true(wire_has_header_named(&answer, "Retry-After"));
        if (!caps[i])
            continue;
        assert_true(answer_says(caps[i]));
        assert_int_equal(ask(writes[i].line, "", writes[i].body), 429);
        assert_true(answer_says(caps[i]));
        assert_false(answer_says("Idempotency-Key"));
    }
}

static void a_drone_that_is_registered_uses_no_key_up(void **state)
{
    (void)state;
    struct hive_buffer bytes = {0};
    struct machine_result applied;
    struct machine_command command = {
        .type = MACHINE_DRONE_REGISTER, .drone = {"127.0.0.1:5001", 14}, .name = {"d1", 2}, .capacity = 1};
    machine_command_encode(&command, &bytes);
    machine_apply(machine, machine_applied_index(machine) + 1, bytes.data, bytes.size, &applied);
    hive_buffer_finish(&bytes);
    assert_int_equal(applied.status, MACHINE_OK);

    say(MACHINE_OK);
    assert_int_equal(ask("POST /register", "Idempotency-Key: k", REGISTRATION), 200);
    assert_int_equal(proposed.count, 0);
    assert_int_equal(
        ask("POST /register", "Idempotency-Key: k", "{\"address\":\"127.0.0.1:5001\",\"name\":\"other\"}"),
        200);
    assert_int_equal(proposed.count, 1);
}

static void a_stale_read_tells_how_old_it_may_be(void **state)
{
    (void)state;
    static const char *const paths[] = {"GET /kv/none?consistency=stale", "GET /kv?consistency=stale"};
    for (size_t i = 0; i < 2; i++) {
        say(MACHINE_OK);
        says.age_ms = 1234;
        ask(paths[i], "", "");
        assert_true(wire_has_header(&answer, "Hive-Data-Age-Ms", "1234"));
        says.age_ms = 0;
        ask(paths[i], "", "");
        assert_true(wire_has_header(&answer, "Hive-Data-Age-Ms", "0"));
        says.age_ms = -1;
        ask(paths[i], "", "");
        assert_true(wire_has_header(&answer, "Hive-Data-Age-Ms", "unknown"));
    }
    ask("GET /kv?consistency=linearizable", "", "");
    assert_int_equal(answer.status, 200);
    assert_false(wire_has_header_named(&answer, "Hive-Data-Age-Ms"));
}

static void a_refused_change_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        enum raft_status status;
        int http;
        const char *type, *advice;
        bool passes; /* by itself */
    } cases[] = {
        {RAFT_CHANGE_PENDING, 409, "change-pending", "try again", true},
        {RAFT_TOO_EARLY, 409, "too-early", "try again", true},
        {RAFT_UNKNOWN_MEMBER, 409, "unknown-member", "/members", false},
        {RAFT_ALREADY_MEMBER, 409, "already-member", "/members", false},
        {RAFT_NOT_CAUGHT_UP, 409, "not-caught-up", "wait", false},
        {RAFT_LAST_VOTER, 409, "last-voter", "add", false},
        {RAFT_GROUP_FULL, 409, "group-full", "remove one", false},
        {RAFT_NOT_VOTER, 409, "not-voter", "promote", false},
        {RAFT_TRANSFERRING, 503, "no-leader", "try again", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        say(MACHINE_OK);
        says.outcome = QUEEN_REFUSED;
        says.refusal = cases[i].status;
        assert_int_equal(ask("GET /outcome", "", ""), cases[i].http);
        char type[64];
        snprintf(type, sizeof type, "problems/%s\"", cases[i].type);
        assert_true(answer_says(type));
        assert_true(answer_says(cases[i].advice));
        assert_int_equal(wire_has_header_named(&answer, "Retry-After"), cases[i].passes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_carries_its_key),
        cmocka_unit_test(what_is_no_key_is_refused_and_nothing_written),
        cmocka_unit_test(a_replayed_result_says_so),
        cmocka_unit_test(a_key_of_another_write_is_a_mistake),
        cmocka_unit_test(what_is_full_is_named),
        cmocka_unit_test(a_drone_that_is_registered_uses_no_key_up),
        cmocka_unit_test(a_stale_read_tells_how_old_it_may_be),
        cmocka_unit_test(a_refused_change_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
