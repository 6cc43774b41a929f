/* The parts of the command line that all commands have in common, and how a table is walked by all who read
 * it. */
#include "base/options_table.h"

#include "hive/memory.h"

const char *const hive_options_shells[] = {"bash", "zsh", "fish", NULL};

const struct hive_option hive_options_common[] = {
    {.name = "help",
     .letter = 'h',
     .offset = offsetof(struct hive_options_common, help),
     .help = "Show this help and exit"},
    {.name = "version",
     .letter = 'V',
     .offset = offsetof(struct hive_options_common, version),
     .help = "Show the version and exit"},
    {0},
};

const struct hive_option hive_options_hidden[] = {
    {.name = "generate-man",
     .offset = offsetof(struct hive_options_common, generate_man),
     .help = "Print the man page"},
    {.name = "generate-completion",
     .type = HIVE_OPTION_CHOICE,
     .offset = offsetof(struct hive_options_common, generate_completion),
     .choices = hive_options_shells,
     .help = "Print the completion of a shell"},
    {0},
};

const char *const hive_options_exits[] = {
    [HIVE_EXIT_OK] = "Done",
    [HIVE_EXIT_FAILED] = "It failed; the message says why",
    [HIVE_EXIT_USAGE] = "The command line was wrong",
    [HIVE_EXIT_UNAVAILABLE] = "No node, leader or launcher answered; nothing was changed",
    [HIVE_EXIT_UNKNOWN] = "The answer was lost; it may or may not have been done",
    [HIVE_EXIT_NOT_FOUND] = "There is no such key, task or node",
    [HIVE_EXIT_CONFLICT] = "A condition did not hold",
    [HIVE_EXIT_BROKEN] = "What was watched broke a promise of consensus",
    NULL,
};

static size_t count_options(const struct hive_option *options)
{
    size_t count = 0;
    while (options && options[count].name)
        count++;
    return count;
}

const char *hive_options_heading(const struct hive_option *option)
{
    return option->group ? option->group : "Options";
}

const struct hive_option **hive_options_grouped(const struct hive_command *command)
{
    size_t own = count_options(command->options), count = own + count_options(hive_options_common), used = 0;
    const struct hive_option **all = hive_calloc(count, sizeof *all);
    const struct hive_option **grouped = hive_calloc(count + 1, sizeof *grouped);
    for (size_t i = 0; i < count; i++)
        all[i] = i < own ? &command->options[i] : &hive_options_common[i - own];
    for (size_t i = 0; i < count; i++) {
        if (!all[i])
            continue; /* went with its group */
        const char *heading = hive_options_heading(all[i]);
        for (size_t j = i; j < count; j++) {
            if (all[j] && strcmp(hive_options_heading(all[j]), heading) == 0) {
                grouped[used++] = all[j];
                all[j] = NULL;
            }
        }
    }
    free(all);
    return grouped;
}

void hive_options_append_argument(struct hive_buffer *buffer, const struct hive_option *option)
{
    static const char *const usual[] = {
        [HIVE_OPTION_STRING] = "TEXT", [HIVE_OPTION_LIST] = "ITEM",        [HIVE_OPTION_INT] = "NUMBER",
        [HIVE_OPTION_MS] = "TIME",     [HIVE_OPTION_RANGE_MS] = "MIN-MAX", [HIVE_OPTION_TEXTS] = "TEXT",
    };
    if (option->argument)
        hive_buffer_append_text(buffer, option->argument);
    else if (option->type == HIVE_OPTION_CHOICE)
        for (size_t i = 0; option->choices[i]; i++)
            hive_buffer_format(buffer, "%s%s", i ? "|" : "", option->choices[i]);
    else if (option->type != HIVE_OPTION_FLAG)
        hive_buffer_append_text(buffer, usual[option->type]);
    if (option->type == HIVE_OPTION_LIST || option->type == HIVE_OPTION_TEXTS)
        hive_buffer_append_text(buffer, "...");
}

void hive_options_append_usage(struct hive_buffer *buffer, const struct hive_command *command)
{
    hive_options_append_name(buffer, command);
    hive_buffer_append_text(buffer, " [OPTION]...");
    if (command->synopsis && *command->synopsis)
        hive_buffer_format(buffer, " %s", command->synopsis);
}

void hive_strings_append(struct hive_strings *strings, const char *text, size_t bytes)
{
    strings->items = hive_realloc(strings->items, strings->count + 1, sizeof *strings->items);
    strings->items[strings->count++] = hive_memdup(text, bytes);
}

void hive_strings_finish(struct hive_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free((void *)(uintptr_t)strings->items[i]);
    free(strings->items);
    *strings = (struct hive_strings){0};
}
