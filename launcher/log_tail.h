/* The last lines of a node's log, for the report of its death. */
#ifndef LAUNCHER_LOG_TAIL_H
#define LAUNCHER_LOG_TAIL_H

#include <stdint.h>

#include "report.h"

/* Reports the last lines of the file that lie behind `offset` (what is before is of an earlier run). */
void log_tail_report(const char *path, int64_t offset, struct report *report);

#endif
