/* What happens, one line an event: time, who, what. Main thread only. */
#ifndef LAUNCHER_REPORT_H
#define LAUNCHER_REPORT_H

#include <stdbool.h>
#include <stdio.h>

enum report_tone {
    REPORT_PLAIN,
    REPORT_GOOD, /* up, ready */
    REPORT_WAIT, /* paused, being waited for */
    REPORT_BAD,  /* died, killed */
};

struct report {
    FILE *out;
    bool has_colour;
};

/* From here on to `out`: in colour where that is a terminal and $NO_COLOR is not set. */
void report_open(struct report *report, FILE *out);

/* One event; `who` is a node's name or "cluster". */
void report_event(struct report *report, enum report_tone tone, const char *who, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line as it is, below an event. */
void report_detail(struct report *report, const char *text);

#endif
