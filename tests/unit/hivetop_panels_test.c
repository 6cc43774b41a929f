/* Who gets which place: panels on a screen, columns in a row, rows in a panel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "hivetop/panels.h"
#include "hivetop/table.h"

/* Takes the area's cells; fails where somebody has them already. */
static void occupy(char *grid, int columns, int rows, const struct area *area, char who)
{
    assert_true(area->rows <= 0 || area->columns <= 0 ||
                (area->row >= 0 && area->row + area->rows <= rows && area->column >= 0 &&
                 area->column + area->columns <= columns));
    for (int row = area->row; row < area->row + area->rows; row++) {
        for (int column = area->column; column < area->column + area->columns; column++) {
            if (grid[row * columns + column])
                fail_msg("%c and %c share a cell at %dx%d", grid[row * columns + column], who, columns, rows);
            grid[row * columns + column] = who;
        }
    }
}

static void check_panels(int columns, int rows, const struct panels_wish *wish)
{
    static char grid[200 * 60];
    struct panels panels;
    panels_make(columns, rows, wish, &panels);
    const struct area *areas[] = {&panels.header, &panels.broken,      &panels.queens, &panels.lanes,
                                  &panels.drones, &panels.replication, &panels.events, &panels.details,
                                  &panels.logs,   &panels.commits,     &panels.footer};
    memset(grid, 0, (size_t)(columns * rows));
    for (int i = 0; i < (int)(sizeof areas / sizeof *areas); i++)
        occupy(grid, columns, rows, areas[i], (char)('a' + i));
    assert_int_equal(panels.header.rows, 1);
    if (!panels.is_line) {
        assert_int_equal(panels.footer.rows, wish->has_footer);
        assert_int_equal(panels.broken.rows, wish->is_broken);
    }
}

static void panels_never_share_a_cell(void **state)
{
    (void)state;
    static const int widths[] = {39, 40, 119, 120, 200};
    for (int rows = 5; rows <= 60; rows++) {
        for (int queens = 0; queens <= 60; queens += 5 + queens) {
            for (int drones = 0; drones <= 60; drones += 3 + 2 * drones) {
                for (unsigned flags = 0; flags < 64; flags++) {
                    struct panels_wish wish = {.queens = queens,
                                               .drones = drones,
                                               .followers = queens ? queens - 1 : 0,
                                               .drones_first = flags & 1,
                                               .has_footer = flags & 2,
                                               .is_broken = flags & 4,
                                               .has_details = flags & 8,
                                               .has_all_events = flags & 16,
                                               .has_logs = flags & 32};
                    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
                        check_panels(widths[i], rows, &wish);
                }
            }
        }
    }
}

/* What is shown at this height. */
static const char *panels_at(int columns, int rows, const struct panels_wish *wish)
{
    static char text[8];
    struct panels panels;
    panels_make(columns, rows, wish, &panels);
    snprintf(text, sizeof text, "%s%s%s%s%s%s", panels.queens.rows ? "q" : "", panels.lanes.rows ? "l" : "",
             panels.drones.rows ? "d" : "", panels.events.rows ? "e" : "", panels.replication.rows ? "r" : "",
             panels.details.rows ? "D" : "");
    return text;
}

static void a_low_screen_loses_events_then_drones_then_lanes(void **state)
{
    (void)state;
    struct panels_wish wish = {.queens = 5, .drones = 3, .followers = 4, .has_footer = true};
    assert_string_equal(panels_at(80, 24, &wish), "qlde");
    assert_string_equal(panels_at(80, 20, &wish), "qlde");
    assert_string_equal(panels_at(80, 19, &wish), "qld");
    assert_string_equal(panels_at(80, 16, &wish), "qld");
    assert_string_equal(panels_at(80, 15, &wish), "ql");
    assert_string_equal(panels_at(80, 10, &wish), "ql");
    assert_string_equal(panels_at(80, 9, &wish), "q");
    assert_string_equal(panels_at(80, 8, &wish), "q");
    assert_string_equal(panels_at(80, 7, &wish), "");
    assert_string_equal(panels_at(39, 24, &wish), "");
    wish.drones_first = true; /* whoever looks at a drone sees it */
    assert_string_equal(panels_at(80, 9, &wish), "qd");
    wish.has_details = true;
    assert_string_equal(panels_at(80, 24, &wish), "qdD");
    wish.drones_first = false;
    assert_string_equal(panels_at(80, 23, &wish), "qD");
    assert_string_equal(panels_at(80, 50, &wish), "qlD");
}

