/* What is read of a line of a log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "launcher/log_line.h"

#define AT_MS 1769860800123 /* 2026-01-31T12:00:00.123Z */

static void both_formats_tell_time_and_level(void **state)
{
    (void)state;
    struct log_line line = log_line_parse("2026-01-31T12:00:00.123Z warning peer does not answer peer=x");
    assert_int_equal(line.time_ms, AT_MS);
    assert_int_equal(line.time_bytes, 24);
    assert_int_equal(line.level, HIVE_LOG_WARNING);
    line =
        log_line_parse("{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"error\",\"event\":\"stopped\"}");
    assert_int_equal(line.time_ms, AT_MS);
    assert_int_equal(line.time_bytes, 0);
    assert_int_equal(line.level, HIVE_LOG_ERROR);
}

static void what_is_no_time_is_none(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "2026-01-31T12:00:00.123",
        "2026-01-31T12:00:00.123Zwarning no blank behind it",
        "2026-01-31 12:00:00.123Z info another format",
        "    at 2026-01-31T12:00:00.123Z",
        "2026-01-31T12:00:00.12Z  info too short",
        "{\"level\":\"info\",\"time\":\"2026-01-31T12:00:00.123Z\"}",
        "{\"time\":\"\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct log_line line = log_line_parse(lines[i]);
        assert_int_equal(line.time_bytes, 0);
        assert_int_equal(line.level, HIVE_LOG_INFO);
        assert_int_equal(line.time_ms, 0);
    }
}

static void words_that_begin_like_a_level_are_none(void **state)
{
    (void)state;
    assert_int_equal(log_line_parse("2026-01-31T12:00:00.123Z errors are many").level, HIVE_LOG_INFO);
    assert_int_equal(log_line_parse("2026-01-31T12:00:00.123Z debug x").level, HIVE_LOG_DEBUG);
}

static void only_text_reaches_the_terminal(void **state)
{
    (void)state;
    char line[] = "a\tb\033[2Jc\177d\302\233e gr\303\274n \001";
    log_line_clean(line);
    assert_string_equal(line, "a b?[2Jc?d??e gr\303\274n ?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_formats_tell_time_and_level),
        cmocka_unit_test(what_is_no_time_is_none),
        cmocka_unit_test(words_that_begin_like_a_level_are_none),
        cmocka_unit_test(only_text_reaches_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
