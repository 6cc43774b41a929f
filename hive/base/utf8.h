/* UTF-8, for the files of this room that look at text from strangers. Pure. */
#ifndef HIVE_BASE_UTF8_H
#define HIVE_BASE_UTF8_H

#include <stddef.h>

/* The length in bytes (1–4) of the character that `text` starts with, or 0 where the bytes are not valid
 * UTF-8: overlong forms, surrogates and what lies beyond U+10FFFF are refused. `bytes` > 0. */
size_t hive_utf8_character(const char *text, size_t bytes);

#endif
