/* The completion of zsh: each command's table as the specifications that _arguments takes, help texts
 * included. */
#include "base/options_table.h"

static void print_escaped(FILE *out, const char *text)
{
    hive_completion_print_quoted(out, text, "'\\''", "[]:\\");
}

/* What completes a value or an argument; nothing where there is nothing to offer. */
static void print_action(FILE *out, const char *completion, const char *program)
{
    if (completion && strcmp(completion, "file") == 0)
        fputs("_files", out);
    else if (completion && strcmp(completion, "directory") == 0)
        fputs("_files -/", out);
    else if (hive_completion_is_source(completion))
        fprintf(out, "_%s_%s", program, completion);
}

/* '(-p --port)'{-p+,--port=}'[help]:PORT:', or '--port=[help]:PORT:' where there is no letter. */
static void print_option(FILE *out, const struct hive_option *option, const char *program)
{
    bool has_value = option->type != HIVE_OPTION_FLAG;
    const char *repeated = option->type == HIVE_OPTION_LIST || option->type == HIVE_OPTION_TEXTS ? "*" : "";
    const char *plus = has_value ? "+" : "", *equals = has_value ? "=" : "";
    fputs(" \\\n        '", out);
    if (!option->letter)
        fprintf(out, "%s--%s%s", repeated, option->name, equals);
    else if (*repeated)
        fprintf(out, "*'{-%c%s,--%s%s}'", option->letter, plus, option->name, equals);
    else
        fprintf(out, "(-%c --%s)'{-%c%s,--%s%s}'", option->letter, option->name, option->letter, plus,
                option->name, equals);
    fputc('[', out);
    print_escaped(out, option->help);
    fputs("]", out);
    if (has_value) {
        struct hive_buffer argument = {0};
        hive_options_append_argument(&argument, option);
        fputc(':', out);
        print_escaped(out, argument.data);
        fputc(':', out);
        hive_buffer_finish(&argument);
        if (option->type == HIVE_OPTION_CHOICE)
            for (int i = 0; option->choices[i]; i++)
                fprintf(out, "%s%s%s", i ? " " : "(", option->choices[i], option->choices[i + 1] ? "" : ")");
        else
            print_action(out, option->completion, program);
    }
    fputc('\'', out);
}

static void print_arguments(FILE *out, const struct hive_command *command, const char *program)
{
    const struct hive_option **options = hive_options_grouped(command);
    fputs("_arguments -s -S :", out);
    for (size_t i = 0; options[i]; i++)
        print_option(out, options[i], program);
    free(options);
    if (command->verbs) {
        fprintf(out, " \\\n        '1:verb:_%s_verbs'", program);
    } else if (command->arguments_max != 0) {
        fputs(" \\\n        '*:argument:", out);
        print_action(out, command->completion, program);
        fputc('\'', out);
    }
    fputc('\n', out);
}

static void print_verb_list(FILE *out, const struct hive_command *command)
{
    fprintf(out, "_%s_verbs() {\n    local -a verbs\n    verbs=(\n", command->name);
    for (const struct hive_command *verb = command->verbs; verb->name; verb++) {
        fprintf(out, "        '%s:", verb->name);
        print_escaped(out, verb->summary);
        fputs("'\n", out);
    }
    fputs("    )\n    _describe verb verbs\n}\n\n", out);
}

void hive_options_print_zsh(const struct hive_command *command, FILE *out)
{
    const char *program = command->name;
    fprintf(out, "#compdef %s\n\n", program);
    for (const struct hive_completion_source *source = hive_completion_sources; source->name; source++)
        fprintf(out, "_%s_%s() {\n    compadd -- ${(f)\"$(sh -c '%s')\"}\n}\n\n", program, source->name,
                source->command);
    if (command->verbs)
        print_verb_list(out, command);
    fprintf(out, "_%s() {\n", program);
    if (command->verbs) {
        fputs("    local verb=$words[2]\n    if (( CURRENT > 2 )); then\n        case $verb in\n", out);
        for (const struct hive_command *verb = command->verbs; verb->name; verb++) {
            fprintf(out, "        (%s)\n        shift words\n        (( CURRENT-- ))\n        ", verb->name);
            print_arguments(out, verb, program);
            fputs("        return\n        ;;\n", out);
        }
        fputs("        esac\n    fi\n", out);
    }
    fputs("    ", out);
    print_arguments(out, command, program);
    fprintf(out, "}\n\n_%s \"$@\"\n", program);
}
