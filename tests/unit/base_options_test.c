/* The parser of command lines: every way to write an option, and a helpful word for every wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "hive/options.h"

struct settings {
    bool queen, quiet;
    const char *host;
    struct hive_strings peers, words;
    int64_t port, count, heartbeat_ms;
    struct hive_range_ms election_ms;
    int format;
};

static const char *const formats[] = {"text", "json", NULL};

static const struct hive_option options[] = {
    {.name = "queen", .letter = 'q', .offset = offsetof(struct settings, queen), .help = "Be one"},
    {.name = "quiet", .letter = 'Q', .offset = offsetof(struct settings, quiet), .help = "Say nothing"},
    {.name = "host", .type = HIVE_OPTION_STRING, .offset = offsetof(struct settings, host), .help = "Where"},
    {.name = "host-list",
     .letter = 'l',
     .type = HIVE_OPTION_LIST,
     .offset = offsetof(struct settings, peers),
     .argument = "HOST:PORT",
     .help = "Others"},
    {.name = "words", .type = HIVE_OPTION_TEXTS, .offset = offsetof(struct settings, words), .help = "Texts"},
    {.name = "port",
     .letter = 'p',
     .type = HIVE_OPTION_INT,
     .offset = offsetof(struct settings, port),
     .argument = "PORT",
     .help = "Which",
     .min = 1,
     .max = 65535},
    {.name = "count",
     .type = HIVE_OPTION_INT,
     .offset = offsetof(struct settings, count),
     .help = "How many"},
    {.name = "heartbeat",
     .type = HIVE_OPTION_MS,
     .offset = offsetof(struct settings, heartbeat_ms),
     .help = "How often",
     .min = 10,
     .max = 60000},
    {.name = "election",
     .type = HIVE_OPTION_RANGE_MS,
     .offset = offsetof(struct settings, election_ms),
     .help = "How long",
     .min = 10,
     .max = 60000},
    {.name = "format",
     .type = HIVE_OPTION_CHOICE,
     .offset = offsetof(struct settings, format),
     .choices = formats,
     .help = "Which form"},
    {0},
};

static const struct hive_command verbs[] = {
    {.name = "put",
     .summary = "Store a value",
     .synopsis = "KEY [VALUE]",
     .options = options,
     .arguments_min = 1,
     .arguments_max = 2},
    {.name = "status", .summary = "Show the cluster", .synopsis = "", .arguments_max = 0},
    {0},
};

static const struct hive_command plain = {
    .name = "plain", .summary = "s", .synopsis = "", .options = options};
static const struct hive_command with_verbs = {
    .name = "prog", .summary = "s", .synopsis = "", .options = options, .verbs = verbs};

static struct settings settings;
static struct hive_strings arguments;
static struct hive_error error;

/* Parses the words up to NULL. */
static int parse(const struct hive_command *command, ...)
{
    char *words[32] = {(char *)(uintptr_t)command->name};
    int count = 1;
    va_list list;
    va_start(list, command);
    while ((words[count] = va_arg(list, char *)))
        count++;
    va_end(list);
    hive_strings_finish(&settings.peers);
    hive_strings_finish(&settings.words);
    hive_strings_finish(&arguments);
    settings = (struct settings){.port = 8080};
    error.message[0] = '\0';
    return hive_options_parse(command, count, words, &settings, &arguments, &error);
}

static int finish(void **state)
{
    (void)state;
    hive_strings_finish(&settings.peers);
    hive_strings_finish(&settings.words);
    hive_strings_finish(&arguments);
    return 0;
}

/* The items joined by blanks. */
static const char *joined(const struct hive_strings *strings)
{
    static char text[512];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < strings->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", strings->items[i]);
    return text;
}

static void nothing_typed_keeps_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, NULL), 0);
    assert_int_equal(settings.port, 8080);
    assert_false(settings.queen);
    assert_int_equal(settings.peers.count, 0);
}

