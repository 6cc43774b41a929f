/* Lines of several logs on one terminal, or in a pipe. */
#ifndef LAUNCHER_LOG_PRINT_H
#define LAUNCHER_LOG_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "log_set.h"

struct log_print {
    bool has_colour;
    bool has_names; /* the node's name begins each line */
    int width;      /* of names */
    int64_t now_ms; /* unix; 0: not a terminal */
};

/* To standard output, in colour where that is a terminal and wants them. */
void log_print_init(struct log_print *print, bool has_names);

/* Takes the file's next line and prints it. */
void log_print_line(struct log_print *print, struct log_file *file);

#endif
