/* --generate-man: the man page, in the roff of man(7). */
#include "base/options_table.h"

#include <ctype.h>

#include "hive/version.h"

/* Prints text so that roff shows it as it is: no dash becomes a hyphen, and no line looks like a request. */
static void print_text(FILE *out, const char *text, size_t bytes)
{
    bool starts_line = true;
    for (size_t i = 0; i < bytes; i++) {
        if (starts_line && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", out);
        starts_line = text[i] == '\n';
        if (text[i] == '\\')
            fputs("\\e", out);
        else if (text[i] == '-')
            fputs("\\-", out);
        else
            fputc(text[i], out);
    }
}

static void print_string(FILE *out, const char *text)
{
    print_text(out, text, strlen(text));
}

/* A word in bold or italics: 'B', 'I'. */
static void print_font(FILE *out, char font, const char *text)
{
    fprintf(out, "\\f%c", font);
    print_string(out, text);
    fputs("\\fR", out);
}

static void print_title(FILE *out, const char *name)
{
    for (; *name; name++)
        fputc(*name == ' ' ? '-' : toupper((unsigned char)*name), out);
}

static void print_paragraphs(FILE *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t bytes = end ? (size_t)(end - text) : strlen(text);
        fputs(".PP\n", out);
        print_text(out, text, bytes);
        fputc('\n', out);
        text += bytes;
        while (*text == '\n')
            text++;
    }
}

static void print_option(FILE *out, const struct hive_option *option)
{
    fputs(".TP\n", out);
    if (option->letter) {
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    }
    fputs("\\fB\\-\\-\\fR", out);
    print_font(out, 'B', option->name);
    if (option->type != HIVE_OPTION_FLAG) {
        struct hive_buffer argument = {0};
        hive_options_append_argument(&argument, option);
        fputc(' ', out);
        print_font(out, 'I', argument.data);
        hive_buffer_finish(&argument);
    }
    fputc('\n', out);
    print_string(out, option->help);
    fputs(".\n", out);
}

static void print_synopsis(FILE *out, const struct hive_command *command, const char *program)
{
    if (program) {
        print_font(out, 'B', program);
        fputc(' ', out);
    }
    print_font(out, 'B', command->name);
    fputs(" [\\fIOPTION\\fR]...", out);
    if (command->synopsis && *command->synopsis) {
        fputc(' ', out);
        print_font(out, 'I', command->synopsis);
    }
    fputc('\n', out);
}

static void print_options(FILE *out, const struct hive_command *command)
{
    const struct hive_option **options = hive_options_grouped(command);
    const char *heading = "Options";
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; options[i]; i++) {
        if (strcmp(heading, hive_options_heading(options[i])) != 0) {
            heading = hive_options_heading(options[i]);
            fputs(".SS \"", out);
            print_string(out, heading);
            fputs("\"\n", out);
        }
        print_option(out, options[i]);
    }
    free(options);
}

static void print_verb(FILE *out, const struct hive_command *verb, const char *program)
{
    fputs(".SS ", out);
    print_string(out, verb->name);
    fputc('\n', out);
    print_synopsis(out, verb, program);
    fputs(".PP\n", out);
    print_string(out, verb->summary);
    fputs(".\n", out);
    if (verb->description)
        print_paragraphs(out, verb->description);
    for (const struct hive_option *option = verb->options; option && option->name; option++)
        print_option(out, option);
}

/* Lines that start with a blank explain the command above them. */
static void print_examples(FILE *out, const char *lines)
{
    while (*lines) {
        size_t bytes = strcspn(lines, "\n");
        size_t indent = strspn(lines, " ");
        if (indent == 0 && bytes > 0) {
            fputs(".TP\n\\fB", out);
            print_text(out, lines, bytes);
            fputs("\\fR\n", out);
        } else if (bytes > indent) {
            print_text(out, lines + indent, bytes - indent);
            fputc('\n', out);
        }
        lines += bytes + (lines[bytes] == '\n');
    }
}

void hive_options_print_man(const struct hive_command *command, FILE *out)
{
    struct hive_buffer name = {0};
    hive_options_append_name(&name, command);
    fputs(".TH ", out);
    print_title(out, name.data);
    fprintf(out, " 1 \"\" \"Hive %s\" \"Hive\"\n.SH NAME\n", HIVE_VERSION);
    print_string(out, name.data);
    fputs(" \\- ", out);
    print_string(out, command->summary);
    fputs("\n.SH SYNOPSIS\n", out);
    const char *space = strrchr(name.data, ' ');
    if (space)
        name.data[space - name.data] = '\0';
    print_synopsis(out, command, space ? name.data : NULL);
    if (command->verbs) {
        fputs(".br\n", out);
        print_font(out, 'B', command->name);
        fputs(" \\fIVERB\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n", out);
    }
    if (command->description) {
        fputs(".SH DESCRIPTION\n", out);
        print_paragraphs(out, command->description);
    }
    print_options(out, command);
    if (command->verbs)
        fputs(".SH VERBS\n", out);
    for (const struct hive_command *verb = command->verbs; verb && verb->name; verb++)
        print_verb(out, verb, command->name);
    fputs(".SH EXIT STATUS\n", out);
    for (int i = 0; hive_options_exits[i]; i++)
        fprintf(out, ".TP\n\\fB%d\\fR\n%s.\n", i, hive_options_exits[i]);
    if (command->examples) {
        fputs(".SH EXAMPLES\n", out);
        print_examples(out, command->examples);
    }
    if (command->see_also) {
        fputs(".SH SEE ALSO\n", out);
        print_string(out, command->see_also);
        fputc('\n', out);
    }
    hive_buffer_finish(&name);
}