static void options_are_taken_in_every_form(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, "--queen", "--port", "81", "--host=a=b", "--format", "json", NULL), 0);
    assert_true(settings.queen);
    assert_int_equal(settings.port, 81);
    assert_string_equal(settings.host, "a=b");
    assert_int_equal(settings.format, 1);
    assert_int_equal(parse(&plain, "-p82", "-qQ", "--host=", NULL), 0);
    assert_int_equal(settings.port, 82);
    assert_true(settings.queen && settings.quiet);
    assert_string_equal(settings.host, "");
    assert_int_equal(parse(&plain, "-qp", "83", "--host", "-", NULL), 0);
    assert_int_equal(settings.port, 83);
    assert_true(settings.queen);
    assert_string_equal(settings.host, "-");
}

static void a_start_of_a_name_is_enough_where_it_is_unambiguous(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, "--que", "--po", "81", NULL), 0);
    assert_true(settings.queen);
    assert_int_equal(settings.port, 81);
    assert_int_equal(parse(&plain, "--host", "a", NULL), 0); /* a whole name beats a longer one */
    assert_string_equal(settings.host, "a");
    assert_int_equal(parse(&plain, "--host-", "a", NULL), 0);
    assert_string_equal(joined(&settings.peers), "a");
    assert_int_equal(parse(&plain, "--qu", NULL), -EINVAL);
    assert_string_equal(error.message, "'--qu' could be any of --queen, --quiet");
    assert_int_equal(parse(&plain, "--he", NULL), -EINVAL);
    assert_non_null(strstr(error.message, "--help"));
}

static void lists_take_commas_repetition_and_several_words(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, "--host-list", "a", "b", "c", "--queen", NULL), 0);
    assert_string_equal(joined(&settings.peers), "a b c");
    assert_true(settings.queen);
    assert_int_equal(parse(&plain, "--host-list=a,b", "-l", "c", "-ld,", "--host-list", "e", NULL), 0);
    assert_string_equal(joined(&settings.peers), "a b c d e");
    assert_int_equal(parse(&plain, "--host-list=,a,,b,", NULL), 0);
    assert_string_equal(joined(&settings.peers), "a b");
    assert_int_equal(parse(&plain, "--host-list=", NULL), 0);
    assert_int_equal(settings.peers.count, 0);
    assert_int_equal(parse(&plain, "--host-list", NULL), -EINVAL);
    assert_int_equal(parse(&plain, "--host-list=a", "b", NULL), -EINVAL);
}

static void texts_are_taken_as_they_are_one_each_time(void **state)
{
    (void)state;
    assert_int_equal(
        parse(&plain, "--words", "--a 1,2", "--words=b,c", "--words", "-q", "--words=", "-q", NULL), 0);
    assert_int_equal(settings.words.count, 4);
    assert_string_equal(joined(&settings.words), "--a 1,2 b,c -q ");
    assert_true(settings.queen);
    assert_int_equal(parse(&plain, "--words", NULL), -EINVAL);
    assert_int_equal(parse(&plain, "--words", "a", "b", NULL), -EINVAL); /* not a list: b is an argument */
    assert_int_equal(settings.words.count, 0);
}

static void lists_leave_the_arguments_of_a_command_alone(void **state)
{
    (void)state;
    assert_int_equal(parse(&verbs[0], "--host-list", "a,b", "key", "value", NULL), 0);
    assert_string_equal(joined(&settings.peers), "a b");
    assert_string_equal(joined(&arguments), "key value");
}

static void arguments_are_counted(void **state)
{
    (void)state;
    assert_int_equal(parse(&verbs[0], NULL), -EINVAL);
    assert_non_null(strstr(error.message, "KEY [VALUE]"));
    assert_int_equal(parse(&verbs[0], "a", "b", "c", NULL), -EINVAL);
    assert_non_null(strstr(error.message, "'c'"));
    assert_int_equal(parse(&plain, "a", NULL), -EINVAL);
    assert_non_null(strstr(error.message, "'a'"));
    assert_int_equal(parse(&verbs[0], "a", "--queen", "b", NULL), 0);
    assert_string_equal(joined(&arguments), "a b");
    static const struct hive_command any = {.name = "any", .synopsis = "", .arguments_max = -1};
    assert_int_equal(parse(&any, "a", "b", "c", "d", NULL), 0);
    assert_string_equal(joined(&arguments), "a b c d");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(parse(&verbs[0], "--queen", "--", "--quiet", "--", NULL), 0);
    assert_true(settings.queen);
    assert_false(settings.quiet);
    assert_string_equal(joined(&arguments), "--quiet --");
}

