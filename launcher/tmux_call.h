/* One call of the program tmux. */
#ifndef LAUNCHER_TMUX_CALL_H
#define LAUNCHER_TMUX_CALL_H

#include <stddef.h>

#include "hive/error.h"
#include "hive/options.h"

/* Appends the words, up to a NULL. */
#define tmux_call_add(words, ...) tmux_call_append(words, __VA_ARGS__, (char *)NULL)
void tmux_call_append(struct hive_strings *words, const char *first, ...) __attribute__((sentinel));

/* Runs the words (the first is the program) and forgets them; what it prints, without the end of the last line, goes to
 * `output` (NULL: nowhere). 0, or a negative errno and what tmux said. */
int tmux_call_run(struct hive_strings *words, char *output, size_t bytes, struct hive_error *error);

/* 0 where tmux can be run; else a message that says what to do. */
int tmux_check(struct hive_error *error);

#endif
