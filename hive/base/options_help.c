/* --help: what a table says, laid out for a terminal of 80 columns. */
#include "base/options_table.h"

enum { WIDTH = 79, OPTION_COLUMN_MAX = 34 };

/* Columns that the text takes: bytes that go on with a UTF-8 character take none. */
static int columns_of(const char *text, size_t bytes)
{
    int columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Prints words up to WIDTH, further lines indented by `indent`; `column` is where the first line stands. */
static void print_wrapped(FILE *out, const char *text, size_t bytes, int indent, int column)
{
    bool is_first = true;
    const char *end = text + bytes;
    for (;;) {
        while (text < end && (*text == ' ' || *text == '\n'))
            text++;
        if (text == end)
            break;
        const char *word = text;
        while (text < end && *text != ' ' && *text != '\n')
            text++;
        int columns = columns_of(word, (size_t)(text - word));
        if (!is_first && column + 1 + columns > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (!is_first) {
            fputc(' ', out);
            column++;
        }
        fwrite(word, 1, (size_t)(text - word), out);
        column += columns;
        is_first = false;
    }
    fputc('\n', out);
}

static void print_paragraphs(FILE *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t bytes = end ? (size_t)(end - text) : strlen(text);
        print_wrapped(out, text, bytes, 0, 0);
        fputc('\n', out);
        text += bytes;
        while (*text == '\n')
            text++;
    }
}

/* Two columns: `left`, and `help` from `column` on, in the next line where `left` is too long. */
static void print_row(FILE *out, const char *left, const char *help, int column)
{
    int used = columns_of(left, strlen(left));
    fputs(left, out);
    if (used + 2 > column)
        fprintf(out, "\n%*s", column, "");
    else
        fprintf(out, "%*s", column - used, "");
    print_wrapped(out, help, strlen(help), column, column);
}

/* "  -p, --port PORT" */
static void append_left(struct hive_buffer *left, const struct hive_option *option)
{
    hive_buffer_clear(left);
    if (option->letter)
        hive_buffer_format(left, "  -%c, --%s", option->letter, option->name);
    else
        hive_buffer_format(left, "      --%s", option->name);
    if (option->type != HIVE_OPTION_FLAG) {
        hive_buffer_append_text(left, " ");
        hive_options_append_argument(left, option);
    }
}

static void print_options(FILE *out, const struct hive_command *command)
{
    const struct hive_option **options = hive_options_grouped(command);
    struct hive_buffer left = {0};
    int column = 0;
    for (size_t i = 0; options[i]; i++) {
        append_left(&left, options[i]);
        int needed = columns_of(left.data, left.size) + 2;
        if (needed > column && needed <= OPTION_COLUMN_MAX)
            column = needed;
    }
    const char *heading = "";
    for (size_t i = 0; options[i]; i++) {
        if (strcmp(heading, hive_options_heading(options[i])) != 0) {
            heading = hive_options_heading(options[i]);
            fprintf(out, "%s%s:\n", i ? "\n" : "", heading);
        }
        append_left(&left, options[i]);
        print_row(out, left.data, options[i]->help, column);
    }
    hive_buffer_finish(&left);
    free(options);
}

static void print_verbs(FILE *out, const struct hive_command *command)
{
    int column = 0;
    for (const struct hive_command *verb = command->verbs; verb->name; verb++) {
        int needed = columns_of(verb->name, strlen(verb->name)) + 4;
        column = needed > column ? needed : column;
    }
    fprintf(out, "\nVerbs ('%s VERB --help' tells more):\n", command->name);
    for (const struct hive_command *verb = command->verbs; verb->name; verb++) {
        struct hive_buffer left = {0};
        hive_buffer_format(&left, "  %s", verb->name);
        print_row(out, left.data, verb->summary, column);
        hive_buffer_finish(&left);
    }
}

static void print_lines(FILE *out, const char *lines)
{
    while (*lines) {
        size_t bytes = strcspn(lines, "\n");
        fprintf(out, bytes ? "  %.*s\n" : "\n", (int)bytes, lines);
        lines += bytes + (lines[bytes] == '\n');
    }
}

void hive_options_print_help(const struct hive_command *command, FILE *out)
{
    struct hive_buffer usage = {0};
    hive_options_append_usage(&usage, command);
    fputs("Usage: ", out);
    print_wrapped(out, usage.data, usage.size, 7 + (int)strlen(command->name) + 1, 7);
    hive_buffer_finish(&usage);
    if (command->verbs)
        fprintf(out, "       %s VERB [OPTION]... [ARGUMENT]...\n", command->name);
    fputc('\n', out);
    print_paragraphs(out, command->summary);
    if (command->description)
        print_paragraphs(out, command->description);
    print_options(out, command);
    if (command->verbs)
        print_verbs(out, command);
    if (command->examples) {
        fputs("\nExamples:\n", out);
        print_lines(out, command->examples);
    }
    fputs("\nExit status:\n", out);
    for (int i = 0; hive_options_exits[i]; i++)
        fprintf(out, "  %d  %s\n", i, hive_options_exits[i]);
    if (command->see_also)
        fprintf(out, "\nSee also: %s\n", command->see_also);
}
