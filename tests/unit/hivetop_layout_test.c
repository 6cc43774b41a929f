/* Every size from 20x5 to 200x60: nothing is drawn twice, nothing outside, and what must be seen is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "hivetop/keys.h"
#include "hivetop/panels.h"
#include "tests/unit/hivetop_fixture.h"
#include "tests/unit/hivetop_picture.h"

static void press(struct ui *ui, const struct model *model, const char *keys)
{
    for (; *keys; keys++)
        ui_key(ui, model, *keys);
}

/* The row of the selection's sign, or -1. */
static int selected_row(const struct cells *cells)
{
    for (int row = 0; row < cells->rows; row++) {
        if (cells_at(cells, 0, row)->is_marked)
            return row;
    }
    return -1;
}

/* `step` leaves sizes out, where another test has them all. */
static void sweep(const struct model *model, const struct ui *ui, int step)
{
    for (int rows = 5; rows <= 60; rows += step) {
        for (int columns = 20; columns <= 200; columns += step) {
            struct cells cells;
            render(model, ui, columns, rows, false, &cells);
            picture_check(&cells, columns, rows);
            bool has_panels = columns >= PANELS_COLUMNS_MIN && rows >= PANELS_ROWS_MIN;
            if (ui->mode == UI_TABLES && has_panels != (selected_row(&cells) > 0))
                fail_msg("at %dx%d the selected node is%s in sight", columns, rows, has_panels ? " not" : "");
            cells_finish(&cells);
        }
    }
}

static void nothing_overlaps_at_any_size(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_troubled(&model);
    ui_init(&ui, 500);
    sweep(&model, &ui, 1);
    press(&ui, &model, "G");
    sweep(&model, &ui, 3);
    model_finish(&model);
}

static void nothing_overlaps_with_many_nodes_and_long_names(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 40, 200);
    ui_init(&ui, 500);
    press(&ui, &model, "jjjjjjjj");
    sweep(&model, &ui, 3);
    model_finish(&model);

    model = (struct model){0};
    model_set_time(&model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    model_add(&model, HIVE_ROLE_QUEEN, "a-very-long-name-of-a-machine-indeed.of.some.example.org:65535");
    model_add(&model, HIVE_ROLE_QUEEN, "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535");
    model_add(&model, HIVE_ROLE_DRONE, "short:1");
    model_take_failure(&model, model.nodes[0], -EIO,
                       "a reason of more words than any column could ever hold, at all");
    sweep(&model, &ui, 3);
    model_finish(&model);
}

static void nothing_overlaps_with_the_largest_numbers(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 3, 2);
    ui_init(&ui, 60000);
    for (size_t i = 0; i < model.node_count; i++) {
        struct node *node = model.nodes[i];
        node->health.term = node->health.log_last = node->health.log_commit = UINT64_MAX;
        node->health.log_applied = UINT64_MAX;
        node->health.done = node->health.failed = INT64_MAX;
        node->health.capacity = node->health.running = INT32_MAX;
        node->round_trip_us = INT64_MAX;
        node->answered_ms = 0;
    }
    model_set_time(&model, INT64_MAX / 2, FIXTURE_UNIX_MS);
    sweep(&model, &ui, 3);
    model_take_failure(&model, model.nodes[1], -ETIMEDOUT, "timed out");
    sweep(&model, &ui, 3);
    model_finish(&model);
}

static void what_lies_above_the_rest_fits_too(void **state)
{
    (void)state;
    static const char *const scripts[] = {"?", "?jjjjjjjjjjjj",        "jjK", "jjjP",
                                          "R", "Ssome text to submit", "+"};
    struct model model;
    fixture_troubled(&model);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct ui ui;
        ui_init(&ui, 500);
        press(&ui, &model, scripts[i]);
        sweep(&model, &ui, 7);
    }
    for (int i = 0; i < 2; i++) { /* the evidence, and that consensus is broken: none of it, then much */
        struct ui ui;
        ui_init(&ui, 500);
        sweep(&model, &ui, 7);
        press(&ui, &model, "c");
        sweep(&model, &ui, 7);
        model.checks.finding_count = CHECKS_FINDINGS;
        for (size_t k = 0; k < CHECKS_FINDINGS; k++)
            memset(model.checks.findings[k].text, k % 2 ? 'x' : ' ', CHECKS_TEXT_BYTES - 1);
    }
    model_finish(&model);
}

