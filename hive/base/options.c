/* The parser of command lines. getopt would need a second list of the options beside the table, and knows
 * neither lists nor what a value must look like; here the table is the only list there is. */
#include "hive/options.h"

#include <errno.h>

#include "base/options_table.h"
#include "hive/version.h"

/* A table of options and the struct that its fields are in. */
struct scope {
    const struct hive_option *options;
    void *target;
};

enum { OWN, COMMON, HIDDEN, SCOPES };

struct parser {
    const struct hive_command *command;
    int argc, next; /* argv[next] is the word to look at next */
    char **argv;
    struct hive_options_common common;
    struct scope scopes[SCOPES];
    struct hive_strings *arguments;
    struct hive_error *error;
};

/* The program whose verb was looked up: the verb's own table does not say whose it is, and its help must. */
static const struct hive_command *program;

void hive_options_append_name(struct hive_buffer *buffer, const struct hive_command *command)
{
    for (const struct hive_command *verb = program ? program->verbs : NULL; verb && verb->name; verb++)
        if (verb == command)
            hive_buffer_format(buffer, "%s ", program->name);
    hive_buffer_append_text(buffer, command->name);
}

static int unknown_option(const struct parser *parser, const char *word, size_t name_bytes)
{
    char typed[64];
    snprintf(typed, sizeof typed, "%.*s", (int)(name_bytes < 63 ? name_bytes : 63), word + 2);
    struct hive_nearest nearest = {.typed = typed};
    for (int i = OWN; i <= COMMON; i++)
        for (const struct hive_option *option = parser->scopes[i].options; option && option->name; option++)
            hive_nearest_consider(&nearest, option->name);
    if (nearest.name)
        return hive_error_set(parser->error, -EINVAL, "unknown option '--%s': did you mean '--%s'?", typed,
                              nearest.name);
    return hive_error_set(parser->error, -EINVAL, "unknown option '--%s'", typed);
}

/* Finds the option whose name is, or alone begins with, the `bytes` bytes behind the dashes of `word`. */
static int find_long(const struct parser *parser, const char *word, size_t bytes,
                     const struct hive_option **found, void **target)
{
    char names[256] = "";
    size_t matches = 0, used = 0;
    for (int i = OWN; i < SCOPES; i++) {
        for (const struct hive_option *option = parser->scopes[i].options; option && option->name; option++) {
            if (strncmp(option->name, word + 2, bytes) != 0)
                continue;
            bool is_exact = option->name[bytes] == '\0';
            if (is_exact || (i != HIDDEN && matches++ == 0)) {
                *found = option;
                *target = parser->scopes[i].target;
            }
            if (is_exact)
                return 0;
            if (i != HIDDEN && used < sizeof names)
                used += (size_t)snprintf(names + used, sizeof names - used, "%s--%s", used ? ", " : "",
                                         option->name);
        }
    }
    if (matches > 1 && bytes > 0)
        return hive_error_set(parser->error, -EINVAL, "'%.*s' could be any of %s", (int)bytes + 2, word,
                              names);
    return matches == 1 ? 0 : unknown_option(parser, word, bytes);
}

static const struct hive_option *find_letter(const struct parser *parser, char letter, void **target)
{
    for (int i = OWN; i < SCOPES; i++) {
        for (const struct hive_option *option = parser->scopes[i].options; option && option->name; option++) {
            if (option->letter == letter) {
                *target = parser->scopes[i].target;
                return option;
            }
        }
    }
    return NULL;
}

/* A word that is an option and not a value: "-" is often a file, and "-5" a number. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9');
}

/* Sets an option from the value that was typed with it (`attached`), or from the words that follow. */
static int take_value(struct parser *parser, const struct hive_option *option, const char *attached,
                      void *target)
{
    if (option->type == HIVE_OPTION_FLAG) {
        if (attached)
            return hive_error_set(parser->error, -EINVAL, "--%s takes no value", option->name);
        return hive_options_set(option, NULL, target, parser->error);
    }
    if (attached)
        return hive_options_set(option, attached, target, parser->error);
    bool is_missing = parser->next >= parser->argc;
    if (is_missing || (option->type != HIVE_OPTION_TEXTS && is_option(parser->argv[parser->next]))) {
        struct hive_buffer form = {0};
        hive_options_append_argument(&form, option);
        hive_error_set(parser->error, -EINVAL, "--%s needs a value: --%s %s", option->name, option->name,
                       form.data);
        hive_buffer_finish(&form);
        return -EINVAL;
    }
    int result = hive_options_set(option, parser->argv[parser->next++], target, parser->error);
    /* Words behind a list's first value belong to it too, unless they could be the command's own arguments.
     */
    if (option->type == HIVE_OPTION_LIST && parser->command->arguments_max == 0)
        while (result == 0 && parser->next < parser->argc && parser->argv[parser->next][0] != '-')
            result = hive_options_set(option, parser->argv[parser->next++], target, parser->error);
    return result;
}

static int parse_long(struct parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t name_bytes = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    const struct hive_option *option = NULL;
    void *target = NULL;
    int result = find_long(parser, word, name_bytes, &option, &target);
    return result < 0 ? result : take_value(parser, option, equals ? equals + 1 : NULL, target);
}

