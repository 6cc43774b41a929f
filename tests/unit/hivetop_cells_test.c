/* The grid and its small print: text from strangers, wide characters, and numbers in narrow columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "hivetop/cells.h"
#include "hivetop/format.h"
#include "hivetop/palette.h"

static void assert_line(struct cells *cells, const char *wanted)
{
    struct hive_buffer text = {0};
    cells_print(cells, &text);
    assert_string_equal(text.data, wanted);
    hive_buffer_finish(&text);
}

static void text_stays_in_its_field(void **state)
{
    (void)state;
    struct cells cells;
    cells_init(&cells, 20, 1, false);
    assert_int_equal(cells_put(&cells, 0, 0, 5, STYLE_NORMAL, "12345"), 5);
    assert_int_equal(cells_put(&cells, 6, 0, 5, STYLE_NORMAL, "123456"), 5);
    assert_int_equal(cells_put_right(&cells, 12, 0, 5, STYLE_NORMAL, "12"), 5);
    assert_int_equal(cells_put(&cells, 18, 0, 5, STYLE_NORMAL, "abcde"), 5); /* beyond the grid: no harm */
    assert_int_equal(cells_put(&cells, 0, 0, 0, STYLE_NORMAL, "x"), 0);
    assert_int_equal(cells_put(&cells, 0, 7, 5, STYLE_NORMAL, "x"), 1);
    assert_line(&cells, "12345 1234>    12 ab\n");
    cells_finish(&cells);
}

static void no_control_character_gets_onto_the_screen(void **state)
{
    (void)state;
    struct cells cells;
    cells_init(&cells, 40, 1, false);
    cells_put(&cells, 0, 0, 40, STYLE_NORMAL,
              "a\033[2Jb\r\nc\td\x7f"
              "e\xff\xc3g");
    assert_line(&cells, "a?[2Jb??c?d?e??g\n");
    cells_finish(&cells);
}

static void wide_characters_take_two_cells_and_are_never_cut_in_half(void **state)
{
    (void)state;
    struct cells cells;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    cells_init(&cells, 10, 1, true);
    assert_int_equal(cells_width("\xe8\x9c\x82x"), 3);
    assert_int_equal(cells_put(&cells, 0, 0, 4, STYLE_NORMAL, "\xe8\x9c\x82\xe8\x9c\x82\xe8\x9c\x82"), 3);
    assert_int_equal(cells_at(&cells, 1, 0)->rune, 0);
    assert_line(&cells, "\xe8\x9c\x82>\n");
    cells_wipe(&cells, (struct area){1, 0, 4, 1},
               STYLE_DIALOG); /* half of it is covered: the other half goes */
    assert_line(&cells, "");
    cells_finish(&cells);
    setlocale(LC_CTYPE, "C");
}

static void ages_fit_into_three_columns(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{-1, "-"},          {0, "0s"},         {999, "0s"},        {1000, "1s"},
                 {99999, "99s"},     {100000, "1m"},    {5999999, "99m"},   {6000000, "1h"},
                 {172799999, "47h"}, {172800000, "2d"}, {8553600000, "99d"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FORMAT_BYTES];
        format_age(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void numbers_shrink_to_fit(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *prefix;
        int width;
        const char *text;
    } cases[] = {{123456, "", 6, "123456"},     {123456, "~", 6, "~123k"},  {1234567, "", 6, "1234k"},
                 {UINT64_MAX, "", 6, "18446P"}, {UINT64_MAX, "", 3, "18E"}, {0, "~", 2, "~0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FORMAT_BYTES];
        format_count(cases[i].count, cases[i].prefix, cases[i].width, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void round_trips_fit_into_five_columns(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {{0, "0.0ms"},      {840, "0.8ms"},    {9949, "9.9ms"},  {9950, "10ms"},
                 {374600, "375ms"}, {999499, "999ms"}, {999500, "1.0s"}, {1500000, "1.5s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FORMAT_BYTES];
        format_round_trip(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void intervals_are_seconds_unless_they_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* 0: refused */
    } cases[] = {{"2", 2000},   {"0.5", 500}, {"500ms", 500}, {"1.5s", 1500}, {"1m", 60000}, {"0.1", 100},
                 {"60", 60000}, {"61", 0},    {"99ms", 0},    {"0", 0},       {"-1", 0},     {"", 0},
                 {"ms", 0},     {"1h", 0},    {"nan", 0},     {"inf", 0},     {"1 s", 0},    {"2m", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = 0;
        struct hive_error error = {0};
        int result = interval_parse(cases[i].text, &ms, &error);
        assert_int_equal(ms, cases[i].ms);
        assert_int_equal(result == 0, cases[i].ms != 0);
        assert_int_equal(error.message[0] == '\0', cases[i].ms != 0);
    }
}

static void every_style_fits_the_terminals_colours(void **state)
{
    (void)state;
    static const int colours[] = {0, 8, 16, 88, 256};
    assert_true(2 * STYLE_COUNT < 64); /* pairs that every terminal has */
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        for (int style = 0; style < STYLE_COUNT; style++) {
            for (int marked = 0; marked < 2; marked++) {
                struct look look = palette_look((enum style)style, marked, colours[i]);
                assert_true(look.foreground < (colours[i] ? colours[i] : 0));
                assert_true(look.background < (colours[i] ? colours[i] : 0));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_in_its_field),
        cmocka_unit_test(no_control_character_gets_onto_the_screen),
        cmocka_unit_test(wide_characters_take_two_cells_and_are_never_cut_in_half),
        cmocka_unit_test(ages_fit_into_three_columns),
        cmocka_unit_test(numbers_shrink_to_fit),
        cmocka_unit_test(round_trips_fit_into_five_columns),
        cmocka_unit_test(intervals_are_seconds_unless_they_have_a_unit),
        cmocka_unit_test(every_style_fits_the_terminals_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
