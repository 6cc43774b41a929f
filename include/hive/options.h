/* The command line from tables. A program (or verb) is described once, as data; the parser, --help,
 * --version, the man page and the shell completion are all made from that description, so that none can fall
 * behind. Thread: the main thread, before others start. */
#ifndef HIVE_OPTIONS_H
#define HIVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hive/error.h"

/* Exit statuses of all programs. */
enum hive_exit {
    HIVE_EXIT_OK = 0,
    HIVE_EXIT_FAILED = 1,      /* the thing asked for failed */
    HIVE_EXIT_USAGE = 2,       /* the command line was wrong */
    HIVE_EXIT_UNAVAILABLE = 3, /* no node, no leader or no launcher answered; nothing was changed */
    HIVE_EXIT_UNKNOWN = 4,     /* the answer was lost: it may or may not have been done */
    HIVE_EXIT_NOT_FOUND = 5,   /* no such key, task or node */
    HIVE_EXIT_CONFLICT = 6,    /* a condition (--if-match …) did not hold */
    HIVE_EXIT_BROKEN = 7,      /* what was watched broke a promise of consensus */
};

enum hive_option_type {
    HIVE_OPTION_FLAG,   /* bool */
    HIVE_OPTION_STRING, /* const char *, points into argv */
    HIVE_OPTION_LIST,   /* struct hive_strings: repeated, comma-separated, or several values behind one option
                           up to   the next one (not where the command has arguments, which such values could be);
                           starts   empty */
    HIVE_OPTION_TEXTS,  /* struct hive_strings: one value each time that it is given, taken as it is (commas,
                           and dashes at its beginning, too); starts empty */
    HIVE_OPTION_INT,    /* int64_t within min and max */
    HIVE_OPTION_MS,     /* int64_t milliseconds: "250ms", "1.5s", "2m", or a bare number of milliseconds */
    HIVE_OPTION_RANGE_MS, /* struct hive_range_ms: "150-300", "150ms-300ms", or one duration for both ends */
    HIVE_OPTION_CHOICE,   /* int: index into `choices` */
};

struct hive_strings {
    const char **items; /* owned by the parser's caller: hive_strings_finish(); the texts too */
    size_t count;
};
void hive_strings_finish(struct hive_strings *strings);

/* Appends a copy of the `bytes` bytes at `text`. */
void hive_strings_append(struct hive_strings *strings, const char *text, size_t bytes);

struct hive_range_ms {
    int64_t min_ms, max_ms;
};

struct hive_option {
    const char *name; /* long name without dashes */
    char letter;      /* short name, or 0 */
    enum hive_option_type type;
    size_t offset;              /* of the field in the struct that hive_options_parse fills */
    const char *argument;       /* shown in help: "HOST:PORT"; NULL for flags */
    const char *help;           /* one sentence, no full stop; says the default and the unit */
    const char *group;          /* heading in the help; NULL: "Options" */
    int64_t min, max;           /* for INT, MS and RANGE_MS; both 0: all that is not negative */
    const char *const *choices; /* for CHOICE: NULL-terminated */
    const char *
        completion; /* what the shell completes: "file", "directory", "node", "target" (a node, or leader and so on),
                               "cluster", or NULL */
};

/* A program, or one of its verbs. */
struct hive_command {
    const char *name;        /* "hive", or "put" for a verb */
    const char *summary;     /* one line */
    const char *synopsis;    /* the arguments after the options: "KEY [VALUE]"; "" for none */
    const char *description; /* paragraphs divided by blank lines, for the man page and the help; or NULL */
    const struct hive_option *options; /* ends with a zeroed element; NULL for none */
    int arguments_min, arguments_max;  /* how many positional arguments; max -1: any */
    const struct hive_command
        *verbs;             /* sub-commands, in alphabetical order, ending with a zeroed one; or NULL */
    const char *examples;   /* lines of "command\n    what it does\n"; or NULL */
    const char *see_also;   /* "hivetop(1), launcher(1)"; or NULL */
    const char *completion; /* what the shell completes for positional arguments, as above; or NULL */
    int (*run)(const struct hive_command *command, int argc, char **argv); /* a verb's entry: argv[0] is its
                                                                              name; returns an exit status */
};

/* Fills `target` (whose fields hold the defaults) from argv[1…]; copies of the positional arguments go to
 * `arguments` in order (NULL where the command takes none). "--" ends the options; --name=value and --name
 * value, -x value and -xvalue all work; an unambiguous start of a long name is taken. Every command has
 * --help and --version without asking for them. Returns 0; 1 where --help, --version or a generator was asked
 * for and printed (exit with HIVE_EXIT_OK); -EINVAL with a message that names the option and suggests the
 * nearest one. Where it does not return 0, all lists are left empty. */
int hive_options_parse(const struct hive_command *command, int argc, char **argv, void *target,
                       struct hive_strings *arguments, struct hive_error *error);

/* Prints "PROGRAM: MESSAGE" and where to find help, on standard error. Returns HIVE_EXIT_USAGE. */
int hive_options_usage_error(const struct hive_command *command, const struct hive_error *error);

/* The verb of that name, or NULL (with a message that suggests the nearest). */
const struct hive_command *hive_options_find_verb(const struct hive_command *command, const char *name,
                                                  struct hive_error *error);

/* Generators, for `make` and for --help. The hidden options --generate-man and
 * --generate-completion=bash|zsh|fish of every program print the last two. */
void hive_options_print_help(const struct hive_command *command, FILE *out);
void hive_options_print_man(const struct hive_command *command, FILE *out);
void hive_options_print_completion(const struct hive_command *command, const char *shell, FILE *out);

#endif
