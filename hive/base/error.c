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
        char old[HIVE_ERROR_BYTES], where[HIVE_ERROR_BYTES];
        memcpy(old, error->message, sizeof old);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(where, sizeof where, format, arguments);
        va_end(arguments);
        int used = snprintf(error->message, sizeof error->message, "%.200s: ", where);
        snprintf(error->message + used, sizeof error->message - (size_t)used, "%s", old);
    }
    return code;
}
