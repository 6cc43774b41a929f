/* The launcher's own terminal. It may be a pipe to a test or a file, so every line is written at once and
 * whole. */
#include "report.h"

#include <stdarg.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/log.h"

#define RESET "\033[0m"
#define DIM   "\033[2m"
static const char *const colours[] = {
    [REPORT_PLAIN] = "", [REPORT_GOOD] = "\033[32m", [REPORT_WAIT] = "\033[33m", [REPORT_BAD] = "\033[31m"};

bool report_has_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(out)) && !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

void report_open(struct report *report, FILE *out)
{
    *report = (struct report){.out = out, .has_colour = report_has_colour(out)};
}

bool report_open_log(struct report *report, const struct hive_ledger *ledger)
{
    char *path = hive_ledger_path(ledger, "logs/launcher.log");
    FILE *log = fopen(path, "ae");
    free(path);
    if (log)
        *report = (struct report){.out = log, .is_log = true};
    return log != NULL;
}

/* What a tone is in a log. */
static const enum hive_log_level levels[] = {[REPORT_PLAIN] = HIVE_LOG_INFO,
                                             [REPORT_GOOD] = HIVE_LOG_INFO,
                                             [REPORT_WAIT] = HIVE_LOG_WARNING,
                                             [REPORT_BAD] = HIVE_LOG_ERROR};

void report_event(struct report *report, enum report_tone tone, const char *who, const char *format, ...)
{
    char text[1024], when[16];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    int64_t now_ms = hive_clock_unix_ms();
    if (report->is_log) {
        char time[HIVE_CLOCK_TEXT_BYTES];
        hive_clock_format(now_ms, time);
        fprintf(report->out, "%s %s %s: %s\n", time, hive_log_level_names[levels[tone]], who, text);
        fflush(report->out);
        return;
    }
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