static void a_wide_screen_has_lanes_beside_and_more_panels(void **state)
{
    (void)state;
    struct panels_wish wish = {.queens = 5, .drones = 3, .followers = 4, .has_footer = true};
    struct panels panels;
    assert_string_equal(panels_at(120, 24, &wish), "qlderD");
    panels_make(120, 24, &wish, &panels);
    assert_true(panels.lanes_beside);
    assert_int_equal(panels.lanes.row, panels.queens.row);
    assert_int_equal(panels.lanes.rows, panels.queens.rows);
    assert_true(panels.queens.columns >= 80);
    assert_string_equal(panels_at(160, 12, &wish), "qld");
    panels_make(119, 24, &wish, &panels);
    assert_false(panels.lanes_beside);
}

static void with_thousands_of_nodes_every_panel_keeps_some_rows(void **state)
{
    (void)state;
    struct panels_wish wish = {.queens = 60, .drones = 4000, .followers = 59, .has_footer = true};
    struct panels panels;
    for (int rows = 24; rows <= 60; rows++) {
        panels_make(80, rows, &wish, &panels);
        assert_in_range(panels.queens.rows, 5, rows);
        assert_in_range(panels.lanes.rows, 5, rows);
        assert_in_range(panels.drones.rows, 5, rows);
        assert_in_range(panels.events.rows, 4, rows);
        panels_make(160, rows, &wish, &panels);
        assert_in_range(panels.queens.rows, 5, rows);
        assert_in_range(panels.drones.rows, 3, rows);
        assert_in_range(panels.events.rows, 4, rows);
        assert_in_range(panels.details.rows, 8, rows);
    }
}

static void columns_never_touch_and_the_least_telling_go_first(void **state)
{
    (void)state;
    static const struct column columns[] = {{"A", 5, 9, 0, false, SORT_COUNT, NULL},
                                            {"B", 4, 4, 2, true, SORT_COUNT, NULL},
                                            {"C", 6, 100, 1, false, SORT_COUNT, NULL},
                                            {0}};
    struct place places[TABLE_COLUMNS];
    for (int width = 0; width <= 150; width++) {
        table_fit(columns, width, places);
        int end = -1;
        for (int i = 0; i < 3; i++) {
            if (!places[i].width)
                continue;
            assert_true(places[i].start > end);
            end = places[i].start + places[i].width;
            assert_true(end <= width);
        }
        assert_int_equal(places[1].width > 0, width >= 5 + 1 + 4 + 1 + 6);
        assert_int_equal(places[2].width > 0, width >= 5 + 1 + 6);
        assert_int_equal(places[0].width > 0, width > 0);
    }
    table_fit(columns, 150, places);
    assert_int_equal(places[0].width, 9);
    assert_int_equal(places[2].width, 100);
}

static void scrolling_keeps_the_selection_in_sight_and_the_ends_filled(void **state)
{
    (void)state;
    for (int height = 1; height <= 12; height++) {
        for (int count = 1; count <= 30; count++) {
            for (int selected = 0; selected < count; selected++) {
                int first = table_first(count, height, selected);
                assert_in_range(first, 0, selected);
                assert_true(selected < first + height);
                assert_true(count <= height ? first == 0 : first + height <= count);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panels_never_share_a_cell),
        cmocka_unit_test(a_low_screen_loses_events_then_drones_then_lanes),
        cmocka_unit_test(a_wide_screen_has_lanes_beside_and_more_panels),
        cmocka_unit_test(with_thousands_of_nodes_every_panel_keeps_some_rows),
        cmocka_unit_test(columns_never_touch_and_the_least_telling_go_first),
        cmocka_unit_test(scrolling_keeps_the_selection_in_sight_and_the_ends_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
