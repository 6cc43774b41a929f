/* A node keeps its colour whoever else is shown, so that q3 looks the same today and tomorrow. */
#include "log_print.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hive/clock.h"
#include "report.h"

#define RECENT_MS (12 * 3600 * 1000)

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
    *print = (struct log_print){
        .has_colour = report_has_colour(stdout),
        .has_names = has_names,
        .now_ms = isatty(STDOUT_FILENO) ? hive_clock_unix_ms() : 0,
    };
}

/* Queens from the beginning of the colours, drones from the end. */
static const char *colour_of(const char *name)
{
    const size_t count = sizeof name_colours / sizeof *name_colours;
    size_t number = (strtoul(name + 1, NULL, 10) + count - 1) % count;
    return name_colours[name[0] == 'd' ? count - 1 - number : number];
}

/* A person who looks at the last hours gets the time of day, as the launcher tells it; a program all of it. */
static void format_time(const struct log_print *print, const struct log_line *line, const char *text,
                        char *when, size_t bytes)
{
    struct tm local;
    time_t seconds = (time_t)(line->time_ms / 1000);
    if (!line->time_bytes || print->now_ms - line->time_ms > RECENT_MS || !print->now_ms) {
        snprintf(when, bytes, "%.*s", (int)line->time_bytes, text);
        return;
    }
    localtime_r(&seconds, &local);
    size_t size = strftime(when, bytes, "%H:%M:%S", &local);
    snprintf(when + size, bytes - size, ".%03d", (int)(line->time_ms % 1000));
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
    char when[32];
    format_time(print, &line, text, when, sizeof when);
    if (print->has_colour)
        printf(DIM "%s" RESET "%s%s" RESET "\n", when, level_colours[line.level], text + line.time_bytes);
    else
        printf("%s%s\n", when, text + line.time_bytes);
}
