/* What somebody looks for in the logs: "text" (case does not matter), "~expression", and either behind "!" where it
 * must not be there. Pure. */
#ifndef HIVETOP_LOG_PATTERN_H
#define HIVETOP_LOG_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_PATTERN_BYTES 128

struct log_pattern {
    char source[LOG_PATTERN_BYTES]; /* as it was typed; empty: nothing is looked for, everything fits */
    const char *text;               /* of it, what is looked for */
    bool is_inverted, is_expression;
    bool is_compiled;    /* the expression is in `compiled` */
    const char *problem; /* why it cannot be looked for (then nothing fits); NULL: it can */
    regex_t compiled;
};

/* Makes it anew from `source`, which is the caller's to change. */
void log_pattern_update(struct log_pattern *pattern);
void log_pattern_finish(struct log_pattern *pattern);

bool log_pattern_fits(const struct log_pattern *pattern, const char *text);

/* The first place from `from` on where what is looked for stands (inverted or not), as bytes of `text`; false: none. */
bool log_pattern_place(const struct log_pattern *pattern, const char *text, size_t from, size_t *start,
                       size_t *end);

#endif
