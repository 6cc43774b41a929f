/* Sentences on the screen, over as many lines as they need. */
#include "view.h"

int view_text(struct cells *cells, struct area area, enum style style, const char *text)
{
    int row = 0;
    char piece[1024];
    for (size_t bytes; *text && row < area.rows && area.columns > 0; row++, text += bytes) {
        bytes = cells_fit(text, area.columns);
        for (size_t i = bytes; text[bytes] && text[bytes] != ' ' && i > 0; i--) {
            if (text[i - 1] == ' ') {
                bytes = i;
                break;
            }
        }
        snprintf(piece, sizeof piece, "%.*s", (int)bytes, text);
        for (size_t end = strlen(piece); end > 0 && piece[end - 1] == ' '; end--)
            piece[end - 1] = '\0';
        cells_put(cells, area.column, area.row + row, area.columns, style, piece);
        while (text[bytes] == ' ')
            bytes++;
    }
    return row;
}
