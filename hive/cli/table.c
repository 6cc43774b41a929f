/* What the verbs print for people. Texts in the store and of tasks are anybody's: here they lose the power to
 * move the cursor or to pass for another line. */
#include "cli/table.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hive/encoding.h"
#include "hive/memory.h"

#define GAP        2    /* columns of space between two cells */
#define STYLE_HEAD "1"  /* SGR parameters: bold */
#define STYLE_GOOD "32" /* green */
#define STYLE_BUSY "33" /* yellow */
#define STYLE_BAD  "31" /* red */

/* The words that are worth a colour, in whatever cell they stand alone. */
static const struct {
    const char *word, *style;
} styles[] = {
    {"LEADER", STYLE_GOOD},  {"CANDIDATE", STYLE_BUSY}, {"unreachable", STYLE_BAD}, {"healthy", STYLE_GOOD},
    {"suspect", STYLE_BUSY}, {"lost", STYLE_BAD},       {"pending", STYLE_BUSY},    {"assigned", STYLE_BUSY},
    {"running", STYLE_BUSY}, {"succeeded", STYLE_GOOD}, {"failed", STYLE_BAD},
};

/* Bytes of the UTF-8 character at `text`, 0 where it is broken or would act on a terminal. */
static size_t printable_bytes(const unsigned char *text, size_t bytes)
{
    if (*text >= 0x20 && *text < 0x7f)
        return 1;
    if (*text == 0xc2 && bytes > 1 && text[1] < 0xa0) /* U+0080 to U+009F: control characters too */
        return 0;
    size_t length = *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;
    return *text >= 0xc0 && length <= bytes && hive_is_utf8((const char *)text, length) ? length : 0;
}

void cli_table_escape(struct hive_buffer *text, const void *data, size_t bytes)
{
    const unsigned char *at = data, *end = at + bytes;
    while (at < end) {
        size_t length = printable_bytes(at, (size_t)(end - at));
        if (length) {
            hive_buffer_append(text, at, length);
            at += length;
        } else if (*at == '\n' || *at == '\t') {
            hive_buffer_append_text(text, *at++ == '\n' ? "\\n" : "\\t");
        } else {
            hive_buffer_format(text, "\\x%02x", *at++);
        }
    }
}

void cli_table_add_bytes(struct cli_table *table, const void *data, size_t bytes)
{
    struct hive_buffer text = {0};
    cli_table_escape(&text, data, bytes);
    table->cells = hive_realloc(table->cells, table->cell_count + 1, sizeof *table->cells);
    table->cells[table->cell_count++] = hive_buffer_take(&text);
}

void cli_table_add(struct cli_table *table, const char *format, ...)
{
    struct hive_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    hive_buffer_vformat(&text, format, arguments);
    va_end(arguments);
    cli_table_add_bytes(table, text.data, text.size);
    hive_buffer_finish(&text);
}

void cli_table_format_age(int64_t ms, char text[32])
{
    long long s = ms / 1000;
    if (s < 60)
        snprintf(text, 32, "%lld.%llds", s, (long long)(ms % 1000 / 100));
    else if (s < 3600)
        snprintf(text, 32, "%lldm%02llds", s / 60, s % 60);
    else if (s < 24 * 3600)
        snprintf(text, 32, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        snprintf(text, 32, "%lldd%02lldh", s / (24 * 3600), s / 3600 % 24);
}

void cli_table_add_age(struct cli_table *table, int64_t ms)
{
    char text[32] = "-";
    if (ms >= 0)
        cli_table_format_age(ms, text);
    cli_table_add(table, "%s", text);
}

int64_t cli_table_age_ms(int64_t now_ms, int64_t then_ms)
{
    if (then_ms == 0)
        return -1;
    return now_ms > then_ms ? now_ms - then_ms : 0; /* clocks of two machines may differ */
}

/* Terminal columns of a text: one a character, since the cells hold no control characters. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* Bytes of the first `columns` characters. */
static size_t bytes_of(const char *text, size_t columns)
{
    const char *at = text;
    while (*at && (columns || ((unsigned char)*at & 0xc0) == 0x80)) {
        columns -= ((unsigned char)*at & 0xc0) != 0x80;
        at++;
    }
    return (size_t)(at - text);
}

static const char *style_of(const char *text)
{
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        if (strcmp(styles[i].word, text) == 0)
            return styles[i].style;
    return NULL;
}

static bool takes_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

/* Columns of the terminal; "no end" where `out` is none. */
static size_t width_of(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return SIZE_MAX;
    return size.ws_col;
}

static void print_cell(const char *text, const char *style, size_t bytes, size_t padding, bool is_right,
                       FILE *out)
{
    if (is_right)
        fprintf(out, "%*s", (int)padding, "");
    if (style)
        fprintf(out, "\033[%sm", style);
    fwrite(text, 1, bytes, out);
    if (bytes < strlen(text))
        fputs("…", out);
    if (style)
        fputs("\033[0m", out);
    if (!is_right)
        fprintf(out, "%*s", (int)padding, "");
}

/* One row, without trailing blanks; its last cell is cut where the terminal ends. */
static void print_row(const struct cli_table *table, const char *const *cells, const size_t *widths,
                      const char *style, FILE *out)
{
    bool takes_style = takes_colour(out);
    size_t left = width_of(out), count = table->column_count;
    while (count > 1 && !*cells[count - 1])
        count--;
    for (size_t i = 0; i < count; i++) {
        size_t columns = columns_of(cells[i]), bytes = strlen(cells[i]);
        bool is_last = i + 1 == count, is_right = table->columns[i].is_number;
        if (is_last && columns > left && left > 1)
            bytes = bytes_of(cells[i], left - 1);
        const char *cell_style = !takes_style ? NULL : style ? style : style_of(cells[i]);
        print_cell(cells[i], cell_style, bytes, is_last && !is_right ? 0 : widths[i] - columns, is_right,
                   out);
        if (!is_last)
            fprintf(out, "%*s", GAP, "");
        left = left > widths[i] + GAP ? left - widths[i] - GAP : 0;
    }
    fputc('\n', out);
}

void cli_table_print(const struct cli_table *table, FILE *out)
{
    size_t count = table->column_count;
    size_t *widths = hive_calloc(count, sizeof *widths);
    const char **titles = hive_calloc(count, sizeof *titles);
    for (size_t i = 0; i < count; i++) {
        titles[i] = table->columns[i].title;
        widths[i] = columns_of(titles[i]);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t columns = columns_of(table->cells[i]);
        if (columns > widths[i % count])
            widths[i % count] = columns;
    }
    print_row(table, titles, widths, STYLE_HEAD, out);
    for (size_t i = 0; i + count <= table->cell_count; i += count)
        print_row(table, (const char *const *)&table->cells[i], widths, NULL, out);
    free(titles);
    free(widths);
}

void cli_table_finish(struct cli_table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
}