static void wide_characters_tear_no_line(void **state)
{
    (void)state;
    static const char *const names[] = {"\u8702", "\u8702\u306e\u5de3",
                                        "q\u8702\u306e\u5de3\u306e\u5973\u738b", "e\u0301clair", "\xff\xfe"};
    struct model model;
    struct ui ui;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    fixture_calm(&model, 5, 5);
    ui_init(&ui, 500);
    snprintf(ui.marked[0], sizeof ui.marked[0], "%s", model.nodes[1]->address);
    snprintf(ui.find, sizeof ui.find, "\u8702");
    ui.has_details = true;
    for (size_t i = 0; i < model.node_count; i++)
        snprintf(model.nodes[i]->name, sizeof model.nodes[i]->name, "%s", names[i % 5]);
    snprintf(model.nodes[0]->health.reason, sizeof model.nodes[0]->health.reason,
             "\u3042\u3044\u3046 \u3048\u304a\u3042\u3044\u3046\u3048\u304a\u3042\u3044\u3046\u3048\u304a");
    for (int rows = 5; rows <= 60; rows += 5) {
        for (int columns = 20; columns <= 200; columns++) {
            struct cells cells;
            render(&model, &ui, columns, rows, true, &cells);
            for (int i = 0; i < columns * rows; i++) {
                assert_true(cells.grid[i].writes <= 1);
                bool is_right_half = cells.grid[i].rune == 0;
                bool follows_wide = i % columns > 0 && wcwidth(cells.grid[i - 1].rune) == 2;
                assert_int_equal(is_right_half, follows_wide);
                assert_false(wcwidth(cells.grid[i].rune) == 2 && i % columns == columns - 1);
            }
            cells_finish(&cells);
        }
    }
    model_finish(&model);
    setlocale(LC_CTYPE, "C");
}

/* What a drawn screen says. */
static void check_says(const struct model *model, const struct ui *ui, int columns, int rows,
                       const char *wanted)
{
    struct cells cells;
    struct hive_buffer text = {0};
    render(model, ui, columns, rows, false, &cells);
    cells_print(&cells, &text);
    if (!strstr(text.data, wanted))
        fail_msg("\"%s\" is not on the screen:\n%s", wanted, text.data);
    hive_buffer_finish(&text);
    cells_finish(&cells);
}

static void a_thousand_drones_and_everything_open_fit_too(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 5, 1000);
    ui_init(&ui, 500);
    sweep(&model, &ui, 9);
    snprintf(ui.selected, sizeof ui.selected, "%s", model.nodes[777]->address);
    ui.panel = UI_PANEL_DRONES;
    ui.has_details = true;
    sweep(&model, &ui, 9);
    model.checks.finding_count = 1;
    sweep(&model, &ui, 9);
    ui.has_details = false;
    ui.sort = SORT_DONE;
    ui.is_sort_reversed = true;
    snprintf(ui.find, sizeof ui.find, "d77");
    sweep(&model, &ui, 9);
    ui.has_all_events = true;
    for (int columns = 20; columns <= 200; columns += 9) {
        struct cells cells;
        render(&model, &ui, columns, 24, false, &cells);
        picture_check(&cells, columns, 24);
        cells_finish(&cells);
    }
    model_finish(&model);
}

static void the_header_says_which_time_is_shown_and_what_was_last_known(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 3, 1);
    ui_init(&ui, 1000);
    check_says(&model, &ui, 80, 24, "LIVE 1s");
    ui.shown_ms = FIXTURE_UNIX_MS;
    check_says(&model, &ui, 80, 24, "PAST 14:13:20");
    ui.is_frozen = true;
    check_says(&model, &ui, 80, 24, "FROZEN 14:13:20");
    check_says(&model, &ui, 80, 24, "t3-14:13:20\n"); /* not "now" */
    ui = (struct ui){.interval_ms = 1000};
    for (int i = 0; i < 3; i++)
        model_take_failure(&model, model.nodes[i], -ECONNREFUSED, "connection refused");
    check_says(&model, &ui, 80, 24, "NO LEADER ~t3  commit ~20");
    check_says(&model, &ui, 39, 24, "NO LEADER ~t3  ~c20");
    model_finish(&model);
}

