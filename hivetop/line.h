/* A line of text that is being typed: UTF-8, always whole characters. Pure. */
#ifndef HIVETOP_LINE_H
#define HIVETOP_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Types the key at the end of `text`, which has room for `capacity` bytes, or erases with it (Backspace, ^W a word, ^U all).
 * False where the key does neither. */
bool line_key(char *text, size_t capacity, int key);

#endif
