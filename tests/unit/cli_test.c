/* The verbs, each against a queen that answers as the API says: what is sent, what is printed, and the exit
 * status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/json.h"
#include "unit/cli_scene.h"

static void put_sends_the_value_and_tells_the_index(void **state)
{
    (void)state;
    say(201, "{\"key\":\"a b\",\"index\":12}");
    assert_int_equal(RUN("put", "a b", "hello"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "PUT /kv/a%20b");
    assert_string_equal(asked.body.data, "hello");
    assert_string_equal(asked.condition.data, "");
    assert_int_equal(asked.key_bytes, 32);
    assert_string_equal(out.data, "created at index 12\n");

    say(200, "{\"key\":\"a\",\"index\":13}");
    assert_int_equal(RUN("put", "--json", "--if-match", "12", "a", "hello"), HIVE_EXIT_OK);
    assert_string_equal(asked.condition.data, "\"12\"");
    assert_string_equal(out.data, "{\"key\":\"a\",\"index\":13,\"created\":false}\n");

    assert_int_equal(RUN("put", "--if-absent", "a", "hello"), HIVE_EXIT_OK);
    assert_string_equal(asked.condition.data, "*");
}

static void put_takes_any_bytes_from_standard_input(void **state)
{
    (void)state;
    static const char *const forms[][4] = {{"put", "a", NULL}, {"put", "a", "-", NULL}};
    for (size_t i = 0; i < 2; i++) {
        say(200, "{\"key\":\"a\",\"index\":13}");
        assert_int_equal(run_with_input(forms[i], "\0\xff\n", 3), HIVE_EXIT_OK);
        assert_int_equal(asked.body.size, 3);
        assert_memory_equal(asked.body.data, "\0\xff\n", 3);
    }
    assert_int_equal(RUN("put", "a"), HIVE_EXIT_OK);
    assert_int_equal(asked.body.size, 0);
}

static void put_takes_values_up_to_their_limit(void **state)
{
    (void)state;
    static const char *const words[] = {"put", "a", NULL};
    char *value = hive_malloc(HIVE_VALUE_BYTES + 1);
    memset(value, 'x', HIVE_VALUE_BYTES + 1);
    say(200, "{\"key\":\"a\",\"index\":13}");
    assert_int_equal(run_with_input(words, value, HIVE_VALUE_BYTES), HIVE_EXIT_OK);
    assert_int_equal(asked.body.size, HIVE_VALUE_BYTES);
    assert_memory_equal(asked.body.data, value, HIVE_VALUE_BYTES);
    hive_buffer_clear(&asked.target);
    assert_int_equal(run_with_input(words, value, HIVE_VALUE_BYTES + 1), HIVE_EXIT_FAILED);
    assert_int_equal(asked.target.size, 0);
    assert_non_null(strstr(err.data, "divide it"));
    free(value);
}

static void failures_are_one_line_with_the_advice_of_the_queen(void **state)
{
    (void)state;
    say(412, "the key is at index 15");
    assert_int_equal(RUN("put", "--if-match", "12", "a", "b"), HIVE_EXIT_CONFLICT);
    assert_int_equal(strncmp(err.data, "hive: the key is at index 15", 28), 0);
    assert_ptr_equal(strchr(err.data, '\n'), err.data + err.size - 1);
    assert_int_equal(out.size, 0);

    say(404, "no such key: a\n\033[2J");
    assert_int_equal(RUN("get", "a"), HIVE_EXIT_NOT_FOUND);
    assert_ptr_equal(strstr(err.data, "hive: no such key: a\\n\\x1b[2J (HTTP 404"), err.data);
    say(404, "no such key");
    assert_int_equal(RUN("get", "a"), HIVE_EXIT_NOT_FOUND);
    assert_int_equal(RUN("del", "a"), HIVE_EXIT_NOT_FOUND);
    assert_int_equal(RUN("tasks", "task-1"), HIVE_EXIT_NOT_FOUND);
    say(429, "too many tasks");
    assert_int_equal(RUN("submit", "x"), HIVE_EXIT_FAILED);
}

static void a_lost_answer_tells_how_to_look(void **state)
{
    (void)state;
    say(504, "not applied in time");
    assert_int_equal(RUN("put", "--timeout", "100ms", "a", "b"), HIVE_EXIT_UNKNOWN);
    assert_non_null(strstr(err.data, "'hive get a'"));
    assert_int_equal(RUN("del", "--timeout", "100ms", "a"), HIVE_EXIT_UNKNOWN);
    assert_non_null(strstr(err.data, "'hive get a'"));
    assert_int_equal(RUN("submit", "--timeout", "100ms", "x"), HIVE_EXIT_UNKNOWN);
    assert_non_null(strstr(err.data, "'hive tasks'"));
}

static void without_a_leader_verbs_are_unavailable(void **state)
{
    (void)state;
    say(200, "{}");
    says.leads = false;
    assert_int_equal(RUN("put", "--timeout", "100ms", "a", "b"), HIVE_EXIT_UNAVAILABLE);
    assert_int_equal(RUN("get", "--connect", "127.0.0.1:1", "--timeout", "100ms", "a"),
                     HIVE_EXIT_UNAVAILABLE);
}

static void get_prints_the_raw_value(void **state)
{
    (void)state;
    say(200, "a\0\xff");
    says.bytes = 3;
    says.etag = "\"12\"";
    assert_int_equal(RUN("get", "k"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /kv/k");
    assert_int_equal(asked.key_bytes, 0);
    assert_int_equal(out.size, 3);
    assert_memory_equal(out.data, "a\0\xff", 3);

    assert_int_equal(RUN("get", "k", "--json", "--stale"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /kv/k?consistency=stale");
    assert_string_equal(out.data, "{\"key\":\"k\",\"value_base64\":\"YQD/\",\"index\":12}\n");

    say(200, "text");
    says.etag = "\"12\"";
    assert_int_equal(RUN("get", "k", "--json"), HIVE_EXIT_OK);
    assert_string_equal(out.data, "{\"key\":\"k\",\"value\":\"text\",\"index\":12}\n");
}

static void get_lists_all_pages(void **state)
{
    (void)state;
    say(200, "{\"entries\":[{\"key\":\"p/1\",\"value\":\"one\",\"index\":3,\"version\":1},"
             "{\"key_base64\":\"cAH/"
             "\",\"value_base64\":\"AQ==\",\"index\":14,\"version\":1}],\"next\":\"ignored\"}");
    says.later =
        "{\"entries\":[{\"key\":\"p/3\",\"value\":\"three\",\"index\":5,\"version\":2}],\"next\":null}";
    assert_int_equal(RUN("get", "--prefix", "p&", "--stale"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /kv?limit=1000&consistency=stale&prefix=p%26&after=p%01%FF");
    assert_string_equal(out.data, "KEY        INDEX  VALUE\n"
                                  "p/1            3  one\n"
                                  "p\\x01\\xff     14  \\x01\n"
                                  "p/3            5  three\n");
    says.calls = 0;
    assert_int_equal(RUN("get", "--prefix", "", "--json"), HIVE_EXIT_OK);
    assert_string_equal(out.data,
                        "{\"entries\":[{\"key\":\"p/1\",\"value\":\"one\",\"index\":3,\"version\":1},"
                        "{\"key_base64\":\"cAH/\",\"value_base64\":\"AQ==\",\"index\":14,\"version\":1},"
                        "{\"key\":\"p/3\",\"value\":\"three\",\"index\":5,\"version\":2}]}\n");
}

static void del_removes_and_tells_the_index(void **state)
{
    (void)state;
    say(200, "{\"key\":\"a\",\"index\":13}");
    assert_int_equal(RUN("del", "a"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "DELETE /kv/a");
    assert_int_equal(asked.key_bytes, 32);
    assert_string_equal(out.data, "deleted at index 13\n");
    assert_int_equal(RUN("del", "a", "--json"), HIVE_EXIT_OK);
    assert_string_equal(out.data, "{\"key\":\"a\",\"index\":13}\n");
}

static void wrong_usage_exits_with_2_and_sends_nothing(void **state)
{
    (void)state;
    say(200, "{}");
    hive_buffer_clear(&asked.target);
    assert_int_equal(RUN("put"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("put", "--if-match", "1", "--if-absent", "a", "b"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("put", "--if-match", "0", "a", "b"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("put", "", "b"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("get", ""), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("del", ""), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("get"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("get", "a", "--prefix", "b"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("get", "--connect", "nonsense", "a"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("submit", "\xff"), HIVE_EXIT_USAGE);
    assert_int_equal(RUN("tasks", "a", "b"), HIVE_EXIT_USAGE);
    assert_int_equal(asked.target.size, 0);
}

static void submit_prints_the_id(void **state)
{
    (void)state;
    say(200, "{\"result\":\"OK\",\"id\":\"task-12\",\"state\":\"pending\"}");
    assert_int_equal(RUN("submit", "--name", "n\"1", "hello", "big", "world"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "POST /submit_task");
    assert_int_equal(asked.key_bytes, 32);
    assert_string_equal(asked.body.data, "{\"text\":\"hello big world\",\"name\":\"n\\\"1\"}");
    assert_string_equal(out.data, "task-12\n");
    assert_int_equal(RUN("submit", "--json", "hello"), HIVE_EXIT_OK);
    assert_string_equal(out.data, "{\"result\":\"OK\",\"id\":\"task-12\",\"state\":\"pending\"}\n");
}

static void submit_waits_for_the_end_and_tells_it(void **state)
{
    (void)state;
    say(200, "{\"id\":\"task-12\",\"state\":\"running\"}"); /* the submission, and the first look below */
    says.later = "{\"id\":\"task-12\",\"state\":\"succeeded\"}";
    assert_int_equal(RUN("submit", "--wait", "hello"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /tasks/task-12");
    assert_string_equal(out.data, "task-12\n");

    says.calls = 0;
    says.later = "{\"id\":\"task-12\",\"state\":\"failed\",\"detail\":\"no room\"}";
    assert_int_equal(RUN("submit", "--wait", "--json", "hello"), HIVE_EXIT_FAILED);
    assert_string_equal(out.data, "{\"id\":\"task-12\",\"state\":\"failed\",\"detail\":\"no room\"}\n");
    assert_string_equal(err.data, "hive: task-12 failed: no room\n");

    says.calls = 0;
    says.later = "{\"id\":\"task-12\",\"state\":\"running\"}";
    assert_int_equal(RUN("submit", "--wait", "--timeout", "150ms", "hello"), HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(err.data, "task-12 is not finished after 0.15 s"));
    assert_in_range(says.calls, 3, 12); /* at 0, 20, 60 and 140 ms, and at the end */
}

static void tasks_are_listed_and_shown(void **state)
{
    (void)state;
    say(200, "{\"tasks\":[{\"id\":\"task-1\",\"name\":\"\",\"text\":\"hi\\u001b[2J\",\"state\":\"pending\","
             "\"drone\":null,"
             "\"attempt\":0,\"detail\":\"\",\"submitted_at_ms\":0}],\"next\":null}");
    assert_int_equal(RUN("tasks"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /tasks?limit=1000");
    assert_string_equal(out.data, "ID      STATE    ATTEMPT  AGE  DRONE  NAME  TEXT\n"
                                  "task-1  pending        0    -  -      -     hi\\x1b[2J\n");
    say(200, "{\"id\":\"task-1\",\"state\":\"succeeded\",\"text\":\"hi\",\"drone\":\"127.0.0.1:5001\","
             "\"attempt\":2}");
    assert_int_equal(RUN("tasks", "task-1"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /tasks/task-1");
    assert_non_null(strstr(out.data, "state      succeeded\n"));
    assert_non_null(strstr(out.data, "attempt    2\n"));
    assert_int_equal(RUN("tasks", "task-1", "--json"), HIVE_EXIT_OK);
    assert_string_equal(
        out.data, "{\"id\":\"task-1\",\"state\":\"succeeded\",\"text\":\"hi\",\"drone\":\"127.0.0.1:5001\","
                  "\"attempt\":2}\n");
}

static void drones_are_listed(void **state)
{
    (void)state;
    say(200, "{\"drones\":[{\"address\":\"127.0.0.1:5001\",\"name\":\"d1\",\"state\":\"healthy\",\"last_seen_"
             "ms\":0,"
             "\"running\":1,\"capacity\":4,\"version\":\"0.1.0\"}]}");
    assert_int_equal(RUN("drones"), HIVE_EXIT_OK);
    assert_string_equal(asked.target.data, "GET /drones");
    assert_string_equal(out.data, "DRONE           STATE    SEEN  RUNNING  CAPACITY  AGE  VERSION  NAME\n"
                                  "127.0.0.1:5001  healthy     -        1         4    -  0.1.0    d1\n");
}

static void an_answer_that_is_not_hives_is_told(void **state)
{
    (void)state;
    say(200, "<html>");
    assert_int_equal(RUN("drones"), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, address));
    say(200, "{\"drones\":[{\"address\":7}]}");
    assert_int_equal(RUN("drones"), HIVE_EXIT_FAILED);
    assert_non_null(strstr(err.data, "address"));
}

static void status_shows_the_living_and_the_dead(void **state)
{
    (void)state;
    say(200, "{}");
    assert_int_equal(RUN("status"), HIVE_EXIT_OK);
    char expected[1024];
    snprintf(
        expected, sizeof expected,
        "QUEEN            ROLE         TERM  LAST  COMMIT  APPLIED  LEADER SEEN     UP  NOTE\n"
        "%-15s  LEADER          7    12      11       10            -  1m01s\n"
        "127.0.0.1:1      unreachable     -     -       -        -            -      -  connection refused\n"
        "\n"
        "DRONE           STATE    SEEN  RUNNING  NAME\n"
        "127.0.0.1:5001  healthy     -        3  d1\n",
        address);
    assert_string_equal(out.data, expected);
    assert_int_equal(err.size, 0);

    assert_int_equal(RUN("status", "--json"), HIVE_EXIT_OK);
    cJSON *json = hive_json_parse_object(out.data, out.size, NULL);
    assert_non_null(json);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "leader")), address);
    const cJSON *queens = cJSON_GetObjectItem(json, "queens");
    assert_int_equal(cJSON_GetArraySize(queens), 2);
    const cJSON *health = cJSON_GetObjectItem(cJSON_GetArrayItem(queens, 0), "health");
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(health, "term")), 7);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(queens, 1), "failure")),
                        "connection refused");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "drones")), 1);
    cJSON_Delete(json);
}