static void notes_tell_what_is_out_of_the_ordinary(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 5, 1);
    ui_init(&ui, 1000);
    struct hive_fault faults[] = {{.to = "127.0.0.1:8081", .cut = true},
                                  {.to = "127.0.0.1:8082", .delay_ms = 50, .loss_percent = 10},
                                  {.to = "127.0.0.1:8083", .cut = true}};
    model.nodes[0]->health.faults = hive_calloc(3, sizeof *faults);
    memcpy(model.nodes[0]->health.faults, faults, sizeof faults);
    model.nodes[0]->health.fault_count = 3;
    snprintf(model.nodes[0]->health.peers[2].kind, sizeof model.nodes[0]->health.peers[2].kind, "joining");
    snprintf(model.nodes[1]->health.reason, sizeof model.nodes[1]->health.reason, "disk stalled");
    snprintf(model.nodes[2]->health.standing, sizeof model.nodes[2]->health.standing, "removed");
    check_says(&model, &ui, 118, 24, "cut q2,q4 delay q3 50ms lose q3 10%");
    check_says(&model, &ui, 118, 24, "disk stalled");
    check_says(&model, &ui, 118, 24, "removed");
    check_says(&model, &ui, 118, 24, "joining");
    model.nodes[0]->health.ready = model.nodes[1]->health.ready = model.nodes[4]->health.ready = false;
    check_says(&model, &ui, 118, 24, "cut q2,q4 delay q3 50ms lose q3 10%");
    check_says(&model, &ui, 118, 24, "disk stalled");
    check_says(&model, &ui, 118, 24, "not ready");
    model_finish(&model);
}

static void a_queen_without_a_majority_says_what_was_cut_and_then_why(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 5, 1);
    ui_init(&ui, 1000);
    struct hive_health *health = &model.nodes[1]->health;
    health->ready = false;
    snprintf(health->reason, sizeof health->reason, "no contact with a quorum");
    health->faults = hive_calloc(1, sizeof *health->faults);
    health->faults[0] = (struct hive_fault){.to = "127.0.0.1:8080", .cut = true};
    health->fault_count = 1;
    check_says(&model, &ui, 80, 24, " cut q1 no");
    check_says(&model, &ui, 160, 24, " cut q1 no contact with");
    model_finish(&model);
}

static void what_has_the_arrows_what_is_sorted_and_what_is_marked_show_without_colour(void **state)
{
    (void)state;
    struct model model;
    struct ui ui;
    fixture_calm(&model, 5, 2);
    ui_init(&ui, 1000);
    check_says(&model, &ui, 80, 24, "\n=QUEEN ");
    check_says(&model, &ui, 80, 24, "\n-DRONES ");
    ui.panel = UI_PANEL_DRONES;
    check_says(&model, &ui, 80, 24, "\n QUEEN ");
    check_says(&model, &ui, 80, 24, "\n=DRONES ");
    ui.panel = UI_PANEL_EVENTS;
    check_says(&model, &ui, 80, 24, "\n=EVENTS ==");
    ui.sort = SORT_COMMIT;
    check_says(&model, &ui, 80, 24, " COMMIT^APPLIED");
    ui.sort = SORT_DONE;
    ui.is_sort_reversed = true;
    check_says(&model, &ui, 80, 24, "  done 4410v failed 3");
    snprintf(ui.marked[0], sizeof ui.marked[0], "%s", model.nodes[1]->address);
    check_says(&model, &ui, 80, 24, "\n q2   + ");
    model_finish(&model);
}

static void an_empty_model_can_be_shown(void **state)
{
    (void)state;
    struct model model = {0};
    struct ui ui;
    ui_init(&ui, 500);
    press(&ui, &model, "jkgGKPR");
    for (int rows = 0; rows <= 30; rows++) {
        for (int columns = 0; columns <= 100; columns++) {
            struct cells cells;
            render(&model, &ui, columns, rows, false, &cells);
            picture_check(&cells, columns, rows);
            cells_finish(&cells);
        }
    }
    model_finish(&model);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_overlaps_at_any_size),
        cmocka_unit_test(nothing_overlaps_with_many_nodes_and_long_names),
        cmocka_unit_test(nothing_overlaps_with_the_largest_numbers),
        cmocka_unit_test(what_lies_above_the_rest_fits_too),
        cmocka_unit_test(wide_characters_tear_no_line),
        cmocka_unit_test(a_thousand_drones_and_everything_open_fit_too),
        cmocka_unit_test(the_header_says_which_time_is_shown_and_what_was_last_known),
        cmocka_unit_test(notes_tell_what_is_out_of_the_ordinary),
        cmocka_unit_test(a_queen_without_a_majority_says_what_was_cut_and_then_why),
        cmocka_unit_test(what_has_the_arrows_what_is_sorted_and_what_is_marked_show_without_colour),
        cmocka_unit_test(an_empty_model_can_be_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
