/* Allocation that aborts when memory runs out; see the header for why. */
#include "hive/memory.h"

#include <stdarg.h>

static void *checked(void *memory, size_t bytes)
{
    if (!memory) {
        fprintf(stderr, "hive: out of memory (%zu bytes asked for): aborting\n", bytes);
        abort();
    }
    return memory;
}

void *hive_malloc(size_t bytes)
{
    return checked(malloc(bytes ? bytes : 1), bytes);
}

void *hive_calloc(size_t count, size_t bytes)
{
    return checked(calloc(count ? count : 1, bytes ? bytes : 1), count * bytes);
}

void *hive_realloc(void *memory, size_t count, size_t bytes)
{
    return checked(reallocarray(memory, count ? count : 1, bytes ? bytes : 1), count * bytes);
}

char *hive_strdup(const char *text)
{
    return text ? hive_memdup(text, strlen(text)) : NULL;
}

char *hive_memdup(const void *data, size_t bytes)
{
    char *copy = hive_malloc(bytes + 1);
    if (bytes)
        memcpy(copy, data, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *hive_format(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(bytes < 0 ? NULL : text, 0);
}
