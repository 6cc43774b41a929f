/* One line of a node's log, as hive/log.h writes it or as anything else does. Pure. */
#ifndef LAUNCHER_LOG_LINE_H
#define LAUNCHER_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "hive/log.h"

struct log_line {
    int64_t time_ms;   /* unix; 0: it tells none (a task's output, the words of a sanitizer) */
    size_t time_bytes; /* of the line's beginning that are the time; 0 where that is not how it begins */
    enum hive_log_level level; /* HIVE_LOG_INFO where it tells none */
};

/* Reads what a line of either format tells: "TIME LEVEL …" or {"time":"TIME","level":"LEVEL",…}. */
struct log_line log_line_parse(const char *line);

/* Puts '?' for what could move a terminal's cursor or change its colours: a log may hold a task's output. */
void log_line_clean(char *line);

#endif