static void status_without_a_leader_is_unavailable(void **state)
{
    (void)state;
    say(200, "{}");
    says.leads = false;
    assert_int_equal(RUN("status"), HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(out.data, "CANDIDATE"));
    assert_non_null(strstr(err.data, "1 of 2 queens answered and a majority is 2"));
    assert_int_equal(RUN("status", "--connect", "127.0.0.1:1", "--json"), HIVE_EXIT_UNAVAILABLE);
    assert_non_null(strstr(out.data, "\"leader\":null"));
}

static void the_table_of_verbs_is_sorted_and_complete(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct hive_command *verb = cli_verbs; verb->name; verb++, count++) {
        assert_non_null(verb->run);
        assert_non_null(verb->summary);
        assert_non_null(verb->synopsis);
        if (count)
            assert_true(strcmp(verb[-1].name, verb->name) < 0);
    }
    assert_true(count >= 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_sends_the_value_and_tells_the_index),
        cmocka_unit_test(put_takes_any_bytes_from_standard_input),
        cmocka_unit_test(put_takes_values_up_to_their_limit),
        cmocka_unit_test(failures_are_one_line_with_the_advice_of_the_queen),
        cmocka_unit_test(a_lost_answer_tells_how_to_look),
        cmocka_unit_test(without_a_leader_verbs_are_unavailable),
        cmocka_unit_test(get_prints_the_raw_value),
        cmocka_unit_test(get_lists_all_pages),
        cmocka_unit_test(del_removes_and_tells_the_index),
        cmocka_unit_test(wrong_usage_exits_with_2_and_sends_nothing),
        cmocka_unit_test(submit_prints_the_id),
        cmocka_unit_test(submit_waits_for_the_end_and_tells_it),
        cmocka_unit_test(tasks_are_listed_and_shown),
        cmocka_unit_test(drones_are_listed),
        cmocka_unit_test(an_answer_that_is_not_hives_is_told),
        cmocka_unit_test(status_shows_the_living_and_the_dead),
        cmocka_unit_test(status_without_a_leader_is_unavailable),
        cmocka_unit_test(the_table_of_verbs_is_sorted_and_complete),
    };
    return cmocka_run_group_tests(tests, start_queen, stop_queen);
}
