/* How many panes go where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "launcher/age.h"
#include "launcher/tmux_layout.h"

static void every_layout_holds_its_panes_and_no_row_is_empty(void **state)
{
    (void)state;
    for (size_t columns = 0; columns <= 240; columns += 7) {
        for (size_t rows = 0; rows <= 80; rows += 3) {
            for (size_t count = 1; count <= 70; count++) {
                struct tmux_layout layout = tmux_layout_make(count, columns, rows);
                assert_true(layout.panes >= 1 && layout.panes <= count);
                assert_true(layout.columns * layout.rows >= layout.panes);
                assert_true(layout.columns * (layout.rows - 1) < layout.panes);
                assert_true(layout.columns == 1 || columns / layout.columns >= TMUX_PANE_COLUMNS);
                assert_true(layout.rows == 1 || rows / layout.rows >= TMUX_PANE_ROWS);
            }
        }
    }
}

static void panes_fill_the_space_before_another_window_is_needed(void **state)
{
    (void)state;
    assert_int_equal(tmux_layout_make(64, 80, 23).panes, 8);
    assert_int_equal(tmux_layout_make(8, 80, 23).panes, 8);
    assert_int_equal(tmux_layout_make(64, 200, 60).panes, 60);
    assert_int_equal(tmux_layout_make(3, 200, 60).columns, 1); /* a line is longer than it is high */
    assert_int_equal(tmux_layout_make(3, 20, 2).panes, 1);
}

static void an_age_has_two_units(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } expected[] = {{-5, "0s"},        {0, "0s"},           {59, "59s"},       {60, "1m00s"},
                    {3599, "59m59s"},  {3600, "1h00m"},     {86399, "23h59m"}, {86400, "1d00h"},
                    {266400, "3d02h"}, {8640000, "100d00h"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char text[AGE_BYTES];
        age_format(expected[i].seconds * 1000, text);
        assert_string_equal(text, expected[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_holds_its_panes_and_no_row_is_empty),
        cmocka_unit_test(panes_fill_the_space_before_another_window_is_needed),
        cmocka_unit_test(an_age_has_two_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
