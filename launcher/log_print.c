/* A node keeps its colour whoever else is shown, so that q3 looks the same today and tomorrow. */
#include "log_print.h"

#include <stdlib.h>

#include "report.h"

#define RESET "\033[0m"
#define DIM   "\033[2m"

static const char *const name_colours[] = {"\033[36m", "\033[32m", "\033[35m", "\033[34m",
                                           "\033[96m", "\033[92m", "\033[95m", "\033[94m"};
static const char *const level_colours[] = {[HIVE_LOG_DEBUG] = DIM,
                                            [HIVE_LOG_INFO] = "",
                                            [HIVE_LOG_WARNING] = "\033[33m",
                                            [HIVE_LOG_ERROR] = "\033[31m"};

void log_print_init(struct log_print *print, bool has_names)
{
    *print = (struct log_print){.has_colour = report_has_colour(stdout), .has_names = has_names};
}

/* Queens from the beginning of the colours, drones from the end. */
static const char *colour_of(const char *name)
{
    const size_t count = sizeof name_colours / sizeof *name_colours;
    size_t number = (strtoul(name + 1, NULL, 10) + count - 1) % count;
    return name_colours[name[0] == 'd' ? count - 1 - number : number];
}

void log_print_line(struct log_print *print, struct log_file *file)
{
    const struct log_line line = file->line;
    char *text = log_file_take(file);
    log_line_clean(text);
    if (print->has_names && print->has_colour)
        printf("%s%-*s" RESET " ", colour_of(file->name), print->width, file->name);
    else if (print->has_names)
        printf("%-*s ", print->width, file->name);
    if (print->has_colour)
        printf(DIM "%.*s" RESET "%s%s" RESET "\n", (int)line.time_bytes, text, level_colours[line.level],
               text + line.time_bytes);
    else
        puts(text);
}
