/* Drawing happens on a grid in memory, so that what the screen shows can be computed, compared and printed
 * without a terminal. Text from nodes is not trusted: no control character ever gets into the grid. */
#include "cells.h"

#include <limits.h>

#include "hive/memory.h"

#define UNICODE_RULE  L'\u2500'
#define UNICODE_FULL  L'\u2501' /* lines, not blocks: bars below each other stay apart */
#define UNICODE_HALF  L'\u2578'
#define UNICODE_EMPTY L'\u00b7'

void cells_init(struct cells *cells, int columns, int rows, bool unicode)
{
    *cells = (struct cells){.columns = columns > 0 ? columns : 0,
                            .rows = rows > 0 ? rows : 0,
                            .cursor_column = -1,
                            .cursor_row = -1,
                            .unicode = unicode};
    size_t count = (size_t)cells->columns * (size_t)cells->rows;
    cells->grid = hive_calloc(count + 1, sizeof *cells->grid);
    for (size_t i = 0; i < count; i++)
        cells->grid[i].rune = L' ';
}

void cells_finish(struct cells *cells)
{
    free(cells->grid);
    *cells = (struct cells){0};
}

struct cell *cells_at(const struct cells *cells, int column, int row)
{
    if (column < 0 || row < 0 || column >= cells->columns || row >= cells->rows)
        return NULL;
    return &cells->grid[(size_t)row * (size_t)cells->columns + (size_t)column];
}

static void set(struct cells *cells, int column, int row, enum style style, wchar_t rune)
{
    struct cell *cell = cells_at(cells, column, row);
    if (!cell)
        return;
    cell->rune = rune;
    cell->style = (uint8_t)style;
    if (cell->writes < UINT8_MAX)
        cell->writes++;
}

/* The next character of `*text` that can be shown, and its columns (1 or 2); false at the end. */
static bool next_rune(const char **text, wchar_t *rune, int *width)
{
    while (**text) {
        mbstate_t state = {0};
        size_t bytes = mbrtowc(rune, *text, MB_LEN_MAX, &state);
        if (bytes == (size_t)-1 || bytes == (size_t)-2) {
            *rune = L'?';
            bytes = 1;
        }
        *text += bytes;
        *width = wcwidth(*rune);
        if (*width < 0) {
            *rune = L'?';
            *width = 1;
        }
        if (*width > 0)
            return true;
    }
    return false;
}

int cells_width(const char *text)
{
    int columns = 0, width;
    wchar_t rune;
    while (next_rune(&text, &rune, &width))
        columns += width;
    return columns;
}

size_t cells_fit(const char *text, int width)
{
    const char *at = text, *next = text;
    int used = 0, rune_width;
    wchar_t rune;
    while (next_rune(&next, &rune, &rune_width)) {
        if (at > text && used + rune_width > width)
            return (size_t)(at - text);
        used += rune_width;
        at = next;
    }
    return strlen(text);
}

int cells_put(struct cells *cells, int column, int row, int width, enum style style, const char *text)
{
    int total = cells_width(text);
    int room = total <= width ? width : width - 1; /* the last column then holds the sign that text was cut */
    int used = 0, rune_width;
    wchar_t rune;
    while (next_rune(&text, &rune, &rune_width) && used + rune_width <= room) {
        set(cells, column + used, row, style, rune);
        if (rune_width == 2)
            set(cells, column + used + 1, row, style, 0);
        used += rune_width;
    }
    if (total > width && used < width)
        set(cells, column + used++, row, style, L'>');
    return used;
}

int cells_put_right(struct cells *cells, int column, int row, int width, enum style style, const char *text)
{
    int total = cells_width(text);
    int indent = total < width ? width - total : 0;
    return indent + cells_put(cells, column + indent, row, width - indent, style, text);
}

void cells_draw(struct cells *cells, int column, int row, enum style style, wchar_t rune)
{
    set(cells, column, row, style, rune);
}

void cells_bar(struct cells *cells, int column, int row, int width, enum style style, double share)
{
    int halves = share >= 1 ? 2 * width : share > 0 ? (int)(share * 2 * width) : 0;
    for (int i = 0; i < width; i++) {
        if (halves >= 2 * i + 2)
            set(cells, column + i, row, style, cells->unicode ? UNICODE_FULL : L'#');
        else if (halves == 2 * i + 1 && cells->unicode)
            set(cells, column + i, row, style, UNICODE_HALF);
        else
            set(cells, column + i, row, STYLE_DIM, cells->unicode ? UNICODE_EMPTY : L'.');
    }
}

void cells_rule(struct cells *cells, int column, int row, int width, enum style style)
{
    for (int i = 0; i < width; i++)
        set(cells, column + i, row, style, cells->unicode ? UNICODE_RULE : L'-');
}

void cells_wipe(struct cells *cells, struct area area, enum style style)
{
    for (int row = area.row; row < area.row + area.rows; row++) {
        for (int column = area.column; column < area.column + area.columns; column++) {
            struct cell *cell = cells_at(cells, column, row);
            if (cell)
                *cell = (struct cell){.rune = L' ', .style = (uint8_t)style};
        }
        /* Half a wide character left beside the wiped part would tear the line. */
        struct cell *before = cells_at(cells, area.column - 1, row);
        struct cell *first = cells_at(cells, area.column, row);
        struct cell *after = cells_at(cells, area.column + area.columns, row);
        if (before && first && wcwidth(before->rune) == 2)
            before->rune = L' ';
        if (after && after->rune == 0)
            after->rune = L' ';
    }
}

void cells_paint(struct cells *cells, int column, int row, int width, enum style style)
{
    for (int i = 0; i < width; i++) {
        struct cell *cell = cells_at(cells, column + i, row);
        if (cell)
            cell->style = (uint8_t)style;
    }
}

void cells_mark(struct cells *cells, int column, int row, int width)
{
    for (int i = 0; i < width; i++) {
        struct cell *cell = cells_at(cells, column + i, row);
        if (cell)
            cell->is_marked = true;
    }
}

void cells_tag(struct cells *cells, int column, int row, int width, uint32_t tag)
{
    for (int i = 0; i < width; i++) {
        struct cell *cell = cells_at(cells, column + i, row);
        if (cell)
            cell->tag = tag;
    }
}

void cells_print(const struct cells *cells, struct hive_buffer *out)
{
    size_t end = out->size; /* behind the last line that is not empty */
    for (int row = 0; row < cells->rows; row++) {
        int last = cells->columns - 1;
        while (last >= 0 && cells_at(cells, last, row)->rune == L' ')
            last--;
        for (int column = 0; column <= last; column++) {
            wchar_t rune = cells_at(cells, column, row)->rune;
            char bytes[MB_LEN_MAX];
            mbstate_t state = {0};
            size_t count = rune ? wcrtomb(bytes, rune, &state) : 0;
            if (count == (size_t)-1) {
                bytes[0] = '?';
                count = 1;
            }
            hive_buffer_append(out, bytes, count);
        }
        hive_buffer_append_text(out, "\n");
        if (last >= 0)
            end = out->size;
    }
    if (out->data) {
        out->size = end;
        out->data[end] = '\0';
    }
}

size_t cells_fitting(const char *text, int width)
{
    size_t bytes = strlen(text), blank = 0;
    char part[1024];
    if (cells_width(text) <= width)
        return bytes;
    for (size_t i = 1; i < bytes && i < sizeof part; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80)
            continue; /* within a character */
        memcpy(part, text, i);
        part[i] = '\0';
        if (cells_width(part) > width)
            break;
        blank = text[i] == ' ' ? i : blank;
    }
    return blank ? blank : bytes;
}