static void durations_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {{"10", 10},
                 {"250ms", 250},
                 {"1.5s", 1500},
                 {"1m", 60000},
                 {"0.01s", 10},
                 {"1.s", 1000},
                 {".5s", 500},
                 {"9ms", -1},
                 {"61s", -1},
                 {"2m", -1},
                 {"1h", -1},
                 {"", -1},
                 {"s", -1},
                 {"10.5ms", -1},
                 {"1..5s", -1},
                 {"10 ms", -1},
                 {"10S", -1},
                 {"0x20", -1},
                 {"-20", -1},
                 {"1e3", -1},
                 {"10msx", -1},
                 {"10mss", -1},
                 {"99999999999999999999s", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char word[64];
        snprintf(word, sizeof word, "--heartbeat=%s", cases[i].text);
        int result = parse(&plain, word, NULL);
        if (result != (cases[i].ms < 0 ? -EINVAL : 0))
            fail_msg("%s: %d, %s", cases[i].text, result, error.message);
        if (result == 0)
            assert_int_equal(settings.heartbeat_ms, cases[i].ms);
        else
            assert_non_null(strstr(error.message, "10ms to 60s"));
    }
}

static void ranges_have_two_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min_ms, max_ms; /* -1: refused */
    } cases[] = {{"150-300", 150, 300},   {"150ms-300ms", 150, 300},
                 {"150-300ms", 150, 300}, {"1-2s", 1000, 2000},
                 {"500ms-2s", 500, 2000}, {"200", 200, 200},
                 {"1.5s", 1500, 1500},    {"300-150", -1, -1},
                 {"150-", -1, -1},        {"-150", -1, -1},
                 {"9-20", -1, -1},        {"10-61s", -1, -1},
                 {"1-2-3", -1, -1},       {"a-b", -1, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char word[64];
        snprintf(word, sizeof word, "--election=%s", cases[i].text);
        int result = parse(&plain, word, NULL);
        if (result != (cases[i].min_ms < 0 ? -EINVAL : 0))
            fail_msg("%s: %d, %s", cases[i].text, result, error.message);
        if (result == 0) {
            assert_int_equal(settings.election_ms.min_ms, cases[i].min_ms);
            assert_int_equal(settings.election_ms.max_ms, cases[i].max_ms);
        }
    }
}

static void numbers_and_choices_are_checked(void **state)
{
    (void)state;
    static const char *const bad_ports[] = {"0",   "65536", "-1",   "",
                                            "80x", " 80",   "0x50", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad_ports / sizeof *bad_ports; i++) {
        char word[64];
        snprintf(word, sizeof word, "--port=%s", bad_ports[i]);
        assert_int_equal(parse(&plain, word, NULL), -EINVAL);
        assert_non_null(strstr(error.message, "--port must be a whole number from 1 to 65535"));
        assert_int_equal(settings.port, 8080);
    }
    assert_int_equal(parse(&plain, "--count", "9223372036854775807", NULL), 0);
    assert_true(settings.count == INT64_MAX);
    assert_int_equal(parse(&plain, "--count", "9223372036854775808", NULL), -EINVAL);
    assert_int_equal(parse(&plain, "--count", "-5", NULL), -EINVAL);
    assert_string_equal(error.message, "--count must be a whole number, not '-5'");
    assert_int_equal(parse(&plain, "--format", "jsn", NULL), -EINVAL);
    assert_string_equal(error.message, "--format must be one of text, json, not 'jsn': did you mean 'json'?");
}