/* "-qv" is "-q -v" while they are flags; the rest behind one that takes a value is its value. */
static int parse_letters(struct parser *parser, const char *word)
{
    int result = 0;
    for (const char *at = word + 1; *at && result == 0; at++) {
        void *target = NULL;
        const struct hive_option *option = find_letter(parser, *at, &target);
        if (!option)
            return hive_error_set(parser->error, -EINVAL, "unknown option '-%c' in '%s'", *at, word);
        bool is_flag = option->type == HIVE_OPTION_FLAG;
        result = take_value(parser, option, is_flag || !at[1] ? NULL : at + 1, target);
        if (!is_flag)
            break;
    }
    return result;
}

/* Prints what one of the common options asked for. 1 where there was one. */
static int obey_common(const struct parser *parser)
{
    const struct hive_command *command = parser->command;
    if (parser->common.help)
        hive_options_print_help(command, stdout);
    else if (parser->common.version)
        printf("%s %s\n", program ? program->name : command->name, HIVE_VERSION);
    else if (parser->common.generate_man)
        hive_options_print_man(command, stdout);
    else if (parser->common.generate_completion >= 0)
        hive_options_print_completion(command, hive_options_shells[parser->common.generate_completion],
                                      stdout);
    else
        return 0;
    return 1;
}

static int check_arguments(const struct parser *parser)
{
    const struct hive_command *command = parser->command;
    const struct hive_strings *arguments = parser->arguments;
    int count = arguments ? (int)arguments->count : 0;
    if (count < command->arguments_min)
        return hive_error_set(parser->error, -EINVAL,
                              count ? "too few arguments: %s" : "arguments are missing: %s",
                              command->synopsis);
    return 0;
}

static int add_argument(const struct parser *parser, const char *word)
{
    const struct hive_command *command = parser->command;
    int max = command->arguments_max;
    if (max == 0 && command->verbs) {
        if (hive_options_find_verb(command, word, parser->error))
            hive_error_set(parser->error, -EINVAL, "'%s' must come first: %s %s …", word, command->name,
                           word);
        return -EINVAL;
    }
    if (max >= 0 && (max == 0 || parser->arguments->count == (size_t)max))
        return hive_error_set(parser->error, -EINVAL, "'%s' is one argument too many", word);
    hive_strings_append(parser->arguments, word, strlen(word));
    return 0;
}

/* Empties the lists, so that a failed parse leaves nothing to release. */
static void drop_lists(const struct parser *parser)
{
    for (const struct hive_option *option = parser->scopes[OWN].options; option && option->name; option++)
        if (option->type == HIVE_OPTION_LIST || option->type == HIVE_OPTION_TEXTS)
            hive_strings_finish((void *)((char *)parser->scopes[OWN].target + option->offset));
    if (parser->arguments)
        hive_strings_finish(parser->arguments);
}

int hive_options_parse(const struct hive_command *command, int argc, char **argv, void *target,
                       struct hive_strings *arguments, struct hive_error *error)
{
    struct parser parser = {
        .command = command,
        .argc = argc,
        .next = 1,
        .argv = argv,
        .common = {.generate_completion = -1},
        .arguments = arguments,
        .error = error,
    };
    parser.scopes[OWN] = (struct scope){command->options, target};
    parser.scopes[COMMON] = (struct scope){hive_options_common, &parser.common};
    parser.scopes[HIDDEN] = (struct scope){hive_options_hidden, &parser.common};

    int result = 0;
    bool takes_options = true;
    while (result == 0 && parser.next < argc) {
        const char *word = argv[parser.next++];
        if (takes_options && strcmp(word, "--") == 0)
            takes_options = false;
        else if (!takes_options || word[0] != '-' || word[1] == '\0')
            result = add_argument(&parser, word);
        else
            result = word[1] == '-' ? parse_long(&parser, word) : parse_letters(&parser, word);
        if (result == 0)
            result = obey_common(&parser);
    }
    if (result == 0)
        result = check_arguments(&parser);
    if (result != 0)
        drop_lists(&parser);
    return result;
}

int hive_options_usage_error(const struct hive_command *command, const struct hive_error *error)
{
    struct hive_buffer name = {0};
    hive_options_append_name(&name, command);
    fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name.data, error->message, name.data);
    hive_buffer_finish(&name);
    return HIVE_EXIT_USAGE;
}

const struct hive_command *hive_options_find_verb(const struct hive_command *command, const char *name,
                                                  struct hive_error *error)
{
    struct hive_nearest nearest = {.typed = name};
    program = command;
    for (const struct hive_command *verb = command->verbs; verb && verb->name; verb++) {
        if (strcmp(verb->name, name) == 0)
            return verb;
        hive_nearest_consider(&nearest, verb->name);
    }
    if (nearest.name)
        hive_error_set(error, -EINVAL, "unknown verb '%s': did you mean '%s'?", name, nearest.name);
    else
        hive_error_set(error, -EINVAL, "unknown verb '%s'", name);
    return NULL;
}
