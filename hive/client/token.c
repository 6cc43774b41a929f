/* One way to read a token, so that nodes and clients agree about line ends and about what is too long. */
#include "client/token.h"

#include <errno.h>

#include "hive/file.h"

#define TOKEN_FILE_BYTES 4096 /* room for white space; more is some other file, given by mistake */

int hive_token_take(const char *source, const char *text, char token[HIVE_TOKEN_BYTES],
                    struct hive_error *error)
{
    size_t bytes = strlen(text);
    while (bytes && strchr(" \t\r\n", text[bytes - 1]))
        bytes--;
    if (!bytes)
        return hive_error_set(error, -EINVAL, "%s holds no token: put one line of letters and digits there",
                              source);
    if (bytes >= HIVE_TOKEN_BYTES)
        return hive_error_set(error, -EINVAL, "the token in %s is longer than %d characters", source,
                              HIVE_TOKEN_BYTES - 1);
    for (size_t i = 0; i < bytes; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return hive_error_set(error, -EINVAL,
                                  "the token in %s must be one word of printable ASCII characters", source);
    memcpy(token, text, bytes);
    token[bytes] = '\0';
    return 0;
}

int hive_token_read(const char *path, char token[HIVE_TOKEN_BYTES], struct hive_error *error)
{
    struct hive_buffer content = {0};
    int result = hive_file_read(path, TOKEN_FILE_BYTES, &content, error);
    if (!result)
        result = hive_token_take(path, content.data ? content.data : "", token, error);
    hive_buffer_finish(&content);
    return result;
}

int hive_token_of_environment(char token[HIVE_TOKEN_BYTES], struct hive_error *error)
{
    const char *text = getenv("HIVE_TOKEN");
    token[0] = '\0';
    return text && *text ? hive_token_take("$HIVE_TOKEN", text, token, error) : 0;
}
