/* Arguments for nodes that come in one text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "hive/buffer.h"
#include "launcher/words.h"

static void expect_words(const char *text, const char *expected)
{
    struct hive_strings words = {0};
    struct hive_buffer joined = {0};
    assert_int_equal(words_split(text, &words, NULL), 0);
    hive_buffer_append_text(&joined, "");
    for (size_t i = 0; i < words.count; i++)
        hive_buffer_format(&joined, "[%s]", words.items[i]);
    assert_string_equal(joined.data, expected);
    hive_buffer_finish(&joined);
    hive_strings_finish(&words);
}

static void blanks_divide(void **state)
{
    (void)state;
    expect_words("--a 1 --b", "[--a][1][--b]");
    expect_words("  --a \t\n 1 ", "[--a][1]");
    expect_words("", "");
    expect_words("   ", "");
}

static void quotes_keep_together(void **state)
{
    (void)state;
    expect_words("--a 'x y' \"z  z\"", "[--a][x y][z  z]");
    expect_words("--a='x'\"y\"z", "[--a=xyz]");
    expect_words("'' \"\"", "[][]");
    expect_words("'a\"b' \"a'b\"", "[a\"b][a'b]");
    expect_words("x\\ y \\' \"\\\"\" '\\'", "[x y]['][\"][\\]");
    expect_words("a\\", "[a\\]");
}

static void nothing_is_expanded(void **state)
{
    (void)state;
    expect_words("$HOME ~ * `ls` $(ls) a,b #x", "[$HOME][~][*][`ls`][$(ls)][a,b][#x]");
}

static void an_open_quote_is_refused(void **state)
{
    (void)state;
    static const char *const open[] = {"'", "a 'b", "\"a", "\"a\\\"", "'a\"b\""};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        struct hive_strings words = {0};
        struct hive_error error;
        assert_int_equal(words_split(open[i], &words, &error), -EINVAL);
        assert_non_null(strstr(error.message, open[i]));
        hive_strings_finish(&words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_divide),
        cmocka_unit_test(quotes_keep_together),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(an_open_quote_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
