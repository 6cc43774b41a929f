/* Fits columns to the width there is, once for all tables: narrow screens lose the least telling columns. */
#include "table.h"

void table_fit(const struct column *columns, int width, struct place places[TABLE_COLUMNS])
{
    int count = 0, needed = -1;
    for (; columns[count].title; count++) {
        places[count].width = columns[count].min;
        needed += columns[count].min + 1;
    }
    while (needed > width) {
        int victim = -1;
        for (int i = 0; i < count; i++) {
            if (places[i].width && columns[i].rank && (victim < 0 || columns[i].rank > columns[victim].rank))
                victim = i;
        }
        if (victim < 0)
            break;
        needed -= places[victim].width + 1;
        places[victim].width = 0;
    }
    int start = 0;
    for (int i = 0; i < count; i++) {
        if (!places[i].width)
            continue;
        int more = columns[i].max - columns[i].min;
        if (more > width - needed)
            more = width > needed ? width - needed : 0;
        places[i].width += more;
        needed += more;
        if (start + places[i].width > width)
            places[i].width = start < width ? width - start : 0;
        places[i].start = start;
        start += places[i].width + 1;
    }
}

static void put(struct cells *cells, const struct column *column, const struct place *place, int left,
                int row, enum style style, const char *text)
{
    if (column->is_right)
        cells_put_right(cells, left + place->start, row, place->width, style, text);
    else
        cells_put(cells, left + place->start, row, place->width, style, text);
}

void table_titles(struct cells *cells, const struct column *columns, const struct place *places, int column,
                  int row)
{
    for (int i = 0; columns[i].title; i++) {
        if (places[i].width)
            put(cells, &columns[i], &places[i], column, row, STYLE_HEADING, columns[i].title);
    }
}

void table_row(struct cells *cells, const struct column *columns, const struct place *places, int column,
               int row, const struct view *view, const struct node *node)
{
    for (int i = 0; columns[i].title; i++) {
        if (!places[i].width)
            continue;
        struct field field = {.style = STYLE_NORMAL};
        columns[i].fill(view, node, places[i].width, &field);
        put(cells, &columns[i], &places[i], column, row, field.style, field.text);
    }
}

int table_first(int count, int height, int selected)
{
    int first = selected - height / 2;
    if (first > count - height)
        first = count - height;
    return first > 0 ? first : 0;
}
