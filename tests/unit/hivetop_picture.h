/* A screen as a test looks at it: compared with one that was approved, searched for flaws, read as text. */
#ifndef TESTS_HIVETOP_PICTURE_H
#define TESTS_HIVETOP_PICTURE_H

#include "hive/file.h"
#include "hive/memory.h"
#include "hivetop/render.h"

/* Nothing is drawn twice, nothing is a control character, no wide character is torn. */
static inline void picture_check(const struct cells *cells, int columns, int rows)
{
    assert_int_equal(cells->columns, columns);
    assert_int_equal(cells->rows, rows);
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            const struct cell *cell = cells_at(cells, column, row);
            bool is_right_half = cell->rune == 0 && column > 0 && wcwidth(cell[-1].rune) == 2;
            if (cell->writes > 1)
                fail_msg("at %dx%d, column %d of row %d was drawn %d times", columns, rows, column, row,
                         cell->writes);
            if ((cell->rune < L' ' && !is_right_half) || cell->rune == 0x7f)
                fail_msg("at %dx%d, column %d of row %d holds a control character", columns, rows, column,
                         row);
        }
    }
}

/* The screen as text; the caller owns it. */
static inline char *picture_text(const struct model *model, const struct ui *ui, int columns, int rows,
                                 bool is_unicode)
{
    struct cells cells;
    struct hive_buffer text = {0};
    render(model, ui, columns, rows, is_unicode, &cells);
    cells_print(&cells, &text);
    cells_finish(&cells);
    return hive_buffer_take(&text);
}

/* Compares with tests/screen/NAME-COLUMNSxROWS.txt, or (HIVE_WRITE_SCREENS) writes it. */
static inline void picture_compare(const struct model *model, const struct ui *ui, const char *name,
                                   int columns, int rows, bool is_unicode)
{
    struct hive_buffer wanted = {0};
    struct hive_error error = {0};
    char *text = picture_text(model, ui, columns, rows, is_unicode);
    char *path = hive_format("tests/screen/%s-%dx%d.txt", name, columns, rows);
    if (getenv("HIVE_WRITE_SCREENS")) {
        assert_int_equal(hive_file_write(path, text, strlen(text), 0644, &error), 0);
    } else {
        if (hive_file_read(path, 1 << 20, &wanted, &error))
            fail_msg("%s", error.message);
        if (strcmp(text, wanted.data) != 0)
            fail_msg("%s differs; the screen is now:\n%s", path, text);
    }
    free(path);
    free(text);
    hive_buffer_finish(&wanted);
}

#endif
