/* What the parser of options and the generators of help, man pages and completions share. */
#ifndef HIVE_BASE_OPTIONS_TABLE_H
#define HIVE_BASE_OPTIONS_TABLE_H

#include "hive/buffer.h"
#include "hive/options.h"

/* What --help, --version and the generators fill. */
struct hive_options_common {
    bool help, version, generate_man;
    int generate_completion; /* index into hive_options_shells, or -1 */
};

/* --help and --version, which every command has without asking, and the generators, which no help mentions.
 * Both end with a zeroed element. */
extern const struct hive_option hive_options_common[];
extern const struct hive_option hive_options_hidden[];

/* "bash", "zsh", "fish", and NULL. */
extern const char *const hive_options_shells[];

/* Exit statuses and what they mean, indexed by enum hive_exit, NULL at the end. */
extern const char *const hive_options_exits[];

/* All options of the command that are for people, the common ones last, group by group in the order in which
 * the table names the groups first. The caller frees the array, which ends with NULL. */
const struct hive_option **hive_options_grouped(const struct hive_command *command);

/* The group's heading. */
const char *hive_options_heading(const struct hive_option *option);

/* Appends how the option's value is written: "PORT", "HOST:PORT...", "text|json"; nothing for a flag. */
void hive_options_append_argument(struct hive_buffer *buffer, const struct hive_option *option);

/* Appends the usage of the command without its verbs: "put [OPTION]... KEY [VALUE]". */
void hive_options_append_usage(struct hive_buffer *buffer, const struct hive_command *command);

/* Appends "hive", or "hive put" for a verb that hive_options_find_verb gave. */
void hive_options_append_name(struct hive_buffer *buffer, const struct hive_command *command);

/* Sets the option's field in `target` from what was typed; a list grows by it. 0 or -EINVAL. */
int hive_options_set(const struct hive_option *option, const char *text, void *target,
                     struct hive_error *error);

/* The nearest of several names to what was typed. Start with {.typed = …}; `name` stays NULL where none is
 * near. */
struct hive_nearest {
    const char *typed;
    const char *name;
    size_t distance;
};
void hive_nearest_consider(struct hive_nearest *nearest, const char *name);

/* Where shells get words to offer that only the machine knows: the nodes and clusters of the ledgers. The
 * command is for sh, and has no single quotes. Ends with a zeroed element. */
struct hive_completion_source {
    const char *name; /* what `completion` says in the tables */
    const char *command;
};
extern const struct hive_completion_source hive_completion_sources[];
bool hive_completion_is_source(const char *completion);

/* Prints text for a place between single quotes: `quote` stands for a quote in it, and a backslash is put
 * before each of the characters in `special`. */
void hive_completion_print_quoted(FILE *out, const char *text, const char *quote, const char *special);

/* The completion of one shell. */
void hive_options_print_bash(const struct hive_command *command, FILE *out);
void hive_options_print_zsh(const struct hive_command *command, FILE *out);
void hive_options_print_fish(const struct hive_command *command, FILE *out);

#endif
