/* What happens, one line an event: time, who, what. Main thread only. */
#ifndef LAUNCHER_REPORT_H
#define LAUNCHER_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "hive/ledger.h"

enum report_tone {
    REPORT_PLAIN,
    REPORT_GOOD, /* up, ready */
    REPORT_WAIT, /* paused, being waited for */
    REPORT_BAD,  /* died, killed */
};

struct report {
    FILE *out;
    bool has_colour;
    bool is_log; /* a file: whole times, as nodes write them, so that all can be read as one log */
};

/* True where `out` is a terminal that takes colours, and $NO_COLOR is not set. */
bool report_has_colour(FILE *out);

/* From here on to `out`: in colour where that is a terminal and $NO_COLOR is not set. */
void report_open(struct report *report, FILE *out);

/* From here on to logs/launcher.log; false, and as it was, where that cannot be opened. The caller closes report->out. */
bool report_open_log(struct report *report, const struct hive_ledger *ledger);

/* One event; `who` is a node's name or "cluster". */
void report_event(struct report *report, enum report_tone tone, const char *who, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A line as it is, below an event. */
void report_detail(struct report *report, const char *text);

#endif
