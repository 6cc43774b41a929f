/* The launcher's own terminal. It may be a pipe to a test or a file, so every line is written at once and
 * whole. */
#include "report.h"

#include <stdarg.h>
#include <unistd.h>

#include "hive/clock.h"

#define RESET "\033[0m"
#define DIM   "\033[2m"
static const char *const colours[] = {
    [REPORT_PLAIN] = "", [REPORT_GOOD] = "\033[32m", [REPORT_WAIT] = "\033[33m", [REPORT_BAD] = "\033[31m"};

void report_open(struct report *report, FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    report->out = out;
    report->has_colour =
        isatty(fileno(out)) && !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

void report_event(struct report *report, enum report_tone tone, const char *who, const char *format, ...)
{
    char text[1024], when[16];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    int64_t now_ms = hive_clock_unix_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(when, sizeof when, "%H:%M:%S", &local);
    if (report->has_colour)
        fprintf(report->out, DIM "%s.%03d" RESET "  %-7s  %s%s" RESET "\n", when, (int)(now_ms % 1000), who,
                colours[tone], text);
    else
        fprintf(report->out, "%s.%03d  %-7s  %s\n", when, (int)(now_ms % 1000), who, text);
    fflush(report->out);
}

void report_detail(struct report *report, const char *text)
{
    fprintf(report->out, report->has_colour ? "    " DIM "%s" RESET "\n" : "    %s\n", text);
    fflush(report->out);
}
