/* The dashboard as a child of the launcher, in the same terminal. Main thread only. */
#ifndef LAUNCHER_TOP_H
#define LAUNCHER_TOP_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "hive/error.h"
#include "hive/ledger.h"
#include "hive/process.h"
#include "report.h"

struct top {
    struct hive_process process; /* pid 0: does not run */
    bool has_terminal;           /* standard output is one: the dashboard stays until somebody leaves it */
    bool was_started;
    struct termios settings; /* of the terminal before */
    bool has_settings;
    struct report terminal; /* where events went before they were diverted */
    bool is_diverted;
};

/* Finds out whether there is a terminal. */
void top_init(struct top *top);

/* Starts it: on a terminal to stay, and events go to logs/launcher.log while it does; else to print one
 * frame. */
int top_start(struct top *top, const char *hivetop, const struct hive_ledger *ledger, struct report *report,
              struct hive_error *error);

/* Asks it to end, where it runs; or makes it. */
void top_end(struct top *top, bool by_force);

/* It has ended: events and the terminal's settings (should it have died before it could) are as they were. */
void top_note_end(struct top *top, struct report *report);

#endif
