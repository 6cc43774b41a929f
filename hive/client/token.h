/* The cluster's token: a secret word in a file or in the environment. Thread-safe. */
#ifndef CLIENT_TOKEN_H
#define CLIENT_TOKEN_H

#include "hive/error.h"
#include "hive/limits.h"

/* Checks `text` (white space at its end does not count) and copies it. -EINVAL where it is empty, too long,
 * or cannot stand in a header; `source` names it in the message. */
int hive_token_take(const char *source, const char *text, char token[HIVE_TOKEN_BYTES],
                    struct hive_error *error);

/* The token in the file. -ENOENT where there is no such file, or another error that names it. */
int hive_token_read(const char *path, char token[HIVE_TOKEN_BYTES], struct hive_error *error);

/* $HIVE_TOKEN; an empty `token` where it is not set. 0 or -EINVAL. */
int hive_token_of_environment(char token[HIVE_TOKEN_BYTES], struct hive_error *error);

#endif
