/* Help, man pages and completions: made from the tables, so that each mentions all that there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/memory.h"
#include "hive/options.h"
#include "hive/version.h"

static const char *const formats[] = {"text", "json", NULL};

#define LONG_HELP                                                                                            \
    "A help text that is too long for one line of a terminal, so that it must be wrapped into the column "   \
    "where "                                                                                                 \
    "it began"

static const struct hive_option options[] = {
    {.name = "queen", .letter = 'q', .help = "It's one"},
    {.name = "file",
     .letter = 'f',
     .type = HIVE_OPTION_STRING,
     .argument = "FILE",
     .help = LONG_HELP,
     .completion = "file"},
    {.name = "data-dir",
     .type = HIVE_OPTION_STRING,
     .argument = "DIR",
     .help = "Where [here: there]",
     .completion = "directory"},
    {.name = "cluster",
     .type = HIVE_OPTION_STRING,
     .argument = "NAME",
     .help = "Which",
     .completion = "cluster"},
    {.name = "an-option-with-a-very-long-name",
     .type = HIVE_OPTION_LIST,
     .argument = "HOST:PORT",
     .help = "Others",
     .group = "Timing"},
    {.name = "format", .letter = 'F', .type = HIVE_OPTION_CHOICE, .choices = formats, .help = "The form"},
    {.name = "beat", .type = HIVE_OPTION_MS, .help = "How often \\ backslash", .group = "Timing"},
    {0},
};

static const struct hive_option put_options[] = {
    {.name = "if-match", .type = HIVE_OPTION_STRING, .argument = "INDEX", .help = "Only when it is so"}, {0}};

static const struct hive_command verbs[] = {
    {.name = "kill",
     .summary = "Kill a node",
     .synopsis = "NODE",
     .arguments_min = 1,
     .arguments_max = 1,
     .completion = "node"},
    {.name = "put",
     .summary = "Store a value",
     .synopsis = "KEY [VALUE]",
     .options = put_options,
     .arguments_min = 1,
     .arguments_max = 2},
    {0},
};

static const struct hive_command command = {
    .name = "prog",
    .summary = "Do what is to be done",
    .synopsis = "",
    .description =
        ".A first paragraph that starts with a full stop and goes on for much longer than one line of "
        "a terminal has room for.\n\nA second one.",
    .options = options,
    .verbs = verbs,
    .examples = "prog --queen\n    be one\nprog put a b\n    store it\n",
    .see_also = "other(1)",
};

static const struct hive_command bare = {.name = "bare", .summary = "Nothing", .synopsis = ""};

/* What the generator prints; the caller frees it. */
static char *printed(void (*print)(const struct hive_command *, FILE *), const struct hive_command *which)
{
    char *text = hive_calloc(1, 65536);
    FILE *out = fmemopen(text, 65536, "w");
    print(which, out);
    fclose(out);
    return text;
}

static void print_bash(const struct hive_command *which, FILE *out)
{
    hive_options_print_completion(which, "bash", out);
}

static void print_zsh(const struct hive_command *which, FILE *out)
{
    hive_options_print_completion(which, "zsh", out);
}

static void print_fish(const struct hive_command *which, FILE *out)
{
    hive_options_print_completion(which, "fish", out);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is missing in:\n%s", part, text);
}

/* Every option of the table, and the common ones, written as `form` does ("--%s"). */
static void assert_has_options(const char *text, const struct hive_option *table, const char *form)
{
    char part[128];
    for (; table->name; table++) {
        snprintf(part, sizeof part, form, table->name);
        assert_has(text, part);
    }
    snprintf(part, sizeof part, form, "help");
    assert_has(text, part);
    snprintf(part, sizeof part, form, "version");
    assert_has(text, part);
    assert_null(strstr(text, "generate"));
}

static void help_mentions_all_there_is(void **state)
{
    (void)state;
    char *help = printed(hive_options_print_help, &command);
    assert_has_options(help, options, "--%s");
    static const char *const parts[] = {"Usage: prog [OPTION]...\n",
                                        "prog VERB",
                                        "\nDo what is to be done\n",
                                        "A second one.",
                                        "\nOptions:\n",
                                        "\nTiming:\n",
                                        "  -q, --queen ",
                                        "--file FILE",
                                        "text|json",
                                        "HOST:PORT...",
                                        "\nVerbs",
                                        "  kill  Kill a node\n",
                                        "  put   Store a value\n",
                                        "\nExamples:\n  prog --queen\n      be one\n",
                                        "\nExit status:\n  0  Done\n",
                                        "  6  ",
                                        "other(1)"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_has(help, parts[i]);
    free(help);
}

static void help_fits_80_columns_and_aligns_its_texts(void **state)
{
    (void)state;
    char *help = printed(hive_options_print_help, &command), *rest = help, *line;
    int column = (int)(strcspn(strstr(help, "\n  -q, --queen") + 1, "I"));
    int texts = 0;
    while ((line = strsep(&rest, "\n"))) {
        assert_true(strlen(line) < 80);
        if (strstr(line, "it began"))
            assert_int_equal(strspn(line, " "), column);
        static const char *const starts[] = {"It's one", "A help text", "Others", "The form",
                                             "Show this help"};
        for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
            const char *found = strstr(line, starts[i]);
            if (found) {
                assert_int_equal(found - line, column);
                texts++;
            }
        }
    }
    assert_int_equal(texts, 5);
    free(help);
}

static void options_of_a_group_stand_together(void **state)
{
    (void)state;
    char *help = printed(hive_options_print_help, &command);
    const char *timing = strstr(help, "\nTiming:\n");
    assert_true(strstr(help, "--format") < timing);
    assert_true(strstr(help, "--help") < timing);
    assert_true(strstr(help, "--an-option-with-a-very-long-name") > timing);
    assert_true(strstr(help, "--beat") > timing);
    free(help);
}

