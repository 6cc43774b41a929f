/* JSON from strangers: what is wrong is refused by name, what is right comes out unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "hive/json.h"
#include "hive/memory.h"

/* Parses a copy of exactly these bytes, so that a read behind them is seen by the sanitizers. */
static cJSON *parse(const char *data, size_t bytes, struct hive_error *error)
{
    char *exact = hive_malloc(bytes);
    if (bytes)
        memcpy(exact, data, bytes);
    cJSON *object = hive_json_parse_object(exact, bytes, error);
    free(exact);
    return object;
}

static cJSON *parse_text(const char *text)
{
    struct hive_error error = {0};
    cJSON *object = parse(text, strlen(text), &error);
    if (!object)
        fail_msg("%s: %s", text, error.message);
    return object;
}

static void only_one_whole_object_is_taken(void **state)
{
    (void)state;
    static const char *const good[] = {"{}", " \t\r\n{ } \n", "{\"a\":{\"b\":[1,2,{}]}}",
                                       "{\"a\":\"\\\\u0000\"}", "{\"é\":\"🐝\"}"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cJSON_Delete(parse_text(good[i]));
    static const char *const bad[] = {"",
                                      " ",
                                      "null",
                                      "[]",
                                      "\"text\"",
                                      "{",
                                      "{}x",
                                      "{} {}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\"}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"\\ud800\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\":\"\\\\\\u0000\"}",
                                      "hello"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hive_error error = {0};
        cJSON *object = parse(bad[i], strlen(bad[i]), &error);
        if (object)
            fail_msg("'%s' was taken", bad[i]);
        assert_string_not_equal(error.message, "");
    }
    assert_null(parse("{}\0", 3, NULL));
    assert_null(parse("{\"a\0b\":1}", 9, NULL));
}

static void every_cut_of_a_document_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"text\":\"h\\u00e9\\\\llo\",\"n\":[-1.5e3,true,null],\"o\":{\"k\":\"…\"}}";
    for (size_t bytes = 0; bytes < sizeof text - 1; bytes++)
        assert_null(parse(text, bytes, NULL));
    cJSON_Delete(parse_text(text));
}

static void deep_nesting_is_refused_and_not_followed(void **state)
{
    (void)state;
    struct hive_buffer text = {0};
    hive_buffer_append_text(&text, "{\"a\":");
    for (int i = 0; i < 200000; i++)
        hive_buffer_append_text(&text, "[");
    assert_null(parse(text.data, text.size, NULL));
    hive_buffer_finish(&text);
}

static void errors_name_the_field_and_what_it_must_be(void **state)
{
    (void)state;
    struct hive_error error = {0};
    cJSON *object = parse_text("{\"text\":5,\"limit\":\"five\",\"none\":null}");
    const char *text = "default";
    int64_t limit = 42;
    assert_int_equal(hive_json_string(object, "text", &text, &error), -EINVAL);
    assert_string_equal(error.message, "\"text\" must be a string, not a number");
    assert_int_equal(hive_json_int(object, "limit", 1, 10, &limit, &error), -EINVAL);
    assert_string_equal(error.message, "\"limit\" must be a whole number, not a string");
    assert_int_equal(hive_json_string(object, "none", &text, &error), -ENOENT);
    assert_int_equal(hive_json_string(object, "absent", &text, &error), -ENOENT);
    assert_string_equal(error.message, "\"absent\" is missing: it must be a string");
    assert_int_equal(hive_json_string(object, "TEXT", &text, NULL), -ENOENT);
    assert_string_equal(text, "default");
    assert_int_equal(limit, 42);
    cJSON_Delete(object);
}

