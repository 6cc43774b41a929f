/* Error messages, made where the failure is understood and printed once, at the top. */
#include "hive/error.h"

#include <stdarg.h>

int hive_error_set(struct hive_error *error, int code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return code;
}

int hive_error_prefix(struct hive_error *error, int code, const char *format, ...)
{
    if (error) {
        char where[HIVE_ERROR_BYTES / 2];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(where, sizeof where - 2, format, arguments);
        va_end(arguments);
        size_t used = strlen(where);
        where[used++] = ':';
        where[used++] = ' ';
        memmove(error->message + used, error->message, sizeof error->message - used);
        memcpy(error->message, where, used);
        error->message[sizeof error->message - 1] = '\0';
    }
    return code;
}