static void the_help_of_a_verb_names_its_program(void **state)
{
    (void)state;
    const struct hive_command *put = hive_options_find_verb(&command, "put", NULL);
    char *help = printed(hive_options_print_help, put), *man = printed(hive_options_print_man, put);
    assert_has(help, "Usage: prog put [OPTION]... KEY [VALUE]\n");
    assert_has_options(help, put_options, "--%s");
    assert_has(man, ".TH PROG-PUT 1 ");
    free(help);
    free(man);
}

static void the_man_page_mentions_all_there_is(void **state)
{
    (void)state;
    char *man = printed(hive_options_print_man, &command);
    static const char *const sections[] = {".TH PROG 1 ",
                                           HIVE_VERSION,
                                           ".SH NAME\nprog \\- Do what",
                                           ".SH SYNOPSIS",
                                           ".SH DESCRIPTION",
                                           ".SH OPTIONS",
                                           ".SS \"Timing\"",
                                           ".SH VERBS",
                                           ".SS kill",
                                           ".SS put",
                                           "if\\-match",
                                           ".SH EXIT STATUS",
                                           ".SH EXAMPLES",
                                           ".SH SEE ALSO\nother(1)",
                                           "\n\\&.A first paragraph",
                                           "How often \\e backslash"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        assert_has(man, sections[i]);
    static const char *const names[] = {
        "queen",  "file", "data\\-dir", "cluster", "an\\-option\\-with\\-a\\-very\\-long\\-name",
        "format", "beat", "help",       "version"};
    assert_int_equal(sizeof names / sizeof *names, sizeof options / sizeof *options + 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *part = hive_format("\\fB%s\\fR", names[i]);
        assert_has(man, part);
        free(part);
    }
    free(man);
}

static void completions_mention_all_there_is(void **state)
{
    (void)state;
    static const struct {
        void (*print)(const struct hive_command *, FILE *);
        const char *form, *file, *directory, *node, *cluster;
    } shells[] = {
        {print_bash, "--%s", "compgen -f", "compgen -d", "$(_prog_node)", "$(_prog_cluster)"},
        {print_zsh, "--%s", ":_files'", ":_files -/'", ":_prog_node'", ":_prog_cluster'"},
        {print_fish, "-l %s", " -r -F", "__fish_complete_directories", "'(__prog_node)'",
         "'(__prog_cluster)'"},
    };
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        char *text = printed(shells[i].print, &command);
        assert_has_options(text, options, shells[i].form);
        assert_has_options(text, put_options, shells[i].form);
        assert_has(text, "text json");
        assert_has(text, "kill");
        assert_has(text, shells[i].file);
        assert_has(text, shells[i].directory);
        assert_has(text, shells[i].node);
        assert_has(text, shells[i].cluster);
        free(text);
    }
}

static void a_command_without_anything_has_all_of_them_too(void **state)
{
    (void)state;
    void (*const generators[])(const struct hive_command *, FILE *) = {
        hive_options_print_help, hive_options_print_man, print_bash, print_zsh, print_fish};
    for (size_t i = 0; i < sizeof generators / sizeof *generators; i++) {
        char *text = printed(generators[i], &bare);
        assert_has(text, "bare");
        assert_has(text, "help");
        free(text);
    }
}

/* What bash offers for the last of the words, one a line. */
static const char *bash_offers(const char *words)
{
    static char offers[4096];
    char *completion = printed(print_bash, &command);
    char *script =
        hive_format("compopt() { :; }\n%s\nCOMP_WORDS=(prog %s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                    "_prog\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n",
                    completion, words);
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t bash = fork();
    if (bash == 0) {
        dup2(channel[1], STDOUT_FILENO);
        execlp("bash", "bash", "--norc", "-u", "-c", script, (char *)NULL);
        _exit(127);
    }
    close(channel[1]);
    size_t used = 0;
    ssize_t bytes;
    while ((bytes = read(channel[0], offers + used, sizeof offers - 1 - used)) > 0)
        used += (size_t)bytes;
    offers[used] = '\0';
    close(channel[0]);
    int status;
    waitpid(bash, &status, 0);
    assert_int_equal(status, 0);
    free(completion);
    free(script);
    return offers;
}

static void bash_runs_its_completion(void **state)
{
    (void)state;
    assert_string_equal(bash_offers("''"), "kill\nput\n");
    assert_string_equal(bash_offers("p"), "put\n");
    assert_string_equal(bash_offers("--q"), "--queen\n");
    assert_string_equal(bash_offers("--format ''"), "text\njson\n");
    assert_string_equal(bash_offers("--format = j"), "json\n");
    assert_string_equal(bash_offers("--format ="), "text\njson\n");
    assert_string_equal(bash_offers("-F t"), "text\n");
    assert_string_equal(bash_offers("put --i"), "--if-match\n");
    assert_string_equal(bash_offers("put --q"), "\n");
    assert_string_equal(bash_offers("--beat ''"), "\n");
    assert_string_equal(bash_offers("--data-dir /us"), "/usr\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_mentions_all_there_is),
        cmocka_unit_test(help_fits_80_columns_and_aligns_its_texts),
        cmocka_unit_test(options_of_a_group_stand_together),
        cmocka_unit_test(the_help_of_a_verb_names_its_program),
        cmocka_unit_test(the_man_page_mentions_all_there_is),
        cmocka_unit_test(completions_mention_all_there_is),
        cmocka_unit_test(a_command_without_anything_has_all_of_them_too),
        cmocka_unit_test(bash_runs_its_completion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
