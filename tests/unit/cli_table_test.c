/* Tables and ages as people read them, and strangers' bytes that stay harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"

static const struct cli_table_column columns[] = {{"NAME", false}, {"N", true}, {"TEXT", false}};

static void columns_are_aligned_and_rows_end_without_blanks(void **state)
{
    (void)state;
    struct cli_table table = CLI_TABLE(columns);
    cli_table_add(&table, "caf\xc3\xa9");
    cli_table_add(&table, "%d", 7);
    cli_table_add(&table, "short");
    cli_table_add(&table, "longer-name");
    cli_table_add(&table, "%d", 12345);
    cli_table_add(&table, "a much longer text");
    cli_table_add(&table, "x");
    cli_table_add(&table, "%d", 1);
    cli_table_add(&table, "%s", "");

    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    cli_table_print(&table, out);
    fclose(out);
    assert_string_equal(text, "NAME             N  TEXT\n"
                              "caf\xc3\xa9             7  short\n"
                              "longer-name  12345  a much longer text\n"
                              "x                1\n");
    free(text);
    cli_table_finish(&table);
}

static void bytes_of_strangers_cannot_steer_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        const char *shown;
    } cases[] = {
        {"plain", 5, "plain"},
        {"\033[2J", 4, "\\x1b[2J"},
        {"a\nb\tc\r", 6, "a\\nb\\tc\\x0d"},
        {"a\0b", 3, "a\\x00b"},
        {"\x7f", 1, "\\x7f"},
        {"\xc2\x9b"
         "1m",
         4, "\\xc2\\x9b1m"}, /* U+009B: the 8-bit way to write ESC [ */
        {"\xc2\xa0", 2, "\xc2\xa0"},
        {"\xe2\x82\xac \xf0\x9f\x90\x9d", 8, "\xe2\x82\xac \xf0\x9f\x90\x9d"},
        {"\xe2\x82", 2, "\\xe2\\x82"},
        {"\xff\x80", 2, "\\xff\\x80"},
        {"\xc0\xaf", 2, "\\xc0\\xaf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hive_buffer text = {0};
        cli_table_escape(&text, cases[i].bytes, cases[i].count);
        assert_string_equal(text.data, cases[i].shown);
        hive_buffer_finish(&text);
    }
}

static void ages_are_human(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0.0s"},          {1234, "1.2s"},      {59999, "59.9s"},
        {60000, "1m00s"},     {3599000, "59m59s"}, {3600000, "1h00m"},
        {86399000, "23h59m"}, {86400000, "1d00h"}, {INT64_C(100) * 86400000 + 3600000 * 5, "100d05h"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        cli_table_format_age(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
    assert_int_equal(cli_table_age_ms(5000, 3000), 2000);
    assert_int_equal(cli_table_age_ms(5000, 5001), 0);
    assert_int_equal(cli_table_age_ms(5000, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_and_rows_end_without_blanks),
        cmocka_unit_test(bytes_of_strangers_cannot_steer_a_terminal),
        cmocka_unit_test(ages_are_human),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
