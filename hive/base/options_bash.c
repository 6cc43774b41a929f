/* The completion of bash: one function that looks at the verb, at the option before the cursor, and offers
 * what the tables have for them. It needs bash alone, not the bash-completion package. */
#include "base/options_table.h"

/* The verb's name, or "-" for the program itself. */
static const char *key_of(const struct hive_command *command, bool is_program)
{
    return is_program ? "-" : command->name;
}

/* The shell's words for filling COMPREPLY with what `completion` names. */
static void print_fill(FILE *out, const char *completion, const char *program)
{
    if (completion && strcmp(completion, "file") == 0)
        fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")", out);
    else if (completion && strcmp(completion, "directory") == 0)
        fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")", out);
    else if (hive_completion_is_source(completion))
        fprintf(out, "mapfile -t COMPREPLY < <(compgen -W \"$(_%s_%s)\" -- \"$current\")", program,
                completion);
    else
        fputc(':', out);
}

static void print_words(FILE *out, const char *words)
{
    fprintf(out, "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\")", words);
}

/* One branch for each option that takes a value. */
static void print_values(FILE *out, const struct hive_command *command, const char *key, const char *program)
{
    for (const struct hive_option *option = command->options; option && option->name; option++) {
        if (option->type == HIVE_OPTION_FLAG)
            continue;
        fprintf(out, "    '%s --%s'", key, option->name);
        if (option->letter)
            fprintf(out, " | '%s -%c'", key, option->letter);
        fputs(") ", out);
        if (option->type == HIVE_OPTION_CHOICE) {
            struct hive_buffer words = {0};
            for (int i = 0; option->choices[i]; i++)
                hive_buffer_format(&words, "%s%s", i ? " " : "", option->choices[i]);
            print_words(out, words.data);
            hive_buffer_finish(&words);
        } else {
            print_fill(out, option->completion, program);
        }
        fputs("; return ;;\n", out);
    }
}

/* The branch that offers the command's options. */
static void print_names(FILE *out, const struct hive_command *command, const char *key)
{
    const struct hive_option **options = hive_options_grouped(command);
    struct hive_buffer words = {0};
    for (size_t i = 0; options[i]; i++)
        hive_buffer_format(&words, "%s--%s", i ? " " : "", options[i]->name);
    fprintf(out, "    '%s '-*) ", key);
    print_words(out, words.data);
    fputs(" ;;\n", out);
    hive_buffer_finish(&words);
    free(options);
}

static void print_arguments(FILE *out, const struct hive_command *command, const char *key,
                            const char *program)
{
    fprintf(out, "    '%s '*) ", key);
    print_fill(out, command->completion, program);
    fputs(" ;;\n", out);
}

static void print_verb_choice(FILE *out, const struct hive_command *command)
{
    struct hive_buffer words = {0};
    fputs("    case ${COMP_WORDS[1]} in\n    ", out);
    for (const struct hive_command *verb = command->verbs; verb->name; verb++) {
        fprintf(out, "%s%s", words.size ? " | " : "", verb->name);
        hive_buffer_format(&words, "%s%s", words.size ? " " : "", verb->name);
    }
    fputs(") ((COMP_CWORD > 1)) && verb=${COMP_WORDS[1]} ;;\n    esac\n", out);
    fputs("    if ((COMP_CWORD == 1)) && [[ $current != -* ]]; then\n        ", out);
    print_words(out, words.data);
    fputs("\n        return\n    fi\n", out);
    hive_buffer_finish(&words);
}

void hive_options_print_bash(const struct hive_command *command, FILE *out)
{
    const char *program = command->name;
    fprintf(out, "# bash completion of %s\n\n", program);
    for (const struct hive_completion_source *source = hive_completion_sources; source->name; source++)
        fprintf(out, "_%s_%s()\n{\n    sh -c '%s'\n}\n\n", program, source->name, source->command);
    fprintf(out, "_%s()\n{\n", program);
    fputs("    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=-\n"
          "    COMPREPLY=()\n"
          "    # bash cuts --option=value into three words\n"
          "    if [[ $current == = ]]; then\n"
          "        current=\n"
          "    elif [[ $before == = ]]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n",
          out);
    if (command->verbs)
        print_verb_choice(out, command);
    fputs("    case \"$verb $before\" in\n", out);
    print_values(out, command, key_of(command, true), program);
    for (const struct hive_command *verb = command->verbs; verb && verb->name; verb++)
        print_values(out, verb, key_of(verb, false), program);
    fputs("    esac\n    case \"$verb $current\" in\n", out);
    print_names(out, command, key_of(command, true));
    print_arguments(out, command, key_of(command, true), program);
    for (const struct hive_command *verb = command->verbs; verb && verb->name; verb++) {
        print_names(out, verb, key_of(verb, false));
        print_arguments(out, verb, key_of(verb, false), program);
    }
    fprintf(out, "    esac\n}\n\ncomplete -F _%s %s\n", program, program);
}