static void integers_are_whole_exact_and_within_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int64_t min, max;
        int expected;
    } cases[] = {
        {"5", 1, 10, 0},
        {"1", 1, 10, 0},
        {"10", 1, 10, 0},
        {"0", 1, 10, -EINVAL},
        {"11", 1, 10, -EINVAL},
        {"5.5", 1, 10, -EINVAL},
        {"5.0", 1, 10, 0},
        {"5e0", 1, 10, 0},
        {"-3", -5, -1, 0},
        {"9007199254740992", 0, INT64_MAX, 0},
        {"9007199254740994", 0, INT64_MAX, -EINVAL},
        {"-9007199254740992", INT64_MIN, 0, 0},
        {"-9007199254740994", INT64_MIN, 0, -EINVAL},
        {"1e400", INT64_MIN, INT64_MAX, -EINVAL},
        {"-1e400", INT64_MIN, INT64_MAX, -EINVAL},
        {"true", 0, 1, -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"n\":%s}", cases[i].number);
        cJSON *object = parse_text(text);
        int64_t value = 77;
        if (hive_json_int(object, "n", cases[i].min, cases[i].max, &value, NULL) != cases[i].expected)
            fail_msg("%s gave another answer than %d", cases[i].number, cases[i].expected);
        assert_int_equal(value, cases[i].expected ? 77 : (int64_t)strtod(cases[i].number, NULL));
        cJSON_Delete(object);
    }
}

static void the_other_types_are_told_apart(void **state)
{
    (void)state;
    cJSON *document = parse_text("{\"yes\":true,\"no\":false,\"object\":{},\"array\":[1]}");
    bool flag = false;
    const cJSON *item = NULL;
    assert_int_equal(hive_json_bool(document, "yes", &flag, NULL), 0);
    assert_true(flag);
    assert_int_equal(hive_json_bool(document, "no", &flag, NULL), 0);
    assert_false(flag);
    assert_int_equal(hive_json_bool(document, "array", &flag, NULL), -EINVAL);
    assert_int_equal(hive_json_object(document, "array", &item, NULL), -EINVAL);
    assert_int_equal(hive_json_array(document, "object", &item, NULL), -EINVAL);
    assert_null(item);
    assert_int_equal(hive_json_object(document, "object", &item, NULL), 0);
    assert_true(cJSON_IsObject(item));
    assert_int_equal(hive_json_array(document, "array", &item, NULL), 0);
    assert_int_equal(cJSON_GetArraySize(item), 1);
    cJSON_Delete(document);
}

static void written_strings_are_escaped(void **state)
{
    (void)state;
    struct hive_buffer buffer = {0};
    static const char text[] = "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\0é🐝";
    hive_json_append_string(&buffer, text, sizeof text - 1);
    assert_string_equal(buffer.data, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000é🐝\"");
    hive_buffer_clear(&buffer);
    hive_json_append_string(&buffer, "", 0);
    assert_string_equal(buffer.data, "\"\"");
    hive_buffer_clear(&buffer);
    hive_json_append_string(&buffer, "x\xff\xe2\x80y\xc3", 6);
    assert_string_equal(buffer.data, "\"x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy\xef\xbf\xbd\"");
    hive_buffer_finish(&buffer);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct hive_buffer text = {0}, document = {0};
    for (int i = 1; i < 0x80; i++)
        hive_buffer_append(&text, &(char){(char)i}, 1);
    hive_buffer_append_text(&text, "é…🐝");
    hive_buffer_append_text(&document, "{\"text\":");
    hive_json_append_string(&document, text.data, text.size);
    hive_buffer_append_text(&document, "}");
    cJSON *object = parse_text(document.data);
    const char *back = NULL;
    assert_int_equal(hive_json_string(object, "text", &back, NULL), 0);
    assert_string_equal(back, text.data);
    char *printed = hive_json_print_and_delete(object);
    assert_null(strchr(printed, '\n'));
    object = parse_text(printed);
    assert_int_equal(hive_json_string(object, "text", &back, NULL), 0);
    assert_string_equal(back, text.data);
    cJSON_Delete(object);
    free(printed);
    hive_buffer_finish(&text);
    hive_buffer_finish(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_one_whole_object_is_taken),
        cmocka_unit_test(every_cut_of_a_document_is_refused),
        cmocka_unit_test(deep_nesting_is_refused_and_not_followed),
        cmocka_unit_test(errors_name_the_field_and_what_it_must_be),
        cmocka_unit_test(integers_are_whole_exact_and_within_bounds),
        cmocka_unit_test(the_other_types_are_told_apart),
        cmocka_unit_test(written_strings_are_escaped),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
