/* One call and its answer: what is sent arrives, what is answered is given back, and statuses become exit statuses. */
#include "client_call_scene.h"

static void the_leader_is_asked_and_its_answer_given(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    struct outcome outcome = CALL(get, leader.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
    assert_int_equal(outcome.answer.status, 200);
    assert_int_equal(outcome.answer.body.size, 3);
    assert_memory_equal(outcome.answer.body.data, "a\0b", 3);
    assert_string_equal(outcome.answer.etag, "\"12\"");
    assert_string_equal(outcome.answer.from, leader.address);
    assert_string_equal(leader.headers, "/kv/a?consistency=stale||");
    hive_answer_finish(&outcome.answer);
    assert_null(outcome.answer.body.data);
    stop(&leader);
}

static void token_headers_and_body_arrive(void **state)
{
    (void)state;
    struct fake leader;
    start_leader(&leader);
    char list[1][HIVE_ADDRESS_BYTES];
    memcpy(list[0], leader.address, sizeof list[0]);
    struct hive_target target = {.addresses = list, .count = 1, .token = "5ecre7"};
    struct hive_call call = put;
    call.headers = (const char *const[]){"If-Match: \"7\"", NULL};
    struct hive_answer answer;
    assert_int_equal(hive_call(&target, &call, &answer, NULL), HIVE_EXIT_OK);
    assert_string_equal(leader.body, "hello");
    assert_string_equal(leader.headers, "/kv/a|\"7\"|Bearer 5ecre7");
    hive_answer_finish(&answer);
    stop(&leader);
}

static void statuses_become_exit_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum hive_exit exit_status;
    } cases[] = {
        {201, HIVE_EXIT_OK},        {400, HIVE_EXIT_FAILED},   {401, HIVE_EXIT_FAILED},
        {404, HIVE_EXIT_NOT_FOUND}, {412, HIVE_EXIT_CONFLICT}, {413, HIVE_EXIT_FAILED},
        {429, HIVE_EXIT_FAILED},    {500, HIVE_EXIT_FAILED},   {503, HIVE_EXIT_UNAVAILABLE},
        {504, HIVE_EXIT_UNKNOWN},
    };
    struct fake leader;
    start_leader(&leader);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char advice[64];
        snprintf(advice, sizeof advice, "do something about %d", cases[i].status);
        atomic_store(&leader.status, cases[i].status);
        struct hive_call call = put;
        call.timeout_ms = SHORT_MS;
        struct outcome outcome = CALL(call, leader.address);
        if (outcome.exit_status != cases[i].exit_status)
            fail_msg("%d gave %d", cases[i].status, (int)outcome.exit_status);
        if (cases[i].status >= 300 && !strstr(outcome.error.message, advice))
            fail_msg("%d: %s", cases[i].status, outcome.error.message);
        hive_answer_finish(&outcome.answer);
    }
    stop(&leader);
}

static void what_is_no_queen_is_told(void **state)
{
    (void)state;
    struct fake stranger;
    start_leader(&stranger);
    stranger.mode = "TEAPOT";
    struct hive_call call = get;
    call.timeout_ms = SHORT_MS;
    struct outcome outcome = CALL(call, stranger.address);
    assert_int_equal(outcome.exit_status, HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(outcome.error.message, "no Hive node"));
    assert_int_equal(stranger.calls, 0);
    hive_answer_finish(&outcome.answer);
    stop(&stranger);
}

static void an_empty_target_is_unavailable_at_once(void **state)
{
    (void)state;
    struct hive_target target = {0};
    struct hive_answer answer;
    struct hive_error error;
    assert_int_equal(hive_call(&target, &put, &answer, &error), HIVE_EXIT_UNAVAILABLE);
    hive_answer_finish(&answer);
}

static void any_key_arrives_as_it_is(void **state)
{
    (void)state;
    static const char *const keys[] = {"a b",      "a/b//c", "100%", "?&=#+",  "caf\xc3\xa9",
                                       "\xff\x01", ".",      "..",   "a/../b", "../b",
                                       "./a",      "a/.",    "...",  ".a",     "~-_."};
    struct fake leader;
    start_leader(&leader);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct hive_buffer path = {0};
        hive_buffer_append_text(&path, "/kv/");
        hive_path_append(&path, keys[i]);
        struct hive_call call = get;
        call.path = path.data;
        struct outcome outcome = CALL(call, leader.address);
        assert_int_equal(outcome.exit_status, HIVE_EXIT_OK);
        size_t bytes = strlen(path.data);
        if (strncmp(leader.headers, path.data, bytes) != 0 || leader.headers[bytes] != '|')
            fail_msg("'%s': %s arrived as %s", keys[i], path.data, leader.headers);
        hive_answer_finish(&outcome.answer);
        hive_buffer_finish(&path);
    }
    stop(&leader);
}

static void paths_are_percent_encoded(void **state)
{
    (void)state;
    struct hive_buffer path = {0};
    hive_path_append(&path, "a b/\xff?%");
    hive_path_append_bytes(&path, "\0z", 2);
    assert_string_equal(path.data, "a%20b/%FF%3F%25%00z");
    hive_buffer_finish(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leader_is_asked_and_its_answer_given),
        cmocka_unit_test(token_headers_and_body_arrive),
        cmocka_unit_test(statuses_become_exit_statuses),
        cmocka_unit_test(what_is_no_queen_is_told),
        cmocka_unit_test(an_empty_target_is_unavailable_at_once),
        cmocka_unit_test(any_key_arrives_as_it_is),
        cmocka_unit_test(paths_are_percent_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
