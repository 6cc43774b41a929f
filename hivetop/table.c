/* Fits columns to the width there is, once for all tables: narrow screens lose the least telling columns. */
#include "table.h"

#include "tag.h"

#define UNICODE_UP   L'\u25b2'
#define UNICODE_DOWN L'\u25bc'

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

wchar_t table_arrow(const struct cells *cells, bool is_reversed)
{
    if (cells->unicode)
        return is_reversed ? UNICODE_DOWN : UNICODE_UP;
    return is_reversed ? L'v' : L'^';
}

void table_titles(struct cells *cells, const struct column *columns, const struct place *places, int column,
                  int row, enum style style, const struct ui *ui)
{
    for (int i = 0; columns[i].title; i++) {
        int width = places[i].width, title = cells_width(columns[i].title);
        if (!width)
            continue;
        int left = column + places[i].start;
        put(cells, &columns[i], &places[i], column, row, style, columns[i].title);
        if (columns[i].sort == SORT_COUNT || ui->is_print_out)
            continue;
        cells_tag(cells, left, row, width, TAG(TAG_TITLE, columns[i].sort));
        if (columns[i].sort == ui->sort && (ui->sort != SORT_NAME || ui->is_sort_reversed))
            cells_draw(cells, left + (columns[i].is_right || title > width ? width : title), row, style,
                       table_arrow(cells, ui->is_sort_reversed));
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
        if (field.is_bar)
            cells_bar(cells, column + places[i].start, row, places[i].width, field.style, field.share);
        else
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
