/* A line of words, as a person quotes them for a shell. Pure. */
#ifndef LAUNCHER_WORDS_H
#define LAUNCHER_WORDS_H

#include "hive/error.h"
#include "hive/options.h"

/* Appends the words of `text` to `words`: divided by blanks, which '…', "…" and \ keep in a word. Nothing is expanded:
 * $, * and ~ stay what they are. 0, or -EINVAL where a quote is not closed. */
int words_split(const char *text, struct hive_strings *words, struct hive_error *error);

#endif
