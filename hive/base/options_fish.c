/* The completion of fish: one `complete` line for each option and verb, with its help text. */
#include "base/options_table.h"

static void print_escaped(FILE *out, const char *text)
{
    hive_completion_print_quoted(out, text, "\\'", "\\");
}

/* The flags of `complete` that offer what `completion` names; `-x` takes a value and offers no files. */
static void print_offer(FILE *out, const char *completion, const char *program)
{
    if (completion && strcmp(completion, "file") == 0)
        fputs(" -r -F", out);
    else if (completion && strcmp(completion, "directory") == 0)
        fputs(" -x -a '(__fish_complete_directories)'", out);
    else if (hive_completion_is_source(completion))
        fprintf(out, " -x -a '(__%s_%s)'", program, completion);
    else
        fputs(" -x", out);
}

/* The verb that a line is for, or that none was typed. */
static void print_condition(FILE *out, const struct hive_command *command, const struct hive_command *verb)
{
    fputs(verb ? " -n '" : " -n 'not ", out);
    fputs("__fish_seen_subcommand_from", out);
    for (const struct hive_command *each = command->verbs; each->name; each++)
        if (!verb || each == verb)
            fprintf(out, " %s", each->name);
    fputc('\'', out);
}

static void print_options(FILE *out, const struct hive_command *command, const struct hive_command *verb)
{
    const struct hive_option **options = hive_options_grouped(verb ? verb : command);
    for (size_t i = 0; options[i]; i++) {
        const struct hive_option *option = options[i];
        fprintf(out, "complete -c %s", command->name);
        if (command->verbs)
            print_condition(out, command, verb);
        fprintf(out, " -l %s", option->name);
        if (option->letter)
            fprintf(out, " -s %c", option->letter);
        if (option->type == HIVE_OPTION_CHOICE) {
            fputs(" -x -a '", out);
            for (int j = 0; option->choices[j]; j++)
                fprintf(out, "%s%s", j ? " " : "", option->choices[j]);
            fputc('\'', out);
        } else if (option->type != HIVE_OPTION_FLAG) {
            print_offer(out, option->completion, command->name);
        }
        fputs(" -d '", out);
        print_escaped(out, option->help);
        fputs("'\n", out);
    }
    free(options);
}

static void print_verb(FILE *out, const struct hive_command *command, const struct hive_command *verb)
{
    fprintf(out, "complete -c %s -n __fish_use_subcommand -a %s -d '", command->name, verb->name);
    print_escaped(out, verb->summary);
    fputs("'\n", out);
    if (verb->completion) {
        fprintf(out, "complete -c %s", command->name);
        print_condition(out, command, verb);
        print_offer(out, verb->completion, command->name);
        fputc('\n', out);
    }
}

void hive_options_print_fish(const struct hive_command *command, FILE *out)
{
    fprintf(out, "# fish completion of %s\n\n", command->name);
    for (const struct hive_completion_source *source = hive_completion_sources; source->name; source++)
        fprintf(out, "function __%s_%s\n    sh -c '%s'\nend\n\n", command->name, source->name,
                source->command);
    fprintf(out, "complete -c %s -f\n", command->name);
    print_options(out, command, NULL);
    for (const struct hive_command *verb = command->verbs; verb && verb->name; verb++) {
        print_verb(out, command, verb);
        print_options(out, command, verb);
    }
    if (command->completion) {
        fprintf(out, "complete -c %s", command->name);
        print_offer(out, command->completion, command->name);
        fputc('\n', out);
    }
}
