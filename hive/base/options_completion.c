/* --generate-completion: picks the shell's generator, and holds what the three of them share. */
#include "base/options_table.h"

#define STATE "\"${XDG_STATE_HOME:-$HOME/.local/state}\"/hive"

/* The names of all nodes of all clusters. */
#define NODES                                                                                                \
    "cat " STATE "/*/cluster.json 2>/dev/null |"                                                             \
    " grep -o \"\\\"name\\\": *\\\"[^\\\"]*\\\", *\\\"role\\\"\" | cut -d \\\" -f 4"

const struct hive_completion_source hive_completion_sources[] = {
    {"cluster", "ls -1 " STATE " 2>/dev/null"},
    {"node", NODES},
    {"target", "echo leader; echo follower; echo random; " NODES},
    {0},
};

bool hive_completion_is_source(const char *completion)
{
    for (const struct hive_completion_source *source = hive_completion_sources; source->name; source++)
        if (completion && strcmp(source->name, completion) == 0)
            return true;
    return false;
}

void hive_completion_print_quoted(FILE *out, const char *text, const char *quote, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'') {
            fputs(quote, out);
            continue;
        }
        if (strchr(special, *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

void hive_options_print_completion(const struct hive_command *command, const char *shell, FILE *out)
{
    static const struct {
        const char *shell;
        void (*print)(const struct hive_command *, FILE *);
    } generators[] = {
        {"bash", hive_options_print_bash},
        {"zsh", hive_options_print_zsh},
        {"fish", hive_options_print_fish},
    };
    for (size_t i = 0; i < sizeof generators / sizeof *generators; i++)
        if (strcmp(generators[i].shell, shell) == 0)
            generators[i].print(command, out);
}