static void wrong_options_are_named_with_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, "--prot", "80", NULL), -EINVAL);
    assert_string_equal(error.message, "unknown option '--prot': did you mean '--port'?");
    assert_int_equal(parse(&plain, "--ports=80", NULL), -EINVAL);
    assert_string_equal(error.message, "unknown option '--ports': did you mean '--port'?");
    assert_int_equal(parse(&plain, "--vresion", NULL), -EINVAL);
    assert_non_null(strstr(error.message, "'--version'"));
    assert_int_equal(parse(&plain, "--zzzzzzzz", NULL), -EINVAL);
    assert_string_equal(error.message, "unknown option '--zzzzzzzz'");
    assert_int_equal(parse(&plain, "-x", NULL), -EINVAL);
    assert_non_null(strstr(error.message, "'-x'"));
    assert_int_equal(parse(&plain, "--generate-m", NULL), -EINVAL); /* hidden ones are taken in full only */
    assert_null(strstr(error.message, "man"));
    assert_int_equal(parse(&plain, "--=x", NULL), -EINVAL);
    assert_int_equal(parse(&plain, "--queen=yes", NULL), -EINVAL);
    assert_string_equal(error.message, "--queen takes no value");
}

static void swapped_letters_are_the_nearest(void **state)
{
    (void)state;
    static const struct hive_option near[] = {{.name = "pout"}, {.name = "port"}, {.name = "prim"}, {0}};
    static const struct hive_command command = {.name = "near", .synopsis = "", .options = near};
    assert_int_equal(parse(&command, "--prot", NULL), -EINVAL);
    assert_string_equal(error.message, "unknown option '--prot': did you mean '--port'?");
}

static void a_missing_value_is_not_taken_from_the_next_option(void **state)
{
    (void)state;
    assert_int_equal(parse(&plain, "--host", "--queen", NULL), -EINVAL);
    assert_string_equal(error.message, "--host needs a value: --host TEXT");
    assert_int_equal(parse(&plain, "--port", NULL), -EINVAL);
    assert_string_equal(error.message, "--port needs a value: --port PORT");
    assert_int_equal(parse(&plain, "--host=--queen", NULL), 0);
    assert_string_equal(settings.host, "--queen");
}

static void a_failed_parse_leaves_nothing_to_release(void **state)
{
    (void)state;
    assert_int_equal(parse(&verbs[0], "--host-list", "a", "key", "--nonsense", NULL), -EINVAL);
    assert_int_equal(settings.peers.count, 0);
    assert_null(settings.peers.items);
    assert_null(arguments.items);
}

static void verbs_are_found_or_suggested(void **state)
{
    (void)state;
    assert_ptr_equal(hive_options_find_verb(&with_verbs, "put", &error), &verbs[0]);
    assert_ptr_equal(hive_options_find_verb(&with_verbs, "status", &error), &verbs[1]);
    assert_null(hive_options_find_verb(&with_verbs, "statsu", &error));
    assert_string_equal(error.message, "unknown verb 'statsu': did you mean 'status'?");
    assert_null(hive_options_find_verb(&with_verbs, "dance", &error));
    assert_string_equal(error.message, "unknown verb 'dance'");
    assert_null(hive_options_find_verb(&plain, "put", &error));
    assert_int_equal(parse(&with_verbs, "--queen", "ptu", NULL), -EINVAL);
    assert_string_equal(error.message, "unknown verb 'ptu': did you mean 'put'?");
    assert_int_equal(parse(&with_verbs, "--queen", "put", NULL), -EINVAL);
    assert_non_null(strstr(error.message, "must come first"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_typed_keeps_the_defaults),
        cmocka_unit_test(options_are_taken_in_every_form),
        cmocka_unit_test(a_start_of_a_name_is_enough_where_it_is_unambiguous),
        cmocka_unit_test(lists_take_commas_repetition_and_several_words),
        cmocka_unit_test(texts_are_taken_as_they_are_one_each_time),
        cmocka_unit_test(lists_leave_the_arguments_of_a_command_alone),
        cmocka_unit_test(arguments_are_counted),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(ranges_have_two_ends),
        cmocka_unit_test(numbers_and_choices_are_checked),
        cmocka_unit_test(wrong_options_are_named_with_the_nearest),
        cmocka_unit_test(swapped_letters_are_the_nearest),
        cmocka_unit_test(a_missing_value_is_not_taken_from_the_next_option),
        cmocka_unit_test(a_failed_parse_leaves_nothing_to_release),
        cmocka_unit_test(verbs_are_found_or_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
